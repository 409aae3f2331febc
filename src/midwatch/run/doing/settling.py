"""The facts by which a task, or one iteration of it, settles."""

from collections.abc import Mapping, Sequence
from typing import Any

from midwatch.base.canonical import frozen_value
from midwatch.base.errors import MidwatchError
from midwatch.base.units import EpochMs
from midwatch.journal.run_events import RunEvent, TaskFailed, TaskSkipped, TaskSucceeded
from midwatch.plan.model import PlanTask
from midwatch.run.commands import Settle
from midwatch.run.dataflow import cause_of
from midwatch.run.retry import retry_at
from midwatch.run.state import RunState

STOPPED = "the run was cancelled"


def is_stopped(state: RunState, task: PlanTask) -> bool:
    """Return whether a task may begin nothing more, because somebody stopped the run."""
    return state.cancel_why is not None and not task.is_finally


def skip(state: RunState, task: PlanTask, why: str, iteration: int = 0) -> Settle:
    """Return that a task won't run."""
    fact = TaskSkipped(task=task.name, why=why, iteration=iteration)
    return Settle(facts=(fact,), cause_n=cause_of(state, task, iteration))


def succeed(
    state: RunState, task: PlanTask, out: Mapping[str, Any], iteration: int = 0, **more: Any
) -> Settle:
    """Return that a task has its output; `before` are facts that come first, `cause_n` what led there."""
    done = TaskSucceeded(
        task=task.name,
        attempt=state.attempt_of(task.name, iteration),
        out=frozen_value(dict(out)),
        matched=list(more.get("matched", ())),
        iteration=iteration,
    )
    before: Sequence[RunEvent] = more.get("before", ())
    return Settle(facts=(*before, done), cause_n=more.get("cause_n") or cause_of(state, task, iteration))


def fail(state: RunState, task: PlanTask, error: MidwatchError, iteration: int = 0, **more: Any) -> Settle:
    """Return that an attempt failed; see `failed`. `before` and `cause_n` are as for `succeed`."""
    fact = failed(state, task, error, iteration, now_ms=more.get("now_ms"))
    before: Sequence[RunEvent] = more.get("before", ())
    return Settle(facts=(*before, fact), cause_n=more.get("cause_n") or cause_of(state, task, iteration))


def failed(
    state: RunState, task: PlanTask, error: MidwatchError, iteration: int = 0, *, now_ms: EpochMs | None
) -> TaskFailed:
    """Return the failure of an attempt; with a moment, another may follow as the task declares."""
    attempt = state.attempt_of(task.name, iteration)
    again = None if now_ms is None else retry_at(task.retry, attempt=attempt, code=error.code, now_ms=now_ms)
    return TaskFailed(
        task=task.name,
        attempt=attempt,
        code=error.code,
        why=error.sentence,
        retry_at_ms=again,
        iteration=iteration,
    )
