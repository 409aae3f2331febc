"""What a reading says in a few words, by the tool that took it; other tools show their first numbers."""

from collections.abc import Callable, Mapping
from typing import Any

from midwatch.approvals.visible import visible
from midwatch.cli.words import count, megabytes, size

Out = Mapping[str, Any]
_FACTS_MAX = 3
_NAMED_MAX = 3
_NO_CERTIFICATE = 36_500


def phrase(tool: str, out: Out) -> str:
    """Return what a reading says, in one line."""
    if out.get("available") is False:
        return "not there on this host"
    try:
        words = _WORDS.get(tool, _plain)(out)
    except KeyError:  # the task's own `out:` keeps only some of the fields
        words = _plain(out)
    return f"{words} (not all of it could be looked at)" if out.get("cut") else words


def phrase_of_items(out: Out) -> str:
    """Return what the readings of a task that ran once for each item say, in one line."""
    failed = len(out.get("failed", ()))
    words = count(len(out.get("items", ())), "reading")
    return f"{words}, {failed} failed" if failed else words


def evidence(tool: str, out: Out) -> tuple[str, ...]:
    """Return the things that a reading names, the gravest first, a line each."""
    try:
        return tuple(visible(line) for line in _NAMED[tool](out)[:_NAMED_MAX]) if tool in _NAMED else ()
    except KeyError:  # as above
        return ()


def _plain(out: Out) -> str:
    facts = [f"{name} {value}" for name, value in out.items() if isinstance(value, int | float | str)]
    return ", ".join(visible(fact) for fact in facts[:_FACTS_MAX]) or "read"


def _filesystems(out: Out) -> str:
    return f"{visible(out['fullest'])} is {out['used_pct']:.0f} % full, {megabytes(out['free_mb'])} left"


def _caches(out: Out) -> str:
    if not out["count"]:
        return "none that is idle and worth having back"
    return f"{count(out['count'], 'idle cache')}, {size(out['bytes'])}"


def _logs(out: Out) -> str:
    biggest = megabytes(out["biggest_mb"])
    return f"{count(out['count'], 'log')}, {megabytes(out['total_mb'])}; the biggest {biggest}"


def _keys(out: Out) -> str:
    if not out["count"]:
        return f"{count(out['scanned'], 'file')} looked at, none too open"
    return f"{count(out['count'], 'private key')} with too many permissions"


def _certificates(out: Out) -> str:
    if out["expired_count"]:
        return f"{out['expired_count']} of {count(out['count'], 'certificate')} ended"
    if not out["count"] or out["days_left"] >= _NO_CERTIFICATE:
        return "none of this host's own"
    return f"{count(out['count'], 'certificate')}, the first ends in {count(out['days_left'], 'day')}"


def _ports(out: Out) -> str:
    return f"{count(out['count'], 'port')} listening, {out['exposed_count']} beyond this host"


def _processes(out: Out) -> str:
    processes = count(out["count"], "process", "processes")
    return f"{processes}, {count(out['zombies'], 'zombie')}, {out['runaway_count']} running away"


def _pressure(out: Out) -> str:
    memory = f"{out['memory_available_pct']:.0f} % of memory free"
    swap = f", swap {out['swap_used_pct']:.0f} % used" if out["swap_mb"] else ""
    return f"load {out['load_5']:.1f} on {count(out['cores'], 'core')}, {memory}{swap}"


def _clock(out: Out) -> str:
    return "synchronised" if out["state"] == "synchronised" else "nothing here vouches for it"


def _reboot(out: Out) -> str:
    return "needed" if out["required"] else f"not needed; up {count(out['uptime_days'], 'day')}"


def _units(out: Out) -> str:
    return count(out["failed_count"], "failed unit") if out["failed_count"] else "none failed"


_WORDS: Mapping[str, Callable[[Out], str]] = {
    "host.caches": _caches,
    "host.certificates": _certificates,
    "host.clock": _clock,
    "host.filesystems": _filesystems,
    "host.keys": _keys,
    "host.logs": _logs,
    "host.ports": _ports,
    "host.pressure": _pressure,
    "host.processes": _processes,
    "host.reboot": _reboot,
    "host.units": _units,
}
_NAMED: Mapping[str, Callable[[Out], list[str]]] = {
    "host.caches": lambda out: [f"{each['path']}, {size(each['bytes'])}" for each in out["entries"]],
    "host.certificates": lambda out: [
        f"{each['path']}, {each['days_left']} days left" for each in out["entries"]
    ],
    "host.filesystems": lambda out: [
        f"{each['mount']}, {each['used_pct']:.0f} % of {size(each['size_bytes'])}" for each in out["mounts"]
    ],
    "host.keys": lambda out: [f"{each['path']}, mode {each['mode']}" for each in out["entries"]],
    "host.logs": lambda out: [f"{each['path']}, {size(each['bytes'])}" for each in out["entries"]],
    "host.ports": lambda out: [
        f"{each['address']} port {each['port']}, {each['service'] or each['process'] or 'unknown'}"
        for each in out["listening"]
        if each["exposed"]
    ],
    "host.processes": lambda out: [
        *(f"{each['name']} ({each['pid']}), {each['cpu_pct']} % of a core" for each in out["runaway"]),
        *(
            f"{each['name']} ({each['pid']}), {each['open']} of {each['limit']} files"
            for each in out["fd_exhausted"]
        ),
    ],
    "host.pressure": lambda out: [_pressure(out)],
    "host.reboot": lambda out: [_reboot(out)],
    "host.units": lambda out: [str(each) for each in out["failed"]],
}
