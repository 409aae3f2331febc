"""One run's events, sorted by what they are about. Any prefix will do, and any payload may be erased."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from midwatch.base.canonical import thawed_value
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.events import Erased, Event
from midwatch.journal.run_events import (
    AnswerRefused,
    ApprovalAnswered,
    ApprovalAsked,
    ApprovalClosed,
    ApprovalConsumed,
    ApprovalEscalated,
    ChildBegun,
    ChildCalled,
    ChildEnded,
    ChildStopped,
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
    EventEmitted,
    HandAsked,
    HandClosed,
    HandDone,
    HandEscalated,
    HandRefused,
    LoopBegun,
    NoticeGiven,
    RunStarted,
    SignalTaken,
    TaskFailed,
    TaskRouted,
    TaskSkipped,
    TaskStarted,
    TaskSucceeded,
    UndoRequested,
    WaitBegun,
    WaitProbed,
)

P = TypeVar("P")

READING = "task"
"""The purpose of a read that is a task's own, and no probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The facts of one run, in order, under the names of what each is about."""

    run: str
    events: tuple[Event, ...]
    """Those that can be read."""
    erased: tuple[Event, ...]
    tasks: Mapping[str, tuple[Event, ...]]
    effects: Mapping[str, tuple[Event, ...]]
    """With the questions about each, and the probes of it."""
    approvals: Mapping[str, tuple[Event, ...]]
    readings: Mapping[str, tuple[Event, ...]]
    """By the key of the call."""

    @property
    def started(self) -> tuple[Event, RunStarted] | None:
        """How the run began."""
        return last(self.events, RunStarted)

    def scope(self, *, before_n: int | None = None) -> dict[str, Any]:
        """Return what expressions saw: `inputs` and the outputs of tasks, as of an event's number."""
        seen: dict[str, Any] = {}
        for event in self.events:
            if before_n is not None and event.envelope.n >= before_n:
                break
            match event.payload:
                case RunStarted(inputs=inputs):
                    seen["inputs"] = thawed(inputs)
                case TaskSucceeded(task=task, out=out, iteration=0):
                    seen[task] = thawed(out)
                case _:
                    continue
        return seen


def history_of(events: Iterable[Event]) -> History:
    """Return the events of one run, sorted; facts of other kinds of stream are left out."""
    told: list[Event] = []
    erased: list[Event] = []
    sorted_by: dict[str, dict[str, list[Event]]] = {
        kind: defaultdict(list) for kind in ("task", "effect", "approval", "reading")
    }
    run = ""
    owners: dict[str, str] = {}
    for event in events:
        run = run or event.envelope.stream.partition("/")[2]
        if isinstance(event.payload, Erased):
            erased.append(event)
            continue
        told.append(event)
        for kind, name in _subjects(event.payload, owners):
            sorted_by[kind][name].append(event)
    tasks, effects, approvals, readings = (
        {name: tuple(found) for name, found in by_name.items()} for by_name in sorted_by.values()
    )
    return History(
        run=run,
        events=tuple(told),
        erased=tuple(erased),
        tasks=tasks,
        effects=effects,
        approvals=approvals,
        readings=readings,
    )


def _of_kinds(payload: object, owners: dict[str, str]) -> list[tuple[str, str]] | None:
    """Return what a fact of a particular kind of task is about; notes whose hands and calls there are."""
    match payload:
        case HandAsked():
            owners[payload.hand] = payload.task
            return [("task", payload.task)]
        case ChildCalled():
            owners[payload.child] = payload.task
            return [("task", payload.task)]
        case HandEscalated(hand=one) | HandDone(hand=one) | HandRefused(hand=one) | HandClosed(hand=one):
            return [("task", owners[one])] if one in owners else []
        case ChildBegun(child=one) | ChildStopped(child=one) | ChildEnded(child=one):
            return [("task", owners[one])] if one in owners else []
        case (
            LoopBegun(task=task)
            | WaitBegun(task=task)
            | WaitProbed(task=task)
            | SignalTaken(task=task)
            | NoticeGiven(task=task)
            | EventEmitted(task=task)
        ):
            return [("task", task)]
        case _:
            return None


def _subjects(payload: object, owners: dict[str, str]) -> list[tuple[str, str]]:
    of_kinds = _of_kinds(payload, owners)
    if of_kinds is not None:
        return of_kinds
    match payload:
        case (
            TaskStarted(task=task)
            | TaskSucceeded(task=task)
            | TaskFailed(task=task)
            | TaskSkipped(task=task)
            | TaskRouted(task=task)
        ):
            return [("task", task)]
        case EffectRead(purpose="task"):
            return [("task", payload.task), ("reading", payload.key)]
        case EffectRead():
            return [("effect", payload.about)] if payload.about else []
        case EffectProposed():
            return [("effect", payload.key), ("task", payload.task)]
        case (
            EffectJudged(key=key)
            | EffectDispatched(key=key)
            | EffectConfirmed(key=key)
            | EffectFailed(key=key)
            | EffectInDoubt(key=key)
            | EffectVoided(key=key)
            | EffectVerified(key=key)
            | EffectUndone(key=key)
        ):
            return [("effect", key)]
        case ApprovalAsked():
            return [("approval", payload.approval), *(("effect", key) for key in payload.keys)]
        case ApprovalConsumed():
            return [("approval", payload.approval), ("effect", payload.key)]
        case (
            ApprovalAnswered(approval=approval)
            | AnswerRefused(approval=approval)
            | ApprovalClosed(approval=approval)
            | ApprovalEscalated(approval=approval)
        ):
            return [("approval", approval)]
        case UndoRequested():
            return [("effect", key) for key in payload.keys]
        case _:
            return []


# --------------------------------------------------------------------------------- looking things up


def every(events: Iterable[Event], kind: type[P]) -> list[tuple[Event, P]]:
    """Return each fact of one kind with its event, in order."""
    return [(event, event.payload) for event in events if isinstance(event.payload, kind)]


def last(events: Sequence[Event], kind: type[P]) -> tuple[Event, P] | None:
    """Return the newest fact of one kind with its event."""
    return next(
        ((event, event.payload) for event in reversed(events) if isinstance(event.payload, kind)), None
    )


def thawed(value: Any) -> Any:
    """Return JSON of the journal with its numbers back."""
    return thawed_value(value)


def inside(record: Mapping[str, Any], *path: str) -> Any:
    """Return a member of a nested record, or None where the record has none."""
    value: Any = record
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


_JUDGED = {
    "allowed": EffectStatus.ALLOWED,
    "asked": EffectStatus.ASKED,
    "denied": EffectStatus.DENIED,
}
_VOIDED = {
    "void": EffectStatus.VOID,
    "expired": EffectStatus.EXPIRED,
    "denied": EffectStatus.DENIED,
}
_UNDONE = {
    "undoing": EffectStatus.UNDOING,
    "undone": EffectStatus.UNDONE,
    "undo_failed": EffectStatus.UNDO_FAILED,
}


def standing(events: Iterable[Event]) -> tuple[EffectStatus, Event] | None:
    """Return where an effect stands, and the fact that put it there; None while nothing is known."""
    found: tuple[EffectStatus, Event] | None = None
    for event in events:
        status = _status(event.payload)
        if status is not None:
            found = status, event
    return found


def _status(payload: object) -> EffectStatus | None:
    match payload:
        case EffectProposed():
            return EffectStatus.PROPOSED
        case EffectJudged():
            return _JUDGED.get(payload.outcome)
        case EffectDispatched():
            return EffectStatus.DISPATCHED
        case EffectConfirmed():
            return EffectStatus.CONFIRMED
        case EffectFailed():
            return EffectStatus.FAILED
        case EffectInDoubt():
            return EffectStatus.IN_DOUBT
        case EffectVoided():
            return _VOIDED.get(payload.outcome)
        case EffectVerified():
            return EffectStatus.VERIFIED if payload.holds else EffectStatus.UNVERIFIED
        case EffectUndone():
            return _UNDONE.get(payload.status)
        case _:
            return None
