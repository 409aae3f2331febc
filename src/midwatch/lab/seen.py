"""What a run did, read from its journal: what expectations are about.

`path` has each task when it began: its first fact that is more than a plan for later. Tasks that take
something back are not in it; `undone` names what they took back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.ids import TaskName
from midwatch.journal.events import Event
from midwatch.journal.run_events import (
    ApprovalAsked,
    ApprovalEscalated,
    EffectConfirmed,
    EffectDispatched,
    EffectProposed,
    EffectRead,
    EffectUndone,
    HandAsked,
    HandEscalated,
    NoticeGiven,
    RunEnded,
    TaskFailed,
    TaskSkipped,
    TaskStarted,
    TaskSucceeded,
)
from midwatch.plan.model import Plan
from midwatch.run.state import Place, RunState, TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of a run."""

    state: RunState
    begun: tuple[Place, ...]
    """Each task, and each item or round of one, in the order in which they began."""
    effects: int
    """What took place, without what took something back."""
    asks: int
    rungs: int
    """The highest rung, from 1, that held a question or work by hand; 0 where nobody was asked."""
    notified: int
    """Messages that were left for people."""
    undone: tuple[str, ...]
    """Tasks whose effect was taken back, in that order."""
    outcome: str
    """Empty while the run goes on."""
    out: Mapping[str, Any] = field(default_factory=dict)

    def with_status(self, status: TaskStatus) -> tuple[str, ...]:
        """Return the tasks that stand so, in the order in which they came there."""
        found = [(known.n, name) for name, known in self.state.tasks.items() if known.status is status]
        return tuple(name for _, name in sorted(found))

    def path(self, expected: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the tasks in the order in which they began.

        A task that runs several times stands there once, unless `expected` names its turns: `task[2]`.
        """
        detailed = {name.partition("[")[0] for name in expected if "[" in name}
        turning = {name for name, iteration in self.begun if iteration}
        return tuple(
            f"{name}[{iteration}]" if iteration else name
            for name, iteration in self.begun
            if (bool(iteration) == (name in detailed) if name in turning else True)
        )


def seen_in(plan: Plan, state: RunState, events: Iterable[Event]) -> Seen:
    """Return what a run did, from all its events and the state that they fold to."""
    undoes = {task.name for task in plan.tasks if task.is_undo}
    begun: dict[Place, None] = {}
    rungs: dict[str, int] = {}
    tasks_of: dict[str, str] = {}
    asks = notified = 0
    confirmed: dict[str, None] = {}
    undone: dict[str, None] = {}
    outcome, out = "", dict[str, Any]()
    for event in events:
        fact = event.payload
        match fact:
            case TaskStarted() | TaskSucceeded() | TaskFailed() | EffectRead(purpose="task"):
                _begin(begun, fact.task, fact.iteration)
            case EffectProposed():
                tasks_of[fact.key] = fact.task
            case EffectDispatched():
                name, iteration = fact.key.split("/")[1:3]
                _begin(begun, name, int(iteration))
            case EffectConfirmed():
                confirmed.setdefault(fact.key)
            case EffectUndone(status="undone"):
                undone.setdefault(tasks_of.get(fact.key, fact.key))
            case ApprovalAsked():
                asks += 1
                rungs[fact.approval] = 1
            case HandAsked():
                rungs[fact.hand] = 1
            case ApprovalEscalated():
                rungs[fact.approval] = max(rungs.get(fact.approval, 1), fact.rung + 1)
            case HandEscalated(overdue=False):
                rungs[fact.hand] = max(rungs.get(fact.hand, 1), fact.rung + 1)
            case NoticeGiven():
                notified += 1
            case RunEnded():
                outcome, out = fact.outcome, dict(state.out)
            case _:
                pass
    return Seen(
        state=state,
        begun=tuple(place for place in begun if place[0] not in undoes),
        effects=sum(tasks_of.get(key, "") not in undoes for key in confirmed),
        asks=asks,
        rungs=max(rungs.values(), default=0),
        notified=notified,
        undone=tuple(undone),
        outcome=outcome,
        out=out,
    )


def _begin(begun: dict[Place, None], task: str, iteration: int) -> None:
    """Note that a task began, and before its first turn the task as a whole."""
    begun.setdefault((TaskName(task), 0))
    begun.setdefault((TaskName(task), iteration))


def skipped_by_condition(event: Event) -> bool:
    """Return whether a fact says that a task's own condition did not hold."""
    return isinstance(event.payload, TaskSkipped) and event.payload.why.startswith(CONDITION_FAILED)


CONDITION_FAILED = "its condition does not hold"
