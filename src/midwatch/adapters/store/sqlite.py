"""`ports.store.Store` on one SQLite file, for any number of threads and processes."""

import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from midwatch.adapters.store.changes import EMPTY, apply_change, wake_timer
from midwatch.adapters.store.connect import alone, open_connection, prepare_file, told
from midwatch.adapters.store.facts import FACT, FACTS, FACTS_VERSION, set_fact
from midwatch.adapters.store.people import PeopleReads
from midwatch.adapters.store.reads import ReadPool
from midwatch.adapters.store.rows import (
    APPROVAL,
    BLOB,
    EFFECT,
    ENTRY,
    LEASE,
    RUN,
    TASK,
    TIMER,
    WORKER,
)
from midwatch.adapters.store.schema import migrate
from midwatch.adapters.store.sealing import SEALED_SIZE, TILE, UNSEALED, seal_pass
from midwatch.adapters.store.writer import GroupWriter, Member
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ApprovalId, Digest, OwnerToken, RunId, StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.events import Entry, StoredEvent
from midwatch.ports.rows import (
    ApprovalRow,
    EffectRow,
    LeaseRow,
    RunRow,
    TaskRow,
    TimerRow,
    WorkerRow,
)
from midwatch.ports.store import (
    Blob,
    Change,
    FactsMovedError,
    Head,
    Receipt,
    RunFilter,
    SealedLog,
    SealedMore,
)

T = TypeVar("T")

_as_stored = partial(tuple.__new__, StoredEvent)
"""A row of `_STORED` as its event, without a look at each field."""
_STORED = """
SELECT e.row, l.position, e.stream, e.n, e.type, e.at_ms, e.leaf, e.leaf_hash, e.subject, e.sealed
FROM mw_events AS e LEFT JOIN mw_log AS l ON l.row = e.row
WHERE e.row > :after_row ORDER BY e.row LIMIT :limit
"""
_STORED_BARE = _STORED.replace("e.sealed", "x''")
_RUNS = f"""
{RUN.select}
WHERE (:live IS NULL OR (status <> 'ended') = :live) AND (:runbook IS NULL OR runbook = :runbook)
ORDER BY started_ms DESC, run DESC LIMIT :limit
"""
_LIVE_RUN = """
SELECT run FROM mw_runs WHERE runbook = :runbook AND key = :key AND status <> 'ended' ORDER BY run LIMIT 1
"""
_RUNS_LIKE = "SELECT run FROM mw_runs WHERE run >= :low AND run < :high ORDER BY run LIMIT :limit"
_APPROVALS_LIKE = """
SELECT approval FROM mw_approvals WHERE approval >= :low AND approval < :high ORDER BY approval LIMIT :limit
"""
_APPROVALS = f"""
{APPROVAL.select}
WHERE (:run IS NULL OR run = :run)
ORDER BY asked_ms, approval
"""
_OPEN_APPROVALS = f"""
{APPROVAL.select}
WHERE status = 'open' AND (:run IS NULL OR run = :run)
ORDER BY asked_ms, approval
"""


class DriveQueue(Protocol):
    """The engine's queue, as the store sees it."""

    def prepare(self) -> None:
        """Make ready what `enqueue` needs; called before a transaction that enqueues, cheap when repeated."""
        ...

    def attach(self, connection: sqlite3.Connection) -> None:
        """Take note of the connection that writes; called once, outside a transaction, in any thread."""
        ...

    def enqueue(self, run: RunId, seq: int) -> None:
        """Put drive `seq` of the run on the queue, as part of the transaction of the attached connection."""
        ...

    def committed(self) -> None:
        """Learn that something may have been enqueued for good."""
        ...


@dataclass(slots=True)
class _FactsSeen:
    """The version of the control facts that this process met last in a transaction that is durable."""

    version: int = 0
    seen_s: float = -math.inf
    """When, on the monotonic clock."""

    def note(self, version: int, seen_s: float) -> None:
        """Take note of a version; it only grows, so of one that is older nothing is learnt."""
        if version >= self.version:
            self.version, self.seen_s = version, max(seen_s, self.seen_s)

    def forget(self) -> None:
        """Have the version read again: it has moved."""
        self.seen_s = -math.inf


@dataclass(frozen=True, slots=True)
class _Begun:
    """A change under way; what it met of the control facts is noted once that is durable."""

    member: Member
    facts: _FactsSeen

    def is_over(self) -> bool:
        """Return whether `wait` would not wait."""
        return self.member.is_over()

    def wait(self) -> None:
        """Return once the change is durable, or raise what it was refused with."""
        try:
            self.facts.note(*self.member.wait())
        except FactsMovedError:
            self.facts.forget()
            raise


class SqliteStore(PeopleReads):
    """Journal, projections, timers and leases in one file beside the engine's own tables."""

    def __init__(self, path: Path, *, drives: DriveQueue) -> None:
        """Open the database, making or migrating it where needed.

        Raises:
            StoreUnreachableError: MW707; StoreVersionError: MW708; StoreDamagedError: MW709;
            StoreFullError: MW706.
        """
        self._path = path
        self._drives = drives
        self._is_attached = False
        self._facts = _FactsSeen()
        prepare_file(path)
        with alone(path.parent):
            connection = open_connection(path, writes=True)
            try:
                with told(path):
                    migrate(connection)
            except (MidwatchError, sqlite3.Error):
                connection.close()
                raise
        self._reads = ReadPool(path)
        self._writer = GroupWriter(connection, path)

    # Changes

    def append(self, change: Change) -> None:
        """Commit one change, whole or not at all; see `ports.store`."""
        self.begin(change, awaited=True).wait()
        if change.drive:
            self._drives.committed()

    def begin(self, change: Change, *, awaited: bool) -> Receipt:
        """Begin to commit one change; see `ports.store`."""
        if change.drive:
            self._prepare_drives()
        enqueue, facts = self._drives.enqueue, self._facts

        def work(connection: sqlite3.Connection) -> tuple[int, float]:
            return apply_change(connection, change, enqueue), time.monotonic()

        return _Begun(self._writer.begin(work, awaited=awaited), facts)

    def wake(self, timer: TimerRow) -> bool:
        """Enqueue a drive of the timer's run and clear the timer, if it is still this one."""
        self._prepare_drives()
        woken = self._writer.submit(lambda connection: wake_timer(connection, timer, self._drives.enqueue))
        if woken:
            self._drives.committed()
        return woken

    def bump_facts(self, *, name: str, value: str) -> int:
        """Set a control fact and return the version of all; same value, same version."""
        version = self._writer.submit(lambda connection: set_fact(connection, name, value))
        self._facts.note(version, time.monotonic())
        return version

    def seal(self, grow: Callable[[SealedLog], SealedMore | None], *, limit: int = 5_000) -> int:
        """Give committed events their positions; `grow` runs inside the transaction and may not write."""
        unsealed = self._reads.row(UNSEALED)
        if unsealed is None or not unsealed[0]:
            return 0
        return self._writer.submit(lambda connection: seal_pass(connection, grow, limit=limit))

    def beat(self, worker: WorkerRow) -> None:
        """Insert or replace a worker's row."""
        self._execute(WORKER.upsert, WORKER.parameters(worker))

    def forget_worker(self, worker: str) -> None:
        """Delete a worker's row."""
        self._execute("DELETE FROM mw_workers WHERE worker = :worker", {"worker": worker})

    def close(self) -> None:
        """Write what waits, then close every connection."""
        self._writer.close()
        self._reads.close()

    # Journal

    def head(self, stream: StreamId) -> Head:
        """Return the end of a stream."""
        found = self._reads.row("SELECT n, head FROM mw_streams WHERE stream = :stream", {"stream": stream})
        return EMPTY if found is None else Head(n=found[0], hash=found[1])

    def entries(self, stream: StreamId, *, after_n: int = 0) -> Sequence[Entry]:
        """Return a stream's entries behind `after_n`, in their order."""
        found = self._reads.rows(
            f"{ENTRY.select} WHERE stream = :stream AND n > :after_n ORDER BY n",
            {"stream": stream, "after_n": after_n},
        )
        return [ENTRY.row(row) for row in found]

    def streams(self) -> Sequence[StreamId]:
        """Return every stream, sorted."""
        return [row[0] for row in self._reads.rows("SELECT stream FROM mw_streams ORDER BY stream")]

    def heads(self) -> Mapping[StreamId, Head]:
        """Return the end of every stream."""
        found = self._reads.rows("SELECT stream, n, head FROM mw_streams")
        return {stream: Head(n=n, hash=head) for stream, n, head in found}

    def stored_events(
        self, *, after_row: int = 0, limit: int = 10_000, payloads: bool = True
    ) -> Sequence[StoredEvent]:
        """Return events in commit order; without `payloads`, `sealed` is empty."""
        statement = _STORED if payloads else _STORED_BARE
        return list(map(_as_stored, self._reads.rows(statement, {"after_row": after_row, "limit": limit})))

    def sealed_size(self) -> int:
        """Return how many events have a position."""
        found = self._reads.row(SEALED_SIZE)
        assert found is not None, "an aggregate has a row"
        return int(found[0])

    def tile(self, level: int, index: int) -> bytes:
        """Return the hashes of a tile, empty where there is none."""
        found = self._reads.row(TILE, {"level": level, "idx": index})
        return b"" if found is None else bytes(found[0])

    def tiles(self) -> Sequence[tuple[int, int, bytes]]:
        """Return every tile as (level, index, hashes)."""
        found = self._reads.rows("SELECT level, idx, hashes FROM mw_tiles ORDER BY level, idx")
        return [(level, index, bytes(hashes)) for level, index, hashes in found]

    def checkpoints(self) -> Sequence[tuple[int, str]]:
        """Return (size, signed note) of each checkpoint, smallest first."""
        found = self._reads.rows("SELECT size, note FROM mw_checkpoints ORDER BY size")
        return [(size, note) for size, note in found]

    # Projections

    def run_row(self, run: RunId) -> RunRow | None:
        """Return a run's row."""
        found = self._reads.row(f"{RUN.select} WHERE run = :run", {"run": run})
        return None if found is None else RUN.row(found)

    def run_rows(self, where: RunFilter) -> Sequence[RunRow]:
        """Return the runs that match, newest first."""
        found = self._reads.rows(_RUNS, {"live": where.live, "runbook": where.runbook, "limit": where.limit})
        return [RUN.row(row) for row in found]

    def runs_like(self, prefix: str) -> Sequence[RunId]:
        """Return at most ten runs whose id starts so, with or without `r-`."""
        return [RunId(found) for found in self._ids_like(_RUNS_LIKE, "r-", prefix)]

    def live_run(self, runbook: str, key: str) -> RunId | None:
        """Return a run of the runbook for the key that has not ended."""
        found = self._reads.row(_LIVE_RUN, {"runbook": runbook, "key": key})
        return None if found is None else RunId(found[0])

    def task_rows(self, run: RunId) -> Sequence[TaskRow]:
        """Return the tasks of a run by name and iteration."""
        found = self._reads.rows(f"{TASK.select} WHERE run = :run ORDER BY task, iteration", {"run": run})
        return [TASK.row(row) for row in found]

    def effect_rows(self, run: RunId) -> Sequence[EffectRow]:
        """Return the effects of a run by key."""
        found = self._reads.rows(f"{EFFECT.select} WHERE run = :run ORDER BY key", {"run": run})
        return [EFFECT.row(row) for row in found]

    def approval_rows(self, *, run: RunId | None = None, only_open: bool = False) -> Sequence[ApprovalRow]:
        """Return approvals, oldest question first."""
        found = self._reads.rows(_OPEN_APPROVALS if only_open else _APPROVALS, {"run": run})
        return [APPROVAL.row(row) for row in found]

    def approvals_like(self, prefix: str) -> Sequence[ApprovalId]:
        """Return at most ten approvals whose id starts so, with or without `a-`."""
        return [ApprovalId(found) for found in self._ids_like(_APPROVALS_LIKE, "a-", prefix)]

    def approval_row(self, approval: ApprovalId) -> ApprovalRow | None:
        """Return an approval's row."""
        found = self._reads.row(f"{APPROVAL.select} WHERE approval = :approval", {"approval": approval})
        return None if found is None else APPROVAL.row(found)

    # Operation

    def due(self, now_ms: EpochMs, *, limit: int = 100) -> Sequence[TimerRow]:
        """Return timers whose moment has come, longest overdue first."""
        found = self._reads.rows(
            f"{TIMER.select} WHERE due_ms <= :now_ms ORDER BY due_ms, run LIMIT :limit",
            {"now_ms": now_ms, "limit": limit},
        )
        return [TIMER.row(row) for row in found]

    def plan(self, plan: Digest) -> bytes | None:
        """Return a stored plan."""
        found = self._reads.row("SELECT document FROM mw_plans WHERE plan = :plan", {"plan": plan})
        return None if found is None else bytes(found[0])

    def blob(self, address: str) -> Blob | None:
        """Return a stored blob."""
        found = self._reads.row(f"{BLOB.select} WHERE address = :address", {"address": address})
        return None if found is None else BLOB.row(found)

    def lease(self, resource: str) -> LeaseRow | None:
        """Return the lease of a resource, None where nobody ever held it."""
        found = self._reads.row(f"{LEASE.select} WHERE resource = :resource", {"resource": resource})
        return None if found is None else LEASE.row(found)

    def owner(self, run: RunId) -> OwnerToken | None:
        """Return who may write to the run."""
        found = self._reads.row("SELECT owner FROM mw_runs WHERE run = :run", {"run": run})
        return None if found is None else found[0]

    def facts_version(self, *, within_ms: int = 0) -> int:
        """Return the version of all control facts, 0 before the first; see `ports.store`."""
        now_s = time.monotonic()
        if within_ms and self._facts.seen_s + within_ms / 1000 > now_s:
            return self._facts.version
        found = self._reads.row(FACTS_VERSION)
        assert found is not None, "an aggregate has a row"
        self._facts.note(int(found[0]), now_s)
        return int(found[0])

    def fact(self, name: str) -> str | None:
        """Return a control fact."""
        found = self._reads.row(FACT, {"name": name})
        return None if found is None else found[0]

    def facts(self) -> Mapping[str, str]:
        """Return every control fact."""
        return dict(self._reads.rows(FACTS))

    def workers(self) -> Sequence[WorkerRow]:
        """Return every known worker by name."""
        return [WORKER.row(row) for row in self._reads.rows(f"{WORKER.select} ORDER BY worker")]

    # Inside

    def _prepare_drives(self) -> None:
        self._drives.prepare()
        if not self._is_attached:
            self._writer.outside(self._drives.attach)
            self._is_attached = True

    def _execute(self, sql: str, parameters: dict[str, object]) -> None:
        self._writer.submit(lambda connection: connection.execute(sql, parameters).rowcount)
