"""Connections to the file: how it is made, opened, and what SQLite's refusals mean."""

import errno
import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from midwatch.base.errors import MidwatchError
from midwatch.ports.store import StoreBusyError, StoreDamagedError, StoreFullError, StoreUnreachableError

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process's transaction before it gives up."""
_FREE_BYTES_MIN = 1 << 20
"""With less space than this, an input/output error is taken for a full disk."""
_PRIMARY_CODE = 0xFF
"""SQLite's extended codes carry the primary one in their lowest byte."""

CHECKPOINT_PAGES = 4_000
"""16 MB of write-ahead log between checkpoints, each of which costs three fsyncs (SQLite's default: 4 MB)."""

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    "PRAGMA journal_mode = WAL",
    # Durable when COMMIT returns: NORMAL would lose the last commits with the power.
    "PRAGMA synchronous = FULL",
    # The same on macOS, where fsync alone doesn't reach the disk; nothing elsewhere.
    "PRAGMA fullfsync = ON",
    f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
)


def prepare_file(path: Path) -> None:
    """Make folder (0700) and file (0600) where they are missing, and close the file to others.

    SQLite gives its `-wal` and `-shm` files the permissions of the file itself.

    Raises:
        StoreUnreachableError: MW707. StoreFullError: MW706.
    """
    with told(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            _sync_folder(path.parent)
            _sync_folder(path.parent.parent)
        except FileExistsError:
            # Never opened here when it exists: closing it again would drop the locks that SQLite
            # holds on it in this process (POSIX; sqlite.org/howtocorrupt.html, section 2.2).
            about = path.stat()
            if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                path.chmod(0o600)


def open_connection(path: Path, *, writes: bool) -> sqlite3.Connection:
    """Return a connection in autocommit mode, usable from any one thread at a time.

    Raises:
        StoreUnreachableError: MW707; StoreDamagedError: MW709, and what else `told` knows.
    """
    with told(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            for pragma in PRAGMAS:
                connection.execute(pragma)
            if not writes:
                connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error:
            connection.close()
            raise
    return connection


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock while a new file becomes a database; it goes with the process.

    Switching a file to WAL answers "locked" at once, busy timeout or not, when two processes do it
    together. (sqlite.org/wal.html, section 8.)
    """
    with told(folder):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite and the operating system refuse into errors with a fix."""
    try:
        yield
    except sqlite3.Error as error:
        meaning = meaning_of(error, path)
        if meaning is None:
            raise
        raise meaning from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _full(path) from error
        raise _unreachable(path, error.strerror or str(error)) from error


def meaning_of(error: sqlite3.Error, path: Path) -> MidwatchError | None:
    """Return what the error means for the person who meets it, or None where it is our own mistake."""
    match getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE:
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_IOERR:
            return _full(path) if _is_full(path) else _unreachable(path, str(error))
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return _unreachable(path, str(error))
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreDamagedError(f"{path} can't be read as a database: {error}", path=str(path))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusyError(
                f"another process has kept {path} locked for {BUSY_TIMEOUT_MS // 1000} seconds",
                path=str(path),
            )
        case _:
            return None


def _full(path: Path) -> StoreFullError:
    return StoreFullError(f"there is no room left to write to {path}", path=str(path))


def _unreachable(path: Path, why: str) -> StoreUnreachableError:
    return StoreUnreachableError(f"{path} can't be used: {why}", path=str(path))


def _is_full(path: Path) -> bool:
    try:
        about = os.statvfs(path.parent)
    except OSError:
        return False
    return about.f_bavail * about.f_frsize < _FREE_BYTES_MIN or about.f_files > 0 >= about.f_favail
