"""The gate on random facts: what is missing, unknown or wrong never leads to a yes."""

from copy import deepcopy
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import midwatch
from midwatch.base.classes import Confidentiality, EffectClass, Integrity, Mode, Profile, RetryClass
from midwatch.base.ids import Principal, RunId, ToolName
from midwatch.base.labels import Label
from midwatch.policy.cases import call_cases
from midwatch.policy.decision import Denial, Verdict, requirement_from
from midwatch.policy.facts import NO_CAP, Approved, Facts, facts_from
from midwatch.policy.gate import requirements_for, weakest
from midwatch.policy.request import answer_request, call_request
from midwatch.policy.rules import SAMPLE, SAMPLE_ANSWER, Rules

FOLDER = Path(midwatch.__file__).parent / "shipped" / "policy"
RULES = Rules.load(
    (FOLDER / "default.cedar").read_text(encoding="utf-8"),
    (FOLDER / "schema.cedarschema").read_text(encoding="utf-8"),
)
OFFERED = requirements_for(("team:guardians", "oncall:platform"))

LEFT = st.sampled_from((-1, 0, 1, 5, NO_CAP))
LABELS = st.builds(
    Label, integrity=st.sampled_from(Integrity), confidentiality=st.sampled_from(Confidentiality)
)
MOSTLY = st.sampled_from((True, True, True, False))
SELDOM = st.sampled_from((False, False, False, True))
NAMES = st.text(st.characters(codec="utf-8"), max_size=12)
KINDS = st.sampled_from(("agent:", "person:", "system:", ""))
PRINCIPALS = st.builds(lambda kind, name: Principal(kind + name), KINDS, NAMES)
WRONG: st.SearchStrategy[Any] = st.sampled_from(
    (None, 1.5, "yes", 2**70, [], {}, {"__entity": {"type": "Mode", "id": "free"}})
)
FACTS = st.builds(
    Facts,
    principal=PRINCIPALS,
    tool=NAMES.map(ToolName),
    known=MOSTLY,
    effect=st.sampled_from(EffectClass),
    retry=st.sampled_from(RetryClass),
    target=NAMES,
    runbook=NAMES,
    run=NAMES.map(RunId),
    initiator=NAMES.map(Principal),
    mode=st.sampled_from(Mode),
    profile=st.sampled_from(Profile),
    practice=st.booleans(),
    granted=MOSTLY,
    halted=SELDOM,
    frozen=SELDOM,
    revoked=SELDOM,
    effects_left=LEFT,
    tool_calls_left=LEFT,
    usd_left_micro=LEFT,
    usd_needed_micro=st.integers(0, 3),
    denied_before=SELDOM,
    lease_free=MOSTLY,
    seal_lag_ms=st.sampled_from((0, 60_000, 60_001)),
    args=LABELS,
    guard=LABELS,
    undo_declared=MOSTLY,
    is_undo=SELDOM,
    precondition_holds=MOSTLY,
    person_confirmed=st.booleans(),
    approved=st.builds(
        Approved,
        count=st.integers(0, 3),
        people=st.frozensets(NAMES, max_size=3),
        teams=st.frozensets(NAMES, max_size=3),
        second_person=st.booleans(),
        self_approved=st.booleans(),
    ),
)  # fmt: skip


def without_each(value: Any) -> list[Any]:
    """Return a copy of the request for each fact in it, that one left out."""
    if not isinstance(value, dict):
        return []
    copies = []
    for key, inner in value.items():
        rest = deepcopy(value)
        del rest[key]
        copies.append(rest)
        copies.extend({**deepcopy(value), key: smaller} for smaller in without_each(inner))
    return copies


@given(FACTS)
@settings(max_examples=60, deadline=None)
def test_dropping_any_one_fact_from_a_request_never_allows(facts: Facts) -> None:
    for request in without_each(call_request(facts)):
        found = RULES.unsafe_ask(request)
        assert not found.allowed
        assert found.errors


def test_dropping_any_one_fact_from_an_allowed_request_never_allows() -> None:
    allowed = [facts for facts in islice(call_cases(), 0, None, 37) if RULES.evaluate(facts).allowed]
    assert {facts.effect for facts in allowed} == set(EffectClass)
    for facts in allowed:
        assert all(not RULES.unsafe_ask(request).allowed for request in without_each(call_request(facts)))


def test_dropping_any_one_fact_from_an_answer_never_allows() -> None:
    facts = replace(SAMPLE_ANSWER, people=frozenset({SAMPLE_ANSWER.who}))
    request = answer_request(facts)
    assert RULES.unsafe_ask(request).allowed
    assert all(not RULES.unsafe_ask(smaller).allowed for smaller in without_each(request))


@given(FACTS, NAMES.filter(lambda name: name not in call_request(SAMPLE)["context"]), st.booleans())
@settings(max_examples=100, deadline=None)
def test_an_unknown_fact_never_allows(facts: Facts, name: str, value: bool) -> None:  # noqa: FBT001
    request = call_request(facts)
    request["context"][name] = value
    assert not RULES.unsafe_ask(request).allowed


@given(
    FACTS, st.sampled_from((None, 1.5, "yes", 2**70, [], {}, {"__entity": {"type": "Mode", "id": "free"}}))
)
@settings(max_examples=60, deadline=None)
def test_a_fact_of_a_wrong_kind_never_allows(facts: Facts, wrong: Any) -> None:
    for name, value in call_request(facts)["context"].items():
        if type(value) is type(wrong) and isinstance(value, str):
            continue
        request = call_request(facts)
        request["context"][name] = wrong
        assert not RULES.unsafe_ask(request).allowed


@given(FACTS)
@settings(max_examples=300, deadline=None)
def test_every_decision_is_one_of_three_and_can_be_made_again_from_its_record(facts: Facts) -> None:
    decision = RULES.judge(facts, OFFERED)
    record = decision.as_record()
    offered = [requirement_from(one) for one in record["considered"]]
    assert RULES.judge(facts_from(record["facts"]), offered).as_record() == record
    assert (decision.requirement is not None) is (decision.outcome is Verdict.ASKED)
    assert (decision.kind is not Denial.NONE) is (decision.outcome is Verdict.DENIED)
    assert decision.reasons
    assert all(decision.says)


@given(FACTS)
@settings(max_examples=300, deadline=None)
def test_what_is_asked_is_the_first_requirement_that_would_be_enough(facts: Facts) -> None:
    decision = RULES.judge(facts, OFFERED)
    imagined = [(offer, replace(facts, approved=weakest(facts.approved, offer))) for offer in OFFERED]
    enough = [offer for offer, case in imagined if RULES.evaluate(case).allowed]
    if RULES.evaluate(facts).allowed:
        assert decision.outcome is Verdict.ALLOWED
    else:
        assert decision.requirement == (enough[0] if enough else None)
