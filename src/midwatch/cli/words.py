"""Sizes, times and counts as people say them."""

import datetime as dt

from midwatch.base.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

_UNITS = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_TEN = 10


def size(size_bytes: int) -> str:
    """Return a size in decimal units, e.g. `4.1 GB`."""
    for name, unit in _UNITS:
        if size_bytes >= unit:
            value = size_bytes / unit
            return f"{value:.1f} {name}" if value < _TEN else f"{value:.0f} {name}"
    return f"{size_bytes} bytes"


def megabytes(size_mb: int) -> str:
    """Return a size that is known in megabytes, rounded down."""
    return size(size_mb * 10**6) if size_mb else "less than 1 MB"


def length(length_ms: int) -> str:
    """Return a length of time, e.g. `12 s`, `5 min`, `3 h`."""
    if length_ms < SECOND_MS:
        return f"{length_ms} ms"
    if length_ms < _TEN * SECOND_MS:
        return f"{length_ms / SECOND_MS:.1f} s"
    for name, unit in (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS)):
        if length_ms >= 2 * unit:
            return f"{round(length_ms / unit)} {name}"
    return f"{round(length_ms / SECOND_MS)} s"


def ago(at_ms: int, now_ms: int) -> str:
    """Return how long ago a moment was."""
    return f"{length(now_ms - at_ms)} ago" if now_ms - at_ms >= SECOND_MS else "just now"


def ahead(at_ms: int, now_ms: int) -> str:
    """Return how far away a moment is."""
    return f"in {length(at_ms - now_ms)}" if at_ms > now_ms else "overdue"


def stamp(at_ms: int) -> str:
    """Return a moment in this machine's time zone, to the second."""
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def count(number: int, one: str, many: str = "") -> str:
    """Return `1 cache`, `2 caches`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def money(micro_usd: int) -> str:
    """Return an amount in US dollars, to the cent where that loses nothing."""
    return f"${micro_usd / 1_000_000:.2f}" if micro_usd % 10_000 == 0 else f"${micro_usd / 1_000_000:.6f}"


def exactly(length_ms: int) -> str:
    """Return a length of time without rounding, e.g. `1 h 5 min`, `2 min 3.500 s`, `0 s`."""
    parts: list[str] = []
    rest_ms = length_ms
    for name, unit in (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS)):
        if rest_ms >= unit:
            parts.append(f"{rest_ms // unit} {name}")
            rest_ms %= unit
    if rest_ms or not parts:
        parts.append(
            f"{rest_ms // SECOND_MS} s" if rest_ms % SECOND_MS == 0 else f"{rest_ms / SECOND_MS:.3f} s"
        )
    return " ".join(parts)
