"""Any flipped bit of anything stored is found: 100 examples for each place it can lie in."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.base.ids import StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.verify import Verified
from unit.journal.made_journal import MadeJournal, Row, made_journal

UNTIMED = settings(deadline=None)
"""A busy machine is no failure."""


JOURNAL = made_journal(40, every=8)
ROWS = st.integers(0, len(JOURNAL.rows) - 1)
BITS = st.integers(0, 2**20)


def flipped(data: bytes, bit: int) -> bytes:
    bit %= 8 * len(data)
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


def flipped_text(text: str, bit: int) -> str:
    return flipped(text.encode(), bit).decode("utf-8", "surrogateescape")


def with_row(at: int, row: Row) -> Verified:
    rows = [*JOURNAL.rows[:at], row, *JOURNAL.rows[at + 1 :]]
    return MadeJournal(rows=rows, tiles=JOURNAL.tiles, checkpoints=JOURNAL.checkpoints).verify()


COLUMNS = ("leaf", "leaf_hash", "sealed", "stream", "type", "n", "at_ms", "subject", "position")


@pytest.mark.parametrize("column", COLUMNS)
@UNTIMED
@given(at=ROWS, bit=BITS)
def test_a_flipped_bit_of_an_event_is_found(column: str, at: int, bit: int) -> None:
    row = JOURNAL.rows[at]
    entry = row.entry
    match column:
        case "leaf":
            entry = replace(entry, leaf=flipped(entry.leaf, bit))
        case "leaf_hash":
            entry = replace(entry, leaf_hash=flipped(entry.leaf_hash, bit))
        case "sealed":
            entry = replace(entry, sealed=flipped(entry.sealed, bit))
        case "stream":
            entry = replace(entry, stream=StreamId(flipped_text(entry.stream, bit)))
        case "type":
            entry = replace(entry, type=flipped_text(entry.type, bit))
        case "n":
            entry = replace(entry, n=entry.n ^ 1 << bit % 63)
        case "at_ms":
            entry = replace(entry, at_ms=EpochMs(entry.at_ms ^ 1 << bit % 63))
        case "subject":
            entry = replace(entry, subject=flipped_text(entry.subject, bit))
        case _:
            assert row.position is not None
            row = replace(row, position=row.position ^ 1 << bit % 63)
    verified = with_row(at, replace(row, entry=entry))
    assert verified.findings
    if column not in {"position", "stream"}:
        assert verified.findings[0].place == f"{row.entry.stream}#{entry.n}"


@UNTIMED
@given(place=st.sampled_from(sorted(JOURNAL.tiles)), bit=BITS)
def test_a_flipped_bit_of_a_tile_is_found_and_the_tile_named(place: tuple[int, int], bit: int) -> None:
    tiles = {**JOURNAL.tiles, place: flipped(JOURNAL.tiles[place], bit)}
    found = MadeJournal(rows=JOURNAL.rows, tiles=tiles, checkpoints=JOURNAL.checkpoints).verify().findings
    assert [finding.place for finding in found] == [f"tile {place[0]}/{place[1]}"]


@UNTIMED
@given(at=st.integers(0, len(JOURNAL.checkpoints) - 1), bit=BITS)
def test_a_flipped_bit_of_a_checkpoint_is_found_and_the_checkpoint_named(at: int, bit: int) -> None:
    size, note = JOURNAL.checkpoints[at]
    checkpoints = list(JOURNAL.checkpoints)
    checkpoints[at] = (size, flipped(note.encode(), bit).decode("utf-8", "replace"))
    found = MadeJournal(rows=JOURNAL.rows, tiles=JOURNAL.tiles, checkpoints=checkpoints).verify().findings
    assert [finding.place for finding in found] == [f"checkpoint {size}"]


@UNTIMED
@given(at=st.integers(0, len(JOURNAL.checkpoints) - 1), bit=st.integers(0, 30))
def test_a_flipped_bit_of_a_checkpoints_size_column_is_found(at: int, bit: int) -> None:
    checkpoints = list(JOURNAL.checkpoints)
    checkpoints[at] = (checkpoints[at][0] ^ 1 << bit, checkpoints[at][1])
    assert MadeJournal(rows=JOURNAL.rows, tiles=JOURNAL.tiles, checkpoints=checkpoints).verify().findings


@settings(UNTIMED, max_examples=30)
@given(cut=st.integers(1, 39), word=st.sampled_from("bcd"))
def test_a_cut_and_a_rebuilt_log_are_found_with_a_witness(cut: int, word: str) -> None:
    memory = JOURNAL.witness()
    assert made_journal(cut, every=8).verify(remembered=memory).findings
    assert made_journal(40, word=word, every=8).verify(remembered=memory).findings
    assert made_journal(41, word=word, every=8).verify(remembered=memory).findings
    assert made_journal(41, every=8).verify(remembered=memory).findings == ()
