"""Changes for tests of stores: real entries with real hashes, in a stream of their own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from midwatch.base.ids import (
    Digest,
    OwnerToken,
    Principal,
    RunId,
    StreamId,
    TaskName,
    effect_key,
    run_stream,
)
from midwatch.base.units import EpochMs
from midwatch.journal.chain import extend
from midwatch.journal.events import Draft, Entry
from midwatch.journal.run_events import TaskSkipped
from midwatch.ports.rows import LeaseRow, RunRow
from midwatch.ports.store import Change, Head, SealedLog, SealedMore, Store

KEY = bytes(range(32))
SUBJECT = "tenant/local"
EMPTY = Head(n=0, hash="0" * 64)
AT_MS = EpochMs(1_790_000_000_000)
OWNER = OwnerToken("owner-1")


def run_id(number: int) -> RunId:
    """Return the id of a test's n-th run."""
    return RunId(f"r-{number:010d}")


def entries(stream: StreamId, after: Head, count: int) -> tuple[Entry, ...]:
    """Return entries that follow a head."""
    drafts = [
        Draft(payload=TaskSkipped(task=f"t{after.n + i}", why="a test"), actor=Principal("system:driver"))
        for i in range(count)
    ]
    return extend(stream, after.n, after.hash, drafts, at_ms=AT_MS, subject=SUBJECT, key=KEY, noise=bytes)


def change(run: RunId, after: Head, *, count: int = 1, **more: Any) -> Change:
    """Return a change that appends to the run's stream."""
    stream = run_stream(run)
    return Change(stream=stream, expected=after, entries=entries(stream, after, count), run=run, **more)


def after(done: Change) -> Head:
    """Return the end of the stream once the change is written."""
    if not done.entries:
        return done.expected
    return Head(n=done.entries[-1].n, hash=done.entries[-1].leaf_hash.hex())


def run_row(run: RunId, **changes: Any) -> RunRow:
    """Return the row of a run that goes on."""
    row = RunRow(
        run=run,
        runbook="rounds",
        plan=Digest("sha256:" + "a" * 64),
        document=Digest("sha256:" + "b" * 64),
        title="Rounds of this host",
        status="running",
        outcome="",
        mode="approve",
        initiator="person:ada",
        practice=False,
        key="",
        started_ms=AT_MS,
        ended_ms=None,
    )
    return replace(row, **changes)


def begin(
    store: Store, number: int = 1, *, owner: OwnerToken | None = None, **columns: Any
) -> tuple[RunId, Head]:
    """Start a run in the store; return its id and the end of its stream."""
    run = run_id(number)
    first = change(run, EMPTY, rows=[run_row(run, **columns)], claim=owner)
    store.append(first)
    return run, after(first)


def lease(resource: str, run: RunId, fence: int, *, task: str = "act") -> LeaseRow:
    """Return a lease that an effect of the run takes."""
    return LeaseRow(
        resource=resource, run=run, key=effect_key(run, TaskName(task)), fence=fence, until_ms=AT_MS
    )


def task(name: str) -> TaskName:
    """Return a task's name."""
    return TaskName(name)


def flat_grow(log: SealedLog) -> SealedMore | None:
    """Seal everything that is pending, with one tile that lists the leaf hashes seen so far."""
    hashes = log.read_tile(0, 0) + b"".join(leaf_hash for _, _, leaf_hash in log.pending)
    size = log.size + len(log.pending)
    return SealedMore(tiles={(0, 0): hashes}, size=size, checkpoint=f"note {size}", at_ms=AT_MS)


def streams_of(pending: Sequence[tuple[StreamId, int, bytes]]) -> list[tuple[StreamId, int]]:
    """Return which events these are."""
    return [(stream, n) for stream, n, _ in pending]
