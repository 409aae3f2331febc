"""The machine's clock and its source of chance."""

import os
import threading
import time

from midwatch.base.units import EpochMs

_NS_PER_MS = 1_000_000
_PAGE_BYTES = 4_096


class SystemClock:
    """Implements `ports.clock.Clock` with the host's clocks."""

    def now_ms(self) -> EpochMs:
        """Return the time of day."""
        return EpochMs(time.time_ns() // _NS_PER_MS)

    def monotonic_ms(self) -> int:
        """Return milliseconds that only ever grow, whoever sets the time of day."""
        return time.monotonic_ns() // _NS_PER_MS


class SystemChance:
    """Implements `ports.clock.Chance` with the operating system's generator, drawn on by the page.

    Each system call gives the interpreter's lock away, and a driver draws several times per event.
    """

    def __init__(self) -> None:
        """Draw nothing yet."""
        self._lock = threading.Lock()
        self._page = b""
        self._used = 0
        self._pid = 0

    def token(self, size_bytes: int) -> bytes:
        """Return that many random bytes, never given out before, also not to a forked process."""
        if size_bytes > _PAGE_BYTES:
            return os.urandom(size_bytes)
        with self._lock:
            if self._used + size_bytes > len(self._page) or self._pid != os.getpid():
                self._page, self._used, self._pid = os.urandom(_PAGE_BYTES), 0, os.getpid()
            begin, self._used = self._used, self._used + size_bytes
            return self._page[begin : self._used]
