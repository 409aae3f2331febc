"""What a tool's function is given beside its arguments."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch.adapters.tools.errors import TooLateError

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class UncertainError(Exception):
    """Nobody can say whether it happened, or how far: the effect is in doubt, never failed."""


def boot_ns() -> int:
    """Return nanoseconds since boot, sleep included: one clock for all processes of the host."""
    return time.clock_gettime_ns(_CLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One call, as the function that carries it out sees it."""

    tool: str
    key: str
    state: Path
    """Folder of Midwatch's own files; tools keep records in `tools/` below it."""
    deadline_ns: int
    """On the clock of `boot_ns`."""
    programs: tuple[str, ...] = ()
    origins: tuple[tuple[str, str], ...] = ()
    """Allowed origins, each with where it is reached; empty for itself."""
    output_bytes_max: int = 1 << 20
    is_read: bool = True

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0, self.deadline_ns - boot_ns()) / NS_PER_S

    def before_acting(self) -> None:
        """Return if there is still time; called right before the first change.

        Raises:
            TooLateError: MW505, the deadline is over.
        """
        late_ns = boot_ns() - self.deadline_ns
        if late_ns >= 0:
            late_ms = late_ns // NS_PER_MS
            raise TooLateError(f"{self.tool} came {late_ms} ms too late and did nothing", tool=self.tool)


Function = Callable[[Mapping[str, Any], Context], dict[str, Any]]
"""Carries a tool out. Raises MidwatchError when nothing happened, UncertainError when nobody knows."""
