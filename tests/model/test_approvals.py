"""Approvals, one promise at a time: bound to one action, answered once, in time, by the right people."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from midwatch.app.answer import Attempt, answer
from midwatch.app.house import SUBJECT
from midwatch.approvals.errors import (
    AnswerLateError,
    NotOnLadderError,
    OtherBundleError,
    QuestionClosedError,
    RequesterAnswersError,
    SecondPersonNeededError,
    UnknownPersonError,
)
from midwatch.base.classes import Mode, Profile
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Digest, ToolName
from midwatch.base.units import DAY_MS, HOUR_MS, MINUTE_MS, DurationMs
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import AnswerRefused
from midwatch.journal.sealing import unseal_blob
from midwatch.plan.model import Plan
from midwatch.run.state import ApprovalState, EffectState, RunState, TaskStatus
from support.houses import plan_of
from support.plans import BACK, PLANS, STEADY, act, look
from support.stand import Stand

UP_TWICE = plan_of(
    look("measure"),
    act("first", "put", "measure", undo="back"),
    act("second", "put", "measure", undo="back", when="measure.value > 0"),
    act("back", "put", is_undo=True),
)
UP_TWICE_EACH_WITH_ITS_UNDO = plan_of(
    look("measure"),
    act("first", "put", "measure", undo="back"),
    act("second", "put", "measure", undo="back_2", args={"name": "inputs.name", "value": "3"}),
    act("back", "put", is_undo=True, args=BACK),
    act("back_2", "put", is_undo=True, args={"name": "inputs.name", "value": "second.before"}),
)
ASKED_BY_THE_GATE = plan_of(
    look("measure"),
    look("weather", tool="gauge"),
    act("change", "put", "measure", undo="back", precondition=STEADY),
    act("back", "put", is_undo=True),
)


def stand_with(
    plan: Plan, *, mode: Mode = Mode.APPROVE, profile: Profile = Profile.SOLO, by: str = "system:start"
) -> Stand:
    """Return an installation with one run, as far as it goes without people."""
    stand = Stand(profile=profile)
    stand.start(replace(plan, mode=Mode.AUTO), mode=mode, initiator=by, thing="thing")
    stand.pump()
    return stand


def run_of(stand: Stand) -> RunState:
    return stand.states[0]


def newest(stand: Stand) -> ApprovalState:
    return list(run_of(stand).approvals.values())[-1]


def effect(stand: Stand, task: str) -> EffectState:
    return next(one for one in run_of(stand).effects.values() if one.task == task)


def task_status(stand: Stand, task: str) -> TaskStatus | None:
    return next((known.status for name, known in run_of(stand).tasks.items() if name == task), None)


def say(stand: Stand, said: str, user: str = "ada") -> MidwatchError | None:
    """Answer the newest question; return what was refused."""
    error = stand.answer(newest(stand).approval, said, user)
    stand.pump()
    return error


def card_of(stand: Stand, asked: ApprovalState) -> Mapping[str, Any]:
    """Return the data of a card, from the very bytes that were shown."""
    blob = stand.disk.blob(asked.card)
    key = stand.now.house.keys.subject_key(SUBJECT, create=False)
    assert blob is not None
    assert key is not None
    card: Mapping[str, Any] = json.loads(unseal_blob(asked.card, blob.sealed, key=key))["card"]
    return card


def refusals(stand: Stand) -> list[AnswerRefused]:
    return [fact for fact in stand.promises.facts if isinstance(fact, AnswerRefused)]


def code(stand: Stand, task: str) -> str:
    return next(known.code for name, known in run_of(stand).tasks.items() if name == task)


def calls(stand: Stand, task: str) -> int:
    return sum(times for key, times in stand.promises.sent.items() if f"/{task}/" in key)


# Bound to exactly one action


def test_another_manifest_after_the_yes_makes_it_void_and_the_new_card_shows_the_difference() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    before = stand.world.manifests[ToolName("put")].digest
    stand.answer(newest(stand).approval, "approve", "ada")
    stand.redeclare(ToolName("put"))
    stand.pump()
    first, second = run_of(stand).approvals.values()
    assert (first.status, second.status, second.supersedes) == ("void", "open", first.approval)
    assert first.actions != second.actions
    assert card_of(stand, second)["differences"] == [
        {"path": "manifest", "old": before, "new": stand.world.manifests[ToolName("put")].digest}
    ]
    assert calls(stand, "change") == 0


def test_arguments_that_another_schema_refuses_after_the_yes_are_never_sent() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    stand.answer(newest(stand).approval, "approve", "ada")
    put = ToolName("put")
    strict = {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False}
    stand.world.manifests[put] = replace(stand.world.manifests[put], arguments=strict)
    stand.pump()
    assert newest(stand).status == "void"
    assert (task_status(stand, "change"), code(stand, "change")) == (TaskStatus.FAILED, "MW609")
    assert calls(stand, "change") == 0


def test_a_precondition_that_broke_after_the_yes_makes_it_void_and_nothing_is_sent() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    stand.answer(newest(stand).approval, "approve", "ada")
    stand.world.gauge = 0
    stand.pump()
    assert newest(stand).status == "void"
    assert (effect(stand, "change").status, run_of(stand).outcome) == (EffectStatus.VOID, "failed")
    assert code(stand, "change") == "MW610"
    assert calls(stand, "change") == 0


def test_an_answer_to_another_card_than_the_one_asked_about_now_is_refused() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    seen = Attempt(
        approval=newest(stand).approval,
        answer="approve",
        os_user="ada",
        surface="cli",
        bundle=Digest("sha256:" + "0" * 64),
    )
    with pytest.raises(OtherBundleError):
        answer(stand.now.house, seen)
    assert newest(stand).status == "open"


# Used once


def test_two_yeses_to_one_question_make_one_effect() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    assert say(stand, "approve", "ada") is None
    assert say(stand, "approve", "ada") is None
    assert isinstance(say(stand, "approve", "grace"), QuestionClosedError)
    assert calls(stand, "change") == 1
    assert stand.world.value("thing") == 2


def test_a_retry_keeps_its_approval_and_a_second_run_needs_its_own() -> None:
    stand = stand_with(PLANS["final"])
    stand.world.acting_faults = ["busy"]
    say(stand, "approve")
    stand.wait()
    stand.pump()
    assert (calls(stand, "melt"), task_status(stand, "melt")) == (2, TaskStatus.SUCCEEDED)
    assert [asked.status for asked in run_of(stand).approvals.values()] == ["approved", "open"]


def test_of_a_bundle_one_action_may_be_sent_and_the_other_void() -> None:
    stand = stand_with(PLANS["ahead"])
    stand.answer(newest(stand).approval, "approve", "ada")
    stand.world.gauge = 0
    stand.pump()
    asked = newest(stand)
    assert asked.status == "void"
    assert asked.consumed == {effect(stand, "two").key}
    assert (effect(stand, "one").status, effect(stand, "two").status) == (
        EffectStatus.VOID,
        EffectStatus.CONFIRMED,
    )
    assert (calls(stand, "one"), calls(stand, "two")) == (0, 1)


# In time


def test_a_yes_that_comes_too_late_is_refused_and_recorded() -> None:
    stand = stand_with(PLANS["ahead"])
    stand.clock.advance(DurationMs(2 * HOUR_MS))
    error = stand.answer(newest(stand).approval, "approve", "ada")
    assert isinstance(error, AnswerLateError)
    assert [(fact.code, fact.by) for fact in refusals(stand)] == [("MW402", "person:ada")]
    stand.advance(0)
    stand.pump()
    assert isinstance(say(stand, "approve", "grace"), AnswerLateError)
    assert newest(stand).status == "expired"
    assert calls(stand, "one") == 0


def test_a_question_goes_up_the_ladder_then_expires_which_is_not_a_denial() -> None:
    stand = stand_with(PLANS["ahead"])
    assert isinstance(say(stand, "approve", "grace"), NotOnLadderError)
    assert newest(stand).rung == 0
    stand.advance(10 * MINUTE_MS)
    stand.pump()
    assert newest(stand).rung == 1
    stand.advance(110 * MINUTE_MS)
    stand.pump()
    assert newest(stand).status == "expired"
    assert [effect(stand, task).status for task in ("one", "two")] == [EffectStatus.EXPIRED] * 2
    assert code(stand, "ask") == "MW452"
    assert task_status(stand, "late") is TaskStatus.SUCCEEDED
    assert task_status(stand, "sorry") is None
    assert run_of(stand).outcome == "escalated"
    assert not run_of(stand).refusals


def test_the_next_rung_may_answer_once_it_is_asked_and_the_first_still_may() -> None:
    for user in ("grace", "ada"):
        stand = stand_with(PLANS["ahead"])
        stand.advance(10 * MINUTE_MS)
        stand.pump()
        assert say(stand, "approve", user) is None
        assert calls(stand, "one") == 1


def test_a_yes_that_expires_before_it_is_used_is_asked_for_again() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    stand.answer(newest(stand).approval, "approve", "ada")
    stand.clock.advance(DurationMs(DAY_MS))
    stand.pump()
    assert [asked.status for asked in run_of(stand).approvals.values()] == ["superseded", "open"]
    assert calls(stand, "change") == 0
    say(stand, "approve")
    assert calls(stand, "change") == 1


# By the right people


def test_in_profile_team_the_requester_does_not_answer() -> None:
    stand = stand_with(PLANS["ahead"], profile=Profile.TEAM, by="person:ada")
    assert isinstance(say(stand, "approve", "ada"), RequesterAnswersError)
    assert [fact.code for fact in refusals(stand)] == ["MW407"]
    assert newest(stand).status == "open"
    assert not newest(stand).answers


def test_in_profile_solo_the_requester_answers_for_what_can_be_undone_and_it_is_recorded_so() -> None:
    stand = stand_with(ASKED_BY_THE_GATE, by="person:ada")
    assert say(stand, "approve", "ada") is None
    assert [given.recorded_as for given in newest(stand).answers] == ["self-approved (solo)"]
    assert calls(stand, "change") == 1


def test_in_profile_solo_the_requester_does_not_answer_for_what_can_not_be_undone() -> None:
    stand = stand_with(PLANS["final"], by="person:ada")
    assert isinstance(say(stand, "approve", "ada"), SecondPersonNeededError)
    assert calls(stand, "melt") == 0


@pytest.mark.parametrize(("user", "refusal"), [("eve", NotOnLadderError), ("mallory", UnknownPersonError)])
def test_who_is_not_asked_does_not_answer_and_the_attempt_is_recorded(
    user: str, refusal: type[MidwatchError]
) -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    for said in ("approve", "deny"):
        assert isinstance(say(stand, said, user), refusal)
    assert [fact.code for fact in refusals(stand)] == [refusal.code] * 2
    assert newest(stand).status == "open"
    assert not newest(stand).answers


def test_an_agent_is_nobody_who_answers() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    agent = str(effect(stand, "change").sealed["agent"])
    assert isinstance(say(stand, "approve", agent), UnknownPersonError)
    assert newest(stand).status == "open"


# No is no


def test_a_no_sticks_to_the_tool_and_its_target_for_the_rest_of_the_run() -> None:
    stand = stand_with(UP_TWICE)
    first, second = run_of(stand).approvals
    assert stand.answer(first, "deny", "ada") is None
    stand.pump()
    assert stand.answer(second, "approve", "grace") is None
    stand.pump()
    assert [effect(stand, task).status for task in ("first", "second")] == [EffectStatus.DENIED] * 2
    assert effect(stand, "second").decision["reasons"] == ["forbidden.denied_before"]
    assert stand.world.value("thing") == 1


def undo_of_first_after_a_no(on: str) -> Stand:
    """Return an installation where `first` was done, `second` denied, and a person wants `first` undone."""
    stand = stand_with(UP_TWICE_EACH_WITH_ITS_UNDO)
    first, second = run_of(stand).approvals
    assert stand.answer(first, "approve", "ada") is None
    stand.pump()
    assert stand.answer(second, "deny", "ada") is None
    stand.pump()
    assert stand.world.value("thing") == 2
    stand.enforce(on)
    stand.undo(run_of(stand).run, "person:ada")
    stand.pump()
    return stand


def test_a_no_to_doing_is_no_no_to_taking_back_what_was_done() -> None:
    stand = undo_of_first_after_a_no("default")
    assert effect(stand, "first").status is EffectStatus.UNDONE
    assert stand.world.value("thing") == 1


def test_a_no_to_taking_back_sticks_to_that() -> None:
    stand = undo_of_first_after_a_no("undo asked")
    assert say(stand, "deny") is None
    assert effect(stand, "first").status is EffectStatus.UNDO_FAILED
    stand.enforce("default")
    stand.undo(run_of(stand).run, "person:ada")
    stand.pump()
    assert effect(stand, "back").decision["reasons"] == ["forbidden.denied_before"]
    assert (effect(stand, "first").status, code(stand, "back")) == (EffectStatus.UNDO_FAILED, "MW351")
    assert stand.world.value("thing") == 2


def test_an_undo_that_the_policy_forbade_is_judged_anew_when_a_person_wants_it_again() -> None:
    stand = undo_of_first_after_a_no("undo closed")
    assert (effect(stand, "first").status, code(stand, "back")) == (EffectStatus.UNDO_FAILED, "MW351")
    stand.enforce("default")
    stand.undo(run_of(stand).run, "person:ada")
    stand.pump()
    assert effect(stand, "first").status is EffectStatus.UNDONE
    assert stand.world.value("thing") == 1


def test_an_undo_that_nobody_answered_for_is_asked_for_anew_when_it_is_wanted_again() -> None:
    stand = undo_of_first_after_a_no("undo asked")
    stand.advance(2 * DAY_MS)
    stand.pump()
    assert (effect(stand, "first").status, code(stand, "back")) == (EffectStatus.UNDO_FAILED, "MW452")
    expired = newest(stand)
    stand.undo(run_of(stand).run, "person:ada")
    stand.pump()
    assert (newest(stand).supersedes, newest(stand).status) == (expired.approval, "open")
    stand.approve_all()
    stand.pump()
    assert effect(stand, "first").status is EffectStatus.UNDONE


def test_an_undo_that_took_one_effect_back_is_not_said_to_have_taken_back_another() -> None:
    stand = stand_with(
        plan_of(
            look("measure"),
            act("first", "put", "measure", undo="back"),
            act("second", "put", "first", undo="back", args={"name": "'other'", "value": "9"}),
            act("back", "put", is_undo=True, args={"name": "'other'", "value": "1"}),
        ),
        mode=Mode.AUTO,
    )
    stand.undo(run_of(stand).run, "person:ada")
    stand.pump()
    assert (stand.world.value("thing"), stand.world.value("other")) == (2, 1)
    assert effect(stand, "second").status is EffectStatus.UNDONE
    assert effect(stand, "first").status is EffectStatus.UNDO_FAILED


# An undo whose tool is another now


@pytest.mark.parametrize("policy", ["default", "undo asked"])
def test_an_undo_whose_tool_is_another_now_is_sealed_anew_when_a_person_wants_it_again(policy: str) -> None:
    stand = stand_with(UP_TWICE_EACH_WITH_ITS_UNDO, mode=Mode.AUTO)
    stand.world.acting_faults = ["failed"]
    stand.undo(run_of(stand).run, "person:ada")
    stand.pump()
    stand.redeclare(ToolName("put"))
    stand.enforce(policy)
    before = effect(stand, "back_2")
    assert (before.status, effect(stand, "second").status) == (EffectStatus.FAILED, EffectStatus.UNDO_FAILED)

    stand.undo(run_of(stand).run, "person:ada")
    stand.pump()
    if policy == "undo asked":
        assert effect(stand, "back_2").status is EffectStatus.ASKED
        assert calls(stand, "back_2") == 1
        stand.approve_all()
        stand.pump()

    again = effect(stand, "back_2")
    assert again.sealed["manifest"] == stand.world.manifests[ToolName("put")].digest
    assert again.action != before.action
    assert (effect(stand, "second").status, again.attempt) == (EffectStatus.UNDONE, 2)
    assert calls(stand, "back_2") == 2


def test_a_no_ahead_takes_the_declared_way_and_nothing_of_the_bundle_is_sent() -> None:
    stand = stand_with(PLANS["ahead"])
    assert say(stand, "deny") is None
    assert code(stand, "ask") == "MW451"
    assert task_status(stand, "sorry") is TaskStatus.SUCCEEDED
    assert [effect(stand, task).status for task in ("one", "two")] == [EffectStatus.DENIED] * 2
    assert run_of(stand).outcome == "no_action"
    assert (calls(stand, "one"), calls(stand, "two")) == (0, 0)


# The policy in force decides, not the one that asked


def test_a_policy_that_wants_more_collects_what_is_missing_before_anything_is_sent() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    stand.answer(newest(stand).approval, "approve", "ada")
    stand.enforce("two")
    stand.pump()
    assert [asked.status for asked in run_of(stand).approvals.values()] == ["superseded", "open"]
    assert newest(stand).requirement["count"] == 2
    assert say(stand, "approve", "ada") is None
    assert calls(stand, "change") == 0
    assert say(stand, "approve", "grace") is None
    assert calls(stand, "change") == 1


def test_a_policy_that_forbids_makes_the_yes_void() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    stand.answer(newest(stand).approval, "approve", "ada")
    stand.enforce("closed")
    stand.pump()
    assert newest(stand).status == "void"
    assert effect(stand, "change").status is EffectStatus.DENIED
    assert effect(stand, "change").decision["reasons"] == ["forbidden.closed"]
    assert (run_of(stand).outcome, code(stand, "change")) == ("failed", "MW351")
    assert calls(stand, "change") == 0


def test_a_halt_holds_the_yes_until_it_is_over() -> None:
    stand = stand_with(ASKED_BY_THE_GATE)
    stand.answer(newest(stand).approval, "approve", "ada")
    stand.halt(is_on=True)
    stand.pump()
    assert (newest(stand).status, calls(stand, "change")) == ("approved", 0)
    assert (task_status(stand, "change"), code(stand, "change")) == (TaskStatus.RETRYING, "MW352")
    stand.halt(is_on=False)
    stand.wait()
    stand.pump()
    assert (newest(stand).status, calls(stand, "change")) == ("approved", 1)


# Modes


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.PROPOSE])
@pytest.mark.parametrize("plan", [ASKED_BY_THE_GATE, PLANS["ahead"]], ids=["by the gate", "ahead"])
def test_where_nothing_may_act_nothing_is_asked_and_nothing_sent(plan: Plan, mode: Mode) -> None:
    stand = stand_with(plan, mode=mode)
    assert run_of(stand).outcome in {"no_action", "failed"}
    assert not stand.disk.approval_rows(only_open=True)
    assert {asked.status for asked in run_of(stand).approvals.values()} == (
        {"shadow"} if mode is Mode.PROPOSE else set()
    )
    assert not stand.world.applied


@pytest.mark.parametrize("plan", [ASKED_BY_THE_GATE, PLANS["ahead"]], ids=["by the gate", "ahead"])
def test_in_mode_propose_a_card_shows_what_would_have_run_and_takes_no_answer(plan: Plan) -> None:
    stand = stand_with(plan, mode=Mode.PROPOSE)
    (asked,) = run_of(stand).approvals.values()
    card = card_of(stand, asked)
    assert card["nothing_will_run"]
    assert [action["digest"] for action in card["actions"]] == [
        one.action for one in run_of(stand).effects.values()
    ]
    assert "shadow.proposing" in [reason["id"] for reason in card["reasons"]]
    assert (card["requirement"]["count"], card["ladder"]["rungs"]) == (0, [])
    for user in ("ada", "grace"):
        assert isinstance(say(stand, "approve", user), QuestionClosedError)
    assert not stand.world.applied
    stand.audit()


def test_in_mode_propose_the_sealed_action_and_why_it_does_not_run_are_recorded() -> None:
    stand = stand_with(ASKED_BY_THE_GATE, mode=Mode.PROPOSE)
    proposed = effect(stand, "change")
    assert proposed.sealed["args"]["name"] == "thing"
    assert proposed.decision["kind"] == "shadow"
    assert proposed.decision["says"] == ["In mode propose nothing acts: this is what would have run."]
    assert task_status(stand, "change") is TaskStatus.SKIPPED


def test_in_mode_auto_what_can_be_undone_goes_without_asking() -> None:
    stand = stand_with(ASKED_BY_THE_GATE, mode=Mode.AUTO)
    assert not run_of(stand).approvals
    assert calls(stand, "change") == 1
