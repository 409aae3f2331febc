"""Zombies, processes that burn a core for long, and those out of file descriptors.

By hand: `ps -eo pid,stat,etimes,pcpu,comm`.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from midwatch.adapters.tools.context import Context

_SAMPLE_S = 1.0
_LISTED_MAX = 20
_FDS_PCT = 90.0


class _Limits(NamedTuple):
    """From when a process counts as run away."""

    cpu_pct: int
    age_s: int


def processes(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return what is wrong with processes, measured over one second."""
    import psutil

    limits = _Limits(args.get("runaway_pct", 90), args.get("runaway_minutes", 10) * 60)
    before, began_s = _cpu_seconds(), time.monotonic()
    time.sleep(min(_SAMPLE_S, context.left_s / 3))
    took_s = time.monotonic() - began_s
    zombies, count, unreadable = 0, 0, 0
    runaway: list[dict[str, Any]] = []
    exhausted: list[dict[str, Any]] = []
    for process in psutil.process_iter():
        count += 1
        try:
            with process.oneshot():
                key = (process.pid, process.create_time())
                if process.status() == psutil.STATUS_ZOMBIE:
                    zombies += key in before
                    continue
                runaway += _runaway(process, before.get(key), took_s, limits)
                exhausted += _exhausted(process)
        except psutil.AccessDenied:
            unreadable += 1
        except (psutil.Error, OSError):
            count -= 1
    runaway.sort(key=lambda item: -item["cpu_pct"])
    return {
        "available": True,
        "count": count,
        "zombies": zombies,
        "runaway": runaway[:_LISTED_MAX],
        "runaway_count": len(runaway),
        "fd_exhausted": exhausted[:_LISTED_MAX],
        "fd_exhausted_count": len(exhausted),
        "system_fds_pct": _system_fds_pct(),
        "unreadable": unreadable,
    }


def _cpu_seconds() -> dict[tuple[int, float], float]:
    import psutil

    found: dict[tuple[int, float], float] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError), process.oneshot():
            times = process.cpu_times()
            found[process.pid, process.create_time()] = times.user + times.system
    return found


def _runaway(
    process: Any, before_s: float | None, took_s: float, limits: _Limits
) -> Iterator[dict[str, Any]]:
    if before_s is None or process.pid == os.getpid():
        return
    times = process.cpu_times()
    cpu_pct = round(100.0 * (times.user + times.system - before_s) / took_s, 1)
    process_age_s = int(time.time() - process.create_time())
    if cpu_pct > limits.cpu_pct and process_age_s >= limits.age_s:
        yield {"pid": process.pid, "name": _name(process), "cpu_pct": cpu_pct, "age_s": process_age_s}


def _exhausted(process: Any) -> Iterator[dict[str, Any]]:
    """Yield the process if it is close to its limit; only those that this user may look into."""
    if sys.platform != "linux":
        return
    import psutil

    limit = process.rlimit(psutil.RLIMIT_NOFILE)[0]
    opened = process.num_fds()
    if limit > 0 and 100.0 * opened / limit >= _FDS_PCT:
        yield {"pid": process.pid, "name": _name(process), "open": opened, "limit": limit}


def _name(process: Any) -> str:
    return str(process.name()).encode(errors="replace").decode()[:80]


def _system_fds_pct() -> float:
    """Return how much of the system's table of open files is taken; 0 where it does not say."""
    with suppress(OSError, ValueError):
        used, _, most = (int(word) for word in Path("/proc/sys/fs/file-nr").read_text().split())
        return round(100.0 * used / most, 1) if most else 0.0
    return 0.0
