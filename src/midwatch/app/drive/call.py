"""Sending a dispatched action to its tool, once, and saying what came of it."""

from midwatch.app.drive.check import checked_output
from midwatch.app.drive.read import failed, segment, tool_error
from midwatch.app.drive.seal import manifest_of
from midwatch.app.drive.session import Segment
from midwatch.app.house import House
from midwatch.base.canonical import frozen_value, thawed_value
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import EffectKey, ToolName
from midwatch.base.units import SECOND_MS, DurationMs, EpochMs
from midwatch.journal.run_events import EffectConfirmed, EffectFailed, EffectInDoubt, RunEvent
from midwatch.plan.model import Plan, PlanTask
from midwatch.ports.rows import LeaseRow
from midwatch.ports.tools import ToolCall, ToolDone, ToolFailed, ToolOutcome, ToolSilent
from midwatch.run.errors import CallLateError
from midwatch.run.retry import retry_at
from midwatch.run.state import EffectState, RunState

REPEAT_AFTER_MS = SECOND_MS
"""How long after its child was ended a call in doubt is settled."""


def call(house: House, plan: Plan, state: RunState, key: EffectKey) -> Segment:
    """Send the action that the journal already holds as dispatched; its deadline is checked right before."""
    effect = state.effects[key]
    task = plan.task(effect.task)
    assert task.call is not None, "an acting task has a call"
    # The monotonic clock first: a process that freezes in between loses time, and gains none.
    begun_ms, started_ms = house.clock.monotonic_ms(), house.clock.now_ms()
    timeout_ms = DurationMs(min(task.call.timeout_ms, effect.deadline_ms - started_ms))
    outcome: ToolOutcome
    if started_ms >= effect.deadline_ms:
        late = CallLateError("its time was over before it was sent")
        outcome = ToolFailed(code=late.code, why=late.sentence, retryable=True, settles=False)
    else:
        outcome = house.tools.call(
            ToolCall(
                tool=ToolName(effect.tool),
                args=thawed_value(effect.sealed["args"]),
                key=key,
                timeout_ms=timeout_ms,
                until_ms=begun_ms + timeout_ms,
            )
        )
    facts = _facts(house, state, task, effect, outcome, duration_ms=max(0, house.clock.now_ms() - started_ms))
    freed = () if isinstance(outcome, ToolSilent) else (_lease(state, effect),)
    return segment(house, plan, facts, effect.n, freed=freed)


def _facts(
    house: House,
    state: RunState,
    task: PlanTask,
    effect: EffectState,
    outcome: ToolOutcome,
    *,
    duration_ms: int,
) -> list[RunEvent]:
    attempt = state.attempt_of(task.name, effect.iteration)
    match outcome:
        case ToolDone():
            broken: MidwatchError | None = None
            try:
                out = checked_output(task, manifest_of(house, task), outcome.out)
            except MidwatchError as error:
                out, broken = dict(outcome.out), error
            confirmed = EffectConfirmed(
                key=effect.key,
                out=frozen_value(out),
                duration_ms=duration_ms,
                cost_micro_usd=outcome.cost_micro_usd,
            )
            return (
                [confirmed]
                if broken is None
                else [confirmed, failed(task, attempt, broken, iteration=effect.iteration)]
            )
        case ToolFailed(settles=False) if effect.doubted:
            why = f"this call was refused ({outcome.code}), and an earlier one was never seen to end"
            return [EffectInDoubt(key=effect.key, why=why, settle_after_ms=_later(house))]
        case ToolFailed():
            retry = None
            if outcome.retryable:
                now_ms = house.clock.now_ms()
                retry = retry_at(task.retry, attempt=effect.attempt, code=outcome.code, now_ms=now_ms)
            return [
                EffectFailed(key=effect.key, code=outcome.code, why=outcome.why),
                failed(task, attempt, tool_error(outcome), retry=retry, iteration=effect.iteration),
            ]
        case ToolSilent():
            return [EffectInDoubt(key=effect.key, why=outcome.why, settle_after_ms=_later(house))]


def _later(house: House) -> EpochMs:
    """Return when a call in doubt may be settled: its child is ended already, so nothing comes after."""
    return EpochMs(house.clock.now_ms() + REPEAT_AFTER_MS)


def _lease(state: RunState, effect: EffectState) -> LeaseRow:
    return LeaseRow(
        resource=str(effect.sealed["target"]),
        run=state.run,
        key=effect.key,
        fence=effect.fence,
        until_ms=effect.deadline_ms,
    )
