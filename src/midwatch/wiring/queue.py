"""The durable queue behind a house: the engine where runs are driven, a locked door elsewhere."""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from midwatch.base.ids import RunId

if TYPE_CHECKING:
    from midwatch.adapters.engine.dbos_engine import DbosEngine


class NoDrives:
    """Stands for the queue where a house is only looked at."""

    def prepare(self) -> None:
        """Refuse: a command that hands a run on opens the house with its engine."""
        raise AssertionError("this command opened the house to look only")

    def attach(self, connection: sqlite3.Connection) -> None:
        """Take no note."""

    def enqueue(self, run: RunId, seq: int) -> None:
        """Refuse, as `prepare`."""
        raise AssertionError(f"drive {seq} of {run} has no queue")

    def committed(self) -> None:
        """Nothing was enqueued."""


def new_engine(database: Path, *, worker: str) -> "DbosEngine":
    """Return the engine on a database; importing it takes half a second."""
    from midwatch.adapters.engine.dbos_engine import DbosEngine

    return DbosEngine(database, worker=worker)
