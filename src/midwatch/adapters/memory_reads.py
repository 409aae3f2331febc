"""What `MemoryStore` tells of people's work and messages."""

import threading
from collections.abc import Sequence

from midwatch.adapters.memory_tables import Tables
from midwatch.base.ids import HandId, RunId
from midwatch.ports.rows import HandRow, NoticeRow

LIKE_MAX = 10


class PeopleReads:
    """The part of `ports.store.Store` that is about what people do and are told."""

    _tables: Tables
    _lock: threading.RLock

    def hand_rows(self, *, run: RunId | None = None, only_open: bool = False) -> Sequence[HandRow]:
        """Return what people do by hand, the oldest first."""
        with self._lock:
            found = sorted(self._tables.hands.values(), key=lambda row: (row.asked_ms, row.hand))
        return [row for row in found if run in {None, row.run} and (row.status == "open" or not only_open)]

    def hands_like(self, prefix: str) -> Sequence[HandId]:
        """Return at most ten hands whose id starts so, with or without `h-`."""
        low = prefix if prefix.startswith("h-") else f"h-{prefix}"
        with self._lock:
            return sorted(hand for hand in self._tables.hands if hand.startswith(low))[:LIKE_MAX]

    def hand_row(self, hand: HandId) -> HandRow | None:
        """Return the row of something that people do."""
        return self._tables.hands.get(hand)

    def notice_rows(self, *, run: RunId | None = None, limit: int = 50) -> Sequence[NoticeRow]:
        """Return messages for people, the newest first."""
        with self._lock:
            found = sorted(
                self._tables.notices.values(), key=lambda row: (row.at_ms, row.run, row.n, row.person)
            )
        return [row for row in reversed(found) if run in {None, row.run}][:limit]
