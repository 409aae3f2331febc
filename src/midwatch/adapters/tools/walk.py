"""Walk folders with bounds: never through a symbolic link, never onto another device."""

import os
import stat
import time
from collections.abc import Callable, Iterator

BLOCK_BYTES = 512


class Bounds:
    """How much a walk may still look at; shared by all walks of one reading."""

    __slots__ = ("entries_left", "is_cut", "unreadable", "until_s")

    def __init__(self, *, until_s: float, entries_left: int) -> None:
        self.until_s = until_s  # on the monotonic clock
        self.entries_left = entries_left
        self.is_cut = False
        self.unreadable = 0

    def takes(self) -> bool:
        """Return whether one more entry may be looked at."""
        if self.is_cut:
            return False
        self.entries_left -= 1
        if self.entries_left < 0 or (self.entries_left % 256 == 0 and time.monotonic() > self.until_s):
            self.is_cut = True
        return not self.is_cut


def bounds(seconds: float, entries: int = 500_000) -> Bounds:
    """Return bounds that begin now."""
    return Bounds(until_s=time.monotonic() + seconds, entries_left=entries)


class Size:
    """What a tree takes up.

    `bytes` are the blocks that come back when the tree goes: a file with links from elsewhere counts
    nothing.
    """

    __slots__ = ("bytes", "files", "has_mount", "linked", "newest_s")

    def __init__(self) -> None:
        self.bytes = 0
        self.files = 0
        self.newest_s = 0.0
        self.has_mount = False
        self.linked: dict[int, int] = {}  # inode to links seen

    def add(self, status: os.stat_result) -> None:
        """Count one entry."""
        size = allocated_bytes(status)
        self.newest_s = max(self.newest_s, status.st_mtime)
        if stat.S_ISDIR(status.st_mode):
            self.bytes += size
            return
        self.files += 1
        if status.st_nlink == 1:
            self.bytes += size
            return
        seen = self.linked.get(status.st_ino, 0) + 1
        self.linked[status.st_ino] = seen
        if seen == status.st_nlink:
            self.bytes += size


def allocated_bytes(status: os.stat_result) -> int:
    """Return what a file takes on its device; holes take nothing."""
    return int(getattr(status, "st_blocks", -(-status.st_size // BLOCK_BYTES))) * BLOCK_BYTES


def size_of(path: str, limit: Bounds) -> Size:
    """Return what `path` and all below it take up, as far as the bounds go."""
    top = os.lstat(path)
    size = Size()
    size.add(top)
    if not stat.S_ISDIR(top.st_mode):
        return size
    folders = [path]
    while folders:
        for entry in entries(folders.pop(), limit):
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                limit.unreadable += 1
                continue
            if status.st_dev != top.st_dev:
                size.has_mount = True
                continue
            size.add(status)
            if stat.S_ISDIR(status.st_mode):
                folders.append(entry.path)
    return size


def entries(folder: str, limit: Bounds) -> Iterator["os.DirEntry[str]"]:
    """Yield what lies in a folder, as far as the bounds go; a folder that can't be read is counted."""
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if not limit.takes():
                    return
                yield entry
    except FileNotFoundError:
        return
    except OSError:
        limit.unreadable += 1


def find(
    root: str,
    limit: Bounds,
    *,
    depth_max: int,
    enters: Callable[["os.DirEntry[str]"], bool],
) -> Iterator["os.DirEntry[str]"]:
    """Yield every entry below `root` that is no folder, and each folder that is not entered.

    Args:
        root: A physical path.
        limit: Shared bounds.
        depth_max: 0 looks only at what lies in `root` itself.
        enters: Whether to go into a folder; one on another device is never entered.
    """
    try:
        device = os.lstat(root).st_dev
    except OSError:
        return
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        for entry in entries(folder, limit):
            if not is_folder(entry) or not enters(entry):
                yield entry
            elif depth < depth_max and is_on(entry, device):
                waiting.append((entry.path, depth + 1))


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Return whether an entry is a folder itself, not a link to one."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def is_on(entry: "os.DirEntry[str]", device: int) -> bool:
    """Return whether an entry lies on that device."""
    try:
        return entry.stat(follow_symlinks=False).st_dev == device
    except OSError:
        return False


def is_text(path: str) -> bool:
    """Return whether a path survives JSON: file names may hold bytes that are not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
