from dataclasses import replace
from pathlib import Path

import pytest

import midwatch
from midwatch.base.classes import EffectClass, Mode, Profile
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Principal
from midwatch.policy.decision import Denial, Verdict
from midwatch.policy.errors import (
    FactsUnreadableError,
    PolicyIdError,
    PolicyInvalidError,
    PolicyNamelessError,
    PolicySchemaError,
    PolicyUnreadableError,
)
from midwatch.policy.facts import NOBODY, Approved, facts_from
from midwatch.policy.gate import requirements_for, weakest
from midwatch.policy.rules import SAMPLE, SAMPLE_ANSWER, Rules

FOLDER = Path(midwatch.__file__).parent / "shipped" / "policy"
POLICY = (FOLDER / "default.cedar").read_text(encoding="utf-8")
SCHEMA = (FOLDER / "schema.cedarschema").read_text(encoding="utf-8")
RULES = Rules.load(POLICY, SCHEMA)
OFFERED = requirements_for(("team:guardians",))
SELF = Approved(
    count=1,
    people=frozenset({"person:ada"}),
    teams=frozenset({"team:guardians"}),
    second_person=False,
    self_approved=True,
)

# fmt: off
MODES = [
    (Mode.OBSERVE, EffectClass.READ, "allowed"),
    (Mode.OBSERVE, EffectClass.WRITE, "forbidden"),
    (Mode.OBSERVE, EffectClass.IRREVERSIBLE, "forbidden"),
    (Mode.PROPOSE, EffectClass.READ, "allowed"),
    (Mode.PROPOSE, EffectClass.WRITE, "shadow"),
    (Mode.PROPOSE, EffectClass.IRREVERSIBLE, "shadow"),
    (Mode.APPROVE, EffectClass.READ, "allowed"),
    (Mode.APPROVE, EffectClass.WRITE, "one"),
    (Mode.APPROVE, EffectClass.IRREVERSIBLE, "second_person"),
    (Mode.AUTO, EffectClass.READ, "allowed"),
    (Mode.AUTO, EffectClass.WRITE, "allowed"),
    (Mode.AUTO, EffectClass.IRREVERSIBLE, "second_person"),
]
# fmt: on


@pytest.mark.parametrize(("mode", "effect", "expected"), MODES)
def test_modes_and_effect_classes_decide_as_the_table_in_the_policy_says(
    mode: Mode, effect: EffectClass, expected: str
) -> None:
    decision = RULES.judge(replace(SAMPLE, mode=mode, effect=effect, profile=Profile.SOLO), OFFERED)
    asked = decision.requirement.name if decision.requirement is not None else ""
    assert expected in {decision.outcome.value, decision.kind.value, asked}


def test_every_rule_has_a_sentence_for_people() -> None:
    assert len(RULES.rules) >= 12
    assert all(rule.says.endswith(".") for rule in RULES.rules.values())


def test_a_question_names_the_rules_that_ask_in_words() -> None:
    decision = RULES.judge(replace(SAMPLE, mode=Mode.APPROVE), OFFERED)
    assert decision.reasons == ("ask.write",)
    assert decision.says == ("In mode approve a person decides before anything is changed.",)


def test_in_profile_team_a_write_asks_a_second_person() -> None:
    decision = RULES.judge(replace(SAMPLE, mode=Mode.APPROVE, profile=Profile.TEAM), OFFERED)
    assert decision.requirement == OFFERED[1]


def test_when_the_policy_asks_for_more_only_the_missing_is_asked() -> None:
    facts = replace(SAMPLE, mode=Mode.APPROVE, effect=EffectClass.IRREVERSIBLE, approved=SELF)
    decision = RULES.judge(facts, OFFERED)
    assert decision.outcome is Verdict.ASKED
    assert decision.requirement == OFFERED[1]
    both = replace(SELF, count=2, people=SELF.people | {"person:grace"}, second_person=True)
    assert RULES.judge(replace(facts, approved=both), OFFERED).outcome is Verdict.ALLOWED


def test_without_a_requirement_on_offer_what_would_be_asked_is_denied() -> None:
    decision = RULES.judge(replace(SAMPLE, mode=Mode.APPROVE), ())
    assert (decision.outcome, decision.kind) == (Verdict.DENIED, Denial.FORBIDDEN)


def test_forbidden_outweighs_shadow_and_shadow_outweighs_not_now() -> None:
    facts = replace(SAMPLE, mode=Mode.PROPOSE, frozen=True)
    assert RULES.judge(facts, OFFERED).kind is Denial.SHADOW
    assert RULES.judge(replace(facts, granted=False), OFFERED).kind is Denial.FORBIDDEN
    assert RULES.judge(replace(facts, mode=Mode.AUTO), OFFERED).kind is Denial.NOT_NOW


def test_a_principal_of_no_known_kind_is_denied_with_the_error_recorded() -> None:
    decision = RULES.judge(replace(SAMPLE, principal=Principal("system:cron"), mode=Mode.AUTO), OFFERED)
    assert (decision.outcome, decision.kind) == (Verdict.DENIED, Denial.FORBIDDEN)
    assert decision.reasons == ("cannot_judge",)
    assert decision.errors


def test_an_error_while_evaluating_denies_although_a_permit_matches() -> None:
    overflow = POLICY + (
        '@id("forbidden.overflow") @says("Never.")\n'
        "forbid (principal, action, resource is Tool)\n"
        "when { context.seal_lag_ms + 9223372036854775807 > 0 };\n"
    )
    rules = Rules.load(overflow, SCHEMA)
    facts = replace(SAMPLE, effect=EffectClass.READ, seal_lag_ms=1)
    found = rules.evaluate(facts)
    assert not found.allowed
    assert "forbidden.overflow" in found.errors[0]
    assert rules.judge(facts, OFFERED).kind is Denial.FORBIDDEN


def test_a_requirement_is_imagined_in_its_weakest_form() -> None:
    one, second, two = (weakest(NOBODY, requirement) for requirement in OFFERED)
    assert (one.count, one.second_person, one.self_approved) == (1, False, True)
    assert (second.count, second.second_person, second.self_approved) == (1, True, False)
    assert (two.count, two.second_person, two.self_approved) == (2, True, True)
    assert one.teams == {"team:guardians"}
    assert weakest(NOBODY, requirements_for(("team:a", "team:b"))[0]).teams == frozenset()


def test_the_digest_is_over_policy_and_schema() -> None:
    assert Rules.load(POLICY + "// more\n", SCHEMA).digest != RULES.digest
    assert Rules.load(POLICY, SCHEMA + "// more\n").digest != RULES.digest
    assert Rules.load(POLICY, SCHEMA).digest == RULES.digest


READ = '(principal, action == Action::"read", resource)'
TEMPLATE = PolicyInvalidError
BROKEN: list[tuple[str, str, type[MidwatchError], str]] = [
    ("permit (principal", "", PolicyUnreadableError, "MW301"),
    (f'@id("x") @says("X.") permit {READ} when {{ context.moon }};', "", PolicyInvalidError, "MW302"),
    (f'@id("x") @says("X.") permit {READ} when {{ context.mode == 3 }};', "", PolicyInvalidError, "MW302"),
    ('@id("x") @says("X.") permit (principal == ?principal, action, resource);', "", TEMPLATE, "MW302"),
    (f'@says("X.") permit {READ};', "", PolicyNamelessError, "MW303"),
    (f'@id("x") permit {READ};', "", PolicyNamelessError, "MW303"),
    ("", "entit Moon;", PolicySchemaError, "MW304"),
    (f'@id("reads") @says("X.") permit {READ};', "", PolicyIdError, "MW305"),
    (f'@id("no") @says("X.") forbid {READ};', "", PolicyIdError, "MW305"),
    (f'@id("ask.x") @says("X.") permit {READ};', "", PolicyIdError, "MW305"),
]


def test_a_misspelt_mode_in_a_policy_is_refused() -> None:
    with pytest.raises(PolicyInvalidError, match="not declared"):
        Rules.load(POLICY.replace('Mode::"observe"', 'Mode::"obsreve"'), SCHEMA)


@pytest.mark.parametrize(("policy", "schema", "error", "code"), BROKEN)
def test_a_broken_policy_is_refused_with_a_code(
    policy: str, schema: str, error: type[MidwatchError], code: str
) -> None:
    with pytest.raises(error) as raised:
        Rules.load(POLICY + policy, SCHEMA + schema, file="p.cedar")
    assert raised.value.code == code
    if policy and "?" not in policy:
        assert raised.value.place == f"p.cedar:{POLICY.count(chr(10)) + 1}:1"
    assert "<" not in raised.value.help


def test_a_schema_that_misses_a_fact_of_this_version_is_refused() -> None:
    with pytest.raises(PolicySchemaError):
        Rules.load(POLICY, SCHEMA.replace("  practice: Bool,\n", ""))


@pytest.mark.parametrize("change", [{"mode": "free"}, {"moon": True}, {"facts_v": 99}, {"args": "x"}])
def test_facts_of_a_damaged_record_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(FactsUnreadableError, match="MW306"):
        facts_from({**SAMPLE.as_record(), **change})


def test_facts_of_a_record_with_one_missing_are_refused() -> None:
    record = SAMPLE.as_record()
    for name in record:
        with pytest.raises(FactsUnreadableError):
            facts_from({key: value for key, value in record.items() if key != name})
    with pytest.raises(FactsUnreadableError, match="left out"):
        facts_from({**record, "usual": record["usual"] + 1})
    assert facts_from(record) == SAMPLE
    assert facts_from(record).digest == SAMPLE.digest


ADA = Principal("person:ada")


# fmt: off
ANSWERS = [
    ({"profile": Profile.SOLO}, ""),
    ({"profile": Profile.SOLO, "requester": ADA}, ""),
    ({"profile": Profile.SOLO, "requester": ADA, "effect": EffectClass.IRREVERSIBLE}, "answer.second_person"),
    ({"profile": Profile.SOLO, "requester": ADA, "second_person": True}, "answer.second_person"),
    ({"profile": Profile.SOLO, "requester": ADA, "effect": EffectClass.IRREVERSIBLE, "answer": "deny"}, ""),
    ({"requester": ADA}, "answer.requester"),
    ({"requester": ADA, "answer": "deny"}, "answer.requester"),
    ({"authors": frozenset({ADA})}, "answer.author"),
    ({"people": frozenset()}, "answer.not_on_ladder"),
    ({"who": Principal("agent:rounds/tidy")}, "answer.agent"),
    ({"who": Principal("system:start")}, "answer.agent"),
    ({"answer": "perhaps"}, "cannot_judge"),
]
# fmt: on


@pytest.mark.parametrize(("changes", "rule"), ANSWERS)
def test_who_may_answer_is_ruled_by_name(changes: dict[str, object], rule: str) -> None:
    asked = replace(SAMPLE_ANSWER, who=ADA, people=frozenset({ADA}), answer="approve")
    ruling = RULES.may_answer(replace(asked, **changes))  # type: ignore[arg-type]
    assert ruling.rule == rule
    assert ruling.allowed is (rule == "")
    assert bool(ruling.says) is not ruling.allowed
    assert ruling.as_record()["rule"] == rule
