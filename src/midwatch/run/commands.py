"""What `decide` wants done. `Settle` is a fact that follows by rule; the others ask the world."""

from dataclasses import dataclass

from midwatch.base.ids import EffectKey, RunId, TaskName
from midwatch.base.units import EpochMs
from midwatch.journal.run_events import RunEvent
from midwatch.run.state import Place


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
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Seal the actions of these tasks, have them judged, and ask or dispatch.

    `asking` is the approval task that collects the answer ahead; None where the gate itself asks, and
    then there is one task.
    """

    asking: TaskName | None
    tasks: tuple[Place, ...]
    """Each with its iteration."""
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
class Look:
    """Take the reading that a wait waits for."""

    task: TaskName


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Ask people to do something by hand."""

    place: Place
    attempt: int
    purpose: str
    """`manual`, `agent` or `escalation`."""
    cause_n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Leave a message for people, or emit an event."""

    place: Place
    attempt: int
    cause_n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Write down that another run is about to be started."""

    place: Place
    attempt: int
    cause_n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Start a called run, unless it is there already."""

    child: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Tell a called run to stop."""

    child: RunId
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do before this moment."""

    until_ms: EpochMs


Command = Settle | CallRead | Prepare | Dispatch | Probe | Look | Hand | Tell | Call | Begin | Stop | Wait
