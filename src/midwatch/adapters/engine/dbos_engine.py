"""`ports.engine.Engine` on DBOS Transact: its queue and its ownership, none of its steps.

Rule 1: a drive is a DBOS workflow without steps; what it does lies in our own tables, and driving
        twice changes nothing. So DBOS has nothing to replay and nothing to recover.
Rule 2: a drive that fails is tried again here, then left to be given back; the queue never loses one.
Rule 3: each process has its own executor id, so that DBOS's recovery at launch finds nothing; what a
        dead process held is put back by `adopt`.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from midwatch.adapters.engine.sender import Sender
from midwatch.base.ids import RunId
from midwatch.ports.engine import Drive

if TYPE_CHECKING:
    from midwatch.adapters.engine.serving import Serving

SLOTS = 32
"""Runs that one process drives at a time."""
PAUSES_S = (0.2, 1.0, 5.0)
"""Before each further try of a drive that failed; then it waits for the housekeeping."""


class DbosEngine:
    """Serves the queue with threads of this process; DBOS allows one such engine per process."""

    def __init__(
        self, path: Path, *, worker: str, slots: int = SLOTS, pauses_s: Sequence[float] = PAUSES_S
    ) -> None:
        """Import and open nothing yet.

        Args:
            worker: unique among all processes, ever.
            slots: runs that are driven at a time.
            pauses_s: before each further try of a drive that failed.
        """
        self._path = path
        self._worker = worker
        self._slots = slots
        self._pauses_s = tuple(pauses_s)
        self._sender = Sender(path, sent=self._nudge)
        self._serving: Serving | None = None

    @property
    def worker(self) -> str:
        """Unique name of this process among the workers."""
        return self._worker

    def start(self, drive: Drive) -> None:
        """Begin to take runs off the queue; at most one engine per process may be started."""
        from midwatch.adapters.engine.serving import Serving

        assert self._serving is None, "an engine is started once"
        self._sender.prepare()
        self._serving = Serving(
            self._path, drive, worker=self._worker, slots=self._slots, pauses_s=self._pauses_s
        )

    def stop(self) -> None:
        """Take no more, wait for drives under way, give the rest back; the engine may be started again.

        Raises:
            StoreFullError: MW706, when the rest can't be given back; `adopt` does it later.
        """
        if self._serving is not None:
            serving, self._serving = self._serving, None
            serving.stop()
        self._sender.close()

    def adopt(self, dead: tuple[str, ...]) -> int:
        """Put what these dead workers were driving back on the queue; return how many drives."""
        self._sender.prepare()
        adopted = self._sender.put_back(dead) if dead else 0
        if adopted:
            self._nudge()
        return adopted

    def holders(self) -> tuple[str, ...]:
        """Return every worker that is driving something, as far as the database knows: dead ones too."""
        self._sender.prepare()
        return self._sender.holders()

    def prepare(self) -> None:
        """Make ready what `enqueue` needs; see `DriveQueue` of the store."""
        self._sender.prepare()

    def attach(self, connection: sqlite3.Connection) -> None:
        """Take note of the connection whose transactions drives become part of."""
        self._sender.attach(connection)

    def enqueue(self, run: RunId, seq: int) -> None:
        """Put drive `seq` of the run on the queue, as part of the open transaction."""
        self._sender.enqueue(run, seq)

    def committed(self) -> None:
        """Look at the queue soon: this process may have put something on it."""
        self._sender.committed()

    def _nudge(self) -> None:
        if self._serving is not None:
            self._serving.nudge()
