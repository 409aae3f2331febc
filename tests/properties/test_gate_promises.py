"""The promises of the gate, over every abstract case; and that a bug in the policy breaks one of them."""

from pathlib import Path

import pytest

import midwatch
from midwatch.policy.promises import broken_promises
from midwatch.policy.rules import Rules

FOLDER = Path(midwatch.__file__).parent / "shipped" / "policy"
POLICY = (FOLDER / "default.cedar").read_text(encoding="utf-8")
SCHEMA = (FOLDER / "schema.cedarschema").read_text(encoding="utf-8")
RULES = Rules.load(POLICY, SCHEMA)
FORBIDS = [rule.id for rule in RULES.rules.values() if not rule.allows]
PERMITS = [rule.id for rule in RULES.rules.values() if rule.allows]


def without(rule: str) -> str:
    """Return the policy with one rule left out."""
    start = POLICY.index(f'@id("{rule}")')
    return POLICY[:start] + POLICY[POLICY.index(";\n", start) + 2 :]


def test_the_default_policy_keeps_every_promise_in_every_case() -> None:
    assert list(broken_promises(RULES)) == []


@pytest.mark.parametrize("rule", [*FORBIDS, *PERMITS])
def test_a_policy_without_one_of_its_rules_breaks_a_promise(rule: str) -> None:
    mutant = Rules.load(without(rule), SCHEMA)
    assert len(mutant.rules) == len(RULES.rules) - 1
    assert next(broken_promises(mutant), None) is not None


ACTS = 'action in [Action::"write", Action::"irreversible"], resource)\n'
PROPOSING = 'when { context.mode == Mode::"propose" }'
ASK_WRITE_ENDS = '};\n\n@id("ask.untrusted")'
ASKING = "context.approved.second_person || (principal is Person"
FINAL_OR_SECOND = '(context.effect == Effect::"irreversible" || context.second_person)'
WEAKENED = [
    ("context.tool_calls_left <= 0", "context.tool_calls_left < 0"),
    ("context.effects_left <= 0", "context.effects_left < 0"),
    ("context.usd_left_micro < context.usd_needed_micro", "context.usd_left_micro < 0"),
    ("context.usd_left_micro < context.usd_needed_micro", "context.usd_left_micro == 0"),
    ("context.seal_lag_ms > 60000", "context.seal_lag_ms > 600000"),
    ('Mode::"approve" && context.approved.count < 1', 'Mode::"approve" && context.approved.count < 0'),
    ("&&\n  context.approved.count < 1\n}", "&&\n  context.approved.count < 0\n}"),
    ('Integrity::"untrusted" || context.guard', 'Integrity::"untrusted" && context.guard'),
    ('(context.args.integrity == Integrity::"untrusted" || ', "("),
    (' || context.guard.integrity == Integrity::"untrusted")', ")"),
    (ASKING, ASKING.replace("context.approved.second_person", "context.approved.count > 0")),
    ("unless { context.approved.second_person };", "unless { context.approved.self_approved };"),
    ("when { context.person_confirmed };", "when { true };"),
    (f"principal is Person || context.is_undo) {ASK_WRITE_ENDS}", f"true) {ASK_WRITE_ENDS}"),
    ('context.profile == Profile::"team" && context.who == context.requester', "false"),
    ('context.profile == Profile::"team" && context.authors.contains(context.who)', "false"),
    (FINAL_OR_SECOND, "context.second_person"),
    (FINAL_OR_SECOND, 'context.effect == Effect::"irreversible"'),
    ("unless { context.people.contains(context.who) }", "unless { true }"),
    ('Confidentiality::"secret"', 'Confidentiality::"personal"'),
    ("context.undo_declared || context.is_undo ||", "true ||"),
    (f"{ACTS}when {{ context.halted }}", 'action == Action::"write", resource)\nwhen { context.halted }'),
    (f"{ACTS}when {{ context.frozen }}", "action, resource is Tool)\nwhen { context.frozen }"),
    (f"principal is Agent, {ACTS}{PROPOSING}", f"principal is Person, {ACTS}{PROPOSING}"),
]  # fmt: skip


@pytest.mark.parametrize("place", range(len(WEAKENED)))
def test_a_policy_with_one_bound_changed_breaks_a_promise(place: int) -> None:
    old, new = WEAKENED[place]
    assert POLICY.count(old) == 1
    mutant = Rules.load(POLICY.replace(old, new), SCHEMA)
    assert next(broken_promises(mutant), None) is not None
