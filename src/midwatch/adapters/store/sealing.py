"""One sealing pass as SQL: committed events get their place in the global log."""

import sqlite3
from collections.abc import Callable

from midwatch.base.ids import StreamId
from midwatch.ports.store import SealedLog, SealedMore

UNSEALED = """
SELECT COALESCE((SELECT MAX(row) FROM mw_events), 0) > COALESCE((SELECT MAX(row) FROM mw_log), 0)
"""
SEALED_SIZE = "SELECT COALESCE(MAX(position) + 1, 0) FROM mw_log"
TILE = "SELECT hashes FROM mw_tiles WHERE level = :level AND idx = :idx"
_LAST_ROW = "SELECT COALESCE(MAX(row), 0) FROM mw_log"
_PENDING = """
SELECT row, stream, n, leaf_hash FROM mw_events
WHERE row > :last ORDER BY row LIMIT :limit
"""
_PLACE = "INSERT INTO mw_log (position, row) VALUES (:position, :row)"
_PUT_TILE = """
INSERT INTO mw_tiles (level, idx, hashes) VALUES (:level, :idx, :hashes)
ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes
"""
_PUT_CHECKPOINT = "INSERT INTO mw_checkpoints (size, note, at_ms) VALUES (:size, :note, :at_ms)"


def seal_pass(
    connection: sqlite3.Connection, grow: Callable[[SealedLog], SealedMore | None], *, limit: int
) -> int:
    """Seal at most `limit` events inside the open transaction; return how many.

    SQLite's one writer at a time makes the order of rows the order of commits: whatever is not
    sealed lies behind the last row that is.
    """
    size = connection.execute(SEALED_SIZE).fetchone()[0]
    last = connection.execute(_LAST_ROW).fetchone()[0]
    found = connection.execute(_PENDING, {"last": last, "limit": limit}).fetchall()
    if not found:
        return 0

    def read_tile(level: int, index: int) -> bytes:
        tile = connection.execute(TILE, {"level": level, "idx": index}).fetchone()
        return b"" if tile is None else bytes(tile[0])

    pending = tuple((StreamId(stream), n, leaf_hash) for _, stream, n, leaf_hash in found)
    more = grow(SealedLog(size=size, pending=pending, read_tile=read_tile))
    if more is None:
        return 0
    assert more.size == size + len(found), "a sealing pass seals what is pending, in its order"
    connection.executemany(_PLACE, [{"position": size + i, "row": row[0]} for i, row in enumerate(found)])
    connection.executemany(
        _PUT_TILE,
        [{"level": level, "idx": index, "hashes": hashes} for (level, index), hashes in more.tiles.items()],
    )
    connection.execute(_PUT_CHECKPOINT, {"size": more.size, "note": more.checkpoint, "at_ms": more.at_ms})
    return len(found)
