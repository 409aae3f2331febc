"""A worker that dies before any SQL statement of a run is followed by another, and all happens once.

Each statement that is part of a transaction counts, on every connection of the process: our own writes, the
drives that are enqueued with them, and what the engine notes for itself. `make test` takes a sample, another
each day; `make nightly` takes them all, also those that make a new house.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from crash.hands import Crew, Places, assert_ended, ended_after, logs, sample
from crash.worker import Job

EVERY = 16
SMALL = Job(folder="", plans=("small",), counts="statement", undoes=False)
"""From the start over a question and its answer to the end of two effects; nothing is taken back."""


def killed_before(crew: Crew, places: Places, *, every: int) -> None:
    whole = places.new("whole")
    assert crew.work(replace(SMALL, folder=str(whole))) == 0, logs(whole)
    assert_ended(whole, is_undone=False)
    moments = sample(int((whole / "count.txt").read_text()), every=every)

    died = crew.each(lambda n: ended_after(crew, places, [replace(SMALL, at=n)]) is not None, moments)

    assert sum(died) >= 0.8 * len(moments), "the number of looks at the queue differs, and little else"


def test_killed_before_many_a_statement_every_effect_happens_once(crew: Crew, places: Places) -> None:
    killed_before(crew, places, every=EVERY)


@pytest.mark.nightly
def test_killed_before_any_statement_every_effect_happens_once(crew: Crew, places: Places) -> None:
    killed_before(crew, places, every=1)


@pytest.mark.parametrize("every", [EVERY * 2, pytest.param(1, marks=pytest.mark.nightly)])
def test_killed_while_the_house_is_made_every_effect_happens_once(
    crew: Crew, tmp_path: Path, every: int
) -> None:
    killed_before(crew, Places(tmp_path, crew, is_made=False), every=every)
