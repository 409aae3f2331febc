"""Big and growing logs, and space held by deleted files.

By hand: `du -xah /var/log | sort -h | tail`, `lsof +L1`.
"""

import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.readings.open_files import open_links
from midwatch.adapters.tools.readings.roots import given, looks_everywhere
from midwatch.adapters.tools.walk import Bounds, allocated_bytes, bounds, find, is_text, size_of

_SECONDS_MAX = 2.5
_ENTRIES_MAX = 100_000
_DEPTH_MAX = 4
_LISTED_MAX = 20
_SAMPLED_MAX = 500
_SAMPLE_S = 1.0
_HOUR_S = 3600
_MEGABYTE = 1_000_000
_JOURNALS = ("/var/log/journal", "/run/log/journal")
_LOG_NAME = re.compile(r"\.(log|out|err)(\.\d+)?$")
_NO_SPACE = ("/memfd:", "/dev/", "/SYSV", "/run/", "/proc/", "/sys/")


def logs(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return the biggest and the fastest growing logs; growth is measured over one second."""
    limit = bounds(min(_SECONDS_MAX, context.left_s * 0.5), _ENTRIES_MAX)
    first: dict[str, os.stat_result] = {}
    for path in _candidates(args, limit):
        with suppress(OSError):
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and is_text(path):
                first[path] = status
    biggest = sorted(first, key=lambda path: -allocated_bytes(first[path]))
    growth = _growth({path: first[path] for path in biggest[:_SAMPLED_MAX]})
    fastest = sorted(growth, key=lambda path: -growth[path])
    listed = dict.fromkeys(
        [*biggest[:_LISTED_MAX], *(path for path in fastest[:_LISTED_MAX] if growth[path] > 0)]
    )
    journal_bytes, deleted_bytes = 0, 0
    if looks_everywhere(args):
        journal_bytes = sum(size_of(path, limit).bytes for path in _JOURNALS if os.path.isdir(path))  # noqa: PTH112
        deleted_bytes = deleted_open_bytes()
    return {
        "available": True,
        "entries": [
            {"path": path, "bytes": allocated_bytes(first[path]), "bytes_per_s": growth.get(path, 0)}
            for path in listed
        ],
        "count": len(first),
        "total_mb": sum(map(allocated_bytes, first.values())) // _MEGABYTE,
        "biggest_mb": allocated_bytes(first[biggest[0]]) // _MEGABYTE if biggest else 0,
        "growing_mb_per_hour": max(growth.values(), default=0) * _HOUR_S // _MEGABYTE,
        "journal_mb": journal_bytes // _MEGABYTE,
        "deleted_open_mb": deleted_bytes // _MEGABYTE,
        "cut": limit.is_cut,
        "unreadable": limit.unreadable,
    }


def _candidates(args: Mapping[str, Any], limit: Bounds) -> Iterator[str]:
    if looks_everywhere(args):
        for entry in find(
            "/var/log", limit, depth_max=_DEPTH_MAX, enters=lambda entry: entry.path not in _JOURNALS
        ):
            yield entry.path
    for root in given(args):
        for entry in find(
            root, limit, depth_max=_DEPTH_MAX, enters=lambda entry: not entry.name.startswith(".")
        ):
            if _LOG_NAME.search(entry.name):
                yield entry.path


def _growth(first: Mapping[str, os.stat_result]) -> dict[str, int]:
    """Return how many bytes each file gained per second, over a short sample."""
    began_s = time.monotonic()
    if first:
        time.sleep(_SAMPLE_S)
    took_s = max(time.monotonic() - began_s, 0.001)
    gained: dict[str, int] = {}
    for path, before in first.items():
        with suppress(OSError):
            now = os.lstat(path)
            if now.st_ino == before.st_ino:
                gained[path] = max(0, int((now.st_size - before.st_size) / took_s))
    return gained


def deleted_open_bytes() -> int:
    """Return the space of files that were deleted and are still open: it comes back when they are closed."""
    held: dict[tuple[int, int], int] = {}
    for link, target in open_links():
        if target.endswith(" (deleted)") and not target.startswith(_NO_SPACE):
            with suppress(OSError):
                status = os.stat(link)  # noqa: PTH116 - the link is the only name it has
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                    held[status.st_dev, status.st_ino] = allocated_bytes(status)
    return sum(held.values())
