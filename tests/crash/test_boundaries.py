"""A worker that dies at any boundary of an effect is followed by another, and everything happens once.

`make test` dies at every second boundary (which half, depends on the day), `make nightly` at each.
"""

import signal
from collections import Counter
from dataclasses import replace

import pytest

from crash.hands import Crew, Places, Seen, assert_ended, ended_after, logs, sample, seen, settled_by
from crash.worker import Job
from crash.world import World

PAIRS = ((3, 5), (11, 2), (24, 9), (37, 14), (52, 30), (66, 4), (85, 21), (110, 8))
"""Boundaries of the first worker and of the one that takes over from it."""


def count_of(crew: Crew, places: Places) -> int:
    """How many boundaries a run has that nobody disturbs."""
    folder = places.new("whole")
    assert crew.work(Job(folder=str(folder))) == 0, logs(folder)
    run = assert_ended(folder)
    assert run.state.outcome == "resolved"
    assert not list(settled_by(run, "person", "probe"))
    return int((folder / "count.txt").read_text())


def killed_at(crew: Crew, places: Places, moments: range) -> list[Seen]:
    """What became of a run for each boundary at which its first worker died."""
    found = crew.each(lambda n: ended_after(crew, places, [Job(folder="", at=n)]), moments)
    died = [run for run in found if run is not None]
    assert len(died) >= 0.8 * len(moments), "the number of seals differs from run to run, and little else"
    return died


def settled(runs: list[Seen]) -> Counter[tuple[str, bool]]:
    """How often a doubt was settled by whom, and whether the call had happened."""
    return Counter(one for run in runs for one in settled_by(run, "person", "probe"))


def test_killed_at_many_a_boundary_every_effect_happens_once(crew: Crew, places: Places) -> None:
    moments = sample(count_of(crew, places), every=2)
    runs = killed_at(crew, places, moments)

    assert {by for by, _ in settled(runs)} == {"person", "probe"}


@pytest.mark.nightly
def test_killed_at_any_boundary_every_effect_happens_once(crew: Crew, places: Places) -> None:
    moments = sample(count_of(crew, places), every=1)
    runs = killed_at(crew, places, moments)

    both_ways = {(by, happened) for by in ("person", "probe") for happened in (True, False)}
    assert set(settled(runs)) == both_ways


def test_killed_twice_in_a_row_every_effect_happens_once(crew: Crew, places: Places) -> None:
    def twice(number: int) -> Seen | None:
        return ended_after(crew, places, [Job(folder="", at=n) for n in PAIRS[number]])

    found = crew.each(twice, range(len(PAIRS)))

    assert sum(run is not None for run in found) >= len(PAIRS) // 2


@pytest.mark.parametrize("moment", ["acting", "acted"])
def test_what_only_a_person_can_know_is_parked_until_then(crew: Crew, places: Places, moment: str) -> None:
    folder = places.new(moment)
    first = Job(folder=str(folder), plans=("one-pour",), at=1, only=f"^{moment}", undoes=False)
    assert crew.work(first) == -signal.SIGKILL, logs(folder)
    waiting = replace(first, at=0, settles=False)
    for _ in range(2):
        assert crew.work(waiting) == 0, logs(folder)

    (run,) = seen(folder)
    (effect,) = run.state.effects.values()
    assert effect.status == "in_doubt"
    assert run.doubts(effect.key) == 1
    assert not run.state.outcome
    calls = World(folder).calls(effect.key)
    assert calls <= 1

    assert crew.work(replace(waiting, settles=True)) == 0, logs(folder)
    assert_ended(folder, is_undone=False)
    assert World(folder).calls(effect.key) == calls
