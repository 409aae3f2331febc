"""Choices about tasks that run several times: once for each item, or round after round.

Rule 1: what a loop runs for is found out once and recorded; then nothing outside changes it.
Rule 2: a decision looks at the iterations that go on, never at all of them.
"""

from collections.abc import Callable
from typing import Any

from midwatch.base.canonical import frozen_value
from midwatch.base.errors import MidwatchError
from midwatch.base.units import EpochMs
from midwatch.journal.run_events import LoopBegun, TaskStarted
from midwatch.plan.model import Plan, PlanLoop, PlanTask
from midwatch.run.commands import Command, Settle, Wait
from midwatch.run.dataflow import cause_of, scope_of
from midwatch.run.doing.settling import STOPPED, fail, is_stopped, skip, succeed
from midwatch.run.effecting import World
from midwatch.run.errors import ItemFailedError, NotAListError, RoundsOverError, TooManyItemsError
from midwatch.run.state import LoopState, RunState, TaskStatus
from midwatch.runbook.errors import ExpressionError
from midwatch.runbook.expr import evaluate, evaluate_bool

Step = Callable[[int], Settle | tuple[Command, ...]]
"""What one iteration does next."""


def begin_loop(plan: Plan, state: RunState, task: PlanTask) -> Settle:
    """Return what a loop runs for, as a fact; its failure where that can't be said or is too much."""
    try:
        begun = LoopBegun(
            task=task.name, items=frozen_value(items_of(plan, state, task)), rounds=_is_rounds(task)
        )
    except MidwatchError as error:
        return fail(state, task, error)
    return Settle(facts=(begun,), cause_n=cause_of(state, task))


def items_of(plan: Plan, state: RunState, task: PlanTask) -> list[Any]:
    """Return the items of a loop; none for rounds.

    Raises:
        ExpressionError: MW1xx; NotAListError: MW625; TooManyItemsError: MW624.
    """
    assert task.loop is not None, "only a loop has items"
    if _is_rounds(task):
        return []
    items = evaluate(task.loop.each, scope_of(plan, state))
    if not isinstance(items, list):
        raise NotAListError(f"`{task.loop.each}` gave {type(items).__name__}, and no list")
    if len(items) > task.loop.times_max:
        raise TooManyItemsError(
            f"`{task.name}` has {len(items)} items, more than {task.loop.times_max}: it ran for none"
        )
    return items


def _is_rounds(task: PlanTask) -> bool:
    return task.loop is not None and not task.loop.each


def decide_loop(
    plan: Plan, state: RunState, task: PlanTask, world: World, step: Step
) -> Settle | tuple[Command, ...]:
    """Return what a loop does next, with `step` for what one of its iterations does."""
    loop = state.loops.get(task.name)
    if loop is None:
        return begin_loop(plan, state, task)
    if state.task(task.name).status is not TaskStatus.STARTED:
        started = TaskStarted(task=task.name, attempt=state.attempt_of(task.name))
        return Settle(facts=(started,), cause_n=max(loop.n, cause_of(state, task)))
    assert task.loop is not None, "only a loop is decided as one"
    commands: list[Command] = []
    active = loop.going | {place[1] for place in world.flight.tasks if place[0] == task.name and place[1]}
    for iteration in sorted(active):
        done = step(iteration)
        if isinstance(done, Settle):
            return done
        commands.extend(done)
    if _is_rounds(task):
        return _rounds(plan, state, task, world, step) if not active else tuple(commands)
    stops = is_stopped(state, task) or (bool(loop.failed) and not task.loop.goes_on)
    for iteration in () if stops else _next(loop, active, task.loop.parallel):
        done = step(iteration)
        if isinstance(done, Settle):
            return done
        commands.extend(done)
    if commands or active:
        return tuple(commands)
    return _ended(state, task, task.loop, loop)


def _next(loop: LoopState, active: frozenset[int], parallel: int) -> list[int]:
    """Return the iterations that may begin now."""
    found: list[int] = []
    iteration = loop.begin
    while len(active) + len(found) < parallel and iteration <= len(loop.items):
        if iteration not in loop.ahead and iteration not in active:
            found.append(iteration)
        iteration += 1
    return found


def _ended(state: RunState, task: PlanTask, plan_loop: PlanLoop, loop: LoopState) -> Settle:
    """Return the end of a loop over items."""
    failures = [
        {"index": n - 1, "code": state.task(task.name, n).code, "why": state.task(task.name, n).why}
        for n in sorted(loop.failed)
    ]
    if failures and not plan_loop.goes_on:
        first = failures[0]
        error = ItemFailedError(f"item {first['index']} failed with {first['code']}: {first['why']}")
        return fail(state, task, error, cause_n=loop.n)
    turns = [state.task(task.name, n) for n in range(1, len(loop.items) + 1)]
    outs = [dict(turn.out) for turn in turns if turn.status is TaskStatus.SUCCEEDED]
    skipped = next((turn for turn in turns if turn.status not in _DONE), None)
    if skipped is not None and (not outs or is_stopped(state, task)):
        return skip(state, task, skipped.why or STOPPED)
    return succeed(state, task, {"items": outs, "failed": failures}, cause_n=loop.n)


_DONE = {TaskStatus.SUCCEEDED, TaskStatus.FAILED}


def _rounds(
    plan: Plan, state: RunState, task: PlanTask, world: World, step: Step
) -> Settle | tuple[Command, ...]:
    """Return the end of a loop of rounds, else its next round or the wait for it."""
    plan_loop, loop = task.loop, state.loops[task.name]
    assert plan_loop is not None, "only a loop has rounds"
    latest = state.task(task.name, loop.last) if loop.last else None
    if is_stopped(state, task):
        return skip(state, task, STOPPED)
    if latest is not None and latest.status is not TaskStatus.SUCCEEDED:
        if latest.status is TaskStatus.SKIPPED:
            return skip(state, task, latest.why)
        error = ItemFailedError(f"round {loop.last} failed with {latest.code}: {latest.why}")
        return fail(state, task, error, cause_n=loop.n)
    if latest is not None:
        try:
            if evaluate_bool(plan_loop.until, scope_of(plan, state).having(**{task.name: latest.out})):
                return succeed(state, task, latest.out, cause_n=loop.n)
        except ExpressionError as error:
            return fail(state, task, error, cause_n=loop.n)
        if loop.last >= plan_loop.times_max:
            over = RoundsOverError(f"after {loop.last} rounds it did not hold: {plan_loop.until}")
            return fail(state, task, over, cause_n=loop.n)
        next_ms = EpochMs(latest.ended_ms + plan_loop.every_ms)
        if world.now_ms < next_ms:
            return (Wait(until_ms=next_ms),)
    return step(loop.last + 1)
