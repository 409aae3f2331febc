"""A worker inside this process: it drives runs, seals the log, fires timers, and shows that it lives."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable

from midwatch.app.drive.driver import Driver
from midwatch.app.house import House
from midwatch.app.watch import (
    BEAT_EVERY_MS,
    SEAL_EVERY_MS,
    SILENT_AFTER_MS,
    Pulse,
    fire_due,
    seal_pending,
    signed_on,
    take_over,
)
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import RunId
from midwatch.ports.engine import Engine
from midwatch.ports.rows import WorkerRow

TROUBLES_MAX = 20


class SealLag:
    """Since when this process knows of an event that is not sealed."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        """Know of none yet."""
        self._now_ms = now_ms
        self._oldest_ms: int | None = None
        self._meanwhile_ms: int | None = None
        self._lock = threading.Lock()

    def __call__(self) -> int:
        """Return the age of the oldest such event, 0 without one."""
        with self._lock:
            return 0 if self._oldest_ms is None else max(0, self._now_ms() - self._oldest_ms)

    def noted(self) -> None:
        """Take note that something was committed just now."""
        with self._lock:
            now_ms = self._now_ms()
            self._oldest_ms = now_ms if self._oldest_ms is None else self._oldest_ms
            self._meanwhile_ms = now_ms if self._meanwhile_ms is None else self._meanwhile_ms

    def pass_begins(self) -> None:
        """Remember that what is committed from now on may miss the pass."""
        with self._lock:
            self._meanwhile_ms = None

    def pass_ended(self) -> None:
        """Forget what the pass has sealed."""
        with self._lock:
            self._oldest_ms = self._meanwhile_ms


class Embedded:
    """Drives runs until stopped; start it in the process that wants something done."""

    def __init__(
        self,
        house: House,
        engine: Engine,
        row: WorkerRow,
        lag: SealLag,
        *,
        silent_after_ms: int = SILENT_AFTER_MS,
    ) -> None:
        """Start nothing yet; a worker whose heartbeat stands still so long loses its runs to others."""
        self._house = house
        self._engine = engine
        self._row = row
        self._lag = lag
        self._pulse = Pulse(house, silent_after_ms=silent_after_ms)
        self._driver = Driver(house, is_silent=self._pulse.is_silent)
        self._beat_every_ms = min(BEAT_EVERY_MS, silent_after_ms // 6)
        self._over = threading.Event()
        self._troubles: deque[BaseException] = deque(maxlen=TROUBLES_MAX)
        self._watcher = threading.Thread(target=self._watch, name="midwatch-watcher", daemon=True)
        self._is_started = False

    def start(self) -> None:
        """Sign on, take over from the dead, fire what is overdue, and drive.

        Raises:
            MidwatchError: when nothing can be written.
        """
        self._is_started = True
        self._house.store.beat(self._row)
        self._engine.start(self._drive)
        take_over(self._house, self._engine, self._pulse)
        fire_due(self._house)
        self._watcher.start()

    def stop(self) -> None:
        """Give back what can't be finished now, seal what was committed, sign off."""
        if self._over.is_set():
            return
        self._over.set()
        if not self._is_started:
            with contextlib.suppress(MidwatchError):
                self.seal()
            return
        if self._watcher.is_alive():
            self._watcher.join()
        self._engine.stop()
        # On a full disk neither can be done: the next process seals, and finds this one dead.
        with contextlib.suppress(MidwatchError):
            self.seal()
            self._house.store.forget_worker(self._row.worker)

    def interrupt(self, *, within_s: float) -> bool:
        """Stop, but wait no longer than this for what is under way; return whether all came to a commit.

        What did not is left behind as if the process had been killed: the next one takes it over.
        """
        stopping = threading.Thread(target=self.stop, name="midwatch-stopping", daemon=True)
        stopping.start()
        stopping.join(within_s)
        return not stopping.is_alive()

    def seal(self) -> int:
        """Seal everything that is committed; return how many events that were."""
        self._lag.pass_begins()
        sealed = seal_pending(self._house)
        self._lag.pass_ended()
        return sealed

    def trouble(self) -> BaseException | None:
        """Return what broke since the last call, oldest first; None when nothing did."""
        return self._troubles.popleft() if self._troubles else None

    def _drive(self, run: RunId) -> None:
        try:
            self._driver(run)
        except BaseException as error:
            self._troubles.append(error)
            raise

    def _watch(self) -> None:
        beat = 0
        next_beat_ms = self._house.clock.monotonic_ms() + self._beat_every_ms
        while not self._over.wait(SEAL_EVERY_MS / 1000):
            try:
                self.seal()
                fire_due(self._house)
                if self._house.clock.monotonic_ms() >= next_beat_ms:
                    beat, next_beat_ms = beat + 1, next_beat_ms + self._beat_every_ms
                    self._house.store.beat(signed_on(self._row, beat))
                    take_over(self._house, self._engine, self._pulse)
            except Exception as error:  # noqa: BLE001 - a wall: sealing, timers and heartbeats go on
                self._troubles.append(error)
