"""Vectors of RFC 6962, as Certificate Transparency's reference implementation publishes them."""

import pytest

from midwatch.journal.chain import leaf_hash
from midwatch.journal.merkle import (
    EMPTY_ROOT,
    TILE_BYTES,
    TileRefusedError,
    consistency_proof,
    grow,
    includes,
    inclusion_proof,
    is_consistent,
    node_hash,
    root_of,
)

INPUTS = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(data) for data in INPUTS]
TILES = grow(0, lambda _level, _index: b"", LEAVES)[0]


def read_tile(level: int, index: int) -> bytes:
    return TILES.get((level, index), b"")


def test_the_published_roots_come_out_at_every_size() -> None:
    assert [root_of(size, read_tile).hex() for size in range(9)] == ROOTS
    assert EMPTY_ROOT.hex() == ROOTS[0]


def test_growing_one_by_one_gives_the_published_roots() -> None:
    tiles: dict[tuple[int, int], bytes] = {}
    for size, leaf in enumerate(LEAVES):
        new, now, root = grow(size, lambda level, index: tiles.get((level, index), b""), [leaf])
        tiles.update(new)
        assert (now, root.hex()) == (size + 1, ROOTS[size + 1])


def test_growing_by_nothing_changes_nothing() -> None:
    assert grow(8, read_tile, []) == ({}, 8, bytes.fromhex(ROOTS[8]))
    assert grow(0, read_tile, []) == ({}, 0, EMPTY_ROOT)


def test_a_published_inclusion_proof_comes_out() -> None:
    assert [step.hex() for step in inclusion_proof(5, 8, read_tile)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_a_published_consistency_proof_comes_out() -> None:
    assert [step.hex() for step in consistency_proof(6, 8, read_tile)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_a_full_tile_of_256_hashes_starts_the_tile_above() -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(256)]
    tiles, size, root = grow(0, lambda _level, _index: b"", leaves)
    assert size == 256
    assert set(tiles) == {(0, 0), (1, 0)}
    assert len(tiles[0, 0]) == TILE_BYTES
    assert tiles[1, 0] == root


def test_a_tile_that_does_not_fit_the_size_is_refused_when_growing() -> None:
    for size in (7, 9):
        with pytest.raises(TileRefusedError) as caught:
            grow(size, read_tile, [LEAVES[0]])
        assert caught.value.code == "MW209"
        assert caught.value.facts == {"level": 0, "index": 0}


def test_a_missing_tile_is_refused_when_reading() -> None:
    with pytest.raises(TileRefusedError):
        root_of(9, read_tile)


def test_a_proof_is_wrong_in_every_other_place() -> None:
    root = bytes.fromhex(ROOTS[8])
    proof = inclusion_proof(5, 8, read_tile)
    assert includes(LEAVES[5], 5, 8, proof, root)
    assert not includes(LEAVES[5], 4, 8, proof, root)
    assert not includes(LEAVES[4], 5, 8, proof, root)
    assert not includes(LEAVES[5], 5, 6, proof, root)
    assert not includes(LEAVES[5], 8, 8, proof, root)
    assert not includes(LEAVES[5], -1, 8, proof, root)
    assert not includes(LEAVES[5], 5, 8, proof[:-1], root)
    assert not includes(LEAVES[5], 5, 8, (*proof, proof[0]), root)
    assert not includes(node_hash(LEAVES[4], LEAVES[5]), 2, 4, proof[1:], bytes.fromhex(ROOTS[4]))


def test_consistency_is_denied_where_it_does_not_hold() -> None:
    six, eight = bytes.fromhex(ROOTS[6]), bytes.fromhex(ROOTS[8])
    proof = consistency_proof(6, 8, read_tile)
    assert is_consistent(6, six, 8, eight, proof)
    assert not is_consistent(6, eight, 8, eight, proof)
    assert not is_consistent(6, six, 8, six, proof)
    assert not is_consistent(5, bytes.fromhex(ROOTS[5]), 8, eight, proof)
    assert not is_consistent(6, six, 8, eight, proof[:-1])
    assert not is_consistent(6, six, 8, eight, (*proof, proof[0]))
    assert not is_consistent(6, six, 8, eight, ())
    assert not is_consistent(8, eight, 6, six, proof)
    assert not is_consistent(8, eight, 8, six, ())
    assert not is_consistent(0, six, 8, eight, ())
    assert is_consistent(0, EMPTY_ROOT, 8, eight, ())
    assert is_consistent(8, eight, 8, eight, ())
