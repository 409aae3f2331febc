"""Rows that make runs findable: projections of the journal, never more than it says.

`audit verify` folds the journal and compares each of them; only leases, timers and owners are
operational and hold nothing that the journal would miss.
"""

from dataclasses import dataclass

from midwatch.base.ids import ApprovalId, Digest, EffectKey, HandId, PersonId, RunId, TaskName
from midwatch.base.units import EpochMs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run."""

    run: RunId
    runbook: str
    plan: Digest
    document: Digest
    title: str
    status: str
    """`running`, `waiting` (for a person or a moment), `undoing` or `ended`."""
    outcome: str
    """Empty until the run has ended."""
    mode: str
    initiator: str
    practice: bool
    key: str
    started_ms: EpochMs
    ended_ms: EpochMs | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One task of a run; absent while nothing is known of it."""

    run: RunId
    task: TaskName
    iteration: int
    status: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One effect that may act; reads have no row, their event is all there is."""

    key: EffectKey
    run: RunId
    task: TaskName
    tool: str
    effect: str
    target: str
    action: Digest
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """One question to the Guardians."""

    approval: ApprovalId
    run: RunId
    task: TaskName
    bundle: Digest
    status: str
    """`open`, or the outcome."""
    rung: int
    asked_ms: EpochMs
    expires_ms: EpochMs


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRow:
    """Something that people do by hand."""

    hand: HandId
    run: RunId
    task: TaskName
    iteration: int
    purpose: str
    """`manual`, `agent` or `escalation`."""
    status: str
    """`open`, or how it ended."""
    rung: int
    asked_ms: EpochMs
    due_ms: EpochMs


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """A message for one person; what it says is in the journal."""

    run: RunId
    n: int
    """Number of its event."""
    person: PersonId
    at_ms: EpochMs


Row = RunRow | TaskRow | EffectRow | ApprovalRow | HandRow | NoticeRow


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerRow:
    """A moment at which a run wants to be driven again; firing late or twice does nothing."""

    run: RunId
    due_ms: EpochMs


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """Who holds a resource, and the fencing token that only ever grows."""

    resource: str
    run: RunId | None
    """None while nobody holds it."""
    key: EffectKey | None
    fence: int
    until_ms: EpochMs


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """A process that drives runs."""

    worker: str
    host: str
    boot: str
    """Boot id of the host: with pid and start it names one process for good."""
    pid: int
    started_ms: int
    """Start of the process on the host's own clock, to tell a reused pid."""
    beat: int
    """Grows while the process lives; watched on the observer's monotonic clock."""
