"""The fold: what each fact changes in the state of a run."""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from midwatch.base.ids import ApprovalId, Digest, EffectKey, RunId, TaskName
from midwatch.base.units import EpochMs
from midwatch.effects.ledger import EffectStatus, moved
from midwatch.journal.events import Erased, Event
from midwatch.journal.run_events import (
    AnswerRefused,
    ApprovalAnswered,
    ApprovalAsked,
    ApprovalClosed,
    ApprovalConsumed,
    ApprovalEscalated,
    CancelRequested,
    EffectConfirmed,
    EffectDispatched,
    EffectFailed,
    EffectInDoubt,
    EffectJudged,
    EffectProposed,
    EffectRead,
    EffectUndone,
    EffectVerified,
    EffectVoided,
    RunEnded,
    RunEvent,
    RunStarted,
    TaskFailed,
    TaskRouted,
    TaskSkipped,
    TaskStarted,
    TaskSucceeded,
    UndoRequested,
)
from midwatch.run.state import (
    Answer,
    ApprovalState,
    EffectState,
    Refusal,
    RunState,
    TaskStatus,
    thawed,
)


def fold(run: RunId, events: Iterable[Event]) -> RunState:
    """Return the state after all `events` of one run, in order."""
    state = RunState(run=run)
    for event in events:
        state = evolve(state, event)
    return state


def evolve(state: RunState, event: Event) -> RunState:
    """Return the state after one more event.

    Raises:
        LedgerOrderError: MW601, when an effect would take a forbidden step.
    """
    if isinstance(event.payload, Erased):
        return replace(state, n=event.envelope.n)
    return fact(state, event.payload, event.envelope.n, event.envelope.at_ms, event.actor)


def fact(state: RunState, payload: RunEvent, n: int, at_ms: EpochMs, actor: str) -> RunState:
    """Return the state after a fact that has number `n`; the journal need not hold it yet."""
    match payload:
        case RunStarted():
            return replace(state, n=n, started=payload, started_ms=at_ms, inputs=thawed(payload.inputs))
        case TaskStarted() | TaskSucceeded() | TaskFailed() | TaskSkipped() | TaskRouted():
            return _task_fact(state, payload, n)
        case EffectRead():
            return _read(state, payload, n, at_ms)
        case EffectProposed():
            return _proposed(state, payload, n)
        case (
            EffectJudged()
            | EffectDispatched()
            | EffectConfirmed()
            | EffectFailed()
            | EffectInDoubt()
            | EffectVoided()
            | EffectVerified()
            | EffectUndone()
        ):
            return _effect_fact(state, payload, n, at_ms)
        case ApprovalAsked():
            return _asked(state, payload, n, at_ms)
        case ApprovalEscalated() | ApprovalAnswered() | ApprovalClosed() | ApprovalConsumed():
            return _approval_fact(state, payload, n, at_ms)
        case AnswerRefused():
            return replace(state, n=n)
        case UndoRequested():
            return _undo_requested(state, payload, n, actor)
        case CancelRequested():
            return replace(state, n=n, cancel_why=payload.why)
        case RunEnded():
            return replace(
                state,
                n=n,
                outcome=payload.outcome,
                why=payload.why,
                ended_ms=at_ms,
                cost_micro_usd=payload.cost_micro_usd,
            )
        case _:
            assert_never(payload)


def _undo_requested(state: RunState, payload: UndoRequested, n: int, actor: str) -> RunState:
    keys = tuple(EffectKey(key) for key in payload.keys)
    fresh = tuple(key for key in keys if key not in state.undo_keys)
    again = tuple(key for key in state.undo_keys if key not in keys)
    asked = tuple(key for key in keys if key in state.undo_keys)
    return replace(
        state,
        n=n,
        undo_keys=again + asked + fresh,
        undo_asked_n={**state.undo_asked_n, **dict.fromkeys(keys, n)},
        undo_n=n,
        undo_by=actor,
    )


def _task_fact(
    state: RunState, payload: TaskStarted | TaskSucceeded | TaskFailed | TaskSkipped | TaskRouted, n: int
) -> RunState:
    name = TaskName(payload.task)
    task = state.task(name)
    match payload:
        case TaskStarted():
            task = replace(task, status=TaskStatus.STARTED, attempt=payload.attempt, retry_at_ms=None, n=n)
        case TaskSucceeded():
            task = replace(
                task,
                status=TaskStatus.SUCCEEDED,
                attempt=payload.attempt,
                out=thawed(payload.out),
                matched=tuple(payload.matched),
                retry_at_ms=None,
                n=n,
            )
        case TaskFailed():
            again = payload.retry_at_ms is not None
            task = replace(
                task,
                status=TaskStatus.RETRYING if again else TaskStatus.FAILED,
                attempt=payload.attempt,
                code=payload.code,
                why=payload.why,
                retry_at_ms=EpochMs(payload.retry_at_ms) if payload.retry_at_ms is not None else None,
                n=n,
            )
        case TaskSkipped():
            task = replace(task, status=TaskStatus.SKIPPED, why=payload.why, n=n)
        case TaskRouted():
            by = TaskName(payload.by)
            followed = {by: replace(state.task(by), followed=True)}
            task = replace(task, routed_by=by, n=n)
            return replace(state, n=n, tasks={**state.tasks, **followed, name: task})
        case _:
            assert_never(payload)
    return replace(state, n=n, tasks={**state.tasks, name: task})


def _read(state: RunState, payload: EffectRead, n: int, at_ms: EpochMs) -> RunState:
    effects = state.effects
    about = effects.get(EffectKey(payload.about))
    if about is not None and payload.purpose == "settle":
        effects = {**effects, about.key: replace(about, probed_ms=at_ms)}
    if about is not None and payload.purpose == "verify":
        held_since = (about.held_since_ms or at_ms) if payload.holds else None
        effects = {**effects, about.key: replace(about, probed_ms=at_ms, held_since_ms=held_since)}
    return replace(
        state,
        n=n,
        effects=effects,
        tool_calls=state.tool_calls + 1,
        cost_micro_usd=state.cost_micro_usd + payload.cost_micro_usd,
    )


def _proposed(state: RunState, payload: EffectProposed, n: int) -> RunState:
    key = EffectKey(payload.key)
    before = state.effects.get(key)
    attempt = 0
    if before is not None:
        moved(before.status, EffectStatus.PROPOSED)
        attempt = before.attempt
    fresh = EffectState(
        key=key,
        task=TaskName(payload.task),
        tool=payload.tool,
        status=EffectStatus.PROPOSED,
        action=Digest(payload.action),
        sealed=payload.sealed,
        attempt=attempt,
        n=n,
    )
    return replace(state, n=n, effects={**state.effects, key: fresh})


_JUDGED = {"allowed": EffectStatus.ALLOWED, "asked": EffectStatus.ASKED, "denied": EffectStatus.DENIED}
_VOIDED = {"void": EffectStatus.VOID, "expired": EffectStatus.EXPIRED, "denied": EffectStatus.DENIED}
_UNDONE = {
    "undoing": EffectStatus.UNDOING,
    "undone": EffectStatus.UNDONE,
    "undo_failed": EffectStatus.UNDO_FAILED,
}

_EffectFact = (
    EffectJudged
    | EffectDispatched
    | EffectConfirmed
    | EffectFailed
    | EffectInDoubt
    | EffectVoided
    | EffectVerified
    | EffectUndone
)


def _effect_fact(state: RunState, payload: _EffectFact, n: int, at_ms: EpochMs) -> RunState:
    key = EffectKey(payload.key)
    before = state.effects[key]
    effects = {**state.effects, key: _effect(before, payload, n, at_ms)}
    match payload:
        case EffectDispatched():
            return replace(state, n=n, effects=effects, tool_calls=state.tool_calls + 1)
        case EffectConfirmed():
            cost = state.cost_micro_usd + payload.cost_micro_usd
            return replace(state, n=n, effects=effects, cost_micro_usd=cost)
        case EffectVoided():
            refusals = state.refusals | _refusal(before, payload)
            return replace(state, n=n, effects=effects, refusals=refusals)
        case _:
            return replace(state, n=n, effects=effects)


def _effect(effect: EffectState, payload: _EffectFact, n: int, at_ms: EpochMs) -> EffectState:
    """Return the effect after a fact about it, moved along an arrow of the ledger."""

    def to(status: EffectStatus, **changes: object) -> EffectState:
        return replace(effect, status=moved(effect.status, status), n=n, **changes)  # type: ignore[arg-type]

    match payload:
        case EffectJudged(outcome="not_now"):
            return replace(effect, decision=payload.decision, n=n)
        case EffectJudged():
            return to(_JUDGED[payload.outcome], decision=payload.decision)
        case EffectDispatched():
            return to(
                EffectStatus.DISPATCHED,
                attempt=payload.attempt,
                worker=payload.worker,
                deadline_ms=EpochMs(payload.deadline_ms),
                fence=payload.fence,
                probed_ms=None,
            )
        case EffectConfirmed():
            return to(EffectStatus.CONFIRMED, out=thawed(payload.out), confirmed_ms=at_ms, probed_ms=None)
        case EffectFailed():
            return to(EffectStatus.FAILED, code=payload.code, why=payload.why, doubted=False)
        case EffectInDoubt():
            return to(
                EffectStatus.IN_DOUBT,
                why=payload.why,
                settle_after_ms=EpochMs(payload.settle_after_ms),
                doubted=True,
            )
        case EffectVoided():
            return to(_VOIDED[payload.outcome], why=payload.why)
        case EffectVerified():
            return to(EffectStatus.VERIFIED if payload.holds else EffectStatus.UNVERIFIED, why=payload.why)
        case EffectUndone():
            return to(_UNDONE[payload.status], undone_by=EffectKey(payload.by_key), why=payload.why)
        case _:
            assert_never(payload)


def _refusal(effect: EffectState, payload: EffectVoided) -> frozenset[Refusal]:
    if payload.outcome != "denied":
        return frozenset()
    return frozenset({Refusal(tool=effect.tool, target=str(effect.sealed["target"]), task=effect.task)})


def _asked(state: RunState, payload: ApprovalAsked, n: int, at_ms: EpochMs) -> RunState:
    asked = ApprovalState(
        approval=ApprovalId(payload.approval),
        task=TaskName(payload.task),
        bundle=Digest(payload.bundle),
        keys=tuple(EffectKey(key) for key in payload.keys),
        actions=tuple(Digest(action) for action in payload.actions),
        requirement=payload.requirement,
        ladder=tuple(payload.ladder),
        asked_ms=at_ms,
        expires_ms=EpochMs(payload.expires_ms),
        card=payload.card,
        question=payload.question,
        policy=Digest(payload.policy),
        supersedes=payload.supersedes,
        n=n,
    )
    return replace(state, n=n, approvals={**state.approvals, asked.approval: asked})


def _approval_fact(
    state: RunState,
    payload: ApprovalEscalated | ApprovalAnswered | ApprovalClosed | ApprovalConsumed,
    n: int,
    at_ms: EpochMs,
) -> RunState:
    asked = state.approvals[ApprovalId(payload.approval)]
    match payload:
        case ApprovalEscalated():
            asked = replace(asked, rung=payload.rung, n=n)
        case ApprovalAnswered():
            answer = Answer(
                by=payload.by,
                answer=payload.answer,
                surface=payload.surface,
                recorded_as=payload.recorded_as,
                at_ms=at_ms,
                why=payload.why,
            )
            asked = replace(asked, answers=(*asked.answers, answer), n=n)
        case ApprovalClosed():
            asked = replace(asked, status=payload.outcome, closed_why=payload.why, n=n)
        case ApprovalConsumed():
            asked = replace(asked, consumed=asked.consumed | {EffectKey(payload.key)}, n=n)
        case _:
            assert_never(payload)
    return replace(state, n=n, approvals={**state.approvals, asked.approval: asked})
