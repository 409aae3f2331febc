"""What `decide` wants done. `Settle` is a fact that follows by rule; the others ask the world."""

from dataclasses import dataclass

from midwatch.base.ids import EffectKey, TaskName
from midwatch.base.units import EpochMs
from midwatch.journal.run_events import RunEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """Append these facts: nothing outside is needed to know them."""

    facts: tuple[RunEvent, ...]
    cause_n: int
    """Number of the event that led to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRead:
    """Call the read tool of a task."""

    task: TaskName
    attempt: int
    cause_n: int
    """Number of the event that made the task ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Seal the actions of these tasks, have them judged, and ask or dispatch.

    `asking` is the approval task that collects the answer ahead; None where the gate itself asks, and
    then there is one task.
    """

    asking: TaskName | None
    tasks: tuple[TaskName, ...]
    cause_n: int
    supersedes: str = ""
    """The approval that these actions take the place of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Check an answered, allowed or repeatable action again, and send it to its tool."""

    key: EffectKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Read back what an effect changed: to verify it, or to settle a doubt."""

    key: EffectKey
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do before this moment."""

    until_ms: EpochMs


Command = Settle | CallRead | Prepare | Dispatch | Probe | Wait
