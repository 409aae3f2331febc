"""Set the permission bits of plain files, each held open from the check to the change.

The bits seen before are on the disk before the first change, so that a replay still knows them.
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from midwatch.adapters.tools.context import Context, UncertainError
from midwatch.adapters.tools.errors import ChangedError, NotPermittedError, TooLateError, UnsafePathError
from midwatch.adapters.tools.files.paths import Identity, identity, mode_text, parent
from midwatch.adapters.tools.files.records import record_of

_SPECIAL = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


def chmod(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Give each of `files` its mode and return the modes before.

    Raises:
        MidwatchError: MW508, MW509, MW517: no mode was changed, or all are as they were.
        UncertainError: some may be changed.
    """
    with record_of(context, args) as record, ExitStack() as held:
        if record.out is not None:
            return record.out
        files = args["files"]
        try:
            open_files = [held.enter_context(_held(item)) for item in files]
        except (ChangedError, UnsafePathError, NotPermittedError) as error:
            if record.begun is not None:
                raise UncertainError(f"an earlier call changed some modes, then {error.sentence}") from error
            raise
        begun = record.begun
        if begun is None:
            begun = {"before": [_seen(fd, item) for fd, item in zip(open_files, files, strict=True)]}
            context.before_acting()
            record.begin(begun)
        _set_all(open_files, files, begun["before"], context)
        before = begun["before"]
        changed = sum(old["mode"] != new["mode"] for old, new in zip(before, files, strict=True))
        return record.finish({"before": before, "changed": changed})


@contextmanager
def _held(item: Mapping[str, str]) -> Iterator[int]:
    """Open one file without following a link and without reading it, if it is the one meant."""
    path, flags = item["path"], os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    with parent(path) as (above, name):
        try:
            fd = os.open(name, flags | getattr(os, "O_PATH", os.O_RDONLY), dir_fd=above)
        except FileNotFoundError as error:
            raise ChangedError(f"{path} is not there any more", path=path) from error
        except PermissionError as error:
            raise NotPermittedError(f"{path} can't be opened", path=path) from error
        except OSError as error:
            raise UnsafePathError(f"{path} is a link or no plain file", path=path) from error
    try:
        _check(os.fstat(fd), item)
        yield fd
    finally:
        os.close(fd)


def _check(status: os.stat_result, item: Mapping[str, str]) -> None:
    path = item["path"]
    if not stat.S_ISREG(status.st_mode):
        raise UnsafePathError(f"{path} is a link or no plain file", path=path)
    if identity(status) != Identity(item["device"], item["inode"]):
        raise ChangedError(f"{path} is not the one that was looked at", path=path)
    if (int(item["mode"], 8) ^ status.st_mode) & _SPECIAL:
        raise UnsafePathError(f"the special bits of {path} would change", path=path)
    if os.geteuid() not in {0, status.st_uid}:
        raise NotPermittedError(f"{path} belongs to another user", path=path)


def _seen(fd: int, item: Mapping[str, str]) -> dict[str, str]:
    return {
        "path": item["path"],
        "device": item["device"],
        "inode": item["inode"],
        "mode": mode_text(os.fstat(fd)),
    }


def _set_all(
    open_files: Sequence[int],
    files: Sequence[Mapping[str, str]],
    before: Sequence[Mapping[str, str]],
    context: Context,
) -> None:
    try:
        context.before_acting()
        for fd, item in zip(open_files, files, strict=True):
            _set(fd, item["mode"])
    except TooLateError as error:
        if any(mode_text(os.fstat(fd)) != old["mode"] for fd, old in zip(open_files, before, strict=True)):
            raise UncertainError(
                "an earlier call changed some modes, and this one came too late to go on"
            ) from error
        raise
    except OSError as error:
        try:
            for fd, old in zip(open_files, before, strict=True):
                _set(fd, old["mode"])
        except OSError as second:
            raise UncertainError(f"{error.strerror}; and not all modes could be set back") from second
        path = files[0]["path"]
        raise NotPermittedError(f"a mode can't be changed: {error.strerror}", path=path) from error


def _set(fd: int, mode: str) -> None:
    if mode_text(os.fstat(fd)) == mode:
        return
    if hasattr(os, "O_PATH"):
        # A descriptor that may not read takes no fchmod; its name in /proc leads to that very file.
        os.chmod(f"/proc/self/fd/{fd}", int(mode, 8))  # noqa: PTH101
    else:
        os.fchmod(fd, int(mode, 8))
