"""What a process keeps of runs is the journal's, or nothing."""

from dataclasses import replace

from midwatch.app.drive.session import load_state
from midwatch.app.house import KNOWN_MAX, SUBJECT, KnownRuns
from midwatch.base.ids import RunId, run_stream
from midwatch.ports.store import Head
from midwatch.run.state import RunState
from support.kinds import Stage, auto, look, stage, wait_time


def parked() -> tuple[Stage, RunId]:
    """Return a run that waits an hour after its first reading."""
    on = stage()
    plan = auto(look("first"), wait_time("pause", "first", for_ms=3_600_000), look("last", "pause"))
    return on, on.play(plan)


def afresh(on: Stage, run: RunId) -> tuple[RunState, Head]:
    """Return the state as a process finds it that knows nothing."""
    return load_state(replace(on.house.house, known=KnownRuns()), run)


def test_what_is_kept_is_what_the_journal_says() -> None:
    on, run = parked()
    assert on.house.house.known.get(run) == load_state(on.house.house, run) == afresh(on, run)
    on.pass_time(3_600_000)
    assert load_state(on.house.house, run) == afresh(on, run)


def test_what_another_process_appends_is_folded_on() -> None:
    on, run = parked()
    before = load_state(on.house.house, run)
    other = replace(on.house.house, known=KnownRuns())
    other.known.put(run, *before)
    on.pass_time(3_600_000)
    state, head = load_state(other, run)
    assert (state, head) == afresh(on, run)
    assert state.n > before[0].n


def test_a_journal_that_was_put_back_is_read_from_its_beginning() -> None:
    on, run = parked()
    earlier = on.house.store.copy()
    on.pass_time(3_600_000)
    load_state(on.house.house, run)
    back = replace(on.house.house, store=earlier)
    state, head = load_state(back, run)
    assert head == earlier.head(run_stream(run))
    assert (state, head) == load_state(replace(back, known=KnownRuns()), run)


def test_nothing_that_is_kept_outlives_its_key() -> None:
    on, run = parked()
    assert load_state(on.house.house, run)[0].tasks
    on.house.house.keys.destroy(SUBJECT)
    assert not load_state(on.house.house, run)[0].tasks


def test_only_so_many_runs_are_kept() -> None:
    known = KnownRuns()
    for number in range(KNOWN_MAX + 1):
        run = RunId(f"r-{number}")
        known.put(run, RunState(run=run), Head(n=1, hash="0" * 64))
    assert known.get(RunId("r-0")) is None
    assert known.get(RunId(f"r-{KNOWN_MAX}")) is not None
