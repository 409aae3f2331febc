"""Everything that a process writes, through one connection, in groups that share a commit.

Callers put units of work on a queue. What waits goes into one transaction, and so many units share
one fsync. A unit that somebody waits for is written at once; one that nobody waits for yet may wait
for company, for some milliseconds.

Rule 1: a caller is answered after COMMIT only, be the answer a value or a refusal: what it was
        judged on could still be rolled back until then.
Rule 2: work judges first and writes then; what it refuses with a `MidwatchError` before its first
        write leaves no trace, so members need no savepoints (a third of the cost of a small unit).
Rule 3: whatever else goes wrong (a refusal after a write, a full disk, a failing COMMIT) undoes the
        whole batch, and each member is tried again alone: only the guilty one fails.
Rule 4: one thread writes at a time: who waits alone does it itself, which saves two changes of
        thread; in company the writer's thread does it, while the others go on.
"""

import sqlite3
import threading
import time
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
PATIENCE_S = 0.005
"""How long a unit that nobody waits for may lie before it is written."""


class Member:
    """One caller's unit, and where its answer is put."""

    __slots__ = ("_answered", "_writer", "begun_s", "error", "is_hurried", "is_outside", "value", "work")

    def __init__(self, writer: "GroupWriter", work: Work, *, is_outside: bool = False) -> None:
        self._writer = writer
        self.work = work
        self.is_outside = is_outside
        self.is_hurried = False
        """Somebody waits for it."""
        self.begun_s = time.monotonic()
        self.value: Any = None
        self.error: BaseException | None = None
        self._answered = threading.Lock()
        self._answered.acquire()

    def is_over(self) -> bool:
        """Return whether there is an answer, so that `wait` does not wait."""
        return not self._answered.locked()

    def wait(self) -> Any:
        """Return the unit's value once it is durable, or raise what it was refused with."""
        while not self._answered.acquire(blocking=False):
            if not self._writer.hurry(self):
                self._answered.acquire()
                break
        if self.error is not None:
            raise self.error
        return self.value

    def answer(self) -> None:
        """Let whoever waits have the answer."""
        self._answered.release()


class GroupWriter:
    """Serialises all writes of this process through one connection."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Take over the connection, which nobody else may use from now on."""
        self._connection = connection
        self._path = path
        self._waiting: deque[Member] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._closing = False
        self._is_writing = False
        self._is_asleep = False
        """The writer's thread waits for work, and for no moment."""
        self._hurried = 0
        """How many of those that wait are waited for."""
        self._several = 1
        """How many of the last batch were waited for."""
        self._thread = threading.Thread(target=self._serve, name="midwatch-store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` inside a transaction and return its value once that is durable.

        Raises:
            MidwatchError: what `work` refused with, or what SQLite's refusal means; nothing was written.
        """
        value: T = self._done(Member(self, work))
        return value

    def outside(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` while no transaction is open, and return its value."""
        value: T = self._done(Member(self, work, is_outside=True))
        return value

    def begin(self, work: Callable[[sqlite3.Connection], Any], *, awaited: bool) -> Member:
        """Put `work` on the queue and return what its outcome can be asked of, once.

        Where the caller is about to wait, nobody is woken for it: see rule 4.
        """
        member = Member(self, work)
        with self._changed:
            self._put(member)
            if not awaited and (self._is_asleep or len(self._waiting) == MEMBERS_MAX):
                self._changed.notify()
        return member

    def hurry(self, member: Member) -> bool:
        """Have a unit written now; return whether this thread wrote, and perhaps not that unit yet."""
        with self._changed:
            batch = self._hurry(member) if member in self._waiting else []
        self._write(batch)
        return bool(batch)

    def close(self) -> None:
        """Serve what waits, then end the thread and close the connection."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _done(self, member: Member) -> Any:
        with self._changed:
            self._put(member)
            batch = self._hurry(member)
        self._write(batch)
        return member.wait()

    def _put(self, member: Member) -> None:
        if self._closing:
            raise self._closed()
        self._waiting.append(member)

    def _hurry(self, member: Member) -> list[Member]:
        """Note that a unit is waited for; return what this thread is to write, empty if another does."""
        self._hurried += not member.is_hurried
        member.is_hurried = True
        # A signal may interrupt the main thread anywhere, and nobody else would end its transaction.
        is_main = threading.current_thread() is threading.main_thread()
        if self._is_writing or self._several > 1 or is_main:
            self._changed.notify()
            return []
        return self._taken()

    def _serve(self) -> None:
        try:
            while batch := self._next_batch():
                self._write(batch)
        finally:
            self._connection.close()
            with self._changed:
                self._closing = True
                left = list(self._waiting)
                self._waiting.clear()
            for member in left:
                member.error = self._closed()
                member.answer()

    def _closed(self) -> StoreUnreachableError:
        return StoreUnreachableError(f"{self._path} was closed by this process", path=str(self._path))

    def _next_batch(self) -> list[Member]:
        """Wait for work and return what there is, at most `MEMBERS_MAX`; empty once closed."""
        with self._changed:
            while True:
                if self._is_writing or not (self._waiting or self._closing):
                    self._is_asleep = not self._is_writing
                    self._changed.wait()
                    self._is_asleep = False
                    continue
                left_s = self._left_s()
                if left_s <= 0:
                    return self._taken()
                self._changed.wait(left_s)

    def _left_s(self) -> float:
        """Return how many seconds of company those that wait may still wait for.

        The callers of the last batch tend to come back one by one within microseconds: without a
        short wait for them, the first alone would pay for an fsync, and the others for the next.
        """
        if self._closing or len(self._waiting) >= MEMBERS_MAX or self._waiting[0].is_outside:
            return 0.0
        since_s = time.monotonic() - self._waiting[0].begun_s
        if not self._hurried:
            return PATIENCE_S - since_s
        return 0.0 if self._hurried >= self._several else GATHER_S - since_s

    def _taken(self) -> list[Member]:
        """Take a batch off the queue; whoever does writes it."""
        batch: list[Member] = []
        while self._waiting and len(batch) < MEMBERS_MAX:
            if batch and self._waiting[0].is_outside:
                break
            batch.append(self._waiting.popleft())
            if batch[-1].is_outside:
                break
        hurried = sum(member.is_hurried for member in batch)
        self._hurried -= hurried
        self._several = max(1, hurried)
        self._is_writing = bool(batch)
        return batch

    def _write(self, batch: list[Member]) -> None:
        if not batch:
            return
        _commit(self._connection, self._path, batch)
        with self._changed:
            self._is_writing = False
            if self._waiting or self._closing:
                self._changed.notify()
        for member in batch:
            member.answer()


def _commit(connection: sqlite3.Connection, path: Path, batch: Sequence[Member]) -> None:
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


def _transact(connection: sqlite3.Connection, batch: Sequence[Member]) -> None:
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
