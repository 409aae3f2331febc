from dataclasses import replace

import pytest

from midwatch.base.ids import StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.chain import GENESIS, leaf_hash
from midwatch.journal.checkpoint import Checkpoint, remembered_in, sign_checkpoint, verifier_key, witness_line
from midwatch.journal.events import Payload, StoredEvent
from midwatch.journal.run_events import TaskStarted
from midwatch.journal.sealing import seal
from midwatch.journal.verify import verify_journal
from unit.journal.made_journal import (
    KEY,
    ORIGIN,
    PUBLIC_KEY,
    SIGNER,
    SUBJECT,
    VERIFIER,
    MadeJournal,
    made_journal,
)

MANY = made_journal(80)
"""560 events: two full tiles and a third, and a tile above them."""


def places(journal: MadeJournal, *, opened: bool = True) -> list[str]:
    return [finding.place for finding in journal.verify(opened=opened).findings]


def copy(journal: MadeJournal) -> MadeJournal:
    return MadeJournal(
        rows=list(journal.rows), tiles=dict(journal.tiles), checkpoints=list(journal.checkpoints)
    )


def test_an_empty_journal_is_whole() -> None:
    verified = MadeJournal().verify()
    assert verified.findings == ()
    assert (verified.events, verified.sealed, verified.checkpoints) == (0, 0, 0)


def test_a_whole_journal_has_no_findings_and_right_figures() -> None:
    verified = MANY.verify(remembered=MANY.witness())
    assert verified.findings == ()
    assert (verified.events, verified.sealed, verified.checkpoints, verified.erased) == (560, 560, 80, 0)
    assert verified.unsealed_since_ms is None
    last = MANY.rows[-1].entry
    assert verified.heads["policy"] == (80, last.leaf_hash.hex())


@pytest.mark.parametrize("size", [2, 255, 256, 257, 512])
def test_a_journal_that_ends_at_a_tile_boundary_is_whole(size: int) -> None:
    journal = MadeJournal()
    journal.append("run/r-1", size - size // 2)
    journal.seal()
    journal.append("run/r-1", size // 2)
    journal.seal()
    assert journal.verify(remembered=journal.witness()).findings == ()


def test_every_event_is_visited_in_order_with_its_position() -> None:
    seen: list[tuple[StoredEvent, str, Payload]] = []
    made_journal(1).verify(visit=lambda stored, actor, payload: seen.append((stored, actor, payload)))
    assert [stored.ref for stored, _, _ in seen][2:5] == ["run/r-1#3", "run/r-2#1", "run/r-2#2"]
    assert [stored.position for stored, _, _ in seen] == list(range(7))
    assert seen[1][1:] == ("person:ada", TaskStarted(task="a", attempt=2))


def test_events_that_wait_for_the_sequencer_are_told_not_blamed() -> None:
    journal = made_journal(1)
    journal.append("run/r-1", 2)
    verified = journal.verify()
    assert verified.findings == ()
    assert (verified.events, verified.sealed) == (9, 7)
    assert verified.unsealed_since_ms == 1_800_000_000_007


def test_positions_may_come_in_another_order_than_the_rows() -> None:
    journal = copy(MANY)
    by_stream = sorted(journal.rows, key=lambda row: (row.entry.stream, row.entry.n))
    journal.rows = by_stream
    assert places(journal) == []


def test_an_erased_subject_is_counted_and_its_events_stay_verified() -> None:
    verified = verify_journal(
        MANY.stored(),
        tiles=[(level, index, tile) for (level, index), tile in MANY.tiles.items()],
        checkpoints=MANY.checkpoints,
        verifier=VERIFIER,
        key_of=lambda _subject: None,
    )
    assert verified.findings == ()
    assert verified.erased == 560


def test_a_missing_event_is_named_by_what_follows_it_and_by_its_position() -> None:
    journal = copy(MANY)
    del journal.rows[298]
    found = journal.verify().findings
    assert found[0].place == "run/r-2#129"
    assert "1 events are missing, from run/r-2#128 on" in found[0].sentence
    assert any(finding.place == "position 298" for finding in found)


def test_an_event_that_is_there_twice_is_named() -> None:
    journal = copy(MANY)
    journal.rows.insert(299, journal.rows[298])
    assert places(journal)[:2] == ["run/r-2#128", "position 298"]


def test_events_out_of_order_are_named() -> None:
    journal = copy(MANY)
    journal.rows[0], journal.rows[1] = journal.rows[1], journal.rows[0]
    assert places(journal) == ["run/r-1#2"]


def test_swapped_positions_are_named_by_tile() -> None:
    journal = copy(MANY)
    one, two = journal.rows[298], journal.rows[299]
    journal.rows[298:300] = [replace(one, position=299), replace(two, position=298)]
    found = journal.verify().findings
    assert found[0].place == "tile 0/1"
    assert "run/r-2#129 at position 298" in found[0].sentence


def test_a_lost_position_is_named() -> None:
    journal = copy(MANY)
    journal.rows[298] = replace(journal.rows[298], position=None)
    assert "position 298" in places(journal)


def test_a_deleted_tail_is_found_by_the_checkpoints_that_are_left() -> None:
    journal = copy(MANY)
    del journal.rows[-1]
    assert places(journal) == ["tile 0/2", "checkpoint 560"]


def test_a_tail_deleted_with_everything_above_it_is_found_by_a_witness_only() -> None:
    memory = MANY.witness()
    cut = made_journal(79)
    assert cut.verify().findings == ()
    (finding,) = cut.verify(remembered=memory).findings
    assert finding.place == "witness 560"
    assert "its end is missing" in finding.sentence


def test_a_chain_rebuilt_and_signed_again_is_found_by_a_witness_only() -> None:
    memory = made_journal(4).witness()
    rebuilt = made_journal(80, word="b")
    assert rebuilt.verify().findings == ()
    (finding,) = rebuilt.verify(remembered=memory).findings
    assert finding.place == "witness 28"
    assert "rebuilt" in finding.sentence


def test_a_log_rebuilt_under_another_key_is_found_by_a_witness() -> None:
    other = verifier_key("midwatch/other", PUBLIC_KEY)
    note = sign_checkpoint(
        Checkpoint(origin="midwatch/other", size=0, root=MadeJournal().verify().root),
        public_key=PUBLIC_KEY,
        sign=SIGNER.sign,
    )
    memory = remembered_in([witness_line(note, verifier=other, at_ms=EpochMs(0))])
    (finding,) = MANY.verify(remembered=memory).findings
    assert "midwatch/other" in finding.sentence


def test_a_checkpoint_that_is_gone_leaves_events_uncovered() -> None:
    journal = copy(MANY)
    journal.checkpoints.pop()
    assert places(journal) == ["position 553"]


def test_a_checkpoint_under_another_size_is_named() -> None:
    journal = copy(MANY)
    journal.checkpoints[3] = (29, journal.checkpoints[3][1])
    assert places(journal) == ["checkpoint 29"]


def test_a_checkpoint_that_signs_another_root_is_named() -> None:
    journal = copy(MANY)
    head = Checkpoint(origin=ORIGIN, size=28, root=bytes(32))
    journal.checkpoints[3] = (28, sign_checkpoint(head, public_key=PUBLIC_KEY, sign=SIGNER.sign))
    assert places(journal) == ["checkpoint 28"]


@pytest.mark.parametrize("place", [(0, 0), (0, 2), (1, 0)])
def test_a_missing_a_short_and_a_long_tile_are_named(place: tuple[int, int]) -> None:
    for tile in (b"", MANY.tiles[place][:-32], MANY.tiles[place] + bytes(32)):
        journal = copy(MANY)
        journal.tiles[place] = tile
        assert places(journal) == [f"tile {place[0]}/{place[1]}"]


def test_a_tile_beyond_the_log_is_named() -> None:
    journal = copy(MANY)
    journal.tiles[0, 7] = bytes(32)
    assert places(journal) == ["tile 0/7"]


def test_an_event_rewritten_with_hash_and_columns_breaks_link_and_tile() -> None:
    journal = copy(MANY)
    row = journal.rows[298]
    leaf = row.entry.leaf.replace(b'"task.', b'"risk.')
    changed = replace(
        row.entry, leaf=leaf, leaf_hash=leaf_hash(leaf), type=row.entry.type.replace("task", "risk")
    )
    journal.rows[298] = replace(row, entry=changed)
    found = journal.verify(opened=False).findings
    assert found[0].place == "run/r-2#129"
    assert "run/r-2#128" in found[0].sentence
    assert "tile 0/1" in [finding.place for finding in found]


def test_an_event_of_an_unknown_type_is_named_with_what_it_is() -> None:
    journal = made_journal(1)
    row = journal.rows[0]
    leaf = row.entry.leaf.replace(b'"task.succeeded"', b'"task.dreamt"')
    changed = replace(row.entry, leaf=leaf, leaf_hash=leaf_hash(leaf), type="task.dreamt")
    journal.rows[0] = replace(row, entry=changed)
    assert "task.dreamt is not a known event" in journal.verify().findings[0].sentence


def test_a_payload_sealed_again_is_found_when_opened() -> None:
    journal = copy(MANY)
    row = journal.rows[5]
    _, sealed = seal(
        b'{"actor":"person:eve","data":{"attempt":1,"iteration":0,"task":"a"}}',
        salt=bytes(16),
        nonce=bytes(12),
        key=KEY,
        stream=row.entry.stream,
        n=row.entry.n,
        subject=SUBJECT,
    )
    journal.rows[5] = replace(row, entry=replace(row.entry, sealed=sealed))
    assert places(journal) == ["run/r-2#3"]
    assert places(journal, opened=False) == []


def test_a_stream_that_does_not_begin_at_one_is_named() -> None:
    journal = MadeJournal()
    journal.append("run/r-1", 2)
    del journal.rows[0]
    assert places(journal) == ["run/r-1#2"]
    assert GENESIS == "0" * 64


def test_a_broken_stream_does_not_hide_another() -> None:
    journal = copy(MANY)
    for at in (0, 3):
        row = journal.rows[at]
        journal.rows[at] = replace(row, entry=replace(row.entry, at_ms=EpochMs(1)))
    assert places(journal) == ["run/r-1#1", "run/r-2#1"]


def test_a_row_moved_to_another_stream_is_named() -> None:
    journal = copy(MANY)
    row = journal.rows[-1]
    journal.rows[-1] = replace(row, entry=replace(row.entry, stream=StreamId("run/r-9")))
    assert places(journal) == ["run/r-9#80"]


def test_findings_are_kept_up_to_a_limit() -> None:
    journal = MadeJournal()
    for number in range(150):
        journal.append(f"run/r-{number}")
    journal.rows = [replace(row, entry=replace(row.entry, leaf_hash=bytes(32))) for row in journal.rows]
    assert len(places(journal)) == 100


def test_of_two_breaks_in_one_page_the_first_of_a_stream_is_named_and_all_before_it_visited() -> None:
    journal = made_journal(2)
    payload, link = journal.rows[4], journal.rows[10]
    assert [(row.entry.stream, row.entry.n) for row in (payload, link)] == [("run/r-2", 2), ("run/r-2", 4)]
    journal.rows[4] = replace(payload, entry=replace(payload.entry, sealed=payload.entry.sealed[:-1]))
    journal.rows[10] = replace(link, entry=replace(link.entry, at_ms=EpochMs(1)))
    seen: list[str] = []
    verified = journal.verify(visit=lambda stored, _actor, _payload: seen.append(stored.ref))
    assert [finding.place for finding in verified.findings] == ["run/r-2#2"]
    assert [ref for ref in seen if ref.startswith("run/r-2#")] == ["run/r-2#1"]
    assert len([ref for ref in seen if ref.startswith("run/r-1#")]) == 6
    assert verified.heads["run/r-2"][0] == 2
