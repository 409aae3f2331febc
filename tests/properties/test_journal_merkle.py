"""The tree in tiles against the recursive definitions of RFC 9162, taken word for word."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.journal.chain import leaf_hash
from midwatch.journal.merkle import (
    EMPTY_ROOT,
    TILE_BYTES,
    ReadTile,
    consistency_proof,
    grow,
    includes,
    inclusion_proof,
    is_consistent,
    node_hash,
    root_of,
)

UNTIMED = settings(deadline=None)
"""A busy machine is no failure."""


SIZE_MAX = 600
LEAVES = tuple(leaf_hash(str(number).encode()) for number in range(SIZE_MAX))
EDGES = (0, 1, 2, 3, 255, 256, 257, 258, 511, 512, 513, 599, 600)
SIZES = st.one_of(st.integers(0, SIZE_MAX), st.sampled_from(EDGES))


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


@cache
def naive_root(start: int, end: int) -> bytes:
    if end == start:
        return EMPTY_ROOT
    if end - start == 1:
        return LEAVES[start]
    k = split(end - start)
    return node_hash(naive_root(start, start + k), naive_root(start + k, end))


def naive_path(index: int, start: int, end: int) -> list[bytes]:
    if end - start == 1:
        return []
    k = split(end - start)
    if index < k:
        return [*naive_path(index, start, start + k), naive_root(start + k, end)]
    return [*naive_path(index - k, start + k, end), naive_root(start, start + k)]


def naive_subproof(old: int, start: int, end: int, *, known: bool) -> list[bytes]:
    if old == end - start:
        return [] if known else [naive_root(start, end)]
    k = split(end - start)
    if old <= k:
        return [*naive_subproof(old, start, start + k, known=known), naive_root(start + k, end)]
    return [*naive_subproof(old - k, start + k, end, known=False), naive_root(start, start + k)]


def grown(steps: list[int]) -> tuple[dict[tuple[int, int], bytes], int, bytes]:
    tiles: dict[tuple[int, int], bytes] = {}
    size, root = 0, EMPTY_ROOT
    for step in steps:
        new, size, root = grow(size, reader(tiles), LEAVES[size : size + step])
        tiles.update(new)
    return tiles, size, root


def reader(tiles: dict[tuple[int, int], bytes]) -> ReadTile:
    return lambda level, index: tiles.get((level, index), b"")


WHOLE = grown([SIZE_MAX])[0]


@UNTIMED
@given(st.lists(st.one_of(st.integers(0, 90), st.sampled_from([255, 256, 257])), max_size=8))
def test_however_it_grows_root_and_tiles_are_the_same(steps: list[int]) -> None:
    tiles, size, root = grown(steps)
    assert root == naive_root(0, size) == root_of(size, reader(tiles))
    assert tiles == grown([size])[0]
    assert all(len(tile) == TILE_BYTES for place, tile in tiles.items() if place == (0, 0) and size >= 256)


@pytest.mark.parametrize("size", EDGES)
def test_the_root_at_a_tile_boundary_is_that_of_the_definition(size: int) -> None:
    assert root_of(size, reader(WHOLE)) == naive_root(0, size)


def test_the_root_at_every_size_is_that_of_the_definition() -> None:
    read_tile = reader(WHOLE)
    assert all(root_of(size, read_tile) == naive_root(0, size) for size in range(SIZE_MAX + 1))


@settings(UNTIMED, max_examples=300)
@given(st.data(), SIZES.filter(bool))
def test_inclusion_proofs_are_those_of_the_definition_and_hold(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, reader(WHOLE))
    assert list(proof) == naive_path(index, 0, size)
    assert includes(LEAVES[index], index, size, proof, naive_root(0, size))
    other = data.draw(st.integers(0, SIZE_MAX - 1).filter(lambda at: at != index))
    assert not includes(LEAVES[other], index, size, proof, naive_root(0, size))
    assert not includes(LEAVES[index], other, size, proof, naive_root(0, size))


@settings(UNTIMED, max_examples=300)
@given(SIZES, SIZES)
def test_consistency_proofs_are_those_of_the_definition_and_hold(one: int, two: int) -> None:
    old, new = sorted((one, two))
    proof = consistency_proof(old, new, reader(WHOLE))
    if 0 < old < new:
        assert list(proof) == naive_subproof(old, 0, new, known=True)
    assert is_consistent(old, naive_root(0, old), new, naive_root(0, new), proof)


@UNTIMED
@given(st.data(), SIZES, SIZES)
def test_a_flipped_bit_in_a_consistency_proof_or_root_is_found(
    data: st.DataObject, one: int, two: int
) -> None:
    old, new = sorted((one, two))
    parts = [naive_root(0, old), naive_root(0, new), *consistency_proof(old, new, reader(WHOLE))]
    at = data.draw(st.integers(1 if old == 0 else 0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    parts[at] = (int.from_bytes(parts[at]) ^ 1 << bit).to_bytes(32)
    if old == 0:
        assert is_consistent(old, parts[0], new, parts[1], parts[2:]) == (new > 0)
    else:
        assert not is_consistent(old, parts[0], new, parts[1], parts[2:])
