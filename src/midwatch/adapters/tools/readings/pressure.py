"""Load, memory and swap, and how long work waits for them.

By hand: `uptime`, `free -m`, `cat /proc/pressure/memory`.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from midwatch.adapters.tools.context import Context

_CGROUP = Path("/sys/fs/cgroup")


def pressure(args: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - every tool takes both
    """Return load per core, memory, swap and the kernel's pressure stalls over the last minute."""
    import psutil

    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    cores = os.cpu_count() or 1
    load_1, load_5, load_15 = os.getloadavg()
    stalls = {name: _stall_pct(name) for name in ("cpu", "memory", "io")}
    return {
        "available": True,
        "cores": cores,
        "load_1": round(load_1, 2),
        "load_5": round(load_5, 2),
        "load_15": round(load_15, 2),
        "load_per_core": round(load_5 / cores, 2),
        "memory_mb": memory.total // 1_000_000,
        "memory_available_pct": round(100.0 * memory.available / memory.total, 1),
        "swap_mb": swap.total // 1_000_000,
        "swap_used_pct": round(float(swap.percent), 1),
        "stalls_known": None not in stalls.values(),
        "cpu_stall_pct": stalls["cpu"] or 0.0,
        "memory_stall_pct": stalls["memory"] or 0.0,
        "io_stall_pct": stalls["io"] or 0.0,
        "cgroup_memory_pct": _cgroup_pct(),
        "oom_kills": _oom_kills(),
        "unreadable": sum(stall is None for stall in stalls.values()),
    }


def _stall_pct(name: str) -> float | None:
    """Return in how much of the last minute some work waited; None where the kernel does not say."""
    with suppress(OSError, ValueError, StopIteration, KeyError):
        lines = Path("/proc/pressure", name).read_text().splitlines()
        some = next(line for line in lines if line.startswith("some "))
        return float(dict(word.split("=") for word in some.split()[1:])["avg60"])
    return None


def _cgroup_pct() -> float:
    """Return how much of its memory limit this container uses; 0 where it has none."""
    for now, most in (
        ("memory.current", "memory.max"),
        ("memory/memory.usage_in_bytes", "memory/memory.limit_in_bytes"),
    ):
        with suppress(OSError, ValueError):
            used, limit = int((_CGROUP / now).read_text()), int((_CGROUP / most).read_text())
            if 0 < limit < 1 << 60:
                return round(100.0 * used / limit, 1)
    return 0.0


def _oom_kills() -> int:
    """Return how many processes the kernel killed for want of memory since boot."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            name, _, number = line.partition(" ")
            if name == "oom_kill":
                return int(number)
    return 0
