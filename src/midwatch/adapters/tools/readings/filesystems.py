"""How full the local file systems are. By hand: `df -PT -x tmpfs -x devtmpfs` and `df -Pi`."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.walk import is_text

REAL = frozenset(
    (
        "apfs",
        "bcachefs",
        "btrfs",
        "exfat",
        "ext2",
        "ext3",
        "ext4",
        "f2fs",
        "hfs",
        "jfs",
        "msdos",
        "nilfs2",
        "ntfs",
        "ntfs3",
        "overlay",
        "reiserfs",
        "ufs",
        "vfat",
        "xfs",
        "zfs",
    )
)
_MOUNTS_MAX = 200
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """One mounted file system."""

    point: str
    kind: str
    device: str
    is_writable: bool


def filesystems(args: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - every tool takes both
    """Return how full each local, writable file system is, and the worst of each kind."""
    readings, unreadable = [], 0
    for mount in _once_each(mounts()):
        if not mount.is_writable or mount.kind not in REAL or not is_text(mount.point):
            continue
        try:
            readings.append(_reading(mount))
        except OSError:
            unreadable += 1
    by_space = max(readings, key=lambda reading: reading["used_pct"], default=None)
    by_inodes = max(readings, key=lambda reading: reading["inodes_pct"], default=None)
    return {
        "available": bool(readings),
        "used_pct": by_space["used_pct"] if by_space else 0.0,
        "fullest": by_space["mount"] if by_space else "",
        "free_mb": by_space["free_bytes"] // 1_000_000 if by_space else 0,
        "inodes_pct": by_inodes["inodes_pct"] if by_inodes else 0.0,
        "mounts": readings[:_MOUNTS_MAX],
        "count": len(readings),
        "unreadable": unreadable,
    }


def _reading(mount: Mount) -> dict[str, Any]:
    status = os.statvfs(mount.point)
    used = status.f_blocks - status.f_bfree
    usable = used + status.f_bavail
    inodes_used = status.f_files - status.f_ffree
    return {
        "mount": mount.point,
        "kind": mount.kind,
        "size_bytes": status.f_blocks * status.f_frsize,
        "free_bytes": status.f_bavail * status.f_frsize,
        "used_pct": round(100.0 * used / usable, 1) if usable > 0 else 0.0,
        "inodes_pct": round(100.0 * inodes_used / status.f_files, 1) if status.f_files > 0 else 0.0,
    }


def _once_each(found: Iterator[Mount]) -> list[Mount]:
    """Return each device once, under its shortest mount point: the others are views of it."""
    shortest: dict[str, Mount] = {}
    for mount in sorted(found, key=lambda mount: (len(mount.point), mount.point)):
        shortest.setdefault(mount.device, mount)
    return sorted(shortest.values())


def mounts() -> Iterator[Mount]:
    """Yield every mounted file system."""
    table = Path("/proc/self/mountinfo")
    if sys.platform == "linux" and table.exists():
        for line in table.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            before, _, after = line.partition(" - ")
            fields, behind = before.split(), after.split()
            options = {*fields[5].split(","), *behind[2].split(",")}
            point = _ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields[4])
            yield Mount(point, behind[0], fields[2], "ro" not in options)
        return
    import psutil

    for part in psutil.disk_partitions(all=False):
        yield Mount(part.mountpoint, part.fstype, part.device, "ro" not in part.opts.split(","))
