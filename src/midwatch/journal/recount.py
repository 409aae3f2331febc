"""The Merkle log, counted again from its leaves and compared with everything stored of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from midwatch.base.units import EpochMs
from midwatch.journal.events import StoredEvent
from midwatch.journal.merkle import EMPTY_ROOT, HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, node_hash, rows_above

FINDINGS_MAX = 100
"""No more findings than this are kept: one is enough to know, a hundred to see where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is broken."""

    place: str
    """`stream#n`, `position p`, `tile level/index`, `checkpoint size` or `witness size`."""
    sentence: str


class Findings:
    """Collects findings, the first per place, up to a limit."""

    def __init__(self) -> None:
        """Begin with none."""
        self.kept: dict[str, Finding] = {}

    def add(self, place: str, sentence: str) -> None:
        """Keep the finding, unless its place has one or there are enough."""
        if len(self.kept) < FINDINGS_MAX:
            self.kept.setdefault(place, Finding(place=place, sentence=sentence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Somebody's word that the log has this root at this size."""

    size: int
    root: bytes
    place: str
    denial: str


class Recount:
    """The Merkle log, built again tile by tile, beside the one that is stored."""

    def __init__(
        self, tiles: Iterable[tuple[int, int, bytes]], claims: Iterable[Claim], found: Findings
    ) -> None:
        """Take the stored tiles (level, index, hashes), and what is said of the log's root."""
        self.size = 0
        self.waiting_since_ms: EpochMs | None = None
        """When the oldest event without a position was written."""
        self.tiles = {(level, index): tile for level, index, tile in tiles}
        self.claims = sorted(claims, key=lambda claim: claim.size, reverse=True)
        self.found = found
        self.row: list[bytes] = []
        self.entries: list[StoredEvent] = []
        self.above: list[list[bytes]] = []
        self.early: dict[int, tuple[StoredEvent, bytes]] = {}

    def add(self, page: Sequence[StoredEvent], hashes: Sequence[bytes]) -> None:
        """Take events with their leaf hashes; positions may come in another order than they have."""
        at, end = 0, len(page)
        while at < end:
            upto = min(at + TILE_WIDTH - len(self.row), end)
            part = page[at:upto]
            dense = range(self.size, self.size + len(part))
            if self.early or [stored.position for stored in part] != list(dense):
                break
            self.row += hashes[at:upto]
            self.entries += part
            self.size += len(part)
            if len(self.row) == TILE_WIDTH:
                self._close_row()
            at = upto
        for stored, hashed in zip(page[at:], hashes[at:], strict=True):
            self._add_one(stored, hashed)

    def _add_one(self, stored: StoredEvent, hashed: bytes) -> None:
        position = stored.position
        if position is None:
            if self.waiting_since_ms is None or stored.at_ms < self.waiting_since_ms:
                self.waiting_since_ms = stored.at_ms
            return
        if position != self.size:
            if position < self.size or position in self.early:
                self.found.add(
                    f"position {position}", f"{stored.stream}#{stored.n} has a position that is taken"
                )
            else:
                self.early[position] = stored, hashed
            return
        row = self.row
        while True:
            row.append(hashed)
            self.entries.append(stored)
            self.size += 1
            if len(row) == TILE_WIDTH:
                self._close_row()
            if not self.early or self.size not in self.early:
                return
            stored, hashed = self.early.pop(self.size)

    def _close_row(self) -> bytes:
        """Compare the row with its tile and with what is claimed of sizes in it; return the root so far."""
        index = (self.size - len(self.row)) // TILE_WIDTH
        rows = [b"".join(self.row)]
        rows.extend(rows_above(rows[0]))
        self._compare(0, index, rows[0])
        start = self.size - len(self.row)
        above: list[tuple[list[bytes], int]] | None = None
        while self.claims and self.claims[-1].size <= self.size:
            claim = self.claims.pop()
            above = above or self._rows_of_above()
            if _root([(rows, claim.size - start), *above]) != claim.root:
                self.found.add(claim.place, claim.denial)
        root = _root([(rows, len(self.row)), *(above or self._rows_of_above())])
        if len(self.row) == TILE_WIDTH:
            self._carry(rows[-1], index)
            self.row.clear()
            self.entries.clear()
        return root

    def _carry(self, hashed: bytes, index: int) -> None:
        """Put the root of a full tile into the tile above it."""
        for level in range(1, len(self.above) + 2):
            if len(self.above) < level:
                self.above.append([])
            row = self.above[level - 1]
            row.append(hashed)
            if len(row) < TILE_WIDTH:
                return
            index //= TILE_WIDTH
            joined = b"".join(row)
            self._compare(level, index, joined)
            *_, hashed = rows_above(joined)
            row.clear()

    def _rows_of_above(self) -> list[tuple[list[bytes], int]]:
        joined = [b"".join(row) for row in self.above]
        return [([row, *rows_above(row)], len(row) // HASH_BYTES) for row in joined]

    def _compare(self, level: int, index: int, row: bytes) -> None:
        stored = self.tiles.pop((level, index), b"")
        if stored == row:
            return
        place = f"tile {level}/{index}"
        for at in range(0, len(row), HASH_BYTES):
            if stored[at : at + HASH_BYTES] != row[at : at + HASH_BYTES]:
                number = at // HASH_BYTES
                if level == 0:
                    entry = self.entries[number]
                    what = f"{entry.stream}#{entry.n} at position {index * TILE_WIDTH + number}"
                else:
                    what = f"the hash {number} that follows from the level below"
                self.found.add(place, f"it doesn't hold {what}")
                return
        self.found.add(place, f"it holds {len(stored)} bytes where the log has {len(row)}")

    def finish(self) -> bytes:
        """Compare what is left; return the root over all leaves.

        Without a hole in the positions, every claim but one about a longer log has been looked at.
        """
        for position in sorted(self.early)[:1]:
            self.found.add(
                f"position {self.size}", f"positions {self.size} to {position - 1} belong to no event"
            )
        root = self._close_row() if self.row or self.size == 0 else _root(self._rows_of_above())
        for level, row in enumerate(self.above, 1):
            if row:
                index = self.size >> TILE_HEIGHT * (level + 1)
                self._compare(level, index, b"".join(row))
        for level, index in sorted(self.tiles):
            self.found.add(f"tile {level}/{index}", f"it lies beyond the {self.size} events of the log")
        for claim in reversed(self.claims):
            self.found.add(
                claim.place, f"it says {claim.size} events, and the log has {self.size}: its end is missing"
            )
        return root


def _root(parts: Sequence[tuple[list[bytes], int]]) -> bytes:
    """Return the root over rows of tiles, the lowest level first, each with how many of its hashes count."""
    root: bytes | None = None
    for rows, width in parts:
        for height in range(width.bit_length()):
            if width >> height & 1:
                at = ((width >> height) - 1) * HASH_BYTES
                peak = rows[height][at : at + HASH_BYTES]
                root = peak if root is None else node_hash(peak, root)
    return EMPTY_ROOT if root is None else root
