import hashlib
from dataclasses import replace

import pytest

from midwatch.base.ids import Principal, StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.chain import ERASED_ACTOR, GENESIS, ChainBrokenError, extend, leaf_hash, open_entry
from midwatch.journal.codec import LeafRefusedError, decode_leaf
from midwatch.journal.events import Draft, Entry, Erased
from midwatch.journal.run_events import TaskStarted
from unit.journal.made_journal import KEY, SUBJECT, made_journal, steady_noise

ENTRY = made_journal(1).rows[0].entry


def test_the_hash_of_a_leaf_has_its_own_domain() -> None:
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()


def test_each_entry_follows_the_one_before_it() -> None:
    draft = Draft(payload=TaskStarted(task="a", attempt=1), actor=Principal("person:ada"))
    entries = extend(
        StreamId("run/r-1"),
        4,
        "e" * 64,
        [draft, draft],
        at_ms=EpochMs(9),
        subject=SUBJECT,
        key=KEY,
        noise=steady_noise(),
    )
    first, second = (decode_leaf(entry.leaf) for entry in entries)
    assert (first.n, first.prev) == (5, "e" * 64)
    assert (second.n, second.prev) == (6, entries[0].leaf_hash.hex())
    assert [(entry.n, entry.type, entry.at_ms) for entry in entries] == [
        (5, "task.started", 9),
        (6, "task.started", 9),
    ]
    assert entries[0].sealed != entries[1].sealed
    assert first.payload_commit != second.payload_commit


def test_nothing_to_append_appends_nothing() -> None:
    made = extend(
        StreamId("policy"), 0, GENESIS, [], at_ms=EpochMs(9), subject=SUBJECT, key=KEY, noise=steady_noise()
    )
    assert made == ()


def test_an_entry_opens_to_the_event_it_was_made_of() -> None:
    event = open_entry(made_journal(1).rows[1].entry, KEY)
    assert event.payload == TaskStarted(task="a", attempt=2)
    assert event.actor == "person:ada"
    assert event.ref == "run/r-1#2"


def test_without_its_key_an_entry_is_erased_and_still_checked() -> None:
    event = open_entry(ENTRY, None)
    assert event.payload == Erased()
    assert event.actor == ERASED_ACTOR
    with pytest.raises(ChainBrokenError):
        open_entry(replace(ENTRY, leaf_hash=bytes(32)), None)


@pytest.mark.parametrize(
    ("entry", "column"),
    [
        (replace(ENTRY, stream=StreamId("run/r-9")), "stream"),
        (replace(ENTRY, n=9), "n"),
        (replace(ENTRY, type="task.failed"), "type"),
        (replace(ENTRY, at_ms=EpochMs(9)), "at_ms"),
    ],
)
def test_a_column_that_differs_from_the_leaf_is_named(entry: Entry, column: str) -> None:
    with pytest.raises(ChainBrokenError, match=f"the column {column} ") as caught:
        open_entry(entry, KEY)
    assert caught.value.code == "MW208"


def test_a_leaf_that_was_changed_together_with_its_hash_is_refused() -> None:
    leaf = ENTRY.leaf.replace(b'"v":1', b'"v":9')
    with pytest.raises(LeafRefusedError):
        open_entry(replace(ENTRY, leaf=leaf, leaf_hash=leaf_hash(leaf)), KEY)
