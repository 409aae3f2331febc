"""An answer is kept only for requests that no rule can tell apart."""

import json
from dataclasses import replace
from typing import Any

import cedarpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.base.classes import Confidentiality, EffectClass, Integrity, Mode, Profile, RetryClass
from midwatch.base.ids import Principal, RunId, ToolName
from midwatch.base.labels import Label
from midwatch.policy.discern import discernment_of
from midwatch.policy.facts import NO_CAP, Approved, Facts
from midwatch.policy.request import call_request
from midwatch.policy.rules import SAMPLE
from support.houses import rules

LABELS = st.builds(
    Label, integrity=st.sampled_from(Integrity), confidentiality=st.sampled_from(Confidentiality)
)
COUNTS = st.sampled_from([0, 1, 2, 3, 59_999, 60_000, 60_001, NO_CAP])
FACTS = st.builds(
    Facts,
    principal=st.sampled_from([Principal("agent:a/b"), Principal("agent:c/d"), Principal("person:ada")]),
    tool=st.sampled_from([ToolName("files.purge"), ToolName("other")]),
    known=st.booleans(),
    effect=st.sampled_from(EffectClass),
    retry=st.sampled_from(RetryClass),
    target=st.sampled_from(["a", "b"]),
    runbook=st.sampled_from(["purge", "rounds"]),
    run=st.sampled_from([RunId("r-1"), RunId("r-2")]),
    initiator=st.sampled_from([Principal("system:start"), Principal("person:ada")]),
    mode=st.sampled_from(Mode),
    profile=st.sampled_from(Profile),
    effects_left=COUNTS,
    tool_calls_left=COUNTS,
    usd_left_micro=COUNTS,
    usd_needed_micro=COUNTS,
    seal_lag_ms=COUNTS,
    args=LABELS,
    guard=LABELS,
    approved=st.builds(
        Approved,
        count=st.integers(0, 3),
        people=st.sampled_from([frozenset(), frozenset({"person:ada"})]),
        teams=st.sampled_from([frozenset(), frozenset({"team:guardians"})]),
        second_person=st.booleans(),
        self_approved=st.booleans(),
    ),
    **dict.fromkeys(
        (
            "practice", "granted", "halted", "frozen", "revoked", "denied_before", "lease_free",
            "undo_declared", "is_undo", "precondition_holds", "person_confirmed",
        ),
        st.booleans(),
    ),
)  # fmt: skip
RULES = rules()


@given(facts=FACTS)
@settings(max_examples=2_000, deadline=None)
def test_a_kept_answer_is_what_cedar_would_say(facts: Facts) -> None:
    assert RULES.evaluate(facts) == RULES.unsafe_ask(call_request(facts))


def test_the_default_policy_does_not_tell_runs_and_targets_apart() -> None:
    other = replace(
        SAMPLE, run=RunId("r-other"), target="elsewhere", tool_calls_left=SAMPLE.tool_calls_left - 1
    )
    key = RULES._discernment.key
    assert key(SAMPLE) == key(other)


@pytest.mark.parametrize(
    ("condition", "change"),
    [
        ('context.run == "r-1"', {"run": RunId("r-1")}),
        ('context.target like "prod*"', {"target": "prod-1"}),
        ("context.effects_left < context.tool_calls_left", {"effects_left": 7}),
        ("context.effects_left + 1 < 3", {"effects_left": 7}),
        ('resource == Tool::"x"', {"tool": ToolName("x")}),
        ('principal == Agent::"agent:x/y"', {"principal": Principal("agent:x/y")}),
        ('[context.run].contains("r-1")', {"run": RunId("r-1")}),
        ("context.seal_lag_ms > 5", {"seal_lag_ms": 6}),
    ],
)
def test_whatever_a_policy_reads_is_told_apart(condition: str, change: dict[str, Any]) -> None:
    text = f'@id("forbidden.x") forbid (principal, action, resource) when {{ {condition} }};'
    listed = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    found = discernment_of(listed)
    before = replace(SAMPLE, run=RunId("r-0"), target="dev", effects_left=2, seal_lag_ms=5)
    assert found.key(before) != found.key(replace(before, **change))


def test_a_policy_that_takes_the_whole_context_keeps_nothing() -> None:
    text = '@id("forbidden.x") forbid (principal, action, resource) when { context == {a: 1} };'
    listed = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    assert discernment_of(listed).key(SAMPLE) is None
