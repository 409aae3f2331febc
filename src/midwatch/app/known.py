"""Runs as this process saw them last, so that a run that goes on is not folded from its beginning again.

Rule 1: what is kept is a state and the head that it stands on; the journal decides whether they still hold.
Rule 2: nothing is kept of a run whose payloads can't be opened any more.
"""

import threading
from collections import OrderedDict

from midwatch.base.ids import RunId
from midwatch.ports.store import Head
from midwatch.run.state import RunState

KNOWN_MAX = 32
"""Runs that are kept; the one that was looked at longest ago goes first."""


class KnownRuns:
    """The newest state of some runs; thread-safe."""

    def __init__(self) -> None:
        """Know none."""
        self._runs: OrderedDict[RunId, tuple[RunState, Head]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, run: RunId) -> tuple[RunState, Head] | None:
        """Return the state of a run and the head of its stream at that moment, None where it is not kept."""
        with self._lock:
            found = self._runs.get(run)
            if found is not None:
                self._runs.move_to_end(run)
            return found

    def put(self, run: RunId, state: RunState, head: Head) -> None:
        """Keep a state that is durable."""
        with self._lock:
            self._runs[run] = (state, head)
            self._runs.move_to_end(run)
            while len(self._runs) > KNOWN_MAX:
                self._runs.popitem(last=False)

    def forget(self, run: RunId) -> None:
        """Keep nothing of a run."""
        with self._lock:
            self._runs.pop(run, None)
