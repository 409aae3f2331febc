"""Following a run until it rests: ended, parked on a question or a doubt, or waiting for a moment."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from midwatch.app.drive.session import load_plan, load_state
from midwatch.app.house import SUBJECT, House
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import RunId, run_stream
from midwatch.base.units import MINUTE_MS, EpochMs
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.chain import open_entry
from midwatch.journal.events import Event
from midwatch.plan.model import Plan
from midwatch.run.errors import RunUnknownError
from midwatch.run.evolve import evolve
from midwatch.run.state import RunState, TaskStatus

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened

LOOK_EVERY_S = 0.1
"""How often the journal is looked at where another process drives; our own commits wake at once."""
PATIENCE_MS = MINUTE_MS
"""A run whose next moment is further away than this is left alone until then."""

Seen = Callable[[Event, RunState], None]
"""Takes each event of the run, with the state after it."""


def unseen(event: Event, state: RunState) -> None:
    """Take an event, and say nothing of it."""
    del event, state


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """Why nothing happens now."""

    kind: str
    """`ended`, `asks`, `by_hand`, `in_doubt`, `waits` (for a signal or a called run) or `later`."""
    until_ms: EpochMs | None = None
    """For `later`: when it goes on."""


class Follower:
    """Reads the journal of one run as it grows."""

    def __init__(self, opened: "Opened", run: RunId) -> None:
        """Read what there is; say nothing of it."""
        self._opened = opened
        self._house: House = opened.house
        self._run = run
        self._stream = run_stream(run)
        self._grew = threading.Event()
        self._key = self._house.keys.subject_key(SUBJECT, create=False)
        self.state = RunState(run=run)
        self.read(unseen)
        if self.state.started is None:
            raise RunUnknownError(f"there is no run {run}", run=run)
        self.plan: Plan = load_plan(self._house, self.state.started.plan)
        opened.listeners.append(self._notice)

    def read(self, seen: Seen) -> bool:
        """Take in what is new; return whether there was anything."""
        entries = self._house.store.entries(self._stream, after_n=self.state.n)
        for entry in entries:
            event = open_entry(entry, self._key)
            self.state = evolve(self.state, event)
            seen(event, self.state)
        return bool(entries)

    def until_rest(self, seen: Seen, *, idle: Callable[[], None] = lambda: None) -> Rest:
        """Follow until the run rests; raise what broke in this process's own worker.

        Args:
            seen: takes each new event.
            idle: called several times a second, to keep a display alive.
        """
        while True:
            self._grew.clear()
            rest = self._rest()
            if self.read(seen):
                continue
            self._raise_trouble()
            if rest is not None:
                return rest
            idle()
            self._grew.wait(LOOK_EVERY_S)

    @property
    def driver(self) -> str | None:
        """The name of the worker that drives the run now."""
        owner = self._house.store.owner(self._run)
        return None if owner is None else owner.rpartition(":")[0]

    def _rest(self) -> Rest | None:
        """Return why nothing happens now, None while something may; asked before the journal is read."""
        if self._house.store.owner(self._run) is not None:
            return None
        row = self._house.store.run_row(self._run)
        if row is None or row.status == "undoing":
            return None
        if row.status == "ended":
            started = self.state.started
            return Rest(kind="ended") if started is None or self._rests(started.parent) else None
        now_ms = self._house.clock.now_ms()
        soon = self._house.store.due(EpochMs(now_ms + PATIENCE_MS), limit=1000)
        if any(timer.run == self._run for timer in soon):
            return None
        held = self.state.open_approvals or self.state.open_hands or self.state.live_children
        if self.state.cancel_why is not None and held:
            return None  # its drive is on the queue, and closes or stops them
        if row.status == "waiting":
            if self.state.open_approvals:
                return Rest(kind="asks")
            return Rest(kind="by_hand" if self.state.open_hands else "in_doubt")
        until_ms = self._next_ms(self._run)
        if until_ms is not None:
            return Rest(kind="waits" if self._waits_for_a_signal() else "later", until_ms=until_ms)
        if self.state.live_children and all(self._is_parked(child) for child in self.state.live_children):
            return Rest(kind="waits")
        return None  # its drive is on the queue

    def _next_ms(self, run: RunId) -> EpochMs | None:
        """Return when a run goes on by itself, None where no moment is set."""
        later = self._house.store.due(EpochMs(2**53 - 1), limit=10_000)
        return next((timer.due_ms for timer in later if timer.run == run), None)

    def _waits_for_a_signal(self) -> bool:
        waits = self.state.waits.items()
        return any(wait.event and self.state.task(name).status is TaskStatus.STARTED for name, wait in waits)

    def _rests(self, caller: str) -> bool:
        """Return whether a caller took over what came of this run, and rests, with all who called it."""
        row = self._house.store.run_row(RunId(caller)) if caller else None
        if row is None:
            return True
        if row.status != "ended":
            return self._is_parked(row.run)
        state, _ = load_state(self._house, row.run)
        above = state.started.parent if state.started is not None else ""
        return self._house.store.owner(row.run) is None and self._rests(above)

    def _is_parked(self, run: RunId) -> bool:
        """Return whether a called run waits for somebody, for a moment that is far, or for what it called."""
        row = self._house.store.run_row(run)
        if row is None or row.status in {"ended", "undoing"} or self._house.store.owner(run) is not None:
            return False
        if row.status == "waiting":
            return True
        until_ms = self._next_ms(run)
        if until_ms is not None:
            return until_ms > self._house.clock.now_ms() + PATIENCE_MS
        state, _ = load_state(self._house, run)
        return bool(state.live_children) and all(self._is_parked(child) for child in state.live_children)

    def _raise_trouble(self) -> None:
        worker = self._opened.worker
        trouble = worker.trouble() if worker is not None else None
        if trouble is None or (isinstance(trouble, MidwatchError) and trouble.retryable):
            return
        raise trouble

    def _notice(self, run: RunId) -> None:
        if run == self._run:
            self._grew.set()


def doubts(state: RunState) -> tuple[str, ...]:
    """Return the keys of the effects that nobody saw end."""
    return tuple(key for key, effect in state.effects.items() if effect.status is EffectStatus.IN_DOUBT)
