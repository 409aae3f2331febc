"""Reading the world: a task's own reading, and readings back of what an effect changed.

Takes the run as it was and returns facts; writes nothing. So it may run beside the loop, and what it
found is kept or thrown away by the one place that commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from midwatch.app.drive.check import checked_output
from midwatch.app.drive.judge import Case, judge
from midwatch.app.drive.seal import Wanted, manifest_of, new_nonce, seal
from midwatch.app.drive.session import Segment
from midwatch.app.house import House
from midwatch.base.canonical import frozen_value, thawed_value
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import EffectKey, Principal, effect_key
from midwatch.base.units import EpochMs
from midwatch.effects.action import Action
from midwatch.journal.run_events import (
    EffectConfirmed,
    EffectFailed,
    EffectRead,
    RunEvent,
    TaskFailed,
    TaskSucceeded,
)
from midwatch.plan.model import Plan, PlanProbe, PlanTask
from midwatch.ports.tools import ToolCall, ToolDone, ToolFailed, ToolOutcome, ToolSilent
from midwatch.run.commands import CallRead, Probe
from midwatch.run.effecting import denial_of
from midwatch.run.errors import ForbiddenError, OutputError
from midwatch.run.retry import OUTPUT, retry_at
from midwatch.run.state import RunState
from midwatch.runbook.expr import evaluate_bool


def read(house: House, plan: Plan, state: RunState, command: CallRead) -> Segment:
    """Call the read tool of a task; the gate judges it like any other call."""
    task = plan.task(command.task)
    try:
        found = take(
            house,
            plan,
            state,
            task,
            purpose="task",
            ordinal=command.attempt,
            iteration=command.iteration,
        )
    except MidwatchError as error:
        fact = failed(task, command.attempt, error, iteration=command.iteration)
        return segment(house, plan, (fact,), command.cause_n)
    facts: list[RunEvent] = [found.event]
    if found.error is not None:
        retry = _retry_at(house, task, command, found)
        facts.append(failed(task, command.attempt, found.error, retry=retry, iteration=command.iteration))
    else:
        done = TaskSucceeded(
            task=task.name,
            attempt=command.attempt,
            out=frozen_value(dict(found.out)),
            iteration=command.iteration,
        )
        facts.append(done)
    return segment(house, plan, facts, command.cause_n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a read brought."""

    event: EffectRead
    out: dict[str, Any]
    error: MidwatchError | None
    retryable: bool
    is_timeout: bool = False


def take(
    house: House,
    plan: Plan,
    state: RunState,
    task: PlanTask,
    *,
    purpose: str,
    ordinal: int,
    about: str = "",
    iteration: int = 0,
) -> Found:
    """Seal, judge and call a read.

    Raises:
        ForbiddenError: MW351, when the gate says no.
        MidwatchError: when the arguments can't be made.
    """
    step = 0 if purpose == "task" else 1
    key = effect_key(state.run, task.name, iteration=iteration, step=step, ordinal=ordinal)
    wanted = Wanted(plan=plan, state=state, task=task, key=key, nonce=new_nonce(house), iteration=iteration)
    action = seal(house, wanted)
    decision = judge(house, house.in_force(), Case(plan=plan, state=state, task=task, action=action))
    if decision.outcome != "allowed":
        raise ForbiddenError(denial_of(decision.as_record()), run=state.run)
    started_ms = house.clock.now_ms()
    outcome = send(house, task, action)
    out: dict[str, Any] = {}
    error: MidwatchError | None = None
    if isinstance(outcome, ToolDone):
        try:
            out = checked_output(task, manifest_of(house, task), outcome.out)
        except MidwatchError as broken:
            error = broken
    else:
        error = tool_error(outcome)
    event = EffectRead(
        key=key,
        task=task.name,
        tool=action.tool,
        action=action.digest,
        sealed=action.as_record(),
        decision=decision.as_record(),
        ok=error is None,
        started_ms=started_ms,
        duration_ms=max(0, house.clock.now_ms() - started_ms),
        out=frozen_value(out) if purpose != "task" else {},
        purpose=purpose,
        about=about,
        attempt=ordinal,
        iteration=iteration,
        cost_micro_usd=outcome.cost_micro_usd if isinstance(outcome, ToolDone) else 0,
    )
    is_silent = isinstance(outcome, ToolSilent)
    retryable = is_silent or (isinstance(outcome, ToolFailed) and outcome.retryable)
    asked_for = isinstance(error, OutputError) and OUTPUT in task.retry.codes
    return Found(event=event, out=out, error=error, retryable=retryable or asked_for, is_timeout=is_silent)


class ToolError(MidwatchError):
    """A tool could not do what it was asked."""

    code = "MW520"
    fix = "The reason stands beside it; `midwatch show {run}` shows the call."
    tool_code: str = "MW520"
    """The tool's own code, where it has one."""


class TraceMissingError(MidwatchError):
    """A call that nobody saw end left no trace: a probe found that it did not happen."""

    code = "MW521"
    fix = "Nothing was changed. Start the run again, or do the step by hand."


def tool_error(outcome: ToolOutcome) -> MidwatchError:
    """Return as an error why a tool did not do what it was asked."""
    match outcome:
        case ToolFailed():
            error = ToolError(outcome.why)
            error.tool_code = outcome.code
            return error
        case ToolSilent():
            return ToolError(outcome.why)
        case ToolDone():
            raise AssertionError("a tool that is done did not fail")
        case _:
            assert_never(outcome)


def send(house: House, task: PlanTask, action: Action) -> ToolOutcome:
    """Send a sealed action to its tool and wait for it."""
    assert task.call is not None, "only tasks with a call are called"
    call = ToolCall(tool=action.tool, args=dict(action.args), key=action.key, timeout_ms=task.call.timeout_ms)
    return house.tools.call(call)


def failed(
    task: PlanTask,
    attempt: int,
    error: MidwatchError,
    *,
    retry: EpochMs | None = None,
    iteration: int = 0,
) -> TaskFailed:
    """Return the failure of an attempt, with the tool's own code where it gave one."""
    return TaskFailed(
        task=task.name,
        attempt=attempt,
        code=code_of(error),
        why=error.sentence,
        retry_at_ms=retry,
        iteration=iteration,
    )


def code_of(error: MidwatchError) -> str:
    """Return the tool's own code where it gave one, else the error's."""
    return error.tool_code if isinstance(error, ToolError) else error.code


def _retry_at(house: House, task: PlanTask, command: CallRead, found: Found) -> EpochMs | None:
    if not found.retryable or found.error is None:
        return None
    code, now_ms = code_of(found.error), house.clock.now_ms()
    return retry_at(
        task.retry, attempt=command.attempt, code=code, now_ms=now_ms, is_timeout=found.is_timeout
    )


def segment(house: House, plan: Plan, facts: Sequence[RunEvent], cause_n: int, **more: Any) -> Segment:
    """Return facts of the agent that runs this plan, as of now."""
    actor = Principal(f"agent:{plan.runbook}")
    return Segment(facts=tuple(facts), cause_n=cause_n, actor=actor, at_ms=house.clock.now_ms(), **more)


def read_back(
    house: House,
    plan: Plan,
    state: RunState,
    wanted: PlanProbe,
    *,
    about: str,
    args: dict[str, Any],
    purpose: str,
) -> tuple[EffectRead, bool]:
    """Take a probe's reading again; return the fact and whether what must hold does.

    Raises:
        MidwatchError: when the reading can't be taken, or the expression not be evaluated.
    """
    task = plan.task(wanted.probe)
    found = take(house, plan, state, task, purpose=purpose, ordinal=state.tool_calls, about=about)
    if found.error is not None:
        raise found.error
    holds = evaluate_bool(wanted.holds, {"args": args, "probe": found.out})
    return replace(found.event, holds=holds), holds


def probe(house: House, plan: Plan, state: RunState, command: Probe) -> Segment:
    """Read back what an effect changed: to verify it, or to settle whether it happened."""
    effect = state.effects[command.key]
    task = plan.task(effect.task)
    assert task.verify is not None, "only effects with a verify are read back"
    args = thawed_value(effect.sealed["args"])
    facts: list[RunEvent] = []
    is_read = True
    try:
        event, holds = read_back(
            house, plan, state, task.verify, about=command.key, args=args, purpose=command.purpose
        )
        facts.append(event)
    except MidwatchError as error:
        holds = is_read = False
        facts.append(_unread(house, command, task.verify, error))
    if command.purpose == "settle" and is_read:
        facts.extend(_settled(house, state, task, command.key, holds=holds))
    return segment(house, plan, facts, effect.n)


def _settled(
    house: House, state: RunState, task: PlanTask, key: EffectKey, *, holds: bool
) -> tuple[RunEvent, ...]:
    """Return what a probe found out about a call that nobody saw end."""
    if holds:
        return (EffectConfirmed(key=key, out={}, by="probe"),)
    effect = state.effects[key]
    error = TraceMissingError("a probe found no trace of it")
    may_repeat = effect.attempt <= task.retry.attempts_max
    retry = EpochMs(house.clock.now_ms()) if may_repeat else None
    gone = EffectFailed(key=key, code=error.code, why=error.sentence, by="probe")
    attempt = state.attempt_of(task.name, effect.iteration)
    return (gone, failed(task, attempt, error, retry=retry, iteration=effect.iteration))


def _unread(house: House, command: Probe, wanted: PlanProbe, error: MidwatchError) -> EffectRead:
    """Return the fact that reading back failed: it shows no effect and settles no doubt."""
    return EffectRead(
        key=command.key,
        task=wanted.probe,
        tool="",
        action="",
        sealed={},
        decision={},
        ok=False,
        started_ms=house.clock.now_ms(),
        duration_ms=0,
        out={"code": error.code, "why": error.sentence},
        purpose=command.purpose,
        about=command.key,
        holds=False,
    )
