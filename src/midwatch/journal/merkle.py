"""The Merkle tree over all leaves, kept in tiles, with inclusion and consistency proofs.

Tile (level, index) holds up to 256 hashes of 32 bytes: the roots of the complete subtrees of 256^level
leaves that begin at leaf index * 256^(level + 1). A tile grows in place until it is full.

Source: RFC 9162 section 2.1 (hashing and proofs); C2SP tlog-tiles (tiles of height 8).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from midwatch.base.errors import MidwatchError

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
EMPTY_ROOT = hashlib.sha256(b"").digest()

ReadTile = Callable[[int, int], bytes]
"""(level, index) to the hashes of that tile one after the other; empty where there is none yet."""


class TileRefusedError(MidwatchError):
    """A tile of the Merkle log doesn't hold the hashes that the log's size calls for."""

    code = "MW209"
    fix = "Run `midwatch audit verify`: it names the first broken entry. Restore the database from a backup."


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256 of 0x01 and both children.

    Source: RFC 9162 section 2.1.1.
    """
    return hashlib.sha256(b"\x01" + left + right).digest()


def rows_above(row: bytes) -> Iterator[bytes]:
    """Yield the row of parents, then of their parents, up to a row of one.

    An odd hash at the end of a row has no parent yet and is left out.
    """
    sha256 = hashlib.sha256
    while len(row) >= 2 * HASH_BYTES:
        row = b"".join([sha256(b"\x01" + row[at : at + 64]).digest() for at in range(0, len(row) - 63, 64)])
        yield row


def subtree_root(row: bytes) -> bytes:
    """Return the root over a row of hashes whose number is a power of two."""
    top = row
    for top in rows_above(row):  # noqa: B007 -- the last row is the root
        pass
    return top


def grow(
    size: int, read_tile: ReadTile, hashes: Sequence[bytes]
) -> tuple[Mapping[tuple[int, int], bytes], int, bytes]:
    """Return the tiles that are new or longer, the new size and the new root.

    Args:
        size: how many leaves the tree has.
        read_tile: reads the tree as it is: the last tile of each level, no others.
        hashes: leaf hashes to append, 32 bytes each.

    Raises:
        TileRefusedError: MW209, when a stored tile doesn't fit `size`.
    """
    tiles: dict[tuple[int, int], bytes] = {}
    level, added = 0, b"".join(hashes)
    while added:
        index, width = divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)
        held = read_tile(level, index) if width else b""
        if len(held) != width * HASH_BYTES:
            raise _refused(level, index)
        row = held + added
        full: list[bytes] = []
        for at in range(0, len(row), TILE_BYTES):
            tile = row[at : at + TILE_BYTES]
            tiles[level, index + at // TILE_BYTES] = tile
            if len(tile) == TILE_BYTES:
                full.append(subtree_root(tile))
        added = b"".join(full)
        level += 1
    new_size = size + len(hashes)

    def read_new(level: int, index: int) -> bytes:
        return tiles[level, index] if (level, index) in tiles else read_tile(level, index)

    return tiles, new_size, root_of(new_size, read_new)


def root_of(size: int, read_tile: ReadTile) -> bytes:
    """Return the root over the first `size` leaves.

    Raises:
        TileRefusedError: MW209, when a tile that is needed is missing or short.
    """
    return _range_root(0, size, read_tile) if size else EMPTY_ROOT


def _refused(level: int, index: int) -> TileRefusedError:
    return TileRefusedError(
        f"tile {index} of level {level} doesn't hold what the log's size calls for", level=level, index=index
    )


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _range_root(start: int, end: int, read_tile: ReadTile) -> bytes:
    """Return the root over leaves `start` to `end` (exclusive), a range that RFC 9162's recursion makes."""
    count = end - start
    if count & (count - 1):
        middle = start + _split(count)
        return node_hash(_range_root(start, middle, read_tile), _range_root(middle, end, read_tile))
    level, height = divmod(count.bit_length() - 1, TILE_HEIGHT)
    index, offset = divmod(start >> (TILE_HEIGHT * level), TILE_WIDTH)
    row = read_tile(level, index)[offset * HASH_BYTES : (offset + (1 << height)) * HASH_BYTES]
    if len(row) != HASH_BYTES << height:
        raise _refused(level, index)
    return subtree_root(row)


def inclusion_proof(index: int, size: int, read_tile: ReadTile) -> tuple[bytes, ...]:
    """Return the hashes that lead from leaf `index` to the root over `size` leaves, the lowest first.

    Raises:
        TileRefusedError: MW209, when a tile that is needed is missing or short.

    Source: RFC 9162 section 2.1.3.1.
    """
    if not 0 <= index < size:
        raise AssertionError("the leaf lies outside the tree")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(middle, end, read_tile))
            end = middle
        else:
            path.append(_range_root(start, middle, read_tile))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, read_tile: ReadTile) -> tuple[bytes, ...]:
    """Return the hashes that show that the tree of `old` leaves is the beginning of that of `new`.

    Empty when `old` is 0 or equals `new`.

    Raises:
        TileRefusedError: MW209, when a tile that is needed is missing or short.

    Source: RFC 9162 section 2.1.4.1.
    """
    if not 0 <= old <= new:
        raise AssertionError("the older tree is larger")
    if old in {0, new}:
        return ()
    path: list[bytes] = []
    start, end, known = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range_root(middle, end, read_tile))
            end = middle
        else:
            path.append(_range_root(start, middle, read_tile))
            start, known = middle, False
    if not known:
        path.append(_range_root(start, end, read_tile))
    return tuple(reversed(path))


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether the proof shows the leaf hash at `index` of the tree of `size` leaves with this root.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    at, last, made = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            made = node_hash(step, made)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            made = node_hash(made, step)
        at, last = at >> 1, last >> 1
    return last == 0 and made == root


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether the proof shows that the new tree begins with the old one.

    Source: RFC 9162 section 2.1.4.2.
    """
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if not 0 < old < new or not proof:
        return False
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    made_old = made_new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            made_old, made_new = node_hash(step, made_old), node_hash(step, made_new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            made_new = node_hash(made_new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and made_old == old_root and made_new == new_root
