"""A process of Midwatch that works in a folder, and dies or freezes at a moment that it was told.

    python -m crash.worker '{"folder": "/path/of/a/copy", "at": 17}'      one worker, to reproduce a failure
    python -m crash.worker                                                jobs from stdin, one a line

The second form imports everything once and forks a worker per job: forking from a program of one thread
is safe, and saves seconds each time. It answers `{"pid": …}`, then `{"status": …}` as `waitpid` has it.
"""

import faulthandler
import json
import os
import re
import signal
import sqlite3
import sys
import threading
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import midwatch.adapters.engine.serving  # noqa: F401 - imported once, before anything forks
from crash.plans import Plans
from crash.world import MOMENTS, World, register
from midwatch.adapters.config import Config
from midwatch.adapters.tools import child
from midwatch.app.answer import Attempt, answer
from midwatch.app.change import request_undo, settle_doubt
from midwatch.app.drive.driver import Driver
from midwatch.app.drive.session import load_state
from midwatch.app.hand_in import HandIn, hand_in
from midwatch.app.house import House
from midwatch.app.signal import SignalSent
from midwatch.app.signal import signal as signal_run
from midwatch.app.start import StartRequest, start_run
from midwatch.app.watch import BEAT_EVERY_MS, Pulse
from midwatch.base.classes import EffectClass, Profile, RetryClass
from midwatch.base.ids import ApprovalId, EffectKey, HandId, Principal, RunId, ToolName
from midwatch.effects.ledger import EffectStatus
from midwatch.ports.store import Change, Receipt, RunFilter
from midwatch.ports.tools import ToolCall, ToolOutcome
from midwatch.run.state import RunState
from midwatch.wiring import worker as embedding
from midwatch.wiring.opening import Opened, open_house

TESTS = Path(__file__).parents[1]
SEAL_EVERY_MS = 50
LOOK_EVERY_S = 0.05
"""The worker's own script looks at its runs at each commit, and this often for what others commit."""
DEADLINE_S = 40.0
WRITING = frozenset({"BEGIN", "CREATE", "DELETE", "INSERT", "UPDATE"})
ASKED_BY = Principal("system:start")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a worker does."""

    folder: str
    plans: tuple[str, ...] = ("whole",)
    at: int = 0
    """The number of the moment at which it dies; 0 for never."""
    signal: int = signal.SIGKILL
    """SIGSTOP freezes it instead; whoever wakes it finds it going on."""
    counts: str = "boundary"
    """`boundary` or `statement`: what its moments are."""
    only: str = ""
    """A regular expression: only moments with such names count."""
    hangs: bool = False
    """The tool in which it is frozen never comes back by itself."""
    settles: bool = True
    """A person says, as the world shows it, whether what is in doubt happened."""
    undoes: bool = True
    beside: int = 0
    """How many workers of this folder have to be there before it does anything."""
    silent_after_ms: int = 30_000
    """How long a heartbeat stands still before its worker loses its runs."""


class Moments:
    """Counts the moments at which the process could die, and dies at one."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lock = threading.Lock()
        self._count = 0
        self._only = re.compile(job.only)

    def at(self, name: str) -> None:
        """Count a boundary of the program, and die at it when it is the one."""
        if self.next_is_last(name):
            self._die()

    def statement(self, sql: str) -> None:
        """Count a statement of SQL that is about to run."""
        if self._counts("statement", sql):
            self._die()

    def next_is_last(self, name: str) -> bool:
        """Count a boundary; return whether it is the one, for whoever makes it happen."""
        return self._counts("boundary", name)

    def _die(self) -> None:
        """Take the signal in this very thread, so that it does not go on until another one has seen it."""
        signal.pthread_kill(threading.get_ident(), self._job.signal)

    def _counts(self, kind: str, name: str) -> bool:
        if kind != self._job.counts or not self._only.search(name):
            return False
        with self._lock:
            self._count += 1
            is_last = self._count == self._job.at
            if is_last:
                (Path(self._job.folder) / "died.txt").write_text(f"{self._count}: {name}")
            return is_last

    @property
    def count(self) -> int:
        return self._count


def config(folder: Path) -> Config:
    """Return the settings of a house in a folder."""
    return Config(
        file=None,
        state=folder / "state",
        database=folder / "state" / "midwatch.db",
        profile=Profile.SOLO,
        port=4747,
        policy=None,
        people=None,
        tools=(folder / "tools",),
        runbooks=(),
        origins={},
    )


def watch_statements(moments: Moments) -> None:
    """Have every statement that is part of a transaction counted, on each connection of the process."""
    connect = sqlite3.connect

    def watched(*args: Any, **more: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **more)

        def seen(sql: str) -> None:
            begins = sql.lstrip().partition(" ")[0].upper() in {
                "BEGIN",
                "INSERT",
                "UPDATE",
                "DELETE",
                "CREATE",
            }
            if (begins or connection.in_transaction) and not sql.startswith("--"):
                moments.statement(sql)

        connection.set_trace_callback(seen)
        return connection

    for module in (sqlite3, sqlite3.dbapi2):
        vars(module)["connect"] = watched


class Watched:
    """A commit under way, with a boundary after it."""

    def __init__(self, receipt: Receipt, moments: "Moments", name: str) -> None:
        self._receipt, self._moments, self._name = receipt, moments, name

    def is_over(self) -> bool:
        """Return whether the commit is."""
        return self._receipt.is_over()

    def wait(self) -> None:
        """Wait for the commit, then pass the boundary."""
        self._receipt.wait()
        self._moments.at(self._name)


def watch_house(house: House, moments: Moments, job: Job) -> None:
    """Put a boundary before and after everything that the house commits or sends."""
    store, tools, world = house.store, house.tools, World(Path(job.folder))
    begin, wake, seal, call = store.begin, store.wake, store.seal, tools.call

    def beginning(change: Change, *, awaited: bool) -> Receipt:
        name = f"append {change.stream} {' '.join(entry.type for entry in change.entries)}"
        moments.at(f"before {name}")
        return Watched(begin(change, awaited=awaited), moments, f"after {name}")

    def waking(timer: Any) -> bool:
        moments.at("before wake")
        woken = wake(timer)
        moments.at("after wake")
        return woken

    def sealing(grow: Any, *, limit: int = 5_000) -> int:
        def growing(log: Any) -> Any:
            moments.at("before seal")
            return grow(log)

        sealed = seal(growing, limit=limit)
        if sealed:
            moments.at("after seal")
        return sealed

    def calling(call_: ToolCall) -> ToolOutcome:
        name = f"{call_.tool} {call_.key.partition('/')[2]}"
        moments.at(f"before {name}")
        if tools.manifests[call_.tool].effect is not EffectClass.READ:
            for moment in MOMENTS:
                if moments.next_is_last(f"{moment} {name}"):
                    world.order(call_.key, moment, job.signal, hangs=job.hangs)
        outcome = call(call_)
        moments.at(f"after {name}")
        return outcome

    vars(store).update(begin=beginning, wake=waking, seal=sealing)
    vars(tools).update(call=calling)


def watch_heartbeats(opened: Opened, job: Job) -> None:
    """Have the worker take over from the silent, and show often enough itself that it lives."""
    worker = opened.worker
    assert worker is not None, "the house was opened with its engine"
    pulse = Pulse(opened.house, silent_after_ms=job.silent_after_ms)
    worker._driver = Driver(opened.house, is_silent=pulse.is_silent)
    worker._pulse = pulse
    worker._beat_every_ms = min(BEAT_EVERY_MS, job.silent_after_ms // 6)


class Script:
    """Starts the runs that are not there, and does what people do, until nothing is left to do."""

    def __init__(self, opened: Opened, plans: Plans, job: Job, moments: Moments) -> None:
        self._house, self._plans, self._job, self._moments = opened.house, plans, job, moments
        self._person = opened.os_user
        self._world = World(Path(job.folder))
        self._changed = threading.Event()
        opened.listeners.append(lambda _: self._changed.set())
        self._until_s = time.monotonic() + DEADLINE_S

    def meet(self) -> None:
        """Wait until all workers that are to work beside each other have begun."""
        if not self._job.beside:
            return
        folder, pause = Path(self._job.folder), threading.Event()
        (folder / f"begun-{os.getpid()}").touch()
        while len(list(folder.glob("begun-*"))) < self._job.beside:
            pause.wait(LOOK_EVERY_S)
            assert time.monotonic() < self._until_s, "the others do not begin"

    def play(self) -> None:
        for plan in self._job.plans:
            if not self._runs(plan):
                self._moments.at("before start")
                self._start(plan)
                self._moments.at("after start")
        while not all(self._is_over(run) for plan in self._job.plans for run in self._runs(plan)):
            self._changed.wait(LOOK_EVERY_S)
            self._changed.clear()
            if time.monotonic() > self._until_s:
                raise TimeoutError("the run does not end")

    def _start(self, plan: str) -> None:
        """Start a run of the plan where there is none: its key keeps others off only while it lives."""
        request = StartRequest(
            plan=self._plans.named(plan),
            inputs={},
            initiator=ASKED_BY,
            key="one",
            callees=self._plans.callees(plan),
        )
        with self._world.alone("start"):
            if not self._runs(plan):
                start_run(self._house, request)

    def wait_for(self, driver: Driver) -> None:
        """Wait until no drive is under way: one that was frozen first finds out that it is fenced."""
        while driver._active:
            self._changed.wait(LOOK_EVERY_S)
            assert time.monotonic() < self._until_s, "a drive does not end"

    def _runs(self, plan: str) -> list[RunId]:
        runbook = plan.partition(":")[0]
        return [row.run for row in self._house.store.run_rows(RunFilter(runbook=runbook))]

    def _is_over(self, run: RunId) -> bool:
        """Do what a person would do next; return whether nothing is left to be done."""
        state, _ = load_state(self._house, run)
        assert state.started is not None
        for asked in state.open_approvals:
            self._answer(asked.approval)
        for hand in state.open_hands:
            self._hand_in(hand)
        if any(wait.event for wait in state.waits.values()) and not state.signal_ids:
            self._signal(run)
        doubts = self._doubts(state)
        if doubts and not self._job.settles and self._is_parked(run):
            return True
        if doubts and self._job.settles and self._is_parked(run):
            for key in doubts:
                self._settle(key)
            return False
        if not state.outcome:
            return False
        if self._job.undoes and not state.undo_keys:
            self._undo(run)
            return False
        return not state.undoing and self._is_parked(run)

    def _is_parked(self, run: RunId) -> bool:
        return self._house.store.owner(run) is None

    def _doubts(self, state: RunState) -> list[EffectKey]:
        """Return the effects in doubt that nobody but a person may settle, once nothing can come after."""
        return [
            effect.key
            for effect in state.effects.values()
            if effect.status is EffectStatus.IN_DOUBT
            and effect.settle_after_ms <= self._house.clock.now_ms()
            and self._house.tools.manifests[ToolName(effect.tool)].retry is RetryClass.UNSAFE
        ]

    def _answer(self, approval: ApprovalId) -> None:
        self._moments.at("before answer")
        attempt = Attempt(approval=approval, answer="approve", os_user=self._person, surface="test")
        answer(self._house, attempt)
        self._moments.at("after answer")

    def _hand_in(self, hand: HandId) -> None:
        self._moments.at("before hand in")
        hand_in(self._house, HandIn(hand=hand, os_user=self._person, surface="test", out={"ok": True}))
        self._moments.at("after hand in")

    def _signal(self, run: RunId) -> None:
        self._moments.at("before signal")
        signal_run(self._house, SignalSent(run=run, name="go", by=self._by, surface="test", id="one"))
        self._moments.at("after signal")

    def _settle(self, key: EffectKey) -> None:
        happened = self._world.calls(key) > 0
        self._moments.at("before settle")
        settle_doubt(self._house, key, happened=happened, by=self._by, why="looked at it")
        self._moments.at("after settle")

    def _undo(self, run: RunId) -> None:
        self._moments.at("before undo")
        request_undo(self._house, run, by=self._by)
        self._moments.at("after undo")

    @property
    def _by(self) -> Principal:
        return self._house.in_force().people.person_of_os_user(self._person).principal


def work(job: Job) -> None:
    """Do a job in this process; return once nothing is left to do."""
    folder, moments = Path(job.folder), Moments(job)
    register()
    child.BOOT = (
        f"import sys; sys.path += [*sys.argv[2:], {str(TESTS)!r}]; "
        "from crash.world import register; register(); "
        "from midwatch.adapters.tools.child import main; main(int(sys.argv[1]))"
    )
    vars(embedding)["SEAL_EVERY_MS"] = SEAL_EVERY_MS
    if job.counts == "statement":
        watch_statements(moments)
    plans = Plans(folder / "tools")
    opened = open_house(config(folder), need_engine=True)
    watch_house(opened.house, moments, job)
    script = Script(opened, plans, job, moments)
    watch_heartbeats(opened, job)
    worker = opened.worker
    assert worker is not None, "the house was opened with its engine"
    worker.start()
    script.meet()
    script.play()
    script.wait_for(worker._driver)
    worker.seal()
    (folder / "count.txt").write_text(str(moments.count))


def _alone(job: Job) -> int:
    """Do a job in a process of its own, and end it as a kill would: nothing is given back."""
    log = Path(job.folder) / f"log-{os.getpid()}.txt"
    with log.open("w") as file:
        os.dup2(file.fileno(), 2)
        faulthandler.dump_traceback_later(DEADLINE_S + 10, exit=True)
        try:
            work(job)
        except BaseException:  # noqa: BLE001 - the wall of a forked process: nothing of its parent may run on
            traceback.print_exc()
            sys.stderr.flush()
            return 1
    return 0


def told(job: Job) -> str:
    """Return the job as the command line takes it."""
    return json.dumps(asdict(job))


def serve() -> None:
    """Fork a worker for each line of stdin."""
    assert len(os.listdir("/proc/self/task")) == 1, "only a program of one thread may fork"  # noqa: PTH208
    for line in sys.stdin:
        given = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_alone(Job(**{**given, "plans": tuple(given["plans"])})))
        print(json.dumps({"pid": pid}), flush=True)  # noqa: T201 - the protocol
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": status}), flush=True)  # noqa: T201 - the protocol


def main() -> None:
    if len(sys.argv) > 1:
        given = json.loads(sys.argv[1])
        sys.exit(_alone(Job(**{**given, "plans": tuple(given.get("plans", ["whole"]))})))
    serve()


if __name__ == "__main__":
    main()
