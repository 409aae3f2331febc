"""Time, chance and names come through one door."""

from typing import Protocol

from midwatch.base.units import EpochMs


class Clock(Protocol):
    """The time, as everybody but a stop-watch wants it."""

    def now_ms(self) -> EpochMs:
        """Return the time of day."""
        ...

    def monotonic_ms(self) -> int:
        """Return milliseconds that only ever grow, from an arbitrary start."""
        ...


class Chance(Protocol):
    """Unguessable names."""

    def token(self, size_bytes: int) -> bytes:
        """Return that many random bytes."""
        ...
