"""When to look at the queue: at once after this process enqueued, soon after any other process wrote."""

import threading
import time
from collections.abc import Callable

GAP_S = 0.03
"""Looks are at least this far apart: a burst of drives is taken with few of them."""
IDLE_S = 2.0
"""The queue is looked at this often even if nothing seems to have changed."""


class Wakeup(threading.Event):
    """Stands for the stop event of DBOS's queue thread, whose pauses end early when there is work.

    DBOS would query the queue at every poll, which costs 2 ms each: 4 % of a core for nothing while all
    is quiet, and 20 % where it looks after each commit of a busy run. Asking first whether there is
    work costs some microseconds.
    """

    def __init__(self, has_work: Callable[[], bool], *, poll_s: float) -> None:
        """Prepare to ask `has_work` every `poll_s`; it is called by the waiting thread only."""
        super().__init__()
        self._has_work = has_work
        self._poll_s = poll_s
        self._nudged = threading.Event()

    def nudge(self) -> None:
        """End the pause that is going on, or the next one."""
        self._nudged.set()

    def set(self) -> None:
        """Stop for good."""
        super().set()
        self._nudged.set()

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - DBOS's interval is the poll that this replaces
        """Return True once stopped, False when it is time to look at the queue."""
        if super().wait(GAP_S):
            return True
        until_s = time.monotonic() + IDLE_S
        while not self._has_work():
            if self._nudged.wait(self._poll_s) or time.monotonic() >= until_s:
                break
        if not self.is_set():
            self._nudged.clear()
        return self.is_set()
