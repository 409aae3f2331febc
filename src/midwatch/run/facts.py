"""What each fact changes in one task, one effect, one question, and in the run around them."""

from collections.abc import Mapping
from typing import assert_never

from midwatch.base.ids import ApprovalId, Digest, EffectKey, TaskName
from midwatch.base.units import EpochMs
from midwatch.base.values import changed
from midwatch.effects.ledger import EffectStatus, moved
from midwatch.journal.run_events import (
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
    TaskState,
    TaskStatus,
    thawed,
)

TaskFact = TaskStarted | TaskSucceeded | TaskFailed | TaskSkipped | TaskRouted
EffectFact = (
    EffectJudged
    | EffectDispatched
    | EffectConfirmed
    | EffectFailed
    | EffectInDoubt
    | EffectVoided
    | EffectVerified
    | EffectUndone
)
ApprovalFact = ApprovalEscalated | ApprovalAnswered | ApprovalClosed | ApprovalConsumed
RunFact = RunStarted | UndoRequested | CancelRequested | RunEnded

_JUDGED = {"allowed": EffectStatus.ALLOWED, "asked": EffectStatus.ASKED, "denied": EffectStatus.DENIED}
_VOIDED = {"void": EffectStatus.VOID, "expired": EffectStatus.EXPIRED, "denied": EffectStatus.DENIED}
_UNDONE = {
    "undoing": EffectStatus.UNDOING,
    "undone": EffectStatus.UNDONE,
    "undo_failed": EffectStatus.UNDO_FAILED,
}


def run_after(
    state: RunState,
    payload: RunFact,
    n: int,
    at_ms: EpochMs,
    actor: str,
    *,
    effects: Mapping[EffectKey, EffectState],
) -> RunState:
    """Return the run after a fact that is about none of its tasks, effects and questions."""
    match payload:
        case RunStarted():
            return changed(state, started=payload, started_ms=at_ms, inputs=thawed(payload.inputs))
        case UndoRequested():
            wished = frozenset(EffectKey(key) for key in payload.keys)
            known = frozenset(state.undo_keys)
            again = tuple(key for key in state.undo_keys if key not in wished)
            asked = tuple(EffectKey(key) for key in payload.keys)
            keys = (
                *again,
                *(key for key in asked if key in known),
                *(key for key in asked if key not in known),
            )
            waiting = wished | frozenset(state.undoing)
            undoing = tuple(
                key for key in keys if key in waiting and effects[key].status is not EffectStatus.UNDONE
            )
            return changed(state, undo_keys=keys, undoing=undoing, undo_n=n, undo_by=payload.by or actor)
        case CancelRequested():
            return changed(state, cancel_why=payload.why, cancel_by=actor, cancel_leave=payload.leave)
        case RunEnded():
            return changed(
                state,
                outcome=payload.outcome,
                why=payload.why,
                out=thawed(payload.out),
                ended_ms=at_ms,
            )
        case _:
            assert_never(payload)


def task_after(task: TaskState, payload: TaskFact, n: int, at_ms: EpochMs) -> TaskState:
    """Return the task after a fact about it."""
    match payload:
        case TaskStarted():
            return changed(
                task,
                status=TaskStatus.STARTED,
                attempt=payload.attempt,
                retry_at_ms=None,
                begun_ms=at_ms,
                n=n,
            )
        case TaskSucceeded():
            return changed(
                task,
                status=TaskStatus.SUCCEEDED,
                attempt=payload.attempt,
                out=thawed(payload.out),
                matched=tuple(payload.matched),
                retry_at_ms=None,
                ended_ms=at_ms,
                n=n,
            )
        case TaskFailed():
            again = payload.retry_at_ms is not None
            return changed(
                task,
                status=TaskStatus.RETRYING if again else TaskStatus.FAILED,
                attempt=payload.attempt,
                code=payload.code,
                why=payload.why,
                retry_at_ms=EpochMs(payload.retry_at_ms) if payload.retry_at_ms is not None else None,
                ended_ms=at_ms,
                n=n,
            )
        case TaskSkipped():
            return changed(task, status=TaskStatus.SKIPPED, why=payload.why, n=n)
        case TaskRouted():
            return changed(task, routed_by=TaskName(payload.by), n=n)
        case _:
            assert_never(payload)


def effect_read(about: EffectState, payload: EffectRead, at_ms: EpochMs) -> EffectState:
    """Return the effect after a reading that was about it."""
    match payload.purpose:
        case "settle":
            return changed(about, probed_ms=at_ms)
        case "verify":
            held_since_ms = (about.held_since_ms or at_ms) if payload.holds else None
            return changed(about, probed_ms=at_ms, held_since_ms=held_since_ms)
        case _:
            return about


def effect_proposed(before: EffectState | None, payload: EffectProposed, n: int) -> EffectState:
    """Return a new effect; the one `before` it under the same key came to nothing.

    Raises:
        LedgerOrderError: MW601, when something may have come of it.
    """
    attempt = 0
    if before is not None:
        moved(before.status, EffectStatus.PROPOSED)
        attempt = before.attempt
    return EffectState(
        key=EffectKey(payload.key),
        task=TaskName(payload.task),
        iteration=payload.iteration,
        tool=payload.tool,
        status=EffectStatus.PROPOSED,
        action=Digest(payload.action),
        sealed=payload.sealed,
        attempt=attempt,
        n=n,
    )


def effect_after(effect: EffectState, payload: EffectFact, n: int, at_ms: EpochMs) -> EffectState:
    """Return the effect after a fact about it, moved along an arrow of the ledger.

    Raises:
        LedgerOrderError: MW601, when no arrow leads there.
    """

    def to(status: EffectStatus, **changes: object) -> EffectState:
        return changed(effect, status=moved(effect.status, status), n=n, **changes)  # type: ignore[arg-type]

    match payload:
        case EffectJudged(outcome="not_now"):
            return changed(effect, decision=payload.decision, n=n)
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


def refusal_in(effect: EffectState, payload: EffectVoided) -> frozenset[Refusal]:
    """Return what was refused, if a person denied the effect."""
    if payload.outcome != "denied":
        return frozenset()
    return frozenset({Refusal(tool=effect.tool, target=str(effect.sealed["target"]), task=effect.task)})


def question_asked(payload: ApprovalAsked, n: int, at_ms: EpochMs) -> ApprovalState:
    """Return a new question."""
    return ApprovalState(
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


def question_after(asked: ApprovalState, payload: ApprovalFact, n: int, at_ms: EpochMs) -> ApprovalState:
    """Return the question after a fact about it."""
    match payload:
        case ApprovalEscalated():
            return changed(asked, rung=payload.rung, n=n)
        case ApprovalAnswered():
            answer = Answer(
                by=payload.by,
                answer=payload.answer,
                surface=payload.surface,
                recorded_as=payload.recorded_as,
                at_ms=at_ms,
                why=payload.why,
            )
            return changed(asked, answers=(*asked.answers, answer), n=n)
        case ApprovalClosed():
            return changed(asked, status=payload.outcome, closed_why=payload.why, n=n)
        case ApprovalConsumed():
            return changed(asked, consumed=asked.consumed | {EffectKey(payload.key)}, n=n)
        case _:
            assert_never(payload)
