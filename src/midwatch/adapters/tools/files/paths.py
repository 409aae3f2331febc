"""Paths that nobody can bend.

Each component is opened without following a link, and renames go between open folders.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from midwatch.adapters.tools.errors import ChangedError, NotPermittedError, UnsafePathError

PATH_BYTES_MAX = 4096
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_NO_REPLACE = 1
_EXCHANGE = 2
_DARWIN_FLAGS = {_NO_REPLACE: 0x4, _EXCHANGE: 0x2}
_UNSUPPORTED = frozenset({22, 38, 45, 95})
"""EINVAL, ENOSYS, and ENOTSUP of macOS and of Linux: this file system does not know the flag."""


class Identity(NamedTuple):
    """Which file a name stands for; decimal digits, because inodes may be beyond 2^53."""

    device: str
    inode: str


def identity(status: os.stat_result) -> Identity:
    """Return the identity of a file."""
    return Identity(str(status.st_dev), str(status.st_ino))


def checked(path: str) -> str:
    """Return the path, if it is absolute, plain and not the root.

    Raises:
        UnsafePathError: MW509.
    """
    is_plain = (
        path.startswith("/") and path == os.path.normpath(path) and path != "/" and not path.startswith("//")
    )
    if not is_plain or "\0" in path or len(path.encode()) > PATH_BYTES_MAX:
        raise UnsafePathError(f"{path!r} is not an absolute, plain path", path=path)
    return path


@contextmanager
def folder(path: str) -> Iterator[int]:
    """Open a folder from the root down, following no link, for use as `dir_fd`.

    Raises:
        UnsafePathError: MW509, a part is a link or no folder.
        ChangedError: MW508, a part is not there.
        NotPermittedError: MW517.
    """
    fd = os.open("/", _FOLDER)
    try:
        for part in path.split("/"):
            if part:
                below = _enter(fd, part, path)
                os.close(fd)
                fd = below
        yield fd
    finally:
        os.close(fd)


def _enter(fd: int, part: str, path: str) -> int:
    try:
        return os.open(part, _FOLDER, dir_fd=fd)
    except FileNotFoundError as error:
        raise ChangedError(f"{path} is not there", path=path) from error
    except PermissionError as error:
        raise NotPermittedError(f"{path} can't be entered", path=path) from error
    except OSError as error:
        raise UnsafePathError(
            f"{path} leads through {part!r}, which is a link or no folder", path=path
        ) from error


@contextmanager
def parent(path: str) -> Iterator[tuple[int, str]]:
    """Open the folder that holds `path`; yield it and the last name."""
    above, _, name = checked(path).rpartition("/")
    with folder(above or "/") as fd:
        yield fd, name


def looked_at(fd: int, name: str) -> os.stat_result | None:
    """Return what `name` in an open folder is, following no link; None when there is nothing."""
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def is_it(status: os.stat_result | None, who: Identity) -> bool:
    """Return whether that is the file meant."""
    return status is not None and identity(status) == who


def mount_of(fd: int) -> str:
    """Return the mount that an open folder lies on: a device can be mounted twice, and no rename crosses."""
    try:
        with open(f"/proc/self/fdinfo/{fd}", encoding="utf-8") as lines:  # noqa: PTH123 - one read of a kernel file
            for line in lines:
                if line.startswith("mnt_id:"):
                    return line.split()[1]
    except OSError:
        pass
    return f"device {os.fstat(fd).st_dev}"


def sync_folder(fd: int) -> None:
    """Make the names in an open folder durable."""
    try:
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
    except PermissionError:
        os.sync()
        return
    try:
        os.fsync(readable)
    finally:
        os.close(readable)


def rename_new(source: tuple[int, str], target: tuple[int, str]) -> None:
    """Rename, never over something; FileExistsError where the name is taken.

    Where the file system can't promise it in one step, the name is looked at right before.
    """
    if not _rename_with(_NO_REPLACE, source, target):
        if looked_at(*target) is not None:
            raise FileExistsError(target[1])
        os.rename(source[1], target[1], src_dir_fd=source[0], dst_dir_fd=target[0])


def exchange(one: tuple[int, str], other: tuple[int, str]) -> bool:
    """Let two names change places in one step; False where the file system can't."""
    return _rename_with(_EXCHANGE, one, other)


def _rename_with(flag: int, source: tuple[int, str], target: tuple[int, str]) -> bool:
    call = _rename_call()
    if call is None:
        return False
    number = call(source[0], os.fsencode(source[1]), target[0], os.fsencode(target[1]), flag)
    if number == 0:
        return True
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), source[1], None, target[1])


@cache
def _rename_call() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """Return the system's rename with flags: it says 0 or the error's number."""
    library = ctypes.CDLL(None, use_errno=True)
    is_darwin = sys.platform == "darwin"
    function = getattr(library, "renameatx_np" if is_darwin else "renameat2", None)
    if function is None:
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    function.restype = ctypes.c_int

    def call(source_fd: int, source: bytes, target_fd: int, target: bytes, flag: int) -> int:
        ctypes.set_errno(0)
        bits = _DARWIN_FLAGS[flag] if is_darwin else flag
        return ctypes.get_errno() if function(source_fd, source, target_fd, target, bits) else 0

    return call


def mounts_below(path: str) -> list[str]:
    """Return the mount points strictly below a path; empty where the system does not say."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:  # noqa: PTH123
            points = [line.split()[4] for line in lines]
    except OSError:
        return []
    plain = [
        point.encode("utf-8", "surrogateescape").decode("unicode_escape") for point in points if "\\" in point
    ]
    return [point for point in (*points, *plain) if point.startswith(path + "/")]


def mode_text(status: os.stat_result) -> str:
    """Return the permission bits as four octal digits."""
    return format(stat.S_IMODE(status.st_mode), "04o")
