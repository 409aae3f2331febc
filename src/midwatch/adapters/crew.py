"""`ports.crew.Crew` on threads that end with the process, so that a hanging reading holds nobody up."""

import threading
from collections import deque
from collections.abc import Callable

THREADS_MAX = 32


class ThreadCrew:
    """A pool that grows when work waits; idle threads are kept."""

    def __init__(self, *, threads_max: int = THREADS_MAX) -> None:
        """Start nothing yet."""
        self._threads_max = threads_max
        self._waiting: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._begun = 0
        self._closing = False

    def start(self, work: Callable[[], None]) -> None:
        """Begin `work` soon, in some thread; it reports by itself and never raises."""
        with self._changed:
            assert not self._closing, "nothing is begun once the crew is closed"
            self._waiting.append(work)
            self._begun += 1
            if self._idle < len(self._waiting) and self._threads < self._threads_max:
                self._threads += 1
                threading.Thread(
                    target=self._serve, name=f"midwatch-crew-{self._threads}", daemon=True
                ).start()
            self._changed.notify()

    def close(self, *, within_s: float | None = None) -> None:
        """Wait for what was begun, at most `within_s`; threads end when they have nothing left to do."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._begun == 0, timeout=within_s)

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: bool(self._waiting) or self._closing)
                self._idle -= 1
                if not self._waiting:
                    self._threads -= 1
                    return
                work = self._waiting.popleft()
            try:
                work()
            finally:
                with self._changed:
                    self._begun -= 1
                    self._changed.notify_all()
