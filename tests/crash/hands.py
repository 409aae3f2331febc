"""The side of the test: workers as processes, and what their folder says once they are gone."""

import datetime as dt
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from crash.plans import BACK
from crash.worker import TESTS, Job, config, told
from crash.world import BEGIN_VALUE, World
from midwatch.app.audit import audit
from midwatch.app.drive.session import load_plan, load_state
from midwatch.app.house import SUBJECT, House
from midwatch.base.classes import RetryClass
from midwatch.base.ids import RunId, run_stream
from midwatch.effects.ledger import HAPPENED, EffectStatus
from midwatch.journal.chain import open_entry
from midwatch.journal.events import Event
from midwatch.journal.run_events import (
    EffectConfirmed,
    EffectDispatched,
    EffectFailed,
    EffectInDoubt,
    TaskFailed,
    TaskSkipped,
    TaskSucceeded,
)
from midwatch.plan.model import Plan
from midwatch.ports.store import RunFilter
from midwatch.run.state import RunState
from midwatch.wiring.opening import opened_house

T = TypeVar("T")
DEADLINE_S = 120.0
POLL_S = 0.005
HANDS = 4
"""Programs that fork workers: a run waits for disk and timers about as long as it computes."""


class Hand:
    """A program that forks one worker at a time; see `crash.worker`."""

    def __init__(self) -> None:
        self._program = self._begun()

    @staticmethod
    def _begun() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "crash.worker"],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, job: Job) -> int:
        """Fork a worker, and return its process id."""
        if self._program.poll() is not None:  # another test of this process ended all its children
            self._program = self._begun()
        assert self._program.stdin is not None
        self._program.stdin.write(told(job) + "\n")
        self._program.stdin.flush()
        return self._said("pid")

    def end(self) -> int:
        """Wait for the worker, and return its exit code: negative for the signal that ended it."""
        return os.waitstatus_to_exitcode(self._said("status"))

    def _said(self, name: str) -> int:
        assert self._program.stdout is not None
        line = self._program.stdout.readline()
        assert line, "the program that forks workers has ended"
        return int(json.loads(line)[name])

    def close(self) -> None:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        with suppress(BrokenPipeError):
            self._program.stdin.close()
        self._program.wait(timeout=DEADLINE_S)
        self._program.stdout.close()


class Crew:
    """Some hands, and a thread for each."""

    def __init__(self, count: int = HANDS) -> None:
        self._hands: SimpleQueue[Hand] = SimpleQueue()
        self._all = [Hand() for _ in range(count)]
        for hand in self._all:
            self._hands.put(hand)

    @contextmanager
    def hand(self) -> Iterator[Hand]:
        hand = self._hands.get()
        try:
            yield hand
        finally:
            self._hands.put(hand)

    def work(self, job: Job) -> int:
        """Have a worker do the job, and return its exit code."""
        with self.hand() as hand:
            hand.begin(job)
            return hand.end()

    def each(self, do: Callable[[int], T], numbers: Sequence[int], *, hands_each: int = 1) -> list[T]:
        """Do something for each number, as many at a time as hands allow; the first failure is raised."""
        with ThreadPoolExecutor(len(self._all) // hands_each) as pool:
            waiting = [pool.submit(do, number) for number in numbers]
            try:
                return [one.result() for one in waiting]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def close(self) -> None:
        for hand in self._all:
            hand.close()


def until(what: str, is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until_s, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while not is_so():
        assert time.monotonic() < until_s, f"it never came about: {what}"
        pause.wait(POLL_S)


def is_frozen(pid: int) -> bool:
    """Return whether a process is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def is_gone(pid: int) -> bool:
    """Return whether a process is no more, or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True


def again(job: Job) -> str:
    """Return the command that does a job by hand."""
    return f"cd tests && {shlex.join([Path(sys.executable).name, '-m', 'crash.worker', told(job)])}"


class Places:
    """Folders for runs: each a copy of a house that was opened once, or empty where none is made yet."""

    def __init__(self, folder: Path, crew: Crew, *, is_made: bool = True) -> None:
        self._folder = folder
        self._fresh = folder / "fresh"
        self._fresh.mkdir()
        if is_made:
            code = crew.work(Job(folder=str(self._fresh), plans=()))
            assert code == 0, logs(self._fresh)

    def new(self, name: str) -> Path:
        place = self._folder / name
        shutil.copytree(self._fresh, place)
        return place


def logs(folder: Path) -> str:
    """Return what workers left of their troubles, and where one died."""
    found = [path.read_text() for path in sorted(folder.glob("log-*.txt"))]
    died = folder / "died.txt"
    return "\n".join([died.read_text() if died.exists() else "nobody died", *found])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One run, as its journal and the world have it."""

    plan: Plan
    state: RunState
    events: tuple[Event, ...]
    broken: tuple[str, ...] = field(default=())

    def doubts(self, key: str) -> int:
        return sum(isinstance(one.payload, EffectInDoubt) and one.payload.key == key for one in self.events)


def seen(folder: Path) -> list[Seen]:
    """Audit a house, check each run of it against the world, and return what was found."""
    with opened_house(replace(config(folder), tools=()), need_engine=False) as opened:
        found = audit(opened.house)
        assert found.findings == ()
        runs = [row.run for row in opened.house.store.run_rows(RunFilter(limit=1000))]
        return [_checked(_read(opened.house, run), World(folder)) for run in runs]


def _read(house: House, run: RunId) -> Seen:
    state, _ = load_state(house, run)
    assert state.started is not None
    key = house.keys.subject_key(SUBJECT, create=False)
    events = tuple(open_entry(entry, key) for entry in house.store.entries(run_stream(run)))
    return Seen(plan=load_plan(house, state.started.plan), state=state, events=events)


def _checked(run: Seen, world: World) -> Seen:
    """Assert what holds of a run at any moment, dead or alive; return what only holds at its end."""
    broken = [*_outcomes(run), *_effects(run, world)]
    return replace(run, broken=tuple(broken))


def _outcomes(run: Seen) -> Iterator[str]:
    """Yield tasks that do not have exactly one outcome."""
    outcomes: Counter[str] = Counter()
    for event in run.events:
        match event.payload:
            case (
                TaskSucceeded(task=name, iteration=0)
                | TaskSkipped(task=name, iteration=0)
                | TaskFailed(task=name, retry_at_ms=None, iteration=0)
            ):
                outcomes[name] += 1
            case _:
                pass
    for task in run.plan.tasks:
        if outcomes[task.name] != 1 and not (task.is_undo and outcomes[task.name] == 0):
            yield f"{task.name} has {outcomes[task.name]} outcomes"


def _effects(run: Seen, world: World) -> Iterator[str]:
    """Yield effects that the world counts otherwise than their retry class allows."""
    dispatched = Counter(one.payload.key for one in run.events if isinstance(one.payload, EffectDispatched))
    for key, effect in run.state.effects.items():
        call = run.plan.task(effect.task).call
        assert call is not None
        calls, changes = world.calls(key), world.changes(key)
        about = f"{effect.task} ({call.retry}, {effect.status}): {calls} calls, {changes} changes"
        happened = effect.status in HAPPENED
        if happened and changes != 1:
            yield f"{about}, and it is said to have happened"
        if effect.status is EffectStatus.FAILED and calls:
            yield f"{about}, and it is said not to have happened"
        if changes > 1:
            yield f"{about}: more than once"
        if call.retry is RetryClass.UNSAFE and (dispatched[key] > 1 or calls > 1):
            yield f"{about}: dispatched {dispatched[key]} times"
        if call.retry is RetryClass.PROBE and calls > 1:
            yield f"{about}: repeated although the probe sees it"


def settled_by(run: Seen, *who: str) -> Iterator[tuple[str, bool]]:
    """Yield (by, whether it happened) for each outcome that one of `who` gave: `tool`, `probe`, `person`."""
    for event in run.events:
        match event.payload:
            case EffectConfirmed(by=by) if by.partition(":")[0] in who:
                yield by.partition(":")[0], True
            case EffectFailed(by=by) if by.partition(":")[0] in who:
                yield by.partition(":")[0], False
            case _:
                pass


def sample(count: int, *, every: int) -> range:
    """Return every so-manyth of the numbers 1 to `count`, others each day; prints which."""
    offset = dt.datetime.now(dt.UTC).toordinal() % every
    print(f"moments {offset + 1}, {offset + 1 + every}, … of {count}")  # noqa: T201 - stands in the report of a failure
    return range(offset + 1, count + 1, every)


def ended_after(crew: Crew, places: Places, jobs: Sequence[Job]) -> Seen | None:
    """Have one worker after the other die in a new folder, let a last one finish, and check everything.

    Returns:
        What became of the run; None where a worker came to the end before its moment.
    """
    folder = places.new("-".join(f"{job.counts}-{job.at}" for job in jobs))
    jobs = [replace(job, folder=str(folder)) for job in jobs]
    last = replace(jobs[-1], at=0, counts="boundary")
    try:
        for job in jobs:
            code = crew.work(job)
            if code == 0:
                return None
            assert code == -signal.SIGKILL, f"it ended with {code} instead"
        code = crew.work(last)
        assert code == 0, f"the one that followed ended with {code}"
        return assert_ended(folder, is_undone=last.undoes)
    except AssertionError as error:
        commands = "\n".join(again(job) for job in (*jobs, last))
        raise AssertionError(f"{error}\n{logs(folder)}\nagain:\n{commands}") from error


def assert_ended(folder: Path, *, is_undone: bool = True) -> Seen:
    """Assert that the one run of a house came to the end that its effects mean, and return it."""
    found = seen(folder)
    (run,) = [one for one in found if not is_called(one)]
    for one in found:
        assert one.broken == ()
        assert_run_ended(one, World(folder), is_undone=is_undone and one is run)
    assert {one.state.run for one in found} == {run.state.run, *run.state.children}
    return run


def is_called(run: Seen) -> bool:
    """Return whether another run called this one."""
    return run.state.started is not None and bool(run.state.started.parent)


def assert_run_ended(run: Seen, world: World, *, is_undone: bool = True) -> None:
    effects = run.state.effects.values()
    own = [effect for effect in effects if not effect.task.startswith(BACK)]
    failed = [effect for effect in own if effect.status is EffectStatus.FAILED]
    assert run.state.outcome == ("failed" if failed else "resolved"), run.state.why
    if not is_undone:
        return
    backs = {(effect.task, effect.iteration): effect.status for effect in effects if effect not in own}
    for effect in own:
        if effect in failed:
            continue
        back = backs[run.plan.task(effect.task).undo or effect.task, effect.iteration]
        wanted = EffectStatus.UNDO_FAILED if back is EffectStatus.FAILED else EffectStatus.UNDONE
        assert effect.status is wanted, effect.task
        if wanted is EffectStatus.UNDONE:
            assert world.value(str(effect.sealed["args"]["name"])) == BEGIN_VALUE
