"""Histories in which a run once went wrong, each with what must come of it."""

from dataclasses import replace

import pytest

from midwatch.app.change import request_undo, settle_doubt
from midwatch.app.errors import InputsError
from midwatch.app.start import StartRequest, start_run
from midwatch.base.classes import Mode, Profile
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ApprovalId, Principal, TaskName, ToolName, effect_key
from midwatch.base.units import HOUR_MS, MINUTE_MS, SECOND_MS
from midwatch.effects.ledger import EffectStatus, LedgerOrderError, moved
from midwatch.journal.run_events import EffectConfirmed, EffectDispatched
from midwatch.plan.model import Plan, PlanTask, TaskKind
from midwatch.run.errors import DoubtEarlyError, RunUnknownError, UndoImpossibleError
from midwatch.run.state import RunState, TaskStatus
from support.houses import plan_of
from support.plans import PLANS, look
from support.stand import Stand

ADA = Principal("person:ada")
THING = "thing"


@pytest.fixture
def stand() -> Stand:
    return Stand(profile=Profile.SOLO)


def begin(stand: Stand, plan: Plan | str, mode: Mode = Mode.AUTO, *, thing: str = THING) -> None:
    chosen = PLANS[plan] if isinstance(plan, str) else replace(plan, mode=Mode.AUTO)
    stand.start(chosen, mode=mode, initiator="system:start", thing=thing)


def last(stand: Stand) -> RunState:
    return stand.states[-1]


def status(stand: Stand, task: str) -> TaskStatus | None:
    return next(known.status for name, known in last(stand).tasks.items() if name == task)


def code(stand: Stand, task: str) -> str:
    return next(known.code for name, known in last(stand).tasks.items() if name == task)


def applied(stand: Stand, task: str) -> int:
    return sum(times for key, times in stand.world.applied.items() if f"/{task}/" in key)


def finish(stand: Stand) -> None:
    stand.drain()
    stand.audit()
    assert not stand.promises.broken


def nothing() -> None:
    """Let a moment pass in which nobody does anything."""


# Two processes, one run


def test_a_reading_that_another_process_overtook_is_recorded_once(stand: Stand) -> None:
    begin(stand, plan_of(look("measure")))
    stand.world.meanwhile = [lambda: stand.succeed(stand.now)]
    stand.pump()
    assert last(stand).outcome
    finish(stand)


def test_a_drive_that_takes_over_keeps_the_stale_one_out_even_where_it_only_reads_and_parks(
    stand: Stand,
) -> None:
    begin(stand, plan_of(look("first"), look("second", "first")))
    stand.world.meanwhile = [nothing, lambda: stand.succeed(stand.now)]
    stand.pump()
    assert last(stand).outcome
    assert stand.fenced == 1
    finish(stand)


def test_a_drive_that_broke_lets_go_of_its_run_so_that_another_process_goes_on(stand: Stand) -> None:
    begin(stand, "chain")
    stand.now.trouble = (2, "full")
    stand.pump()
    assert not last(stand).outcome
    stand.join()
    stand.advance(5 * SECOND_MS)
    stand.pump()
    assert last(stand).outcome == "resolved"
    finish(stand)


# Leave


def test_an_action_keeps_its_leave_for_a_retry_though_the_rest_of_its_bundle_is_void(stand: Stand) -> None:
    begin(stand, "ahead", Mode.APPROVE)
    stand.pump()
    stand.world.acting_faults = ["busy"]
    stand.world.gauge = 0
    stand.approve_all()
    stand.pump()
    assert status(stand, "one") is TaskStatus.FAILED
    assert status(stand, "two") is TaskStatus.RETRYING
    stand.wait()
    stand.pump()
    assert status(stand, "two") is TaskStatus.SUCCEEDED
    assert len(last(stand).approvals) == 1
    finish(stand)


def test_what_waits_for_its_turn_is_asked_anew_when_the_leave_of_its_bundle_is_void(stand: Stand) -> None:
    begin(stand, "two_steps", Mode.APPROVE)
    stand.pump()
    stand.approve_all()
    stand.redeclare(ToolName("give"))
    stand.pump()
    assert [asked.status for asked in last(stand).approvals.values()] == ["void", "open"]
    stand.approve_all()
    stand.pump()
    assert [asked.status for asked in last(stand).approvals.values()] == ["void", "approved", "open"]
    stand.approve_all()
    stand.pump()
    assert status(stand, "two") is TaskStatus.SUCCEEDED
    finish(stand)


@pytest.mark.parametrize("fault", ["busy", "silent after"])
def test_a_call_is_not_repeated_under_a_policy_that_wants_more_than_was_given(
    stand: Stand, fault: str
) -> None:
    begin(stand, "chain")
    stand.world.acting_faults = [fault]
    stand.pump()
    stand.enforce("two")
    stand.wait()
    stand.pump()
    assert status(stand, "first") is TaskStatus.FAILED
    assert stand.doubts == (
        [] if fault == "busy" else [key for key in last(stand).effects if "/first/" in key]
    )
    finish(stand)


@pytest.mark.parametrize("fault", ["busy", "silent after"])
def test_a_call_is_not_repeated_when_its_tool_is_another_now(stand: Stand, fault: str) -> None:
    begin(stand, "chain")
    stand.world.acting_faults = [fault]
    stand.pump()
    stand.redeclare(ToolName("put"))
    stand.wait()
    stand.pump()
    assert code(stand, "first") == "MW616"
    finish(stand)


@pytest.mark.parametrize("looks", range(7))
def test_a_policy_that_changes_between_two_judgements_stops_what_was_judged_before(
    stand: Stand, looks: int
) -> None:
    begin(stand, "branches")
    stand.after_gate = [nothing] * looks + [lambda: stand.enforce("closed")]
    stand.pump()
    finish(stand)


def test_a_lease_that_ran_out_gives_its_target_to_the_next_run(stand: Stand) -> None:
    begin(stand, "rescued")
    stand.world.acting_faults = ["silent before"]
    stand.pump()
    stand.advance(MINUTE_MS)
    begin(stand, "rescued")
    stand.pump()
    assert last(stand).outcome == "resolved"
    assert len(stand.doubts) == 1
    finish(stand)


def test_effects_of_one_run_on_one_target_go_one_after_the_other_under_fresh_fences(stand: Stand) -> None:
    begin(stand, "crowded")
    stand.pump()

    facts = [fact for fact in stand.promises.facts if isinstance(fact, EffectDispatched | EffectConfirmed)]
    assert [type(fact) for fact in facts] == [EffectDispatched, EffectConfirmed] * 3
    assert [fact.fence for fact in facts if isinstance(fact, EffectDispatched)] == [1, 2, 3]
    assert (last(stand).outcome, last(stand).task(TaskName("pour")).attempt) == ("resolved", 1)
    finish(stand)


def test_fences_of_one_target_grow_from_run_to_run(stand: Stand) -> None:
    for _ in range(2):
        begin(stand, "crowded")
        stand.pump()

    sent = [fact.fence for fact in stand.promises.facts if isinstance(fact, EffectDispatched)]
    assert sent == [1, 2, 3, 4, 5, 6]
    finish(stand)


def test_an_effect_in_doubt_keeps_the_next_one_of_its_run_off_its_target_until_nothing_can_come(
    stand: Stand,
) -> None:
    begin(stand, "crowded")
    stand.world.acting_faults = ["silent before"]
    stand.pump(1)
    assert code(stand, "pour") == "MW352"
    finish(stand)
    assert applied(stand, "pour") == 1


# Doubts


def test_a_reading_that_fails_settles_no_doubt(stand: Stand) -> None:
    begin(stand, "probed")
    stand.world.acting_faults = ["silent after"]
    stand.pump()
    stand.world.reading_faults = ["failed", "failed"]
    while not last(stand).outcome and stand.wait():
        stand.pump()
    assert last(stand).outcome == "resolved"
    assert applied(stand, "change") == 1
    finish(stand)


def test_a_doubt_that_nothing_can_be_read_about_waits_for_a_person(stand: Stand) -> None:
    begin(stand, "probed")
    stand.world.acting_faults = ["silent after"]
    stand.pump()
    stand.world.reading_faults = ["failed"] * 1000
    while stand.wait():
        stand.pump()
    assert len(stand.doubts) == 1
    assert last(stand).tool_calls < 100
    finish(stand)


def test_a_probe_brings_no_news_of_a_doubt_that_a_person_settled_meanwhile(stand: Stand) -> None:
    begin(stand, "probed")
    stand.world.acting_faults = ["silent after"]
    stand.pump()
    stand.wait()
    said: list[MidwatchError | None] = []
    stand.world.meanwhile = [lambda: said.append(stand.settle(stand.doubts[0]))]
    stand.pump()
    assert said == [None]
    assert last(stand).outcome == "resolved"
    assert not stand.troubles
    finish(stand)


def test_a_doubt_is_still_settled_when_its_run_is_cancelled_while_the_gate_is_closed(stand: Stand) -> None:
    begin(stand, "chain")
    stand.world.acting_faults = ["silent after"]
    stand.pump()
    stand.halt(is_on=True)
    stand.wait()
    stand.pump()
    stand.cancel(last(stand).run)
    stand.pump()
    stand.halt(is_on=False)
    stand.advance(HOUR_MS)
    stand.pump()
    assert last(stand).outcome == "cancelled"
    assert applied(stand, "first") == 1
    finish(stand)


# Attempts and failures


def test_an_approval_task_that_had_to_wait_ends_its_second_attempt(stand: Stand) -> None:
    begin(stand, "ahead")
    stand.halt(is_on=True)
    stand.pump()
    stand.halt(is_on=False)
    stand.wait()
    stand.pump()
    stand.approve_all()
    stand.pump()
    assert status(stand, "ask") is TaskStatus.SUCCEEDED
    finish(stand)


def test_what_took_place_is_taken_back_when_its_output_is_not_what_was_declared(stand: Stand) -> None:
    plan = PLANS["flapping"]
    wanted = {"type": "object", "required": ["receipt"]}
    tasks = tuple(replace(task, out=wanted) if task.name == "change" else task for task in plan.tasks)
    begin(stand, replace(plan, tasks=tasks))
    stand.pump()
    stand.approve_all()
    stand.pump()
    assert code(stand, "change") == "MW608"
    assert applied(stand, "change") == 1
    assert stand.world.value(THING) == 1
    finish(stand)


def test_what_does_not_hold_when_it_is_read_back_is_taken_back(stand: Stand) -> None:
    begin(stand, "flapping")
    stand.world.lies = 1000
    while not last(stand).undo_keys:
        stand.pump()
        stand.wait()
    stand.world.lies = 0
    finish(stand)
    assert (code(stand, "change"), last(stand).outcome) == ("MW607", "failed")
    assert stand.world.value(THING) == 1


def test_a_probe_that_finds_no_trace_lets_the_call_be_made_again(stand: Stand) -> None:
    begin(stand, "probed")
    stand.world.acting_faults = ["silent before"]
    stand.pump()
    stand.wait()
    stand.pump(1)
    assert code(stand, "change") == "MW521"
    finish(stand)
    assert applied(stand, "change") == 1


def test_nobody_settles_a_doubt_while_a_frozen_worker_may_still_act(stand: Stand) -> None:
    begin(stand, "rescued")
    frozen = stand.now
    refused: list[MidwatchError | None] = []

    def freeze() -> None:
        stand.lose(frozen)
        refused.append(stand.settle(stand.doubts[0]))

    stand.world.meanwhile = [nothing, freeze]
    stand.pump()

    effect = last(stand).effects[stand.doubts[0]]
    assert isinstance(refused[0], DoubtEarlyError)
    assert refused[0].facts["after_ms"] == effect.deadline_ms > stand.clock.now_ms()
    assert applied(stand, "pour") == 1, "it took place after somebody would have said that it did not"
    stand.wait()
    assert stand.settle(effect.key) is None
    finish(stand)
    assert last(stand).outcome == "resolved"


def test_a_person_who_says_that_it_did_not_happen_ends_the_doubt_and_the_task(stand: Stand) -> None:
    begin(stand, "rescued")
    stand.world.acting_faults = ["silent before"]
    stand.pump()
    stand.wait()
    stand.settle(stand.doubts[0])
    stand.pump()
    assert (code(stand, "pour"), last(stand).outcome) == ("MW523", "escalated")
    finish(stand)


def test_a_call_whose_time_is_over_before_it_is_sent_is_not_sent(stand: Stand) -> None:
    begin(stand, "branches")
    stand.world.meanwhile = [nothing, nothing, lambda: stand.advance(MINUTE_MS)]
    stand.pump()
    assert sorted(code(stand, task) for task in ("left", "right")) == ["", "MW522"]
    finish(stand)


def test_a_task_that_only_a_person_can_do_is_handed_to_people(stand: Stand) -> None:
    by_hand = PlanTask(
        name=TaskName("by_hand"), title="By hand", kind=TaskKind.MANUAL, prose="Look yourself."
    )
    begin(stand, plan_of(by_hand))
    stand.pump()
    (hand,) = last(stand).open_hands
    assert last(stand).hands[hand].ladder[0].people == ["ada", "grace"]
    finish(stand)


def test_a_run_whose_plan_is_missing_is_left_alone_and_tried_again(stand: Stand) -> None:
    begin(stand, "chain")
    plans = dict(stand.disk._tables.plans)
    stand.disk._tables.plans.clear()
    stand.pump()
    assert [error.code for error in stand.troubles] == ["MW613"]
    stand.disk._tables.plans.update(plans)
    finish(stand)


def test_what_nobody_knows_can_not_be_settled_answered_undone_or_started(stand: Stand) -> None:
    begin(stand, plan_of(look("measure")))
    stand.pump()
    house, run = stand.now.house, last(stand).run
    with pytest.raises(UndoImpossibleError):
        request_undo(house, run, by=ADA)
    with pytest.raises(RunUnknownError):
        settle_doubt(house, effect_key(run, TaskName("measure")), happened=True, by=ADA, why="")
    assert isinstance(stand.answer(ApprovalId("a-000000"), "approve", "ada"), RunUnknownError)
    wanting = replace(plan_of(look("measure")), inputs={"type": "object", "required": ["depth"]})
    with pytest.raises(InputsError):
        start_run(house, StartRequest(plan=wanting, inputs={}, initiator=ADA))


def test_the_ledger_takes_no_step_that_is_not_drawn() -> None:
    with pytest.raises(LedgerOrderError):
        moved(EffectStatus.DENIED, EffectStatus.DISPATCHED)
