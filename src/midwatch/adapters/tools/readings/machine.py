"""Clock, pending restart, failed units.

By hand: `timedatectl`, `ls /run/reboot-required*`, `systemctl --failed`.
"""

import ctypes
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from midwatch.adapters.tools.context import Context, boot_ns

_STA_UNSYNC = 0x40
_TIMEX_BYTES = 512
_UNITS_MAX = 50
_SYSTEMCTL_S_MAX = 4.0
_NUMBERS = re.compile(r"\d+")
_DAY_S = 86_400


class _Timex(ctypes.Structure):
    """The head of `struct timex`; the rest is room for the kernel. Source: adjtimex(2)."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * _TIMEX_BYTES),
    )


def clock(args: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - every tool takes both
    """Return whether the kernel's clock is kept in step; nobody outside is asked.

    `unknown` is not wrong: a virtual machine's clock may be kept by its host, unseen from here.
    """
    answer = {
        "available": False,
        "state": "unknown",
        "error_ms_max": 0,
        "now_ms": int(time.time() * 1000),
        "unreadable": 0,
    }
    function = (
        getattr(ctypes.CDLL(None, use_errno=True), "adjtimex", None) if sys.platform == "linux" else None
    )
    if function is None:
        return answer
    timex = _Timex(modes=0)
    if function(ctypes.byref(timex)) < 0:
        return answer | {"unreadable": 1}
    is_kept = not timex.status & _STA_UNSYNC
    return answer | {
        "available": True,
        "state": "synchronised" if is_kept else "unknown",
        "error_ms_max": int(timex.maxerror) // 1000 if is_kept else 0,
    }


def reboot(args: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - every tool takes both
    """Return whether the system asks for a restart, or runs an older kernel than it has installed."""
    running = os.uname().release
    asked = [path for path in ("/run/reboot-required", "/var/run/reboot-required") if Path(path).exists()]
    packages: list[str] = []
    with suppress(OSError):
        packages = Path("/run/reboot-required.pkgs").read_text(errors="replace").split()
    newest = _newest_kernel(running)
    is_older = newest not in {"", running}
    return {
        "available": sys.platform == "linux",
        "required": bool(asked) or is_older,
        "asked_for": bool(asked),
        "packages": sorted(set(packages))[:50],
        "running_kernel": running,
        "newest_kernel": newest,
        "uptime_days": boot_ns() // 1_000_000_000 // _DAY_S,
        "unreadable": 0,
    }


def _newest_kernel(running: str) -> str:
    """Return the newest installed kernel of the running one's flavour; empty where that can't be said.

    In a container or a small virtual machine the running kernel is not among those installed.
    """
    installed = {path.name.removeprefix("vmlinuz-") for path in Path("/boot").glob("vmlinuz-*")}
    if running not in installed:
        return ""
    flavour = running.rpartition("-")[2]
    return max((name for name in installed if name.rpartition("-")[2] == flavour), key=_version)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBERS.findall(name))


def units(args: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - every tool takes both
    """Return the units that failed, where systemd is in charge."""
    empty: dict[str, Any] = {"available": False, "failed": [], "failed_count": 0, "unreadable": 0}
    if not Path("/run/systemd/system").is_dir():
        return empty
    argv = ["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager", "--full"]
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
    try:
        done = subprocess.run(
            argv,
            capture_output=True,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=min(_SYSTEMCTL_S_MAX, max(0.1, context.left_s)),
        )
    except (OSError, subprocess.TimeoutExpired):
        return empty | {"unreadable": 1}
    if done.returncode != 0:
        return empty | {"unreadable": 1}
    names = [line.split()[0] for line in done.stdout.decode(errors="replace").splitlines() if line.split()]
    return {"available": True, "failed": names[:_UNITS_MAX], "failed_count": len(names), "unreadable": 0}
