"""A process that dies at any statement leaves all of a change or nothing; no process locks another out."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from midwatch.adapters.engine.dbos_engine import DbosEngine
from midwatch.base.ids import run_stream
from midwatch.journal.checkpoint import verifier_key
from midwatch.journal.verify import verify_journal
from support import killed
from support.changes import EMPTY, KEY, change, run_id, run_row

TESTS = Path(__file__).parents[1]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A database with one run, made and closed."""
    folder = tmp_path / "base"
    store = killed.opened(folder / killed.NAME)
    store.append(killed.FIRST)
    if store._reads.row("SELECT 1 FROM workflow_status") is None:
        pytest.fail("the drive was not enqueued")
    store.close()
    return folder


def finished(running: "subprocess.Popen[str]") -> str:
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    return out


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in the database but what the engine notes with a clock or by chance."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'mw_%' AND type = 'table'")
    found = {
        name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for (name,) in tables
    }
    found["drives"] = connection.execute(
        "SELECT workflow_uuid, status FROM workflow_status ORDER BY workflow_uuid"
    ).fetchall()
    found["inputs"] = connection.execute(
        "SELECT workflow_uuid, inputs FROM workflow_input ORDER BY workflow_uuid"
    ).fetchall()
    connection.close()
    return found


def assert_whole(path: Path, *, goes_on: bool = True) -> None:
    """The journal verifies, and the next change can be written."""
    store = killed.opened(path)
    verified = verify_journal(
        store.stored_events(),
        tiles=store.tiles(),
        checkpoints=store.checkpoints(),
        verifier=verifier_key(killed.KEYS.origin, killed.KEYS.public_key),
        key_of=lambda _: KEY,
    )
    assert verified.findings == ()
    if goes_on:
        store.append(change(killed.RUN, store.head(run_stream(killed.RUN)), drive=True))
        store.seal(killed.grown)
    store.close()


@pytest.mark.parametrize("what", sorted(killed.WHAT))
def test_killed_before_any_statement_all_or_nothing_is_there(tmp_path: Path, base: Path, what: str) -> None:
    before = content(base / killed.NAME)
    work = tmp_path / "work"
    work.mkdir()
    killing = [sys.executable, "-m", "support.killed", what, str(base), str(work)]
    subprocess.run(killing, cwd=TESTS, check=True)
    copies = sorted(work.iterdir(), key=lambda folder: int(folder.name))
    complete = content(copies[-1] / killed.NAME)

    assert complete != before
    assert len(copies) >= {"append": 18, "seal": 8, "wake": 6}[what]
    for copy in copies:
        found = content(copy / killed.NAME)
        assert found in (before, complete), copy.name
        assert_whole(copy / killed.NAME)


_RACER = """
import sys
from pathlib import Path
from support.changes import change, run_id
from support.killed import opened
from midwatch.base.ids import run_stream
from midwatch.ports.store import StreamMovedError

store, run = opened(Path(sys.argv[1])), run_id(1)
stream, limit, won = run_stream(run), int(sys.argv[2]), []
print("ready", flush=True)
sys.stdin.readline()
while (head := store.head(stream)).n < limit:
    try:
        store.append(change(run, head))
        won.append(head.n + 1)
    except StreamMovedError:
        pass
store.close()
print(*won)
"""

_CROWD = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from support.changes import after, begin, change
from support.killed import grown, opened

store, first, seconds = opened(Path(sys.argv[1])), int(sys.argv[2]), float(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
until = time.monotonic() + seconds

def write(number):
    run, head = begin(store, number)
    count = 1
    while time.monotonic() < until:
        more = change(run, head, drive=count % 5 == 0)
        store.append(more)
        head, count = after(more), count + 1
        if count % 10 == 0:
            store.seal(grown)
    return count

with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(write, range(first, first + 8))))
store.close()
"""


def together(code: str, *arguments: list[str]) -> list[str]:
    """Run a program once per list of arguments, let all begin at the same moment, return what they print."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, *each],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for each in arguments
    ]
    for each in running:
        assert each.stdout is not None
        ready = each.stdout.readline()
        assert ready == "ready\n", each.communicate()[1]
    for each in running:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    return [finished(each) for each in running]


def test_two_processes_on_one_stream_win_each_number_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / killed.NAME
    store = killed.opened(path)
    run = run_id(1)
    store.append(change(run, EMPTY, rows=[run_row(run)]))

    printed = together(_RACER, [str(path), "200"], [str(path), "200"])

    won = [int(n) for out in printed for n in out.split()]
    last = store.head(run_stream(run)).n
    assert sorted(won) == list(range(2, last + 1))
    assert [entry.n for entry in store.entries(run_stream(run))] == list(range(1, last + 1))
    store.close()
    assert_whole(path, goes_on=False)


def test_processes_that_write_all_at_once_never_lock_each_other_out(tmp_path: Path) -> None:
    path = tmp_path / "state" / killed.NAME
    killed.opened(path).close()
    DbosEngine(path, worker="first").prepare()

    printed = together(_CROWD, [str(path), "100", "2"], [str(path), "200", "2"])

    store = killed.opened(path)
    heads = [store.head(stream).n for stream in store.streams()]
    assert len(heads) == 16
    assert sum(heads) == sum(int(out) for out in printed)
    store.seal(killed.grown)
    store.close()
    assert_whole(path, goes_on=False)


def test_a_new_database_may_be_opened_by_many_processes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state" / killed.NAME

    printed = together(_OPENER, *[[str(path), str(number)] for number in range(4)])

    assert printed == ["done\n"] * 4
    store = killed.opened(path)
    assert len(store.streams()) == 4
    store.close()


_OPENER = """
import sys
from pathlib import Path
from support.changes import EMPTY, change, run_id, run_row
from support.killed import opened

print("ready", flush=True)
sys.stdin.readline()
store, run = opened(Path(sys.argv[1])), run_id(int(sys.argv[2]))
store.append(change(run, EMPTY, rows=[run_row(run)], drive=True))
store.close()
print("done")
"""
