"""Choices about runs that this one calls: begin, wait, stop, take over what came of them."""

from midwatch.base.units import EpochMs
from midwatch.plan.model import PlanTask
from midwatch.run.commands import Begin, Call, Command, Settle, Stop, Wait
from midwatch.run.dataflow import cause_of
from midwatch.run.doing.settling import STOPPED, fail, is_stopped, skip, succeed
from midwatch.run.effecting import World
from midwatch.run.errors import ChildEndedError, TaskTimeoutError
from midwatch.run.state import ChildState, RunState

TIMED_OUT = "its caller gave it no more time"


def decide_call(
    state: RunState, task: PlanTask, iteration: int, world: World
) -> Settle | tuple[Command, ...]:
    """Return what a task that calls a runbook does next."""
    place = (task.name, iteration)
    if place in world.flight.tasks:
        return ()
    child = state.child_of(place)
    attempt = state.attempt_of(task.name, iteration)
    if child is None or child.attempt != attempt:
        if is_stopped(state, task):
            return skip(state, task, STOPPED, iteration)
        return (Call(place=place, attempt=attempt, cause_n=cause_of(state, task, iteration)),)
    if child.child in world.flight.children:
        return ()
    if not child.outcome:
        return _under_way(state, task, child, world.now_ms)
    if child.stop_why == TIMED_OUT:
        error = TaskTimeoutError(f"{child.child} took too long, and was stopped")
        return fail(state, task, error, iteration, cause_n=child.n, now_ms=world.now_ms)
    if is_stopped(state, task) and child.stop_why is not None:
        return skip(state, task, STOPPED, iteration)
    assert task.callee is not None, "only a call has called"
    if child.outcome in task.callee.accept:
        return succeed(state, task, child.out, iteration, cause_n=child.n)
    ended = ChildEndedError(f"{child.child} ended as {child.outcome}: {child.why}", child=child.child)
    now_ms = None if is_stopped(state, task) else world.now_ms
    return fail(state, task, ended, iteration, cause_n=child.n, now_ms=now_ms)


def _under_way(state: RunState, task: PlanTask, child: ChildState, now_ms: EpochMs) -> tuple[Command, ...]:
    """Return what a call that did not end yet wants: to be begun, to be stopped, or time."""
    if child.stop_why is not None:
        return ()
    if is_stopped(state, task):
        return (Stop(child=child.child, why=state.cancel_why or STOPPED),)
    if not child.begun:
        return (Begin(child=child.child),)
    if not task.timeout_ms:
        return ()
    limit_ms = EpochMs(state.task(*child.place).begun_ms + task.timeout_ms)
    if now_ms >= limit_ms:
        return (Stop(child=child.child, why=TIMED_OUT),)
    return (Wait(until_ms=limit_ms),)
