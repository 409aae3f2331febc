"""One suite for every engine: the fake on the fake store, DBOS on SQLite."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from midwatch.adapters.engine.dbos_engine import DbosEngine
from midwatch.adapters.memory import MemoryEngine, MemoryStore
from midwatch.adapters.store.sqlite import SqliteStore
from midwatch.base.ids import RunId, run_stream
from midwatch.ports.engine import Engine
from midwatch.ports.rows import TimerRow
from midwatch.ports.store import Store, StreamMovedError
from support.changes import AT_MS, EMPTY, change, run_id, run_row

DEADLINE_S = 20.0


@dataclass(slots=True)
class Driven:
    """A drive that notes its runs, and fails or blocks where a test says so."""

    failures: dict[RunId, int] = field(default_factory=dict)
    """How often the drive of a run fails before it succeeds."""
    gate: threading.Event = field(default_factory=threading.Event)
    runs: list[RunId] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    started: list[RunId] = field(default_factory=list)

    def __call__(self, run: RunId) -> None:
        with self.changed:
            self.started.append(run)
            self.changed.notify_all()
            if self.failures.get(run, 0) > 0:
                self.failures[run] -= 1
                raise StreamMovedError(f"{run} can't go on")
        assert self.gate.wait(DEADLINE_S)
        with self.changed:
            self.runs.append(run)
            self.changed.notify_all()

    def wait_for(self, fact: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(fact, DEADLINE_S), (self.started, self.runs)


class House(Protocol):
    """A store with an engine; `work` lets the engine do what is queued, where it doesn't by itself."""

    store: Store

    def engine(self, worker: str) -> Engine: ...
    def work(self, driven: Driven, fact: Callable[[], bool]) -> None: ...
    def close(self) -> None: ...


class MemoryHouse:
    """Both in memory: a test turns the crank."""

    def __init__(self, _: Path) -> None:
        self._held = MemoryStore()
        self.store: Store = self._held
        self._engines: list[MemoryEngine] = []

    def engine(self, worker: str) -> Engine:
        self._engines.append(MemoryEngine(self._held, worker=worker))
        return self._engines[-1]

    def work(self, driven: Driven, fact: Callable[[], bool]) -> None:
        for engine in self._engines:
            engine.pump_all()
        assert fact(), driven

    def close(self) -> None:
        """Nothing to close."""


class DbosHouse:
    """One file: the store feeds the queue through one engine, any of them serves it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state" / "midwatch.db"
        self._feeder = DbosEngine(self.path, worker="feeder")
        self.store: Store = SqliteStore(self.path, drives=self._feeder)
        self._engines: list[DbosEngine] = []

    def engine(self, worker: str, *, slots: int = 32) -> Engine:
        self._engines.append(DbosEngine(self.path, worker=worker, slots=slots, pauses_s=(0.01, 0.01)))
        return self._engines[-1]

    def work(self, driven: Driven, fact: Callable[[], bool]) -> None:
        driven.wait_for(fact)

    def holders(self) -> tuple[str, ...]:
        return self._feeder.holders()

    def close(self) -> None:
        for engine in self._engines:
            engine.stop()
        self.store.close()
        self._feeder.stop()


@pytest.fixture(params=[MemoryHouse, DbosHouse], ids=["memory", "dbos"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    made: House = request.param(tmp_path)
    yield made
    made.close()


@pytest.fixture
def dbos_house(tmp_path: Path) -> Iterator[DbosHouse]:
    made = DbosHouse(tmp_path)
    yield made
    made.close()


@pytest.fixture
def driven() -> Driven:
    free = Driven()
    free.gate.set()
    return free


def enqueue(store: Store, *numbers: int) -> list[RunId]:
    runs = [run_id(number) for number in numbers]
    for run in runs:
        store.append(change(run, EMPTY, rows=[run_row(run)], drive=True))
    return runs


def test_each_enqueued_run_is_driven(house: House, driven: Driven) -> None:
    early = enqueue(house.store, 1, 2)
    engine = house.engine("w1")
    engine.start(driven)
    late = enqueue(house.store, 3)

    house.work(driven, lambda: len(driven.runs) == 3)

    assert sorted(driven.runs) == early + late
    engine.stop()


def test_a_refused_change_enqueues_nothing(house: House, driven: Driven) -> None:
    runs = enqueue(house.store, 1)
    with pytest.raises(StreamMovedError):
        enqueue(house.store, 1)
    engine = house.engine("w1")
    engine.start(driven)
    runs += enqueue(house.store, 2)

    house.work(driven, lambda: len(driven.runs) == 2)

    assert sorted(driven.runs) == runs
    engine.stop()


def test_a_timer_that_fires_drives_its_run(house: House, driven: Driven) -> None:
    engine = house.engine("w1")
    engine.start(driven)
    run = run_id(1)
    timer = TimerRow(run=run, due_ms=AT_MS)
    house.store.append(change(run, EMPTY, rows=[run_row(run)], timer=timer))
    assert house.store.wake(timer)
    assert not house.store.wake(timer)

    house.work(driven, lambda: driven.runs == [run])
    engine.stop()


def test_a_run_may_be_driven_again_and_again(house: House, driven: Driven) -> None:
    engine = house.engine("w1")
    engine.start(driven)
    (run,) = enqueue(house.store, 1)
    house.work(driven, lambda: driven.runs == [run])

    house.store.append(change(run, house.store.head(run_stream(run)), drive=True))

    house.work(driven, lambda: driven.runs == [run, run])
    engine.stop()


def test_a_drive_that_fails_keeps_no_other_from_being_driven(house: House, driven: Driven) -> None:
    engine = house.engine("w1")
    engine.start(driven)
    driven.failures[run_id(1)] = 1
    enqueue(house.store, 1, 2)

    house.work(driven, lambda: run_id(2) in driven.runs and driven.failures[run_id(1)] == 0)
    engine.stop()


def test_a_stopped_engine_takes_nothing_and_a_new_one_goes_on(house: House, driven: Driven) -> None:
    first = house.engine("w1")
    first.start(driven)
    first.stop()
    (run,) = enqueue(house.store, 1)

    second = house.engine("w2")
    second.start(driven)

    house.work(driven, lambda: driven.runs == [run])
    second.stop()
    assert driven.runs == [run]


def test_an_engine_may_be_started_again_after_a_stop(house: House, driven: Driven) -> None:
    engine = house.engine("w1")
    for number in (1, 2, 3):
        engine.start(driven)
        enqueue(house.store, number)
        house.work(driven, lambda wanted=number: len(driven.runs) == wanted)  # type: ignore[misc]
        engine.stop()

    assert driven.runs == [run_id(1), run_id(2), run_id(3)]


def test_stopping_twice_or_before_the_start_does_nothing(house: House, driven: Driven) -> None:
    engine = house.engine("w1")
    engine.stop()
    engine.start(driven)
    engine.stop()
    engine.stop()


def test_adopting_from_nobody_or_from_idle_workers_brings_nothing(house: House, driven: Driven) -> None:
    engine = house.engine("w1")
    engine.start(driven)

    assert engine.adopt(()) == 0
    assert engine.adopt(("w8", "w9")) == 0
    engine.stop()


def test_each_engine_knows_its_worker(house: House) -> None:
    assert house.engine("w7").worker == "w7"


# DBOS alone


def test_what_a_killed_worker_was_driving_is_adopted_once(dbos_house: DbosHouse, driven: Driven) -> None:
    enqueue(dbos_house.store, 1)
    dead = subprocess.Popen(
        [sys.executable, "-c", _BLOCKED, str(dbos_house.path)], stdout=subprocess.PIPE, text=True
    )
    assert dead.stdout is not None
    assert dead.stdout.readline() == "driving r-0000000001\n"
    dead.kill()
    dead.wait()
    dead.stdout.close()
    assert dbos_house.holders() == ("dead",)

    engine = dbos_house.engine("heir")
    engine.start(driven)
    assert driven.started == []

    assert engine.adopt(("dead",)) == 1
    dbos_house.work(driven, lambda: driven.runs == [run_id(1)])
    assert engine.adopt(("dead",)) == 0
    engine.stop()
    assert driven.runs == [run_id(1)]


_BLOCKED = """
import sys, threading
from pathlib import Path
from midwatch.adapters.engine.dbos_engine import DbosEngine

def drive(run):
    print("driving", run, flush=True)
    threading.Event().wait()

DbosEngine(Path(sys.argv[1]), worker="dead").start(drive)
threading.Event().wait()
"""


def test_a_drive_that_keeps_failing_is_given_back_and_not_lost(dbos_house: DbosHouse, driven: Driven) -> None:
    first = dbos_house.engine("w1")
    driven.failures[run_id(1)] = 3
    first.start(driven)
    enqueue(dbos_house.store, 1)
    dbos_house.work(driven, lambda: len(driven.started) == 3)
    first.stop()
    assert driven.runs == []
    assert dbos_house.holders() == ()

    second = dbos_house.engine("w2")
    second.start(driven)

    dbos_house.work(driven, lambda: driven.runs == [run_id(1)])
    second.stop()


def test_what_waits_for_a_slot_is_driven_once_one_is_free(dbos_house: DbosHouse) -> None:
    driven = Driven()
    engine = dbos_house.engine("w1", slots=1)
    runs = enqueue(dbos_house.store, 1, 2, 3)
    engine.start(driven)
    driven.wait_for(lambda: len(driven.started) == 1)

    driven.gate.set()
    driven.wait_for(lambda: len(driven.runs) == 3)

    assert sorted(driven.runs) == runs
    engine.stop()


def test_a_stop_waits_for_the_drives_under_way(dbos_house: DbosHouse) -> None:
    blocked = Driven()
    engine = dbos_house.engine("w1")
    engine.start(blocked)
    (run,) = enqueue(dbos_house.store, 1)
    dbos_house.work(blocked, lambda: blocked.started == [run])

    stopping = threading.Thread(target=engine.stop)
    stopping.start()
    stopping.join(0.05)
    assert stopping.is_alive()
    blocked.gate.set()
    stopping.join(DEADLINE_S)

    assert not stopping.is_alive()
    assert blocked.runs == [run]
    assert dbos_house.holders() == ()


def test_a_stop_leaves_no_threads_behind(dbos_house: DbosHouse, driven: Driven) -> None:
    before = set(threading.enumerate())
    engine = dbos_house.engine("w1")
    engine.start(driven)
    enqueue(dbos_house.store, *range(40))
    dbos_house.work(driven, lambda: len(driven.runs) == 40)

    engine.stop()

    until_s = time.monotonic() + DEADLINE_S
    while (left := set(threading.enumerate()) - before) and time.monotonic() < until_s:
        for thread in left:
            thread.join(DEADLINE_S)
    assert not left


def test_the_queue_has_no_pickles_and_finished_drives_no_owner(dbos_house: DbosHouse, driven: Driven) -> None:
    engine = dbos_house.engine("w1")
    engine.start(driven)
    enqueue(dbos_house.store, 1)
    dbos_house.work(driven, lambda: len(driven.runs) == 1)
    engine.stop()

    connection = sqlite3.connect(dbos_house.path)
    rows = connection.execute(
        "SELECT s.workflow_uuid, s.status, s.application_version, s.serialization, i.inputs"
        " FROM workflow_status AS s JOIN workflow_input AS i USING (workflow_uuid)"
    ).fetchall()
    connection.close()

    assert rows == [
        ("drive/r-0000000001/1", "SUCCESS", "1", "midwatch_json", '{"args": ["r-0000000001"], "kwargs": {}}')
    ]


def test_finished_drives_are_swept_away(dbos_house: DbosHouse, driven: Driven) -> None:
    from midwatch.adapters.engine import library

    engine = dbos_house.engine("w1")
    engine.start(driven)
    enqueue(dbos_house.store, 1, 2)
    dbos_house.work(driven, lambda: len(driven.runs) == 2)
    engine.stop()
    held = library.database_engine(dbos_house.path)
    client = library.client_of(held)

    assert library.delete_finished(client, before="2020-01-01T00:00:00+00:00", limit=500) == 0
    assert library.delete_finished(client, before="2999-01-01T00:00:00+00:00", limit=1) == 1
    assert library.delete_finished(client, before="2999-01-01T00:00:00+00:00", limit=500) == 1
    assert client.list_workflows() == []
    held.dispose()


def test_the_engine_says_nothing_on_the_terminal(
    dbos_house: DbosHouse, driven: Driven, capfd: pytest.CaptureFixture[str]
) -> None:
    driven.failures[run_id(1)] = 2
    engine = dbos_house.engine("w1")
    engine.start(driven)
    enqueue(dbos_house.store, 1)
    dbos_house.work(driven, lambda: len(driven.runs) == 1)
    engine.stop()

    assert capfd.readouterr() == ("", "")


def test_a_process_that_only_looks_does_not_import_the_engine(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from midwatch.adapters.engine.dbos_engine import DbosEngine
from midwatch.adapters.store.sqlite import SqliteStore
path = Path(sys.argv[1])
store = SqliteStore(path, drives=DbosEngine(path, worker="looker"))
store.facts_version()
store.close()
print(sorted({"dbos", "sqlalchemy"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "state" / "midwatch.db")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
