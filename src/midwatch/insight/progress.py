"""Where each task stands, for a display that is drawn again and again while the run goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from midwatch.base.ids import TaskName
from midwatch.base.units import EpochMs
from midwatch.effects.ledger import EffectStatus
from midwatch.insight.causes.ran import is_acting, is_reading
from midwatch.insight.history import History, every, history_of, last, standing
from midwatch.insight.words import pair_words, tell
from midwatch.journal.events import Event
from midwatch.journal.run_events import (
    ApprovalAsked,
    ApprovalClosed,
    ChildCalled,
    EffectProposed,
    EffectRead,
    HandAsked,
    LoopBegun,
    RunEnded,
    TaskFailed,
    TaskRouted,
    TaskSkipped,
    TaskStarted,
    TaskSucceeded,
    WaitBegun,
)
from midwatch.plan.model import Plan, PlanTask, TaskKind

_SETTLED = (TaskSucceeded, TaskFailed, TaskSkipped)
_ON = {
    EffectStatus.PROPOSED: "proposed",
    EffectStatus.ALLOWED: "allowed, about to be sent",
    EffectStatus.DISPATCHED: "sent",
    EffectStatus.CONFIRMED: "done, being read back",
    EffectStatus.VERIFIED: "done, read back, holds",
    EffectStatus.UNVERIFIED: "done, does not hold",
    EffectStatus.UNDOING: "being taken back",
    EffectStatus.UNDONE: "taken back",
    EffectStatus.UNDO_FAILED: "could not be taken back",
    EffectStatus.IN_DOUBT: "nobody saw whether it happened",
    EffectStatus.ASKED: "waits for people",
}


class TaskStanding(StrEnum):
    """Where a task stands for who looks on."""

    WAITING = "waiting"
    """For tasks that it needs; or nothing led to it."""
    RUNNING = "running"
    """Nothing holds it back: it is under way, or about to be."""
    ASKING = "asking"
    """A question about it is open."""
    RETRYING = "retrying"
    IN_DOUBT = "in_doubt"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One task as a person sees it."""

    name: TaskName
    title: str
    status: TaskStanding
    detail: str
    """A few words; empty where there is nothing to say."""
    since_ms: EpochMs | None
    """When it came to stand there; None where the journal holds nothing of it."""

    def as_record(self) -> dict[str, Any]:
        """Return the task for machines."""
        return {
            "detail": self.detail,
            "name": self.name,
            "since_ms": self.since_ms,
            "status": self.status.value,
            "title": self.title,
        }


def progress(plan: Plan, events: Sequence[Event]) -> tuple[TaskView, ...]:
    """Return the tasks in the order of the plan; undo tasks only once somebody wanted them.

    Args:
        plan: the one that the run is bound to.
        events: of one run, from its first on, in order; as many as there are.
    """
    history = history_of(events)
    return tuple(
        _view(history, task) for task in plan.tasks if not task.is_undo or history.tasks.get(task.name)
    )


def _view(history: History, task: PlanTask) -> TaskView:
    events = history.tasks.get(task.name, ())
    whole = tuple(event for event in events if not getattr(event.payload, "iteration", 0))
    if task.loop is not None:
        status, detail, event = _loop_view(history, task, events, whole)
    else:
        status, detail, event = _effect_view(history, task) or _task_view(history, task, whole)
    since_ms = None if event is None else event.envelope.at_ms
    return TaskView(name=task.name, title=task.title, status=status, detail=detail, since_ms=since_ms)


_View = tuple[TaskStanding, str, Event | None]


def _loop_view(
    history: History, task: PlanTask, events: tuple[Event, ...], whole: tuple[Event, ...]
) -> _View:
    """Return where a task stands that runs several times, and how many times it is through."""
    status, detail, event = _task_view(history, task, whole)
    if status is not TaskStanding.RUNNING:
        return status, detail, event
    over = {
        event.payload.iteration
        for event in events
        if isinstance(event.payload, _SETTLED)
        and event.payload.iteration
        and getattr(event.payload, "retry_at_ms", None) is None
    }
    begun = last(events, LoopBegun)
    items = len(begun[1].items) if begun is not None else 0
    words = tell("{over} of {items} done", over=len(over), items=items) if items else ""
    for proposed in reversed(every(events, EffectProposed)):
        found = standing(history.effects.get(proposed[1].key, ()))
        if found is not None and found[0] is EffectStatus.ASKED:
            return TaskStanding.ASKING, words or _ON[found[0]], found[1]
        if found is not None and found[0] is EffectStatus.IN_DOUBT:
            return TaskStanding.IN_DOUBT, words or _ON[found[0]], found[1]
    return status, words, event


def _effect_view(history: History, task: PlanTask) -> _View | None:
    """Return where the task's effect puts it, or None where that is not what counts."""
    proposed = last(history.tasks.get(task.name, ()), EffectProposed)
    if proposed is None or not is_acting(task):
        return None
    found = standing(history.effects[proposed[1].key])
    if found is None or _has_ended(history, task, found):
        return None
    status, event = found
    match status:
        case EffectStatus.IN_DOUBT:
            return TaskStanding.IN_DOUBT, _ON[status], event
        case EffectStatus.ASKED:
            return TaskStanding.ASKING, _ON[status], event
        case EffectStatus.UNDONE:
            return TaskStanding.DONE, _ON[status], event
        case EffectStatus.UNDO_FAILED:
            return TaskStanding.FAILED, _ON[status], event
        case EffectStatus.DENIED | EffectStatus.EXPIRED | EffectStatus.VOID | EffectStatus.FAILED:
            return None
        case _:
            return TaskStanding.RUNNING, _ON[status], event


def _has_ended(history: History, task: PlanTask, found: tuple[EffectStatus, Event]) -> bool:
    """Return whether the task ended, and its effect did not move since."""
    ends = [event for event in history.tasks.get(task.name, ()) if isinstance(event.payload, _SETTLED)]
    return bool(ends) and ends[-1].envelope.n > found[1].envelope.n


def _task_view(history: History, task: PlanTask, events: tuple[Event, ...]) -> _View:
    for event in reversed(events):
        match event.payload:
            case TaskSucceeded():
                return TaskStanding.DONE, _done(history, task, event.payload), event
            case TaskSkipped(why=why):
                return TaskStanding.SKIPPED, tell("{why:says}", why=why), event
            case TaskFailed(retry_at_ms=None):
                words = tell("{why:says} ({code})", why=event.payload.why, code=event.payload.code)
                return TaskStanding.FAILED, words, event
            case TaskFailed():
                words = tell("{why:says}", why=event.payload.why)
                return TaskStanding.RETRYING, words, event
            case TaskStarted() if task.kind is TaskKind.APPROVAL:
                return _asking(history, task, event)
            case TaskStarted() | TaskRouted():
                return _under_way(history, task, event)
            case _:
                continue
    return _unbegun(history, task)


def _under_way(history: History, task: PlanTask, event: Event) -> _View:
    """Return where a task stands that began: with people, waiting, or at work."""
    events = history.tasks.get(task.name, ())
    asked = last(events, HandAsked)
    if asked is not None:
        words = tell("{hand}: {title:says}", hand=asked[1].hand, title=asked[1].title)
        return TaskStanding.ASKING, words, asked[0]
    begun = last(events, WaitBegun)
    if begun is not None:
        return TaskStanding.RUNNING, tell("until {due_ms:utc}", due_ms=begun[1].due_ms), begun[0]
    called = last(events, ChildCalled)
    if called is not None:
        return TaskStanding.RUNNING, tell("called {child}", child=called[1].child), called[0]
    return TaskStanding.RUNNING, "", event


def _unbegun(history: History, task: PlanTask) -> _View:
    """Return where a task stands of which the journal says nothing: a read is written down once it ended."""
    ready = all(
        any(isinstance(event.payload, _SETTLED) for event in history.tasks.get(need, ()))
        for need in task.needs
    )
    is_reachable = bool(task.needs) or not task.is_routed
    goes_on = history.started is not None and last(history.events, RunEnded) is None
    status = TaskStanding.RUNNING if ready and is_reachable and goes_on else TaskStanding.WAITING
    return status, "", None


def _asking(history: History, task: PlanTask, event: Event) -> _View:
    asked = [one for one in every(history.events, ApprovalAsked) if one[1].task == task.name]
    if not asked:
        return TaskStanding.ASKING, "", event
    at, question = asked[-1]
    if last(history.approvals[question.approval], ApprovalClosed) is not None:
        return TaskStanding.RUNNING, "answered", event
    words = tell("{approval}: {question:says}", approval=question.approval, question=question.question)
    return TaskStanding.ASKING, words, at


def _done(history: History, task: PlanTask, payload: TaskSucceeded) -> str:
    if task.kind is TaskKind.DECISION:
        return _decided(payload)
    if task.kind is TaskKind.APPROVAL:
        return tell("{answer:says}", answer=payload.out.get("answer", ""))
    reads = [read for _, read in every(history.tasks.get(task.name, ()), EffectRead) if read.ok]
    if is_reading(task) and reads:
        return tell("in {duration_ms:span}", duration_ms=reads[-1].duration_ms)
    found = last(history.tasks.get(task.name, ()), EffectProposed)
    where = standing(history.effects.get(found[1].key, ())) if found is not None else None
    return _ON.get(where[0], "") if where is not None else ""


def _decided(payload: TaskSucceeded) -> str:
    """Return what a decision says: the findings counted by severity, the one row, or how many rows."""
    rows: Any = payload.out.get("rows")
    if not isinstance(rows, list):
        return pair_words(payload.out)
    severities = [row["severity"] for row in rows if isinstance(row, Mapping) and "severity" in row]
    if not rows:
        return "no row matched"
    if len(severities) < len(rows):
        return tell("{rows:many row}", rows=len(rows))
    counted = {str(name): severities.count(name) for name in dict.fromkeys(severities)}
    return ", ".join(f"{number} {name}" for name, number in counted.items())
