"""One started engine: DBOS launched, its queue served, drives tried, finished ones swept away."""

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import dbos
from dbos._queue import queue_worker_thread

from midwatch.adapters.engine import library
from midwatch.adapters.engine.wakeup import Wakeup
from midwatch.adapters.store.connect import open_connection
from midwatch.base.ids import RunId
from midwatch.ports.engine import Drive

STOP_WAIT_S = 30.0
"""How long a stop waits for drives under way."""
STOP_POLL_S = 0.01
NOTED_WITHIN_S = 2.0
"""How long DBOS may take to note the end of a drive; what it doesn't note is driven again."""
HOUSEKEEPING_S = 60.0
KEPT_S = 600.0
"""How long finished drives stay visible."""
BATCH = 500


class _LeftOpen(BaseException):
    """Ends a drive without an outcome: it stays pending, for somebody to take up.

    DBOS records every `Exception` as the outcome of a workflow; this is none.
    """


class Serving:
    """A running engine; `stop` ends it for good."""

    def __init__(
        self, path: Path, drive: Drive, *, worker: str, slots: int, pauses_s: Sequence[float]
    ) -> None:
        """Launch DBOS and begin to take drives."""
        self._worker = worker
        self._drive = drive
        self._pauses_s = pauses_s
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._running: set[str] = set()
        self._left_open: set[str] = set()
        self._idle: set[str] = set()
        self._path = path
        self._engine = library.database_engine(path)
        self._client = library.client_of(self._engine)
        self._watched = open_connection(path, writes=False)
        self._seen_version = 0
        self._is_waited_for = True
        self._slots = slots
        self._wakeup = Wakeup(self._has_work, poll_s=library.POLL_S)
        try:
            with library.told(path):
                self._launch(worker, slots)
        except BaseException:
            self._close()
            raise
        self._threads = (
            threading.Thread(target=self._serve, name="midwatch-queue", daemon=True),
            threading.Thread(target=self._keep_house, name="midwatch-housekeeping", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def _launch(self, worker: str, slots: int) -> None:
        library.quieten()
        self._instance = dbos.DBOS(config=library.configuration(self._path, self._engine, worker=worker))

        def attempt(run: str) -> None:
            self._attempt(run)

        dbos.DBOS.workflow(name=library.WORKFLOW)(attempt)
        # DBOS's own thread for the queue would poll blindly; ours runs the same loop, see `wakeup`.
        dbos.DBOS.listen_queues([])
        dbos.DBOS.launch()
        self._queue = dbos.DBOS.register_queue(
            library.QUEUE, worker_concurrency=slots, polling_interval_sec=library.POLL_S
        )

    def _serve(self) -> None:
        queue_worker_thread(self._wakeup, self._instance, self._queue)

    def _close(self) -> None:
        dbos.DBOS.destroy(destroy_registry=True)
        self._engine.dispose()
        self._watched.close()

    def nudge(self) -> None:
        """Look at the queue now."""
        self._wakeup.nudge()

    def stop(self) -> None:
        """Take no more, wait for drives under way, give the rest back."""
        self._stopping.set()
        self._wakeup.set()
        for thread in self._threads:
            thread.join()
        try:
            with library.told(self._path):
                self._wait_for_drives()
                with self._lock:
                    running = set(self._running)
                library.put_back(self._client, sorted(self._pending() - running))
        finally:
            self._close()

    def _pending(self) -> set[str]:
        return {drive.workflow_id for drive in library.pending(self._client, [self._worker])}

    def _wait_for_drives(self) -> None:
        """Wait for drives under way, and then a little for DBOS to note how they ended."""
        now_s = time.monotonic()
        until_s, noted_until_s = now_s + STOP_WAIT_S, now_s + NOTED_WITHIN_S
        pause = threading.Event()
        while now_s < min(until_s, noted_until_s):
            pending = self._pending()
            with self._lock:
                if pending <= self._left_open:
                    return
                is_running = bool(self._running)
            pause.wait(STOP_POLL_S)
            now_s = time.monotonic()
            if is_running:
                noted_until_s = now_s + NOTED_WITHIN_S

    def _has_work(self) -> bool:
        """Return whether a drive waits and a slot is free for it.

        Whether one waits is asked again only after some connection, in any process, has written.
        """
        version = int(self._watched.execute("PRAGMA data_version").fetchone()[0])
        if self._is_waited_for or version != self._seen_version:
            self._seen_version = version
            self._is_waited_for = library.waits(self._watched)
        return self._is_waited_for and len(self._running) < self._slots

    def _attempt(self, run: str) -> None:
        """Drive the run, again if that fails: the body of the only workflow there is."""
        drive = str(dbos.DBOS.workflow_id)
        with self._lock:
            self._running.add(drive)
        try:
            for pause_s in (*self._pauses_s, None):
                if self._stopping.is_set():
                    break
                try:
                    self._drive(RunId(run))
                except Exception:  # noqa: BLE001 - a wall: whatever a drive dies of, the queue stays whole
                    if pause_s is not None:
                        self._stopping.wait(pause_s)
                else:
                    return
            with self._lock:
                self._left_open.add(drive)
            raise _LeftOpen
        finally:
            with self._lock:
                self._running.discard(drive)
                was_full = len(self._running) + 1 == self._slots
            if was_full:
                self._wakeup.nudge()

    def _keep_house(self) -> None:
        """From time to time, put failed drives back on the queue and delete finished ones."""
        while not self._stopping.wait(HOUSEKEEPING_S):
            # A wall: what fails now (a full disk, a database that is gone) is done a minute later.
            with contextlib.suppress(Exception):
                self._put_back_idle()
                self._delete_finished()

    def _put_back_idle(self) -> None:
        """Put back what is ours and is not being driven: it failed, or its end could not be noted.

        What was taken just now is idle too, for a moment: hence only what was idle a minute ago.
        """
        pending = self._pending()
        with self._lock:
            idle = pending - self._running
            again, self._idle = sorted(idle & self._idle), idle
            self._left_open.difference_update(again)
        library.put_back(self._client, again)

    def _delete_finished(self) -> None:
        before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=KEPT_S)
        while library.delete_finished(self._client, before=before.isoformat(), limit=BATCH) == BATCH:
            if self._stopping.is_set():
                return
