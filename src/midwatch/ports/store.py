"""The database: one change is one transaction, durable when the call returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ApprovalId, Digest, HandId, OwnerToken, RunId, StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.events import Entry, StoredEvent
from midwatch.ports.rows import (
    ApprovalRow,
    EffectRow,
    HandRow,
    LeaseRow,
    NoticeRow,
    Row,
    RunRow,
    TaskRow,
    TimerRow,
    WorkerRow,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a stream: number and leaf hash (hex) of its last event; (0, 64 zeros) when empty."""

    n: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Sealed bytes under a content address."""

    address: str
    subject: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one transaction does: events first, and the rows that follow from them."""

    stream: StreamId
    expected: Head
    """The stream must still end here; else `StreamMovedError` and nothing is written."""
    entries: Sequence[Entry]
    run: RunId | None = None
    owner: OwnerToken | None = None
    """The drive that writes: must be the run's owner; else `FencedError`."""
    claim: OwnerToken | None = None
    """Becomes the run's owner in this change, if nobody is, or `claim_over` is; else `FencedError`."""
    claim_over: OwnerToken | None = None
    """A dead drive that may be dispossessed."""
    release: bool = False
    """The run has no owner after this change: its drive has nothing left to do."""
    rows: Sequence[Row] = ()
    """Inserted or replaced by their keys."""
    timer: TimerRow | None = None
    """The run's one timer; replaces the old one."""
    clear_timer: bool = False
    facts_version: int | None = None
    """What the gate judged on; must still be `Store.facts_version()`; else `FactsMovedError`."""
    leases_taken: Sequence[LeaseRow] = ()
    """Each with the old fence plus one; else, or where another effect holds it, `LeaseHeldError`."""
    leases_freed: Sequence[LeaseRow] = ()
    """Freed where run and fence still match; otherwise left alone."""
    blobs: Sequence[Blob] = ()
    plan: tuple[Digest, bytes] | None = None
    """Stored once, by digest."""
    callees: Sequence[tuple[Digest, bytes]] = ()
    """Plans that it may call, stored the same way."""
    drive: bool = False
    """Enqueue a drive of the run in this very transaction."""
    unique_live_key: tuple[str, str] | None = None
    """(runbook, key): no other run that has not ended may have it; else `DuplicateRunError`."""


class StreamMovedError(MidwatchError):
    """Somebody else appended to the stream first; the caller reads on and decides again."""

    code = "MW701"
    fix = "Nothing is lost. Run the command again."
    retryable = True


class FencedError(MidwatchError):
    """Another worker owns the run now; this one must stop."""

    code = "MW702"
    fix = "Nothing to do: the run goes on in the other worker. See `midwatch status`."


class FactsMovedError(MidwatchError):
    """Policy, halt or people changed between the decision and its use; it is judged again."""

    code = "MW703"
    fix = "Nothing is lost. Run the command again."
    retryable = True


class LeaseHeldError(MidwatchError):
    """Another effect, of this run or another, holds the resource."""

    code = "MW704"
    fix = "Wait for the other effect, or end its run: `midwatch runs` shows both."
    retryable = True


class DuplicateRunError(MidwatchError):
    """A live run of this runbook for the same key is there already."""

    code = "MW705"
    fix = "See it with `midwatch show {run}`; answer or cancel it before you start another."


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLog:
    """The state of the global log before a sealing pass."""

    size: int
    pending: Sequence[tuple[StreamId, int, bytes]]
    """(stream, n, leaf hash) of committed events without a position, in commit order."""
    read_tile: Callable[[int, int], bytes]
    """(level, index) to the hashes of that tile, 32 bytes each, empty where there is none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedMore:
    """What a sealing pass adds: positions for `pending` in its order, tiles and a checkpoint."""

    tiles: Mapping[tuple[int, int], bytes]
    size: int
    checkpoint: str
    """The signed note."""
    at_ms: EpochMs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list, newest first."""

    live: bool | None = None
    runbook: str | None = None
    limit: int = field(default=50)


class Receipt(Protocol):
    """A change that is under way; those of one stream end in the order in which they were begun."""

    def is_over(self) -> bool:
        """Return whether `wait` would not wait."""
        ...

    def wait(self) -> None:
        """Return once the change is durable; raises what `Store.append` raises, and may be asked once."""
        ...


class Store(Protocol):
    """Journal, projections, timers, leases. Thread-safe; every write is durable when it returns."""

    def append(self, change: Change) -> None:
        """Commit one change, whole or not at all.

        Raises:
            StreamMovedError, FencedError, FactsMovedError, LeaseHeldError, DuplicateRunError: see `Change`.
            StoreFullError: MW706, when the disk or quota is full; nothing was written.
        """
        ...

    def begin(self, change: Change, *, awaited: bool) -> Receipt:
        """Begin to commit one change, and go on meanwhile; `append` is this and the wait for it.

        The next change of the stream may be begun before this one is durable: it expects this one's head.

        Args:
            awaited: the caller waits right away; else the change may wait some milliseconds for others.
        """
        ...

    def head(self, stream: StreamId) -> Head:
        """Return the end of a stream; (0, 64 zeros) for one that does not exist."""
        ...

    def entries(self, stream: StreamId, *, after_n: int = 0) -> Sequence[Entry]:
        """Return a stream's entries after number `after_n`, in order."""
        ...

    def streams(self) -> Sequence[StreamId]:
        """Return every stream, by name."""
        ...

    def run_row(self, run: RunId) -> RunRow | None:
        """Return the row of a run, or None."""
        ...

    def run_rows(self, where: RunFilter) -> Sequence[RunRow]:
        """Return the rows that the filter lets through, newest first."""
        ...

    def runs_like(self, prefix: str) -> Sequence[RunId]:
        """Return at most ten runs whose id starts with `prefix` (with or without `r-`)."""
        ...

    def live_run(self, runbook: str, key: str) -> RunId | None:
        """Return the run of the runbook with that key that has not ended, or None."""
        ...

    def task_rows(self, run: RunId) -> Sequence[TaskRow]:
        """Return the rows of a run's tasks, by name."""
        ...

    def effect_rows(self, run: RunId) -> Sequence[EffectRow]:
        """Return the rows of a run's effects, by key."""
        ...

    def approval_rows(self, *, run: RunId | None = None, only_open: bool = False) -> Sequence[ApprovalRow]:
        """Return questions, the oldest first; of one run, or only those that wait for an answer."""
        ...

    def approvals_like(self, prefix: str) -> Sequence[ApprovalId]:
        """Return at most ten approvals whose id starts with `prefix` (with or without `a-`)."""
        ...

    def approval_row(self, approval: ApprovalId) -> ApprovalRow | None:
        """Return the row of a question, or None."""
        ...

    def hand_rows(self, *, run: RunId | None = None, only_open: bool = False) -> Sequence[HandRow]:
        """Return what people do by hand, the oldest first; of one run, or only what is not done yet."""
        ...

    def hands_like(self, prefix: str) -> Sequence[HandId]:
        """Return at most ten hands whose id starts with `prefix` (with or without `h-`)."""
        ...

    def hand_row(self, hand: HandId) -> HandRow | None:
        """Return the row of something that people do, or None."""
        ...

    def notice_rows(self, *, run: RunId | None = None, limit: int = 50) -> Sequence[NoticeRow]:
        """Return messages for people, the newest first; of one run, or of all."""
        ...

    def due(self, now_ms: EpochMs, *, limit: int = 100) -> Sequence[TimerRow]:
        """Return the timers whose moment has come, the earliest first."""
        ...

    def wake(self, timer: TimerRow) -> bool:
        """Enqueue a drive of the timer's run and clear the timer, if it is still this one; say whether."""
        ...

    def plan(self, plan: Digest) -> bytes | None:
        """Return the canonical bytes of a plan, or None."""
        ...

    def blob(self, address: str) -> Blob | None:
        """Return the sealed bytes under an address, or None."""
        ...

    def lease(self, resource: str) -> LeaseRow | None:
        """Return the lease on a resource, or None where nobody ever held it."""
        ...

    def owner(self, run: RunId) -> OwnerToken | None:
        """Return the drive that owns a run now, or None."""
        ...

    def facts_version(self, *, within_ms: int = 0) -> int:
        """Return the version of all control facts together: it grows with each change.

        Args:
            within_ms: it may be the version as this process met it, at most so long ago.
        """
        ...

    def bump_facts(self, *, name: str, value: str) -> int:
        """Set a control fact (`policy`, `halt` …) and return the new version; same value, same version."""
        ...

    def fact(self, name: str) -> str | None:
        """Return the value of a control fact, or None."""
        ...

    def facts(self) -> Mapping[str, str]:
        """Return every control fact with its value."""
        ...

    def seal(self, grow: Callable[[SealedLog], SealedMore | None], *, limit: int = 5_000) -> int:
        """Give committed events their positions, in one transaction; return how many.

        At most one process seals at a time (a lease, or the database's write lock).
        """
        ...

    def sealed_size(self) -> int:
        """Return how many events have a position in the log."""
        ...

    def tile(self, level: int, index: int) -> bytes:
        """Return the hashes of a tile, empty where there is none."""
        ...

    def checkpoints(self) -> Sequence[tuple[int, str]]:
        """Return (size, signed note) of each checkpoint, smallest first."""
        ...

    def heads(self) -> Mapping[StreamId, Head]:
        """Return the end of every stream."""
        ...

    def stored_events(
        self, *, after_row: int = 0, limit: int = 10_000, payloads: bool = True
    ) -> Sequence[StoredEvent]:
        """Return events in commit order, for verify and export; without `payloads`, `sealed` is empty."""
        ...

    def tiles(self) -> Sequence[tuple[int, int, bytes]]:
        """Return (level, index, hashes) of every tile."""
        ...

    def beat(self, worker: WorkerRow) -> None:
        """Insert or renew a worker's row."""
        ...

    def workers(self) -> Sequence[WorkerRow]:
        """Return every worker that did not sign off."""
        ...

    def forget_worker(self, worker: str) -> None:
        """Delete a worker's row: it signed off, or is dead and its runs are taken over."""
        ...

    def close(self) -> None:
        """Finish what was begun and close the database."""
        ...


class StoreFullError(MidwatchError):
    """The disk or the quota is full; the change was not written, and nothing before it is lost."""

    code = "MW706"
    fix = "Free some space on the file system of {path}, then run the command again: it goes on where it was."


class StoreUnreachableError(MidwatchError):
    """The state folder or database can't be opened for writing."""

    code = "MW707"
    fix = (
        "Point MIDWATCH_STATE at a folder that you may write to, "
        "e.g. `MIDWATCH_STATE=/var/tmp/midwatch midwatch start`."
    )


class StoreVersionError(MidwatchError):
    """The database was written by a newer Midwatch."""

    code = "MW708"
    fix = "Upgrade Midwatch: `pip install --upgrade midwatch`."


class StoreDamagedError(MidwatchError):
    """The database file is damaged, or is no database of Midwatch's."""

    code = "MW709"
    fix = "Move {path} away and restore a backup; `midwatch audit verify` says whether that is whole."


class StoreBusyError(MidwatchError):
    """Another process holds the database's write lock and doesn't let go."""

    code = "MW710"
    fix = (
        "See who has it open, e.g. with `fuser -v {path}`; end a stopped process, then run the command again."
    )
    retryable = True
