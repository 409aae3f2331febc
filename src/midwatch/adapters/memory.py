"""Fakes of the ports, held to the same contract tests as the real adapters.

Everything is deterministic: the clock moves when it is told to, chance comes from a seed, and
`MemoryStore.copy` is what a disk holds after `kill -9`.
"""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import fields
from typing import Self

from midwatch.adapters.memory_reads import PeopleReads
from midwatch.adapters.memory_tables import EMPTY, Tables, enqueue, facts_version, judge, live_run, write
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ApprovalId, Digest, OwnerToken, RunId, StreamId
from midwatch.base.units import DurationMs, EpochMs
from midwatch.journal.events import Entry, StoredEvent
from midwatch.ports.engine import Drive
from midwatch.ports.rows import ApprovalRow, EffectRow, LeaseRow, RunRow, TaskRow, TimerRow, WorkerRow
from midwatch.ports.store import Blob, Change, Head, Receipt, RunFilter, SealedLog, SealedMore

_LIKE_MAX = 10


class ManualClock:
    """Implements `ports.clock.Clock`: time passes when a test says so."""

    def __init__(self, now_ms: EpochMs) -> None:
        """Start at a time of day; the monotonic clock starts at 0."""
        self._now_ms = now_ms
        self._monotonic_ms = 0

    def now_ms(self) -> EpochMs:
        """Return the time of day."""
        return self._now_ms

    def monotonic_ms(self) -> int:
        """Return milliseconds that only ever grow."""
        return self._monotonic_ms

    def advance(self, duration_ms: DurationMs) -> None:
        """Let time pass on both clocks."""
        self._now_ms = EpochMs(self._now_ms + duration_ms)
        self._monotonic_ms += duration_ms

    def jump(self, by_ms: int) -> None:
        """Set the time of day forward or back, as somebody does with a real clock."""
        self._now_ms = EpochMs(self._now_ms + by_ms)


class SeededChance:
    """Implements `ports.clock.Chance`: the same seed, the same names."""

    def __init__(self, seed: int) -> None:
        """Start the sequence that belongs to the seed."""
        self._random = random.Random(seed)  # noqa: S311 - a fake: it must be guessable
        self._lock = threading.Lock()

    def token(self, size_bytes: int) -> bytes:
        """Return the next so many bytes."""
        with self._lock:
            return self._random.randbytes(size_bytes)


class MemoryReceipt:
    """A change that was judged already."""

    def __init__(self, refusal: MidwatchError | None) -> None:
        self._refusal = refusal

    def is_over(self) -> bool:
        """Return True: nothing is under way."""
        return True

    def wait(self) -> None:
        """Return, or raise the refusal."""
        if self._refusal is not None:
            raise self._refusal


class MemoryStore(PeopleReads):
    """Implements `ports.store.Store`, and holds the queue that `MemoryEngine` serves."""

    def __init__(self, tables: Tables | None = None) -> None:
        """Begin with what there is, or empty."""
        self._tables = tables or Tables()
        self._lock = threading.RLock()

    def copy(self) -> Self:
        """Return the state that a process finds which is started after this one was killed now."""
        with self._lock:
            tables = {column.name: copy(getattr(self._tables, column.name)) for column in fields(Tables)}
        return type(self)(Tables(**tables))

    # Changes

    def append(self, change: Change) -> None:
        """Commit one change, whole or not at all; see `ports.store`."""
        with self._lock:
            judge(self._tables, change)
            write(self._tables, change)

    def begin(self, change: Change, *, awaited: bool) -> Receipt:  # noqa: ARG002 - nothing waits here
        """Commit one change at once, and keep a refusal until it is asked for."""
        try:
            self.append(change)
        except MidwatchError as refusal:
            return MemoryReceipt(refusal)
        return MemoryReceipt(None)

    def wake(self, timer: TimerRow) -> bool:
        """Enqueue a drive of the timer's run and clear the timer, if it is still this one."""
        with self._lock:
            if self._tables.timers.get(timer.run) != timer:
                return False
            del self._tables.timers[timer.run]
            enqueue(self._tables, timer.run)
            return True

    def bump_facts(self, *, name: str, value: str) -> int:
        """Set a control fact and return the version of all; same value, same version."""
        with self._lock:
            if self.fact(name) != value:
                self._tables.facts[name] = (value, self.facts_version() + 1)
            return self.facts_version()

    def seal(self, grow: Callable[[SealedLog], SealedMore | None], *, limit: int = 5_000) -> int:
        """Give committed events their positions."""
        with self._lock:
            tables, size = self._tables, len(self._tables.log)
            pending = tables.events[size : size + limit]
            if not pending:
                return 0
            leaves = tuple((entry.stream, entry.n, entry.leaf_hash) for entry in pending)
            more = grow(SealedLog(size=size, pending=leaves, read_tile=self.tile))
            if more is None:
                return 0
            assert more.size == size + len(pending), "a sealing pass seals what is pending, in its order"
            tables.log.extend(range(size, more.size))
            tables.tiles.update(more.tiles)
            tables.checkpoints[more.size] = more.checkpoint
            return len(pending)

    def beat(self, worker: WorkerRow) -> None:
        """Insert or replace a worker's row."""
        with self._lock:
            self._tables.workers[worker.worker] = worker

    def forget_worker(self, worker: str) -> None:
        """Delete a worker's row."""
        with self._lock:
            self._tables.workers.pop(worker, None)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    # Journal

    def head(self, stream: StreamId) -> Head:
        """Return the end of a stream."""
        return self._tables.heads.get(stream, EMPTY)

    def entries(self, stream: StreamId, *, after_n: int = 0) -> Sequence[Entry]:
        """Return a stream's entries behind `after_n`, in their order."""
        with self._lock:
            return [entry for entry in self._tables.events if entry.stream == stream and entry.n > after_n]

    def streams(self) -> Sequence[StreamId]:
        """Return every stream, sorted."""
        with self._lock:
            return sorted(self._tables.heads)

    def stored_events(
        self, *, after_row: int = 0, limit: int = 10_000, payloads: bool = True
    ) -> Sequence[StoredEvent]:
        """Return events in commit order; without `payloads`, `sealed` is empty."""
        with self._lock:
            rows = range(after_row, min(after_row + limit, len(self._tables.events)))
            sealed = len(self._tables.log)
            found = [
                StoredEvent.of(self._tables.events[row], row=row + 1, position=row if row < sealed else None)
                for row in rows
            ]
        return found if payloads else [stored._replace(sealed=b"") for stored in found]

    def heads(self) -> Mapping[StreamId, Head]:
        """Return the end of every stream."""
        with self._lock:
            return dict(self._tables.heads)

    def sealed_size(self) -> int:
        """Return how many events have a position."""
        return len(self._tables.log)

    def tile(self, level: int, index: int) -> bytes:
        """Return the hashes of a tile, empty where there is none."""
        return self._tables.tiles.get((level, index), b"")

    def tiles(self) -> Sequence[tuple[int, int, bytes]]:
        """Return every tile as (level, index, hashes)."""
        with self._lock:
            return [(level, index, hashes) for (level, index), hashes in sorted(self._tables.tiles.items())]

    def checkpoints(self) -> Sequence[tuple[int, str]]:
        """Return (size, signed note) of each checkpoint, smallest first."""
        with self._lock:
            return sorted(self._tables.checkpoints.items())

    # Projections

    def run_row(self, run: RunId) -> RunRow | None:
        """Return a run's row."""
        return self._tables.runs.get(run)

    def run_rows(self, where: RunFilter) -> Sequence[RunRow]:
        """Return the runs that match, newest first."""
        with self._lock:
            found = sorted(
                self._tables.runs.values(), key=lambda row: (row.started_ms, row.run), reverse=True
            )
        return [
            row
            for row in found
            if where.live in {None, row.status != "ended"} and where.runbook in {None, row.runbook}
        ][: where.limit]

    def runs_like(self, prefix: str) -> Sequence[RunId]:
        """Return at most ten runs whose id starts so, with or without `r-`."""
        low = prefix if prefix.startswith("r-") else f"r-{prefix}"
        with self._lock:
            return sorted(run for run in self._tables.runs if run.startswith(low))[:_LIKE_MAX]

    def live_run(self, runbook: str, key: str) -> RunId | None:
        """Return a run of the runbook for the key that has not ended."""
        with self._lock:
            return live_run(self._tables, runbook, key, but=None)

    def task_rows(self, run: RunId) -> Sequence[TaskRow]:
        """Return the tasks of a run by name and iteration."""
        with self._lock:
            return [row for key, row in sorted(self._tables.tasks.items()) if key[0] == run]

    def effect_rows(self, run: RunId) -> Sequence[EffectRow]:
        """Return the effects of a run by key."""
        with self._lock:
            return [row for _, row in sorted(self._tables.effects.items()) if row.run == run]

    def approval_rows(self, *, run: RunId | None = None, only_open: bool = False) -> Sequence[ApprovalRow]:
        """Return approvals, oldest question first."""
        with self._lock:
            found = sorted(self._tables.approvals.values(), key=lambda row: (row.asked_ms, row.approval))
        return [row for row in found if run in {None, row.run} and (row.status == "open" or not only_open)]

    def approvals_like(self, prefix: str) -> Sequence[ApprovalId]:
        """Return at most ten approvals whose id starts so, with or without `a-`."""
        low = prefix if prefix.startswith("a-") else f"a-{prefix}"
        with self._lock:
            return sorted(approval for approval in self._tables.approvals if approval.startswith(low))[
                :_LIKE_MAX
            ]

    def approval_row(self, approval: ApprovalId) -> ApprovalRow | None:
        """Return an approval's row."""
        return self._tables.approvals.get(approval)

    # Operation

    def due(self, now_ms: EpochMs, *, limit: int = 100) -> Sequence[TimerRow]:
        """Return timers whose moment has come, longest overdue first."""
        with self._lock:
            found = sorted(self._tables.timers.values(), key=lambda timer: (timer.due_ms, timer.run))
        return [timer for timer in found if timer.due_ms <= now_ms][:limit]

    def plan(self, plan: Digest) -> bytes | None:
        """Return a stored plan."""
        return self._tables.plans.get(plan)

    def blob(self, address: str) -> Blob | None:
        """Return a stored blob."""
        return self._tables.blobs.get(address)

    def lease(self, resource: str) -> LeaseRow | None:
        """Return the lease of a resource, None where nobody ever held it."""
        return self._tables.leases.get(resource)

    def owner(self, run: RunId) -> OwnerToken | None:
        """Return who may write to the run."""
        return self._tables.owners.get(run)

    def facts_version(self, *, within_ms: int = 0) -> int:  # noqa: ARG002 - it is at hand
        """Return the version of all control facts, 0 before the first."""
        return facts_version(self._tables)

    def fact(self, name: str) -> str | None:
        """Return a control fact."""
        known = self._tables.facts.get(name)
        return None if known is None else known[0]

    def facts(self) -> Mapping[str, str]:
        """Return every control fact."""
        return {name: known[0] for name, known in self._tables.facts.items()}

    def workers(self) -> Sequence[WorkerRow]:
        """Return every known worker by name."""
        with self._lock:
            return [row for _, row in sorted(self._tables.workers.items())]

    # The queue, for `MemoryEngine`

    def take_drive(self, worker: str) -> tuple[RunId, int] | None:
        """Hand the next queued drive to a worker, None when there is none."""
        with self._lock:
            if not self._tables.queue:
                return None
            drive = self._tables.queue.pop(0)
            self._tables.taken[drive] = worker
            return drive

    def finish_drive(self, drive: tuple[RunId, int]) -> None:
        """Forget a drive that came to its end."""
        with self._lock:
            self._tables.taken.pop(drive, None)

    def drive_holders(self) -> tuple[str, ...]:
        """Return every worker that took a drive and did not finish it."""
        with self._lock:
            return tuple(sorted(set(self._tables.taken.values())))

    def give_back(self, workers: Sequence[str]) -> int:
        """Put what these workers had taken back on the queue; return how many."""
        with self._lock:
            found = [drive for drive, worker in self._tables.taken.items() if worker in workers]
            for drive in found:
                del self._tables.taken[drive]
            self._tables.queue[:0] = found
            return len(found)


class MemoryEngine:
    """Implements `ports.engine.Engine` on the queue of a `MemoryStore`; a test turns the crank."""

    def __init__(self, store: MemoryStore, *, worker: str = "memory") -> None:
        """Serve the store's queue as this worker."""
        self._store = store
        self._worker = worker
        self._drive: Drive | None = None

    @property
    def worker(self) -> str:
        """Unique name of this process among the workers."""
        return self._worker

    def start(self, drive: Drive) -> None:
        """Begin to serve; what this worker had taken before it died comes first."""
        self._drive = drive
        self._store.give_back([self._worker])

    def stop(self) -> None:
        """Take no more."""
        self._drive = None

    def adopt(self, dead: tuple[str, ...]) -> int:
        """Put what these dead workers were driving back on the queue; return how many runs."""
        return self._store.give_back(dead)

    def holders(self) -> tuple[str, ...]:
        """Return every worker that holds a drive."""
        return self._store.drive_holders()

    def pump(self) -> RunId | None:
        """Drive the next queued run and return it, or None when there is none.

        A drive that raises an operating error is over, as it is with the real engine: the run's rows say
        what comes next. Anything else is a crash of this worker, and reaches the test.
        """
        if self._drive is None:
            return None
        taken = self._store.take_drive(self._worker)
        if taken is None:
            return None
        with suppress(MidwatchError):
            self._drive(taken[0])
        self._store.finish_drive(taken)
        return taken[0]

    def pump_all(self) -> int:
        """Drive until the queue is empty; return how many drives that took."""
        count = 0
        while self.pump() is not None:
            count += 1
        return count
