"""What a tool is about to do and did, one file per key, durable before the first change.

Rule 1: `begin` is on the disk before anything is touched; a replay under the same key finds it and
completes exactly that.
Rule 2: `finish` stores the answer; a replay after it says the same and does nothing.
Rule 3: one tool at a time works on the records of one state folder (a lock that dies with its holder).
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from midwatch.adapters.tools.context import Context, UncertainError
from midwatch.adapters.tools.errors import KeyReusedError, RecordError
from midwatch.base.canonical import digest, frozen_value

VERSION = 1
_PRIVATE = 0o700
_LOCK_POLL_S = 0.005


def records_folder(state: Path) -> Path:
    """Return where the records of a state folder lie."""
    return state / "tools" / "records"


def name_of(key: str) -> str:
    """Return the name of a key on the disk."""
    return hashlib.sha256(key.encode()).hexdigest()[:24]


class Record:
    """The record of one key."""

    def __init__(self, folder: Path, context: Context, args: Mapping[str, Any]) -> None:
        self._path = folder / f"{name_of(context.key)}.json"
        self._head = {
            "args": digest(frozen_value(dict(args))),
            "key": context.key,
            "tool": context.tool,
            "v": VERSION,
        }
        self.data = read_record(self._path) or {}
        if any(self.data.get(name, value) != value for name, value in self._head.items()):
            raise KeyReusedError(f"the key {context.key} was used with other arguments", key=context.key)

    @property
    def begun(self) -> dict[str, Any] | None:
        """What was going to be done, if it was begun."""
        return self.data.get("begun")

    @property
    def out(self) -> dict[str, Any] | None:
        """What was answered, if it was finished."""
        return self.data.get("out")

    def begin(self, begun: Mapping[str, Any]) -> None:
        """Store what is going to be done, durably."""
        now_ms = time.time_ns() // 1_000_000
        self.data = {**self._head, "begun_ms": now_ms, "begun": dict(begun)}
        write_record(self._path, self.data)

    def finish(self, out: dict[str, Any]) -> dict[str, Any]:
        """Store the answer, durably, and return it; what was done and can't be told is in doubt."""
        self.data["out"] = out
        try:
            write_record(self._path, self.data)
        except RecordError as error:
            raise UncertainError(f"it was done, but its record can't be written: {error.sentence}") from error
        return out


@contextmanager
def record_of(context: Context, args: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the record of this call's key, with the records locked.

    Raises:
        RecordError: MW519, before anything was done.
        KeyReusedError: MW513.
        TooLateError: MW505, when the lock was not to be had in time.
    """
    folder = records_folder(context.state)
    with _locked(folder, context):
        yield Record(folder, context, args)


@contextmanager
def _locked(folder: Path, context: Context) -> Iterator[None]:
    try:
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        fd = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise RecordError(
            f"the folder of records can't be used: {error.strerror}", path=str(folder)
        ) from error
    try:
        while not _lock(fd):
            context.before_acting()
            time.sleep(_LOCK_POLL_S)
        yield
    finally:
        os.close(fd)


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def all_records(state: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each record with its file, in the order of names."""
    for path in sorted(records_folder(state).glob("*.json")):
        record = read_record(path)
        if record is not None:
            yield path, record


def read_record(path: Path) -> dict[str, Any] | None:
    """Return a record, or None when there is none.

    Raises:
        RecordError: MW519, it can't be read.
    """
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RecordError(f"the record can't be read: {error}", path=str(path)) from error
    return data if isinstance(data, dict) else None


def write_record(path: Path, data: Mapping[str, Any]) -> None:
    """Replace a record in one step; on return it is on the disk.

    Raises:
        RecordError: MW519; the old one is still there.
    """
    fresh = path.with_suffix(".new")
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as file:  # noqa: PTH123 - the descriptor was opened without following links
            file.write(json.dumps(data, sort_keys=True, indent=1).encode())
            file.flush()
            os.fsync(fd)
        fresh.replace(path)
        above = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(above)
        finally:
            os.close(above)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise RecordError(f"the record can't be written: {error.strerror}", path=str(path)) from error
