"""A run with every kind of task, killed at any boundary: each iteration, hand, signal and call counts once.

`make test` dies at every sixth boundary (which, depends on the day), `make nightly` at each.
"""

from collections import Counter
from pathlib import Path

import pytest

from crash.hands import Crew, Places, Seen, assert_ended, ended_after, is_called, logs, sample, seen
from crash.worker import Job
from midwatch.journal.run_events import (
    ChildEnded,
    HandAsked,
    HandDone,
    LoopBegun,
    NoticeGiven,
    RunStarted,
    SignalReceived,
    SignalTaken,
    WaitBegun,
)

PLANS = ("everything",)
ONCE = (ChildEnded, HandAsked, HandDone, LoopBegun, NoticeGiven, SignalReceived, SignalTaken)


def count_of(crew: Crew, places: Places) -> int:
    """How many boundaries a run has that nobody disturbs."""
    folder = places.new("everything")
    assert crew.work(Job(folder=str(folder), plans=PLANS)) == 0, logs(folder)
    assert_kinds(assert_ended(folder))
    assert_child(folder)
    return int((folder / "count.txt").read_text())


def assert_kinds(run: Seen) -> None:
    """Assert that everything which must happen once did."""
    counts = Counter(type(event.payload) for event in run.events)
    told = {name: (task.status, task.code, task.why) for name, task in run.state.tasks.items()}
    assert {kind: counts[kind] for kind in ONCE} == dict.fromkeys(ONCE, 1), told
    assert counts[WaitBegun] == 2
    assert len(run.state.children) == 1
    items = [effect for effect in run.state.effects.values() if effect.task == "each"]
    assert sorted(effect.iteration for effect in items) == [1, 2, 3]


def assert_child(folder: Path) -> None:
    """Assert that the called run began once, ended well, and knows its caller."""
    (child,) = [run for run in seen(folder) if is_called(run)]
    assert sum(isinstance(event.payload, RunStarted) for event in child.events) == 1
    assert child.state.outcome == "resolved"


def killed_at(crew: Crew, places: Places, moments: range) -> None:
    def killed(number: int) -> Seen | None:
        return ended_after(crew, places, [Job(folder="", plans=PLANS, at=number)])

    died = [run for run in crew.each(killed, moments) if run is not None]
    assert len(died) >= 0.8 * len(moments), "the number of seals differs from run to run, and little else"
    for run in died:
        assert_kinds(run)


def test_killed_at_many_a_boundary_every_kind_of_task_counts_once(crew: Crew, places: Places) -> None:
    killed_at(crew, places, sample(count_of(crew, places), every=6))


@pytest.mark.nightly
def test_killed_at_any_boundary_every_kind_of_task_counts_once(crew: Crew, places: Places) -> None:
    killed_at(crew, places, sample(count_of(crew, places), every=1))
