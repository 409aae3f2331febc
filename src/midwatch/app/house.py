"""What every use case works with: the ports, and who we are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from midwatch.app.known import KnownRuns
from midwatch.approvals.people import People
from midwatch.base.classes import Profile
from midwatch.base.ids import RunId
from midwatch.policy.rules import Rules
from midwatch.ports.clock import Chance, Clock
from midwatch.ports.crew import Crew
from midwatch.ports.keys import Keys
from midwatch.ports.rows import WorkerRow
from midwatch.ports.store import Store
from midwatch.ports.tools import Tools

SUBJECT = "tenant/local"
"""Whose key seals the payloads of this house, while it has one tenant."""


IN_FORCE_WITHIN_MS = 20
"""How old may be what a process knows to be in force; what acts has its version checked in its commit."""


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
