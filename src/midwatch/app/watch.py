"""What a process does beside driving: seal the log, fire timers, take over from the dead."""

from collections.abc import Mapping

from midwatch.app.drive.driver import dead_workers
from midwatch.app.house import House
from midwatch.base.units import SECOND_MS
from midwatch.journal.checkpoint import Checkpoint, sign_checkpoint
from midwatch.journal.merkle import grow
from midwatch.ports.engine import Engine
from midwatch.ports.rows import WorkerRow
from midwatch.ports.store import SealedLog, SealedMore

SEAL_EVERY_MS = 250
SWEEP_EVERY_MS = 250
BEAT_EVERY_MS = 5 * SECOND_MS
SILENT_AFTER_MS = 30 * SECOND_MS
"""A worker whose heartbeat stands still for so long has lost its runs, frozen or not."""
SEALED_PER_PASS = 5_000


def seal_pending(house: House) -> int:
    """Give every committed event its place in the log, under a signed checkpoint; return how many."""
    total = 0
    while sealed := house.store.seal(lambda log: _grown(house, log), limit=SEALED_PER_PASS):
        total += sealed
        if sealed < SEALED_PER_PASS:
            break
    return total


def _grown(house: House, log: SealedLog) -> SealedMore | None:
    if not log.pending:
        return None
    hashes = [leaf_hash for _, _, leaf_hash in log.pending]
    tiles, size, root = grow(log.size, log.read_tile, hashes)
    checkpoint = Checkpoint(origin=house.keys.origin, size=size, root=root)
    note = sign_checkpoint(checkpoint, public_key=house.keys.public_key, sign=house.keys.sign)
    return SealedMore(tiles=tiles, size=size, checkpoint=note, at_ms=house.clock.now_ms())


def fire_due(house: House) -> int:
    """Enqueue a drive for each run whose moment has come; return how many."""
    return sum(house.store.wake(timer) for timer in house.store.due(house.clock.now_ms()))


class Pulse:
    """Who has fallen silent: an unchanged heartbeat on this process's own monotonic clock.

    Wall clocks are never compared, and time in which this process did not look itself hardly counts:
    two that are frozen together find each other alive when they wake.
    """

    def __init__(self, house: House, *, silent_after_ms: int = SILENT_AFTER_MS) -> None:
        """Know nobody yet; `look` at least every third of `silent_after_ms`."""
        self._house = house
        self._silent_after_ms = silent_after_ms
        self._looked_ms = house.clock.monotonic_ms()
        self._still_ms: Mapping[str, tuple[int, int]] = {}
        """Worker to its heartbeat and how long that was seen standing still."""

    def look(self) -> frozenset[str]:
        """Read every heartbeat once more, and return the workers that are silent."""
        now_ms = self._house.clock.monotonic_ms()
        passed_ms = min(now_ms - self._looked_ms, self._silent_after_ms // 3)
        self._looked_ms = now_ms
        still: dict[str, tuple[int, int]] = {}
        for row in self._house.store.workers():
            beat, still_ms = self._still_ms.get(row.worker, (row.beat, -passed_ms))
            still[row.worker] = (row.beat, still_ms + passed_ms if beat == row.beat else 0)
        still.pop(self._house.worker, None)
        self._still_ms = still
        return frozenset(worker for worker in still if self.is_silent(worker))

    def is_silent(self, worker: str) -> bool:
        """Return whether a worker was silent at the last look."""
        return self._still_ms.get(worker, (0, 0))[1] >= self._silent_after_ms


def take_over(house: House, engine: Engine, pulse: Pulse | None = None) -> int:
    """Put back on the queue what dead or silent workers were driving; return how many runs.

    The dead are forgotten. A silent one may wake: it keeps its row, and what it had dispatched stays in
    doubt until its deadline; each run is fenced by the drive that claims it.
    """
    silent = frozenset() if pulse is None else pulse.look()
    names = {row.worker for row in house.store.workers()} | set(engine.holders())
    dead = dead_workers(house, names - {house.worker})
    lost = dead | silent
    adopted = engine.adopt(tuple(sorted(lost))) if lost else 0
    for worker in dead:
        house.store.forget_worker(worker)
    return adopted


def signed_on(worker: WorkerRow, beat: int) -> WorkerRow:
    """Return the worker's row with another heartbeat."""
    return WorkerRow(
        worker=worker.worker,
        host=worker.host,
        boot=worker.boot,
        pid=worker.pid,
        started_ms=worker.started_ms,
        beat=beat,
    )
