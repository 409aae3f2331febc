"""This process and its host: who we are, and whether another process is surely dead."""

import os
import platform
import pwd
from pathlib import Path

from midwatch.ports.rows import WorkerRow

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STATE_FIELD, _START_FIELD = 0, 19
"""Of `/proc/<pid>/stat`, counted after the name in parentheses (proc(5): fields 3 and 22)."""
_GONE_STATES = frozenset({"Z", "X", "x"})


def host_name() -> str:
    """Return the name of this host."""
    return platform.node() or "localhost"


def boot_id() -> str:
    """Return what tells one boot of this host from the next."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        import psutil

        return f"boot-{int(psutil.boot_time())}"


def process_start_ms(pid: int) -> int | None:
    """Return when a process began, on a clock that nobody sets; None when it is gone, or a zombie.

    Ticks since boot on Linux: psutil's `create_time` moves when the time of day is corrected.
    """
    stat = Path(f"/proc/{pid}/stat")
    try:
        fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        if fields[_STATE_FIELD] in _GONE_STATES:
            return None
        return int(fields[_START_FIELD]) * 1000 // os.sysconf("SC_CLK_TCK")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except ProcessLookupError:
        return None
    return _elsewhere_start_ms(pid)


def _elsewhere_start_ms(pid: int) -> int | None:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return None
        return round(process.create_time() * 1000)
    except psutil.NoSuchProcess:
        return None


def own_row(worker: str) -> WorkerRow:
    """Return the row under which this process signs on."""
    pid = os.getpid()
    return WorkerRow(
        worker=worker,
        host=host_name(),
        boot=boot_id(),
        pid=pid,
        started_ms=process_start_ms(pid) or 0,
        beat=0,
    )


def is_surely_dead(row: WorkerRow) -> bool:
    """Return whether the process that signed on so can't be running any more.

    Certain only for this host: another boot, no such process, or another one under its number. Of a
    process on another host nothing is certain.
    """
    if row.host != host_name():
        return False
    return row.boot != boot_id() or process_start_ms(row.pid) != row.started_ms


def os_user() -> str:
    """Return the operating-system user of this process; the environment has no say in it."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def full_name() -> str:
    """Return the user's full name as the system has it; empty where it has none."""
    try:
        return pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0].strip()
    except KeyError:
        return ""
