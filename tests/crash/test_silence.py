"""Who has fallen silent: a heartbeat that stands still on the observer's own clock, nothing else."""

from dataclasses import replace

import pytest

from midwatch.adapters.memory import MemoryEngine
from midwatch.adapters.memory_world import ScriptedTools, answering
from midwatch.app.drive.driver import Driver
from midwatch.app.start import StartRequest, start_run
from midwatch.app.watch import SILENT_AFTER_MS, Pulse, take_over
from midwatch.base.classes import EffectClass
from midwatch.base.ids import OwnerToken, Principal, RunId, ToolName, run_stream
from midwatch.base.units import HOUR_MS, SECOND_MS, DurationMs
from midwatch.ports.rows import WorkerRow
from midwatch.ports.store import Change
from support.houses import Model, command, manifest, model, plan_of

LOOK = ToolName("look")
STEP_MS = DurationMs(5 * SECOND_MS)
OTHER = WorkerRow(worker="w2", host="elsewhere", boot="b", pid=7, started_ms=1, beat=0)


@pytest.fixture
def here() -> Model:
    made = model(ScriptedTools({LOOK: manifest(LOOK, EffectClass.READ)}, {LOOK: answering(value=1)}))
    made.store.beat(OTHER)
    return made


def looks(here: Model, pulse: Pulse, *, for_ms: int, beats: bool = False) -> frozenset[str]:
    """Look every few seconds for so long; return who is silent in the end."""
    found = pulse.look()
    for beat in range(for_ms // STEP_MS):
        here.clock.advance(STEP_MS)
        if beats:
            here.store.beat(replace(OTHER, beat=beat + 1))
        found = pulse.look()
    return found


def owned_by_other(here: Model) -> RunId:
    """Start a run that the other worker claims, and that nobody drives."""
    plan = plan_of(command("measure", "look", args={"name": "'a'"}))
    run = start_run(here.house, StartRequest(plan=plan, inputs={}, initiator=Principal("system:start")))
    stream = run_stream(run)
    claim = OwnerToken("w2:token")
    here.store.append(
        Change(stream=stream, expected=here.store.head(stream), entries=(), run=run, claim=claim)
    )
    return run


def test_a_worker_is_silent_once_its_heartbeat_stood_still_for_the_limit(here: Model) -> None:
    pulse = Pulse(here.house)
    assert looks(here, pulse, for_ms=SILENT_AFTER_MS - STEP_MS) == frozenset()
    assert looks(here, pulse, for_ms=STEP_MS) == {"w2"}
    assert pulse.is_silent("w2")


def test_a_worker_whose_heartbeat_grows_is_never_silent(here: Model) -> None:
    assert looks(here, Pulse(here.house), for_ms=HOUR_MS, beats=True) == frozenset()


def test_a_worker_that_wakes_is_silent_no_more(here: Model) -> None:
    pulse = Pulse(here.house)
    assert looks(here, pulse, for_ms=2 * SILENT_AFTER_MS) == {"w2"}

    here.store.beat(replace(OTHER, beat=1))

    assert pulse.look() == frozenset()
    assert not pulse.is_silent("w2")


def test_setting_the_time_of_day_makes_nobody_silent(here: Model) -> None:
    pulse = Pulse(here.house)
    pulse.look()
    here.clock.jump(HOUR_MS)
    assert pulse.look() == frozenset()


def test_an_observer_that_was_frozen_itself_accuses_nobody(here: Model) -> None:
    pulse = Pulse(here.house)
    pulse.look()
    here.clock.advance(DurationMs(HOUR_MS))
    assert pulse.look() == frozenset()


def test_nobody_is_silent_to_itself(here: Model) -> None:
    here.store.beat(replace(OTHER, worker=here.house.worker))
    assert here.house.worker not in looks(here, Pulse(here.house), for_ms=HOUR_MS)


def test_the_limit_can_be_set(here: Model) -> None:
    pulse = Pulse(here.house, silent_after_ms=3 * STEP_MS)
    assert looks(here, pulse, for_ms=2 * STEP_MS) == frozenset()
    assert looks(here, pulse, for_ms=STEP_MS) == {"w2"}


def test_a_run_of_a_silent_worker_is_claimed_and_that_worker_fenced(here: Model) -> None:
    pulse = Pulse(here.house)
    run = owned_by_other(here)
    drive = Driver(here.house, is_silent=pulse.is_silent)

    looks(here, pulse, for_ms=SILENT_AFTER_MS - STEP_MS)
    drive(run)
    assert here.store.owner(run) == "w2:token"

    looks(here, pulse, for_ms=STEP_MS)
    drive(run)
    row = here.store.run_row(run)
    assert row is not None
    assert row.outcome
    assert here.store.owner(run) != "w2:token"


def test_taking_over_adopts_from_the_silent_and_keeps_their_rows(here: Model) -> None:
    pulse = Pulse(here.house)
    asked: list[tuple[str, ...]] = []

    class Asked(MemoryEngine):
        def adopt(self, dead: tuple[str, ...]) -> int:
            asked.append(dead)
            return len(dead)

    engine = Asked(here.store, worker="w1")
    looks(here, pulse, for_ms=SILENT_AFTER_MS - STEP_MS)
    assert take_over(here.house, engine, pulse) == 0
    here.clock.advance(STEP_MS)

    assert take_over(here.house, engine, pulse) == 1
    assert asked == [("w2",)]
    assert [row.worker for row in here.store.workers()] == ["w2"]
