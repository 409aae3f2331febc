"""Choices about one effect, by where it stands in the ledger. Part of `decide`: pure, no clock."""

from dataclasses import dataclass, field
from typing import assert_never

from midwatch.base.canonical import frozen_value
from midwatch.base.classes import RetryClass
from midwatch.base.ids import EffectKey, RunId
from midwatch.base.units import MINUTE_MS, SECOND_MS, EpochMs
from midwatch.effects.ledger import HAPPENED, EffectStatus, may_repeat
from midwatch.journal.run_events import (
    EffectInDoubt,
    EffectVerified,
    RunEvent,
    TaskFailed,
    TaskSkipped,
    TaskSucceeded,
    UndoRequested,
)
from midwatch.plan.model import OnFail, PlanProbe, PlanTask
from midwatch.run.commands import Command, Dispatch, Prepare, Probe, Settle, Wait
from midwatch.run.dataflow import cause_of, key_of
from midwatch.run.errors import DeniedError, ForbiddenError, NobodyAnsweredError, NotVerifiedError
from midwatch.run.state import SETTLED, EffectState, Place, RunState, TaskStatus

REPEATS_MAX = 5
"""How often a call in doubt is repeated under its key before a person is asked."""

PROBES_PER_WINDOW = 20
PROBE_INTERVAL_MS_MAX = 5 * SECOND_MS
PROBE_INTERVAL_MS_MIN = SECOND_MS // 4

SETTLE_WITHIN_MS = 5 * MINUTE_MS
"""How long a reading that can't be taken is tried again before a person is asked what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What one drive has under way in this process."""

    tasks: frozenset[Place] = field(default_factory=frozenset)
    """Tasks with their iterations."""
    effects: frozenset[EffectKey] = field(default_factory=frozenset)
    dead: frozenset[str] = field(default_factory=frozenset)
    """Workers that are surely gone, with every child of theirs (see `adapters.tools.alive`)."""
    children: frozenset[RunId] = field(default_factory=frozenset)
    """Called runs that are being started or stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What `decide` may know besides plan and state."""

    now_ms: EpochMs
    flight: Flight
    """What this drive has under way, and which workers are surely dead."""


def orphaned(state: RunState, flight: Flight, now_ms: EpochMs) -> Settle | None:
    """Return the fact that a dispatched effect of some other drive is in doubt, or None."""
    for effect in (state.effects[key] for key in sorted(state.sent)):
        if effect.key in flight.effects:
            continue
        gone = effect.worker in flight.dead
        why = "the worker that sent it is gone" if gone else "the worker that sent it has not answered"
        doubt = EffectInDoubt(
            key=effect.key, why=why, settle_after_ms=now_ms if gone else max(now_ms, effect.deadline_ms)
        )
        return Settle(facts=(doubt,), cause_n=effect.n)
    return None


def decide_effect(
    state: RunState, task: PlanTask, iteration: int, world: World
) -> Settle | tuple[Command, ...]:
    """Return what a ready acting task does next, at one of its iterations."""
    flight, now_ms = world.flight, world.now_ms
    place = (task.name, iteration)
    key = key_of(state, task.name, iteration)
    if key in flight.effects or place in flight.tasks:
        return ()
    effect = state.effects.get(key)
    if effect is None:
        return (Prepare(asking=None, tasks=(place,), cause_n=cause_of(state, task, iteration)),)
    match effect.status:
        case EffectStatus.PROPOSED | EffectStatus.ALLOWED:
            return (Dispatch(key=key),)
        case EffectStatus.FAILED:
            return _failed(state, task, effect)
        case EffectStatus.ASKED:
            return _asked(state, effect)
        case EffectStatus.VOID:
            asked = state.approval_of(key)
            supersedes = asked.approval if asked is not None else ""
            return (Prepare(asking=None, tasks=(place,), cause_n=effect.n, supersedes=supersedes),)
        case EffectStatus.DENIED | EffectStatus.EXPIRED:
            return _refused(state, task, effect)
        case EffectStatus.DISPATCHED:
            return ()
        case EffectStatus.IN_DOUBT:
            return _in_doubt(task, effect, now_ms)
        case EffectStatus.CONFIRMED:
            return _confirmed(state, task, effect, now_ms)
        case EffectStatus.VERIFIED:
            return Settle(facts=(_succeeded(state, effect),), cause_n=effect.n)
        case EffectStatus.UNVERIFIED:
            return Settle(facts=_unverified(state, task, effect), cause_n=effect.n)
        case EffectStatus.UNDOING | EffectStatus.UNDONE | EffectStatus.UNDO_FAILED:
            return Settle(facts=(_succeeded(state, effect),), cause_n=effect.n)
        case _:
            assert_never(effect.status)


def _failed(state: RunState, task: PlanTask, effect: EffectState) -> Settle | tuple[Command, ...]:
    """Dispatch again what a declared retry or a new wish to undo wants; else the task failed with it."""
    is_retried = state.task(*_place(effect)).status is TaskStatus.RETRYING
    if is_retried or is_wanted_again(state, task, effect):
        return (Dispatch(key=effect.key),)
    return Settle(facts=(_task_failed(state, effect, effect.code, effect.why),), cause_n=effect.n)


def is_wanted_again(state: RunState, task: PlanTask, effect: EffectState) -> bool:
    """Return whether it was asked to take something back once more, after this undo came to nothing."""
    return task.is_undo and state.undo_n > effect.n


def _place(effect: EffectState) -> Place:
    return effect.task, effect.iteration


def _task_failed(state: RunState, effect: EffectState, code: str, why: str) -> TaskFailed:
    attempt = state.attempt_of(*_place(effect))
    return TaskFailed(task=effect.task, attempt=attempt, code=code, why=why, iteration=effect.iteration)


def _asked(state: RunState, effect: EffectState) -> tuple[Command, ...]:
    asked = state.approval_of(effect.key)
    if asked is None or asked.status == "open":
        return ()
    if asked.status == "approved":
        return (Dispatch(key=effect.key),)
    return (Prepare(asking=None, tasks=(_place(effect),), cause_n=asked.n, supersedes=asked.approval),)


def _refused(state: RunState, task: PlanTask, effect: EffectState) -> Settle | tuple[Command, ...]:
    asked = state.approval_of(effect.key)
    if is_wanted_again(state, task, effect):
        supersedes = asked.approval if asked is not None else ""
        return (Prepare(asking=None, tasks=(_place(effect),), cause_n=state.undo_n, supersedes=supersedes),)
    fact: RunEvent
    if effect.decision.get("kind") == "shadow":
        why = "the mode lets nothing run; it was proposed only"
        fact = TaskSkipped(task=effect.task, why=why, iteration=effect.iteration)
    elif effect.status is EffectStatus.EXPIRED:
        fact = _task_failed(state, effect, NobodyAnsweredError.code, effect.why)
    elif asked is not None and asked.status == "denied" and effect.decision.get("outcome") != "denied":
        fact = _task_failed(state, effect, DeniedError.code, effect.why)
    else:
        fact = _task_failed(state, effect, ForbiddenError.code, denial_of(effect.decision))
    return Settle(facts=(fact,), cause_n=effect.n)


def denial_of(decision: object) -> str:
    """Return in words why the gate said no."""
    says = decision.get("says") if isinstance(decision, dict) else None
    return "; ".join(says) if says else "the policy in force forbids it"


def _in_doubt(task: PlanTask, effect: EffectState, now_ms: EpochMs) -> tuple[Command, ...]:
    if now_ms < effect.settle_after_ms:
        return (Wait(until_ms=effect.settle_after_ms),)
    assert task.call is not None, "an effect belongs to a task that calls a tool"
    if may_repeat(task.call.retry):
        return (Dispatch(key=effect.key),) if effect.attempt < REPEATS_MAX else ()
    if task.call.retry is RetryClass.PROBE and task.verify is not None and not _is_past_probing(effect):
        if effect.probed_ms is not None and now_ms < effect.probed_ms + PROBE_INTERVAL_MS_MAX:
            return (Wait(until_ms=EpochMs(effect.probed_ms + PROBE_INTERVAL_MS_MAX)),)
        return (Probe(key=effect.key, purpose="settle"),)
    return ()


def _is_past_probing(effect: EffectState) -> bool:
    """Return whether nothing could be read for so long that a person has to look."""
    return effect.probed_ms is not None and effect.probed_ms >= effect.settle_after_ms + SETTLE_WITHIN_MS


def _confirmed(
    state: RunState, task: PlanTask, effect: EffectState, now_ms: EpochMs
) -> Settle | tuple[Command, ...]:
    verify = task.verify
    if verify is None:
        return Settle(facts=(_succeeded(state, effect),), cause_n=effect.n)
    if effect.probed_ms is None:
        return (Probe(key=effect.key, purpose="verify"),)
    if effect.held_since_ms is not None and effect.probed_ms - effect.held_since_ms >= verify.for_ms:
        fact = EffectVerified(key=effect.key, holds=True, why=verify.holds)
        return Settle(facts=(fact, _succeeded(state, effect)), cause_n=effect.n)
    until_ms = effect.confirmed_ms + verify.within_ms + (verify.for_ms if effect.held_since_ms else 0)
    if effect.probed_ms >= until_ms:
        fact = EffectVerified(key=effect.key, holds=False, why=f"does not hold: {verify.holds}")
        return Settle(facts=(fact, *_unverified(state, task, effect)), cause_n=effect.n)
    next_ms = EpochMs(min(effect.probed_ms + _interval_ms(verify), max(until_ms, effect.probed_ms + 1)))
    if now_ms < next_ms:
        return (Wait(until_ms=next_ms),)
    return (Probe(key=effect.key, purpose="verify"),)


def _interval_ms(verify: PlanProbe) -> int:
    window_ms = verify.within_ms + verify.for_ms
    return min(PROBE_INTERVAL_MS_MAX, max(PROBE_INTERVAL_MS_MIN, window_ms // PROBES_PER_WINDOW))


def _succeeded(state: RunState, effect: EffectState) -> TaskSucceeded:
    return TaskSucceeded(
        task=effect.task,
        attempt=state.attempt_of(*_place(effect)),
        out=frozen_value(dict(effect.out)),
        iteration=effect.iteration,
    )


def _unverified(state: RunState, task: PlanTask, effect: EffectState) -> tuple[RunEvent, ...]:
    why = f"read back, and it does not hold: {task.verify.holds if task.verify else ''}"
    failed = _task_failed(state, effect, NotVerifiedError.code, why)
    if task.on_fail == OnFail.UNDO and task.undo is not None and not effect.iteration:
        return (failed, UndoRequested(keys=[effect.key], why="its effect could not be verified"))
    return (failed,)


UNDER_WAY = HAPPENED | {EffectStatus.DISPATCHED, EffectStatus.IN_DOUBT}
"""States in which an effect is seen through, even in a run that was cancelled."""


def is_waiting_for_a_person(state: RunState, task: PlanTask, effect: EffectState) -> bool:
    """Return whether only a person can say if the effect in doubt happened."""
    if effect.status is not EffectStatus.IN_DOUBT or task.call is None:
        return False
    if state.task(*_place(effect)).status in SETTLED:
        return True
    if may_repeat(task.call.retry):
        return effect.attempt >= REPEATS_MAX
    return task.call.retry is RetryClass.UNSAFE or task.verify is None or _is_past_probing(effect)
