"""Whatever somebody changes in the database behind Midwatch's back, the audit finds and names."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from midwatch.app.audit import Audit, audit
from midwatch.journal.checkpoint import Remembered, remembered_in, verifier_key, witness_line
from support.on_disk import house_on_disk, run_to_the_end

TRIALS = 30
RUNS = 3
TRIGGERS = ("mw_events_no_update", "mw_events_no_delete")

COLUMNS = [
    ("mw_events", "leaf"),
    ("mw_events", "leaf_hash"),
    ("mw_events", "sealed"),
    ("mw_events", "type"),
    ("mw_events", "at_ms"),
    ("mw_events", "stream"),
    ("mw_events", "n"),
    ("mw_events", "subject"),
    ("mw_tiles", "hashes"),
    ("mw_checkpoints", "note"),
    ("mw_checkpoints", "size"),
    ("mw_log", "row"),
    ("mw_log", "position"),
    ("mw_streams", "n"),
    ("mw_streams", "head"),
    ("mw_plans", "document"),
    ("mw_blobs", "sealed"),
    *(
        ("mw_runs", column)
        for column in (
            "runbook", "plan", "document", "title", "status", "outcome", "mode", "initiator",
            "practice", "key", "started_ms", "ended_ms",
        )
    ),
    *(("mw_tasks", column) for column in ("task", "iteration", "status", "attempt")),
    *(("mw_effects", column) for column in ("key", "task", "tool", "effect", "target", "action", "status")),
    *(
        ("mw_approvals", column)
        for column in ("approval", "task", "bundle", "status", "rung", "asked_ms", "expires_ms")
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house with some runs in it, sealed under several checkpoints, and a witness of its last head."""
    folder = tmp_path_factory.mktemp("original")
    with house_on_disk(folder) as (house, drives):
        for _ in range(RUNS):
            run_to_the_end(house, drives)
        assert audit(house, remembered=_witness(folder)).findings == ()
        note = house.store.checkpoints()[-1][1]
        verifier = verifier_key(house.keys.origin, house.keys.public_key)
        (folder / "witness").write_text(witness_line(note, verifier=verifier, at_ms=house.clock.now_ms()))
        assert audit(house, remembered=_witness(folder)).findings == ()
    return folder


@pytest.fixture
def tampered(original: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy to tamper with."""
    folder = tmp_path / "copy"
    shutil.copytree(original, folder)
    yield folder
    shutil.rmtree(folder)


def _witness(folder: Path) -> tuple[Remembered, ...]:
    file = folder / "witness"
    return remembered_in(file.read_text().splitlines()) if file.exists() else ()


def _audited(folder: Path, *, witnessed: bool = False) -> Audit:
    with house_on_disk(folder) as (house, _):
        return audit(house, remembered=_witness(folder) if witnessed else ())


def _attack(folder: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(folder / "midwatch.db")) as connection:
        for trigger in TRIGGERS:
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement, values in statements:
            connection.execute(statement, values)
        connection.commit()


def _flipped(value: object, chance: random.Random) -> object:
    """Return the value with one bit changed, of the type it had."""
    match value:
        case bytes():
            at = chance.randrange(len(value) * 8)
            return bytes(byte ^ (1 << at % 8 if index == at // 8 else 0) for index, byte in enumerate(value))
        case str() if value:
            at = chance.randrange(len(value))
            other = chr(ord(value[at]) ^ (1 << chance.randrange(5)))
            return value[:at] + other + value[at + 1 :]
        case str():
            return "x"
        case int():
            return value ^ (1 << chance.randrange(20))
        case None:
            return 1
        case _:
            raise AssertionError(f"no column holds a {type(value).__name__}")


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda name: name)
def test_a_flipped_bit_is_found_wherever_it_is(original: Path, table: str, column: str) -> None:
    chance = random.Random(f"{table}.{column}")
    with closing(sqlite3.connect(original / "midwatch.db")) as connection:
        keys = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[5]]
        where = " AND ".join(f"{key} IS ?" for key in keys)
        rows = connection.execute(f"SELECT {column}, {', '.join(keys)} FROM {table}").fetchall()
    missed = []
    for trial in range(TRIALS):
        value, *key = chance.choice(rows)
        changed = _flipped(value, chance)
        folder = original.parent / f"trial-{table}-{column}-{trial}"
        shutil.copytree(original, folder)
        try:
            _attack(folder, (f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {where}", (changed, *key)))
            if not _audited(folder).findings:
                missed.append((key, value, changed))
        finally:
            shutil.rmtree(folder)
    assert missed == []


def test_a_tail_that_was_cut_off_is_found_by_a_witness(original: Path) -> None:
    for trial in range(TRIALS):
        folder = original.parent / f"cut-{trial}"
        shutil.copytree(original, folder)
        try:
            _cut(folder, last_run=trial)
            found = _audited(folder, witnessed=True).findings
            assert any(finding.place.startswith("witness") for finding in found), (trial, found)
        finally:
            shutil.rmtree(folder)


def _cut(folder: Path, *, last_run: int) -> None:
    """Take away the last events with everything that hangs on them, as somebody with the keys could."""
    with closing(sqlite3.connect(folder / "midwatch.db")) as connection:
        total = connection.execute("SELECT COUNT(*) FROM mw_log").fetchone()[0]
    keep = total - 1 - last_run % (total - 1)
    with house_on_disk(folder) as (house, _):
        sizes = [size for size, _ in house.store.checkpoints() if size <= keep]
    keep = sizes[-1] if sizes else 0
    rows = "(SELECT row FROM mw_log WHERE position >= ?)"
    _attack(
        folder,
        (f"DELETE FROM mw_events WHERE row IN {rows}", (keep,)),
        ("DELETE FROM mw_log WHERE position >= ?", (keep,)),
        ("DELETE FROM mw_checkpoints WHERE size > ?", (keep,)),
        ("DELETE FROM mw_tiles", ()),
    )


def test_a_chain_that_was_rebuilt_with_the_stolen_key_is_found_by_a_witness(
    original: Path, tmp_path: Path
) -> None:
    for trial in range(TRIALS):
        forged = tmp_path / f"forged-{trial}"
        forged.mkdir(mode=0o700)
        shutil.copytree(original / "keys", forged / "keys")
        shutil.copy(original / "witness", forged / "witness")
        with house_on_disk(forged, value=trial + 2) as (house, drives):
            for _ in range(RUNS + trial % 2):
                run_to_the_end(house, drives)
            assert audit(house).findings == (), "without a witness nobody can tell"
            found = audit(house, remembered=_witness(forged)).findings
        assert any(finding.place.startswith("witness") for finding in found), (trial, found)


def test_an_event_that_was_taken_out_is_named(tampered: Path) -> None:
    _attack(tampered, ("DELETE FROM mw_events WHERE row = 5", ()))
    assert _audited(tampered).findings


def test_a_row_of_a_table_that_no_event_explains_is_named(tampered: Path) -> None:
    columns = "run, task, iteration, status, attempt"
    forged = "SELECT run, 'forged', 0, 'succeeded', 1 FROM mw_runs LIMIT 1"
    statement = f"INSERT INTO mw_tasks ({columns}) {forged}"
    _attack(tampered, (statement, ()))
    found = _audited(tampered).findings
    assert [finding.sentence for finding in found] == ["the table has it, and the journal does not"]
