"""What people do by hand and what they are told, as `SqliteStore` reads it."""

from collections.abc import Sequence

from midwatch.adapters.store.reads import ReadPool
from midwatch.adapters.store.rows import HAND, NOTICE
from midwatch.base.ids import HandId, RunId
from midwatch.ports.rows import HandRow, NoticeRow

LIKE_MAX = 10
_AFTER_ANY_ID = "~"
"""Sorts behind every character of an id, so that ids with a prefix are a range of the index."""
_HANDS = f"{HAND.select} WHERE (:run IS NULL OR run = :run) ORDER BY asked_ms, hand"
_OPEN_HANDS = f"""
{HAND.select}
WHERE status = 'open' AND (:run IS NULL OR run = :run)
ORDER BY asked_ms, hand
"""
_HANDS_LIKE = "SELECT hand FROM mw_hands WHERE hand >= :low AND hand < :high ORDER BY hand LIMIT :limit"
_NOTICES = f"""
{NOTICE.select}
WHERE (:run IS NULL OR run = :run)
ORDER BY at_ms DESC, run DESC, n DESC, person DESC LIMIT :limit
"""


class PeopleReads:
    """The part of `ports.store.Store` that is about what people do and are told."""

    _reads: ReadPool

    def hand_rows(self, *, run: RunId | None = None, only_open: bool = False) -> Sequence[HandRow]:
        """Return what people do by hand, the oldest first."""
        found = self._reads.rows(_OPEN_HANDS if only_open else _HANDS, {"run": run})
        return [HAND.row(row) for row in found]

    def hands_like(self, prefix: str) -> Sequence[HandId]:
        """Return at most ten hands whose id starts so, with or without `h-`."""
        return [HandId(found) for found in self._ids_like(_HANDS_LIKE, "h-", prefix)]

    def hand_row(self, hand: HandId) -> HandRow | None:
        """Return the row of something that people do."""
        found = self._reads.row(f"{HAND.select} WHERE hand = :hand", {"hand": hand})
        return None if found is None else HAND.row(found)

    def notice_rows(self, *, run: RunId | None = None, limit: int = 50) -> Sequence[NoticeRow]:
        """Return messages for people, the newest first."""
        return [NOTICE.row(row) for row in self._reads.rows(_NOTICES, {"run": run, "limit": limit})]

    def _ids_like(self, sql: str, letter: str, prefix: str) -> list[str]:
        low = prefix if prefix.startswith(letter) else letter + prefix
        found = self._reads.rows(sql, {"low": low, "high": low + _AFTER_ANY_ID, "limit": LIKE_MAX})
        return [row[0] for row in found]
