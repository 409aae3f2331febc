"""Connections that only read: a bounded pool, each used by one thread at a time."""

import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midwatch.adapters.store.connect import open_connection, told

READERS_MAX = 8
"""More threads than this wait for each other; SQLite reads are short."""


class ReadPool:
    """Answers queries on what is committed, beside any writer."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._path = path
        self._tickets = threading.BoundedSemaphore(READERS_MAX)
        self._free: list[sqlite3.Connection] = []
        self._closed = False

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """Return every row of the answer, from one snapshot."""
        with self._tickets, told(self._path):
            try:
                connection = self._free.pop()
            except IndexError:
                connection = open_connection(self._path, writes=False)
            try:
                found = connection.execute(sql, parameters or {}).fetchall()
            except sqlite3.Error:
                connection.close()
                raise
            if self._closed:
                connection.close()
            else:
                self._free.append(connection)
            return found

    def row(self, sql: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...] | None:
        """Return the first row of the answer, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def close(self) -> None:
        """Close what is free; what is in use closes itself when it comes back."""
        self._closed = True
        while self._free:
            self._free.pop().close()
