"""The one thread of a process that writes, and its group commit.

Callers put a unit of work on a queue and block; the writer takes everything that waits into one
transaction, and so many callers share one fsync.

Rule 1: a caller is answered after COMMIT only, be the answer a value or a refusal: what it was
        judged on could still be rolled back until then.
Rule 2: work judges first and writes then; what it refuses with a `MidwatchError` before its first
        write leaves no trace, so members need no savepoints (a third of the cost of a small unit).
Rule 3: whatever else goes wrong (a refusal after a write, a full disk, a failing COMMIT) undoes the
        whole batch, and each member is tried again alone: only the guilty one fails.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from midwatch.adapters.store.connect import meaning_of
from midwatch.base.errors import MidwatchError
from midwatch.ports.store import StoreBusyError, StoreUnreachableError

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]

MEMBERS_MAX = 64
"""Members of one transaction: bounds how long the first of them waits for the last."""
GATHER_S = 0.001
"""How long a writer that has just served several callers waits for them to come back together."""


class _Member:
    """One caller's unit, and where its answer is put."""

    __slots__ = ("answered", "error", "is_outside", "value", "work")

    def __init__(self, work: Work, *, is_outside: bool) -> None:
        self.work = work
        self.is_outside = is_outside
        self.value: Any = None
        self.error: BaseException | None = None
        self.answered = threading.Lock()
        self.answered.acquire()

    def wait(self) -> Any:
        """Return the unit's value once it is durable, or raise what it was refused with."""
        self.answered.acquire()
        if self.error is not None:
            raise self.error
        return self.value


class GroupWriter:
    """Serialises all writes of this process through one connection and one thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Take over the connection, which nobody else may use from now on."""
        self._connection = connection
        self._path = path
        self._waiting: deque[_Member] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._closing = False
        self._wanted = 1
        self._thread = threading.Thread(target=self._serve, name="midwatch-store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` inside a transaction and return its value once that is durable.

        Raises:
            MidwatchError: what `work` refused with, or what SQLite's refusal means; nothing was written.
        """
        value: T = self.begin(work).wait()
        return value

    def begin(self, work: Callable[[sqlite3.Connection], Any]) -> _Member:
        """Put `work` on the queue and return what its outcome can be asked of, once."""
        member = _Member(work, is_outside=False)
        self._put(member)
        return member

    def outside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the writer's thread while no transaction is open, and return its value."""
        member = _Member(work, is_outside=True)
        self._put(member)
        value: T = member.wait()
        return value

    def close(self) -> None:
        """Serve what waits, then end the thread and close the connection."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _put(self, member: _Member) -> None:
        with self._changed:
            if self._closing:
                raise self._closed()
            self._waiting.append(member)
            if len(self._waiting) >= self._wanted:
                self._changed.notify()

    def _serve(self) -> None:
        several = 1
        try:
            while batch := self._next_batch(several):
                several = len(batch)
                _commit(self._connection, self._path, batch)
                for member in batch:
                    member.answered.release()
        finally:
            self._connection.close()
            with self._changed:
                self._closing = True
                left = list(self._waiting)
                self._waiting.clear()
            for member in left:
                member.error = self._closed()
                member.answered.release()

    def _closed(self) -> StoreUnreachableError:
        return StoreUnreachableError(f"{self._path} was closed by this process", path=str(self._path))

    def _next_batch(self, several: int) -> list[_Member]:
        """Wait for work and return what there is, at most `MEMBERS_MAX`; empty once closed.

        The callers of the last batch tend to come back one by one within microseconds: without a
        short wait for them, the first alone would pay for an fsync, and the others for the next.
        """
        with self._changed:
            self._wanted = several
            if several > 1 and not self._is_due():
                self._changed.wait_for(self._is_due, timeout=GATHER_S)
            self._wanted = 1
            self._changed.wait_for(self._is_due)
            batch: list[_Member] = []
            while self._waiting and len(batch) < MEMBERS_MAX:
                if batch and self._waiting[0].is_outside:
                    break
                batch.append(self._waiting.popleft())
                if batch[-1].is_outside:
                    break
            return batch

    def _is_due(self) -> bool:
        return self._closing or len(self._waiting) >= self._wanted


def _commit(connection: sqlite3.Connection, path: Path, batch: Sequence[_Member]) -> None:
    """Give every member its value or error, with everything that succeeded durable."""
    try:
        if batch[0].is_outside:
            batch[0].value = batch[0].work(connection)
        else:
            _transact(connection, batch)
    except BaseException as error:  # noqa: BLE001 - a wall: the caller gets it, the thread lives on
        if len(batch) == 1 or _is_busy(error):
            for member in batch:
                member.error = _told(error, path)
            return
        for member in batch:
            member.error = member.value = None
            _commit(connection, path, (member,))


def _is_busy(error: BaseException) -> bool:
    """Return whether another process kept the lock all the time: who tries again alone waits as long."""
    return isinstance(error, sqlite3.Error) and isinstance(meaning_of(error, Path()), StoreBusyError)


def _transact(connection: sqlite3.Connection, batch: Sequence[_Member]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for member in batch:
            changes = connection.total_changes
            try:
                member.value = member.work(connection)
            except MidwatchError as refusal:
                if connection.total_changes != changes:
                    raise
                member.error = refusal
        connection.execute("COMMIT")
    finally:
        # SQLite has rolled back by itself after some errors, and then there is nothing to undo.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _told(error: BaseException, path: Path) -> BaseException:
    meaning = meaning_of(error, path) if isinstance(error, sqlite3.Error) else None
    if meaning is None:
        return error
    meaning.__cause__ = error
    return meaning
