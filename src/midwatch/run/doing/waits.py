"""Choices about waits: for a moment, for a signal, for a reading. A wait is rows; nothing runs meanwhile."""

import datetime as dt
from typing import assert_never

from midwatch.base.units import SECOND_MS, EpochMs, after
from midwatch.journal.run_events import SignalTaken, TaskStarted, WaitBegun
from midwatch.plan.model import Plan, PlanTask, PlanWait, WaitFor
from midwatch.run.commands import Command, Look, Settle, Wait
from midwatch.run.dataflow import cause_of, scope_of
from midwatch.run.doing.settling import fail, succeed
from midwatch.run.effecting import World
from midwatch.run.errors import MomentError, WaitTimeoutError
from midwatch.run.state import RunState, Signal, TaskStatus, WaitState
from midwatch.runbook.errors import ExpressionError, ValueMismatchError
from midwatch.runbook.expr import evaluate, evaluate_bool, validate


def decide_wait(plan: Plan, state: RunState, task: PlanTask, world: World) -> Settle | tuple[Command, ...]:
    """Return what a wait that is due, or under way, does next."""
    assert task.wait is not None, "a wait that waits for nothing passes no check"
    if state.task(task.name).status is not TaskStatus.STARTED:
        return _begun(plan, state, task, task.wait, world.now_ms)
    waiting = state.waits[task.name]
    match task.wait.kind:
        case WaitFor.TIME:
            if world.now_ms >= waiting.due_ms:
                return succeed(state, task, {}, cause_n=waiting.n)
            return (Wait(until_ms=waiting.due_ms),)
        case WaitFor.EVENT:
            return _for_signal(plan, state, task, task.wait, world.now_ms)
        case WaitFor.PROBE:
            if (task.name, 0) in world.flight.tasks:
                return ()
            return _for_reading(state, task, task.wait, world.now_ms)
        case _:
            assert_never(task.wait.kind)


def _begun(
    plan: Plan, state: RunState, task: PlanTask, wait: PlanWait, now_ms: EpochMs
) -> Settle | tuple[Command, ...]:
    try:
        due_ms = _due_ms(plan, state, wait, now_ms)
    except (ExpressionError, MomentError) as error:
        return fail(state, task, error)
    started = TaskStarted(task=task.name, attempt=state.attempt_of(task.name))
    begun = WaitBegun(task=task.name, kind=wait.kind.value, due_ms=due_ms, event=wait.event)
    return Settle(facts=(started, begun), cause_n=cause_of(state, task))


def _due_ms(plan: Plan, state: RunState, wait: PlanWait, now_ms: EpochMs) -> EpochMs:
    if wait.kind is not WaitFor.TIME:
        return after(now_ms, wait.within_ms)
    if not wait.at:
        return after(now_ms, wait.for_ms)
    return moment_of(evaluate(wait.at, scope_of(plan, state)))


def moment_of(value: object) -> EpochMs:
    """Return the moment that an RFC 3339 text names.

    Raises:
        MomentError: MW628, it is none, or has no offset.
    """
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not isinstance(value, str):
        raise MomentError(f"{value!r} is no moment: it wants a date, a time and an offset")
    at_ms = (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)
    return EpochMs(max(0, min(at_ms, _LATEST_MS)))


_LATEST_MS = 253_402_300_799 * SECOND_MS
"""The end of the year 9999."""


def _for_signal(
    plan: Plan, state: RunState, task: PlanTask, wait: PlanWait, now_ms: EpochMs
) -> Settle | tuple[Command, ...]:
    waiting = state.waits[task.name]
    for signal in state.inbox:
        if signal.name != wait.event:
            continue
        try:
            is_meant = fits(plan, state, task, signal)
        except ExpressionError as error:
            return fail(state, task, error, cause_n=signal.n)
        if is_meant:
            taken = SignalTaken(task=task.name, signal_n=signal.n)
            return succeed(state, task, signal.data, before=(taken,), cause_n=max(signal.n, waiting.n))
    return _unless_over(state, task, waiting, now_ms)


def fits(plan: Plan, state: RunState, task: PlanTask, signal: Signal) -> bool:
    """Return whether a signal is the one that a wait waits for.

    Raises:
        ExpressionError: MW1xx, when its condition can't be evaluated.
    """
    assert task.wait is not None, "only a wait takes signals"
    if task.out:
        try:
            validate(task.out, signal.data, what=f"the data of {signal.name}")
        except ValueMismatchError:
            return False
    if not task.wait.where:
        return True
    return evaluate_bool(task.wait.where, scope_of(plan, state).having(event=signal.data))


def _for_reading(
    state: RunState, task: PlanTask, wait: PlanWait, now_ms: EpochMs
) -> Settle | tuple[Command, ...]:
    waiting = state.waits[task.name]
    if waiting.probed_ms is None:
        return (Look(task=task.name),)
    next_ms = EpochMs(waiting.probed_ms + max(wait.every_ms, 1))
    if now_ms >= waiting.due_ms and waiting.probed_ms >= waiting.due_ms:
        return _over(state, task, waiting)
    until_ms = min(next_ms, max(waiting.due_ms, EpochMs(waiting.probed_ms + 1)))
    return (Look(task=task.name),) if now_ms >= until_ms else (Wait(until_ms=until_ms),)


def _unless_over(
    state: RunState, task: PlanTask, waiting: WaitState, now_ms: EpochMs
) -> Settle | tuple[Command, ...]:
    if now_ms < waiting.due_ms:
        return (Wait(until_ms=waiting.due_ms),)
    return _over(state, task, waiting)


def _over(state: RunState, task: PlanTask, waiting: WaitState) -> Settle:
    assert task.wait is not None, "only a wait is over"
    what = waiting.event or task.wait.holds
    error = WaitTimeoutError(f"`{what}` did not come in time")
    return fail(state, task, error, cause_n=waiting.n)
