"""Integers with a unit in their type: times, durations, money."""

from typing import NewType

EpochMs = NewType("EpochMs", int)
"""Milliseconds since 1970-01-01T00:00:00Z, in UTC."""

DurationMs = NewType("DurationMs", int)
"""A length of time in milliseconds, never negative."""

MicroUsd = NewType("MicroUsd", int)
"""Millionths of a US dollar."""

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


def after(moment_ms: EpochMs, duration_ms: DurationMs) -> EpochMs:
    """Return the moment that lies `duration_ms` after `moment_ms`."""
    return EpochMs(moment_ms + duration_ms)


def between(start_ms: EpochMs, end_ms: EpochMs) -> DurationMs:
    """Return the time from start to end, zero where a clock was set back meanwhile."""
    return DurationMs(max(0, end_ms - start_ms))
