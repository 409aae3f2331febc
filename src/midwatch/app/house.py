"""What every use case works with: the ports, and who we are."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from midwatch.approvals.people import People
from midwatch.base.classes import Profile
from midwatch.base.ids import RunId
from midwatch.policy.rules import Rules
from midwatch.ports.clock import Chance, Clock
from midwatch.ports.crew import Crew
from midwatch.ports.keys import Keys
from midwatch.ports.rows import WorkerRow
from midwatch.ports.store import Head, Store
from midwatch.ports.tools import Tools
from midwatch.run.state import RunState

SUBJECT = "tenant/local"
"""Whose key seals the payloads of this house, while it has one tenant."""

IN_FORCE_WITHIN_MS = 20
"""How old may be what a process knows to be in force; what acts has its version checked in its commit."""
KNOWN_MAX = 32
"""Runs that are kept; the one that was looked at longest ago goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """Policy and people as they are in force, with the version that a dispatch checks."""

    rules: Rules
    people: People
    version: int
    control: Mapping[str, str] = field(default_factory=dict)
    """The control facts at this version: `halt`, `freeze`, `revoked/<document>` and others."""

    def is_set(self, name: str) -> bool:
        """Return whether a control fact is on: it has a value that is not empty."""
        return bool(self.control.get(name))


class KnownRuns:
    """Runs as this process saw them last, so that one that goes on is not folded from its beginning again.

    A state and the head that it stands on; the journal decides whether they still hold. Thread-safe.
    """

    def __init__(self) -> None:
        """Know none."""
        self._runs: OrderedDict[RunId, tuple[RunState, Head]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, run: RunId) -> tuple[RunState, Head] | None:
        """Return the state of a run and the head of its stream at that moment, None where it is not kept."""
        with self._lock:
            found = self._runs.get(run)
            if found is not None:
                self._runs.move_to_end(run)
            return found

    def put(self, run: RunId, state: RunState, head: Head) -> None:
        """Keep a state that is durable."""
        with self._lock:
            self._runs[run] = (state, head)
            self._runs.move_to_end(run)
            while len(self._runs) > KNOWN_MAX:
                self._runs.popitem(last=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One installation, opened."""

    store: Store
    tools: Tools
    keys: Keys
    clock: Clock
    chance: Chance
    crew: Crew
    worker: str
    """Unique name of this process."""
    profile: Profile
    in_force: Callable[[], InForce]
    is_surely_dead: Callable[[WorkerRow], bool]
    watched: Callable[[], bool]
    """Whether some process watches the timers, so that questions escalate by themselves."""
    seal_lag_ms: Callable[[], int]
    """Age of the oldest event that this process knows not to be sealed yet."""
    on_commit: Callable[[RunId], None]
    """Called after each commit to a run; for live progress."""
    known: KnownRuns = field(default_factory=KnownRuns)
    """Runs as this process saw them last."""
