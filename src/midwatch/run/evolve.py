"""The fold: a run's state is what its events make of it.

Rule 1: a state and all that is in it are values: nobody who holds one ever sees it change.
Rule 2: only a `Fold` is changed in place; what it gave away in `state` it copies before it goes on.
"""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from midwatch.base.ids import ApprovalId, EffectKey, RunId, TaskName
from midwatch.base.table import Table
from midwatch.base.units import EpochMs
from midwatch.base.values import changed
from midwatch.effects.ledger import EffectStatus
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
    LoopBegun,
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
from midwatch.run.facts import (
    ApprovalFact,
    EffectFact,
    TaskFact,
    effect_after,
    effect_proposed,
    effect_read,
    question_after,
    question_asked,
    refusal_in,
    run_after,
    task_after,
)
from midwatch.run.kind_facts import kind_after, loop_after, loop_begun
from midwatch.run.state import UNKNOWN, EffectState, RunState


def fold(run: RunId, events: Iterable[Event]) -> RunState:
    """Return the state after all `events` of one run, in order.

    Raises:
        LedgerOrderError: MW601, when an effect would take a forbidden step.
    """
    folding = Fold(RunState(run=run))
    for event in events:
        folding.add(event)
    return folding.state()


def evolve(state: RunState, event: Event) -> RunState:
    """Return the state after one more event.

    Raises:
        LedgerOrderError: MW601, when an effect would take a forbidden step.
    """
    folding = Fold(state)
    folding.add(event)
    return folding.state()


def fact(state: RunState, payload: RunEvent, n: int, at_ms: EpochMs, actor: str) -> RunState:
    """Return the state after a fact that has number `n`; the journal need not hold it yet.

    Raises:
        LedgerOrderError: MW601, when an effect would take a forbidden step.
    """
    folding = Fold(state)
    folding.fact(payload, n, at_ms, actor)
    return folding.state()


class Fold:
    """A run's state under way: a fact is added in place, at one price however many came before.

    After an error it is of no more use.
    """

    __slots__ = ("_approvals", "_effects", "_kept", "_loops", "_rest", "_tasks", "_turns")

    def __init__(self, state: RunState) -> None:
        """Begin where `state` stands."""
        self._rest = state
        """Right but for what the other attributes hold, which most facts change."""
        self._kept: dict[str, Any] = {"n": state.n}
        """Fields of the state that changed."""
        self._tasks = _Growing(state.tasks)
        self._turns = _Growing(state.turns)
        self._loops = _Growing(state.loops)
        self._effects = _Growing(state.effects)
        self._approvals = _Growing(state.approvals)

    def state(self) -> RunState:
        """Return the state after all that was added."""
        self._rest = changed(
            self._rest,
            tasks=self._tasks.shown(),
            turns=self._turns.shown(),
            loops=self._loops.shown(),
            effects=self._effects.shown(),
            approvals=self._approvals.shown(),
            **self._kept,
        )
        self._kept.clear()
        return self._rest

    def add(self, event: Event) -> None:
        """Add an event of the run.

        Raises:
            LedgerOrderError: MW601, when an effect would take a forbidden step.
        """
        if isinstance(event.payload, Erased):
            self._kept["n"] = event.envelope.n
        else:
            self.fact(event.payload, event.envelope.n, event.envelope.at_ms, event.actor)

    def fact(self, payload: RunEvent, n: int, at_ms: EpochMs, actor: str) -> None:
        """Add a fact that has number `n`; the journal need not hold it yet.

        Raises:
            LedgerOrderError: MW601, when an effect would take a forbidden step.
        """
        self._kept["n"] = n
        match payload:
            case TaskStarted() | TaskSucceeded() | TaskFailed() | TaskSkipped() | TaskRouted():
                self._task_fact(payload, n, at_ms)
            case EffectRead():
                self._read(payload, at_ms)
            case EffectProposed():
                key = EffectKey(payload.key)
                self._effects.put(key, effect_proposed(self._effects.get(key), payload, n))
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
                self._effect_fact(payload, n, at_ms)
            case ApprovalAsked():
                self._asked(payload, n, at_ms)
            case ApprovalEscalated() | ApprovalAnswered() | ApprovalClosed() | ApprovalConsumed():
                self._question_fact(payload, n, at_ms)
            case AnswerRefused():
                pass
            case RunStarted() | UndoRequested() | CancelRequested() | RunEnded():
                effects = self._effects.shown() if isinstance(payload, UndoRequested) else {}
                self._rest = run_after(self._settled(), payload, n, at_ms, actor, effects=effects)
                if isinstance(payload, RunEnded):
                    self._kept["cost_micro_usd"] = payload.cost_micro_usd
            case LoopBegun():
                self._loops.put(TaskName(payload.task), loop_begun(payload, n))
            case _:
                self._rest = kind_after(self._settled(), payload, n, at_ms)

    def _settled(self) -> RunState:
        """Return the state, right but for what is growing."""
        if self._kept:
            self._rest = changed(self._rest, **self._kept)
            self._kept.clear()
        return self._rest

    def _now(self, name: str) -> Any:
        return self._kept[name] if name in self._kept else getattr(self._rest, name)

    def _task_fact(self, payload: TaskFact, n: int, at_ms: EpochMs) -> None:
        name = TaskName(payload.task)
        if isinstance(payload, TaskRouted):
            by = TaskName(payload.by)
            self._tasks.put(by, changed(self._tasks.get(by) or UNKNOWN, followed=True))
        elif payload.iteration:
            place = (name, payload.iteration)
            turn = task_after(self._turns.get(place) or UNKNOWN, payload, n, at_ms)
            self._turns.put(place, turn)
            loop = self._loops.get(name)
            if loop is not None:
                self._loops.put(name, loop_after(loop, payload.iteration, turn, n))
            return
        self._tasks.put(name, task_after(self._tasks.get(name) or UNKNOWN, payload, n, at_ms))

    def _read(self, payload: EffectRead, at_ms: EpochMs) -> None:
        self._kept["tool_calls"] = self._now("tool_calls") + 1
        self._kept["cost_micro_usd"] = self._now("cost_micro_usd") + payload.cost_micro_usd
        about = self._effects.get(EffectKey(payload.about))
        if about is not None:
            self._effects.put(about.key, effect_read(about, payload, at_ms))

    def _effect_fact(self, payload: EffectFact, n: int, at_ms: EpochMs) -> None:
        key = EffectKey(payload.key)
        before = self._effects.get(key)
        if before is None:
            raise KeyError(key)
        after = effect_after(before, payload, n, at_ms)
        self._effects.put(key, after)
        if after.status is not before.status:
            self._moved(before, after)
        match payload:
            case EffectDispatched():
                target = str(before.sealed["target"])
                self._kept["fences"] = self._now("fences").having(target, payload.fence)
                self._kept["tool_calls"] = self._now("tool_calls") + 1
                self._kept["dispatches"] = self._now("dispatches") + (before.attempt == 0)
            case EffectConfirmed():
                self._kept["cost_micro_usd"] = self._now("cost_micro_usd") + payload.cost_micro_usd
            case EffectVoided():
                self._kept["refusals"] = self._now("refusals") | refusal_in(before, payload)
            case EffectUndone(status="undone" | "undo_failed"):
                self._kept["undoing"] = tuple(one for one in self._now("undoing") if one != key)
            case _:
                pass

    def _moved(self, before: EffectState, after: EffectState) -> None:
        """Keep the indexes of what is on its way right."""
        for status, index in _INDEXES:
            if before.status is status:
                self._kept[index] = self._now(index) - {before.key}
            elif after.status is status:
                self._kept[index] = self._now(index) | {after.key}

    def _asked(self, payload: ApprovalAsked, n: int, at_ms: EpochMs) -> None:
        asked = question_asked(payload, n, at_ms)
        self._approvals.put(asked.approval, asked)
        self._kept["questions"] = (*self._now("questions"), asked.approval)
        self._kept["asked"] = self._now("asked").having_all(dict.fromkeys(asked.keys, asked.approval))
        self._kept["asks"] = {**self._now("asks"), asked.task: asked.approval}

    def _question_fact(self, payload: ApprovalFact, n: int, at_ms: EpochMs) -> None:
        asked = self._approvals.get(ApprovalId(payload.approval))
        if asked is None:
            raise KeyError(payload.approval)
        self._approvals.put(asked.approval, question_after(asked, payload, n, at_ms))
        if isinstance(payload, ApprovalClosed):
            self._kept["questions"] = tuple(one for one in self._now("questions") if one != asked.approval)


_INDEXES = ((EffectStatus.DISPATCHED, "sent"), (EffectStatus.IN_DOUBT, "doubted"))

K = TypeVar("K")
V = TypeVar("V")


class _Growing(Generic[K, V]):
    """A table, and what was put into it since somebody else got hold of it."""

    __slots__ = ("_more", "_table")

    def __init__(self, table: Table[K, V]) -> None:
        self._table = table
        self._more: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        return self._more[key] if key in self._more else self._table.get(key)

    def put(self, key: K, value: V) -> None:
        self._more[key] = value

    def shown(self) -> Table[K, V]:
        if self._more:
            self._table = self._table.having_all(self._more)
            self._more = {}
        return self._table
