"""A program that dies before its n-th SQL statement, again and again.

`python -m support.killed WHAT BASE WORK`, with the folder of the tests on the path.

For n = 1, 2, … a forked child opens a copy of the database in BASE, changes it, and kills itself
(SIGKILL) right before the n-th statement of that change; the last child gets to the end. Each copy
stays in WORK/n. Forking from a program of one thread is safe, and costs milliseconds.
"""

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

from midwatch.adapters.engine.dbos_engine import DbosEngine
from midwatch.adapters.memory_world import MemoryKeys
from midwatch.adapters.store.sqlite import SqliteStore
from midwatch.base.ids import ApprovalId, Digest, effect_key
from midwatch.base.units import EpochMs
from midwatch.journal.checkpoint import Checkpoint, sign_checkpoint
from midwatch.journal.merkle import grow
from midwatch.ports.rows import ApprovalRow, EffectRow, TaskRow, TimerRow
from midwatch.ports.store import Blob, Change, SealedLog, SealedMore
from support.changes import AT_MS, EMPTY, after, change, lease, run_id, run_row, task

NAME = "midwatch.db"
KEYS = MemoryKeys(bytes)
RUN = run_id(1)
FIRST = change(
    RUN,
    EMPTY,
    rows=[run_row(RUN)],
    timer=TimerRow(run=RUN, due_ms=AT_MS),
    leases_taken=[lease("file:/a", RUN, 1)],
    drive=True,
)
PLAN = Digest("sha256:" + "e" * 64)


def second() -> Change:
    """Return a change that touches every table a change can touch."""
    return change(
        RUN,
        after(FIRST),
        count=3,
        rows=[
            run_row(RUN, status="waiting"),
            TaskRow(run=RUN, task=task("act"), iteration=0, status="running", attempt=1),
            EffectRow(
                key=effect_key(RUN, task("act")),
                run=RUN,
                task=task("act"),
                tool="files.chmod",
                effect="write",
                target="file:/a",
                action=Digest("sha256:" + "c" * 64),
                status="dispatched",
            ),
            ApprovalRow(
                approval=ApprovalId("a-000001"),
                run=RUN,
                task=task("act"),
                bundle=Digest("sha256:" + "d" * 64),
                status="open",
                rung=0,
                asked_ms=AT_MS,
                expires_ms=AT_MS,
            ),
        ],
        claim="owner-2",
        timer=TimerRow(run=RUN, due_ms=EpochMs(AT_MS + 1)),
        leases_freed=[lease("file:/a", RUN, 1)],
        leases_taken=[lease("file:/b", RUN, 1)],
        blobs=[Blob(address="blob:1", subject="tenant/local", sealed=b"sealed")],
        plan=(PLAN, b"{}"),
        drive=True,
    )


def grown(log: SealedLog) -> SealedMore | None:
    """Seal what is pending under a checkpoint that verifies."""
    tiles, size, root = grow(log.size, log.read_tile, [leaf_hash for _, _, leaf_hash in log.pending])
    checkpoint = Checkpoint(origin=KEYS.origin, size=size, root=root)
    note = sign_checkpoint(checkpoint, public_key=KEYS.public_key, sign=KEYS.sign)
    return SealedMore(tiles=tiles, size=size, checkpoint=note, at_ms=AT_MS)


WHAT: dict[str, Callable[[SqliteStore], object]] = {
    "append": lambda store: store.append(second()),
    "seal": lambda store: store.seal(grown),
    "wake": lambda store: store.wake(TimerRow(run=RUN, due_ms=AT_MS)),
}


def opened(path: Path) -> SqliteStore:
    """Return the store on a database, with the engine's queue beside it."""
    return SqliteStore(path, drives=DbosEngine(path, worker="w1"))


def main() -> None:
    """Kill one child after the other, until one survives."""
    what, base, work = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    DbosEngine(base / NAME, worker="zygote").prepare()  # what every child would import again
    ended, n = -signal.SIGKILL, 0
    while ended == -signal.SIGKILL:
        n += 1
        shutil.copytree(base, work / str(n))
        child = os.fork()
        if child == 0:
            _die(WHAT[what], work / str(n) / NAME, n)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(ended)


def _die(what: Callable[[SqliteStore], object], path: Path, n: int) -> None:
    store = opened(path)
    store._prepare_drives()
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == n:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(raw: sqlite3.Connection) -> None:
        raw.set_trace_callback(count)

    store._writer.outside(watch)
    what(store)
    os._exit(0)


if __name__ == "__main__":
    main()
