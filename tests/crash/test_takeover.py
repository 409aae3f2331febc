"""Another worker takes over from one that was killed or is frozen; one that wakes finds itself fenced."""

import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from crash.hands import Crew, Hand, Places, again, assert_ended, is_frozen, is_gone, logs, seen, until
from crash.worker import Job, config
from midwatch.journal.run_events import EffectDispatched

SILENT_BY_NO_MEANS_MS = 120_000
"""No heartbeat is late by that much: here only the dead lose their runs."""
SILENT_AFTER_MS = 1_500
TRIES_MAX = 10
TIMEOUT_MS = 1_000
TOOLS = ("put", "give", "pour", "place")
MOMENTS = {
    "before the commit that dispatches": r"before append .*effect\.dispatched",
    "in the tool, before it acts": "^acting",
    "in the tool, after it acted": "^acted",
    "before the commit of the outcome": r"before append .*effect\.confirmed",
}


@contextmanager
def frozen(hand: Hand, job: Job) -> Iterator[int]:
    """A worker that froze at its moment; it is killed at the end, unless it ended before."""
    pid = hand.begin(replace(job, signal=signal.SIGSTOP))
    is_over = False
    try:
        until("the worker freezes", lambda: is_gone(pid) or is_frozen(pid))
        assert not is_gone(pid), "the worker came to its end before its moment"
        yield pid
        is_over = True
    finally:
        if not is_over:
            with suppress(ProcessLookupError):  # its number is not used again before it is waited for
                os.kill(pid, signal.SIGKILL)
            with suppress(AssertionError):
                hand.end()


class FrozenWithLockError(Exception):
    """Another thread of the worker was in a transaction when it froze: a case of its own, see below."""


def refuse_lock(folder: Path) -> None:
    connection = sqlite3.connect(config(folder).database, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise FrozenWithLockError from error
    finally:
        connection.close()


def taken_over(crew: Crew, job: Job, *, wakes: bool) -> None:
    """Freeze a worker; kill it for good, or wake it after another one took over and did the rest."""
    heir, folder = replace(job, at=0), Path(job.folder)
    try:
        with crew.hand() as first, crew.hand() as second, frozen(first, job) as pid:
            refuse_lock(folder)
            if not wakes:
                os.kill(pid, signal.SIGKILL)
            second.begin(heir)
            done = second.end()
            if wakes:
                os.kill(pid, signal.SIGCONT)
            code = first.end()
        assert done == 0, "the heir did not come to the end"
        assert code == (0 if wakes else -signal.SIGKILL)
        assert_ended(folder, is_undone=False)
    except AssertionError as error:
        said = f"{error}\n{logs(folder)}\nagain:\n{again(job)}\n{again(heir)}"
        raise AssertionError(said) from error


@pytest.mark.parametrize("ending", ["killed", "woken"])
def test_whoever_takes_over_records_each_outcome_once(crew: Crew, places: Places, ending: str) -> None:
    cases = list(product(TOOLS, MOMENTS))

    def take(number: int) -> None:
        tool, moment = cases[number]
        for attempt in range(TRIES_MAX):
            job = Job(
                folder=str(places.new(f"{tool}-{number}-{attempt}")),
                plans=(f"one-{tool}:{TIMEOUT_MS}",),
                at=1,
                only=MOMENTS[moment],
                undoes=False,
                silent_after_ms=SILENT_AFTER_MS,
            )
            with suppress(FrozenWithLockError):
                return taken_over(crew, job, wakes=ending == "woken")
        raise AssertionError("it always froze in a transaction")

    crew.each(take, range(len(cases)), hands_each=2)


@pytest.mark.parametrize("ending", ["killed", "woken"])
def test_a_worker_frozen_in_its_transaction_holds_others_up_and_no_more(
    crew: Crew, places: Places, ending: str
) -> None:
    folder = places.new("locked")
    job = Job(
        folder=str(folder),
        plans=("one-give",),
        at=3,
        counts="statement",
        only="INSERT INTO mw_events",
        undoes=False,
    )
    with crew.hand() as first, crew.hand() as second, frozen(first, job) as pid:
        heir = second.begin(replace(job, at=0))
        until("the heir waits for the lock", lambda: Path(f"/proc/{heir}/task").exists())
        os.kill(pid, signal.SIGKILL if ending == "killed" else signal.SIGCONT)
        assert first.end() == (-signal.SIGKILL if ending == "killed" else 0), logs(folder)
        assert second.end() == 0, logs(folder)
    assert_ended(folder, is_undone=False)


def test_a_tool_dies_at_its_deadline_though_its_parent_is_frozen(crew: Crew, places: Places) -> None:
    folder = places.new("hanging")
    job = Job(
        folder=str(folder),
        plans=(f"one-put:{TIMEOUT_MS}",),
        at=1,
        only="^acting",
        hangs=True,
        undoes=False,
        silent_after_ms=SILENT_AFTER_MS,
    )
    with crew.hand() as first, crew.hand() as second, frozen(first, job) as pid:
        child = int((folder / "child.pid").read_text())
        until("the tool is dead", lambda: is_gone(child))
        assert is_frozen(pid)
        second.begin(replace(job, at=0))
        assert second.end() == 0, logs(folder)
        os.kill(pid, signal.SIGCONT)
        assert first.end() == 0, logs(folder)
    assert_ended(folder, is_undone=False)


def test_a_worker_that_slept_through_a_whole_run_starts_no_second_one(crew: Crew, places: Places) -> None:
    folder = places.new("late start")
    job = Job(folder=str(folder), plans=("one-give",), at=1, only="^before start", undoes=False)
    with crew.hand() as first, crew.hand() as second, frozen(first, job) as pid:
        second.begin(replace(job, at=0))
        assert second.end() == 0, logs(folder)
        os.kill(pid, signal.SIGCONT)
        assert first.end() == 0, logs(folder)
    assert [run.broken for run in seen(folder)] == [()]


@pytest.mark.parametrize("at", [0, 3], ids=["both to the end", "one is killed"])
def test_two_workers_share_twenty_runs_and_do_nothing_twice(crew: Crew, places: Places, at: int) -> None:
    folder = places.new("shared")
    plans = tuple(f"many-{number}" for number in range(20))
    job = Job(
        folder=str(folder),
        plans=plans,
        only=r"^after world\.(give|pour) ",
        undoes=False,
        beside=2,
        silent_after_ms=SILENT_BY_NO_MEANS_MS,
    )
    with crew.hand() as first, crew.hand() as second:
        first.begin(replace(job, at=at))
        second.begin(job)
        assert first.end() == (-signal.SIGKILL if at else 0), logs(folder)
        assert second.end() == 0, logs(folder)

    runs = seen(folder)
    workers: Counter[str] = Counter()
    for run in runs:
        assert run.broken == ()
        assert run.state.outcome in ({"resolved", "failed"} if at else {"resolved"})
        workers.update(one.payload.worker for one in run.events if isinstance(one.payload, EffectDispatched))
    assert len(runs) == len(plans)
    assert len(workers) == 2, "both had their share"


@pytest.mark.parametrize("tool", ["pour", "place"])
def test_a_call_that_froze_past_its_deadline_is_never_sent(crew: Crew, places: Places, tool: str) -> None:
    for attempt in range(TRIES_MAX):
        job = Job(
            folder=str(places.new(f"late-{attempt}")),
            plans=(f"one-{tool}:{3 * TIMEOUT_MS}",),
            at=1,
            only=rf"^before world\.{tool} ",
            undoes=False,
            silent_after_ms=SILENT_AFTER_MS,
        )
        with suppress(FrozenWithLockError):
            return taken_over(crew, job, wakes=True)
    raise AssertionError("it always froze in a transaction")
