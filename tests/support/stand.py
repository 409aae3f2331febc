"""Processes that share one disk and one world, and die, freeze and come back as a test says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from midwatch.adapters.memory import ManualClock, MemoryEngine, MemoryReceipt, MemoryStore, SeededChance
from midwatch.adapters.memory_world import InlineCrew, MemoryKeys
from midwatch.app.answer import Attempt, answer
from midwatch.app.audit import audit
from midwatch.app.change import request_cancel, request_undo, settle_doubt
from midwatch.app.drive.driver import Driver
from midwatch.app.drive.project import changed_rows
from midwatch.app.hand_in import HandIn, hand_in
from midwatch.app.house import SUBJECT, House, InForce
from midwatch.app.signal import SignalSent, signal
from midwatch.app.start import StartRequest, start_run
from midwatch.app.watch import fire_due, seal_pending, take_over
from midwatch.base.classes import Mode, Profile
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ApprovalId, EffectKey, HandId, Principal, RunId, ToolName
from midwatch.base.units import MINUTE_MS, DurationMs, EpochMs
from midwatch.effects.ledger import EffectStatus
from midwatch.effects.manifest import Manifest
from midwatch.plan.model import Plan
from midwatch.ports.rows import WorkerRow
from midwatch.ports.store import Change, FencedError, Receipt, Store, StoreFullError
from midwatch.ports.tools import ToolCall, ToolFailed, ToolOutcome, ToolSilent
from midwatch.run.errors import DoubtEarlyError
from midwatch.run.state import RunState
from support.houses import BEGIN_MS, PEOPLE
from support.plans import CALLEES
from support.policies import YESES_MIN, rules_of
from support.promises import Promises
from support.world import Killed, World

ROUNDS_MAX = 500
TURNS_MAX = 3_000
"""How often one process may look at its policy or clock before it is going round in circles."""


@dataclass(slots=True)
class Process:
    """One of our processes, as the operating system sees it."""

    name: str
    is_dead: bool = False
    is_stale: bool = False
    """Somebody took its runs over: its children were killed, it may still believe that it lives."""
    house: House = field(init=False)
    engine: MemoryEngine = field(init=False)
    turns: int = 0
    is_slow: bool = False
    """Its commits land late: not before it waits for them."""
    trouble: tuple[int, str] | None = None
    """(commits until then, what happens): killed `before` or `after` a commit, or the disk is `full`."""

    def die(self) -> None:
        self.is_dead = True
        raise Killed(self.name)

    def live(self) -> None:
        if self.is_dead:
            raise Killed(self.name)

    def turn(self) -> None:
        self.live()
        self.turns += 1
        assert self.turns < TURNS_MAX, "a drive goes round in circles"


@dataclass(slots=True)
class Later:
    """A commit that lands when it is waited for."""

    land: Callable[[], None]

    def is_over(self) -> bool:
        return False

    def wait(self) -> None:
        self.land()


class Disk:
    """The database as one process reaches it; everything but `append` goes straight through."""

    def __init__(self, stand: "Stand", process: Process) -> None:
        self._stand = stand
        self._process = process

    def __getattr__(self, name: str) -> Any:
        self._process.live()
        return getattr(self._stand.disk, name)

    def append(self, change: Change) -> None:
        process = self._process
        process.live()
        what = self._trouble()
        if what == "before":
            process.die()
        if what == "full":
            raise StoreFullError("no space left", path="disk")
        owner = None if change.run is None else self._stand.disk.owner(change.run)
        try:
            self._stand.disk.append(change)
        except FencedError:
            self._stand.fenced += 1
            raise
        self._stand.promises.committed(change, owner)
        if what == "after":
            process.die()

    def begin(self, change: Change, *, awaited: bool) -> Receipt:
        """Commit at once, or not before somebody waits for it: both may happen to a commit under way."""
        if self._process.is_slow:
            return Later(lambda: self.append(change))
        try:
            self.append(change)
        except MidwatchError as refusal:
            return MemoryReceipt(refusal)
        return MemoryReceipt(None)

    def _trouble(self) -> str:
        if self._process.trouble is None:
            return ""
        left, what = self._process.trouble
        self._process.trouble = (left - 1, what) if left else None
        return "" if left else what


@dataclass(slots=True)
class Hands:
    """The tools of one process, reaching into the one world."""

    stand: "Stand"
    process: Process

    @property
    def manifests(self) -> Mapping[ToolName, Manifest]:
        return self.stand.world.manifests

    def call(self, call: ToolCall) -> ToolOutcome:
        world, process = self.stand.world, self.process
        process.live()
        self.stand.meanwhile(world.meanwhile)
        process.live()
        if not world.is_acting(call.tool):
            return world.read(call)
        if process.is_stale:
            return ToolSilent(why="its child died with the lease")
        if self.stand.is_silent(process) and self.stand.clock.monotonic_ms() >= (call.until_ms or 0):
            return ToolFailed(code="MW505", why="it came too late", retryable=True, settles=False)
        fault = world.acting_faults.pop(0) if world.acting_faults else ""
        if fault == "killed before":
            process.die()
        is_stale = self.stand.is_silent(process)
        self.stand.promises.about_to_act(call, is_stale=is_stale)
        outcome = world.act(call, fault)
        if fault == "killed after":
            process.die()
        if fault == "frozen after":
            self.stand.succeed(process)
        return outcome

    def close(self) -> None:
        """Nothing to end."""


class OwnClock:
    """The one time of day, as a process reads it that must come to an end."""

    def __init__(self, clock: ManualClock, process: Process) -> None:
        self._clock = clock
        self._process = process

    def now_ms(self) -> EpochMs:
        self._process.turn()
        return self._clock.now_ms()

    def monotonic_ms(self) -> int:
        return self._clock.monotonic_ms()


class Stand:
    """A disk, a world, and the processes of one installation."""

    def __init__(self, *, profile: Profile, is_slow: bool = False) -> None:
        self.disk = MemoryStore()
        self.world = World()
        self.clock = ManualClock(BEGIN_MS)
        self.profile = profile
        self.policy = "default"
        self.is_slow = is_slow
        self.fenced = 0
        """How often a stale drive was kept from writing."""
        self.troubles: list[MidwatchError] = []
        """What broke a drive."""
        self.after_gate: list[Callable[[], None]] = []
        """What happens right after somebody looked at what is in force, one for each look."""
        self._chance = SeededChance(7)
        self._keys = MemoryKeys(self._chance.token)
        self._keys.subject_key(SUBJECT, create=True)
        self._gone: set[str] = set()
        self._silent: set[str] = set()
        self._count = 0
        self._observer = self._process()
        self.promises = Promises(house=self._observer.house, world=self.world)
        self.now = self.join()
        self.enforce("default")

    # Processes

    def _process(self) -> Process:
        process = Process(name=f"w{self._count}", is_slow=self.is_slow)
        self._count += 1
        disk = cast("Store", Disk(self, process))
        process.house = House(
            store=disk,
            tools=Hands(self, process),
            keys=self._keys,
            clock=OwnClock(self.clock, process),
            chance=self._chance,
            crew=InlineCrew(),
            worker=process.name,
            profile=self.profile,
            in_force=lambda: self._in_force(process),
            is_surely_dead=lambda row: row.worker in self._gone,
            watched=lambda: False,
            seal_lag_ms=lambda: 0,
            on_commit=lambda _: None,
        )
        process.engine = MemoryEngine(cast("MemoryStore", disk), worker=process.name)
        return process

    def _drive(self, driver: Driver, run: RunId) -> None:
        try:
            driver(run)
        except MidwatchError as error:
            self.troubles.append(error)
            raise

    def _in_force(self, process: Process) -> InForce:
        process.turn()
        force = InForce(
            rules=rules_of(self.policy),
            people=PEOPLE,
            version=self.disk.facts_version(),
            control=self.disk.facts(),
        )
        self.meanwhile(self.after_gate)
        return force

    def meanwhile(self, planned: list[Callable[[], None]]) -> None:
        """Let others do what was planned for this moment."""
        if planned:
            planned.pop(0)()

    def join(self) -> Process:
        """Return one more process that lives; it serves the queue from now on."""
        process = self._process()
        row = WorkerRow(worker=process.name, host="h", boot="b", pid=1, started_ms=self._count, beat=0)
        self.disk.beat(row)
        driver = Driver(process.house, is_silent=lambda worker: worker in self._silent)
        process.engine.start(lambda run: self._drive(driver, run))
        self.now = process
        return process

    def succeed(self, old: Process) -> None:
        """Let another process take over from one that is dead, or believed to be."""
        old.is_stale = True
        self._gone.add(old.name)
        heir = self._heir_of(old)
        take_over(heir.house, heir.engine)
        self.pump()

    def lose(self, old: Process) -> None:
        """Let another process take over from one that is frozen: what it was about to do may still come."""
        self._silent.add(old.name)
        self._heir_of(old).engine.adopt((old.name,))
        self.pump()

    def is_silent(self, process: Process) -> bool:
        return process.name in self._silent

    def _heir_of(self, old: Process) -> Process:
        heir = self.join() if self.now is old else self.now
        heir.turns = 0
        return heir

    def run(self, work: Callable[[Process], object]) -> MidwatchError | None:
        """Do something in the process of the moment, and return what it refused.

        Where the process is killed on the way, another takes over.
        """
        process = self.now
        process.turns = 0
        try:
            work(process)
        except Killed:
            assert process.is_dead
            self.succeed(process)
        except MidwatchError as error:
            return error
        return None

    # What happens

    def start(self, plan: Plan, *, mode: Mode, initiator: str, thing: str) -> None:
        request = StartRequest(
            plan=plan,
            inputs={"name": thing},
            initiator=Principal(initiator),
            mode=mode,
            callees=CALLEES.get(plan.runbook, ()),
        )
        self.run(lambda process: start_run(process.house, request))

    def pump(self, times: int = 1_000) -> None:
        """Drive what is in the queue."""
        for _ in range(times):
            if not self.disk._tables.queue:
                return
            self.run(lambda process: process.engine.pump())

    def advance(self, duration_ms: int) -> None:
        """Let time pass, and fire the timers that are due."""
        self.clock.advance(DurationMs(duration_ms))
        self.run(lambda process: fire_due(process.house))

    def answer(self, approval: ApprovalId, said: str, os_user: str) -> MidwatchError | None:
        attempt = Attempt(approval=approval, answer=said, os_user=os_user, surface="cli")
        return self.run(lambda process: answer(process.house, attempt))

    def approve_all(self) -> None:
        """Let everybody who may say yes to everything that is asked."""
        for asked in self.disk.approval_rows(only_open=True):
            for user in ("ada", "grace"):
                self.answer(asked.approval, "approve", user)

    def hand_in(
        self, hand: HandId, os_user: str, *, ok: bool = True, fits: bool = True
    ) -> MidwatchError | None:
        """Hand in what was done by hand: what is wanted, or something else."""
        given = HandIn(
            hand=hand,
            os_user=os_user,
            surface="cli",
            out={"value": 3 if fits else "much"},
            ok=ok,
            note="so",
        )
        return self.run(lambda process: hand_in(process.house, given))

    def hand_in_all(self) -> None:
        """Let everybody who may hand in all that is to be done by hand."""
        for row in self.disk.hand_rows(only_open=True):
            for user in ("ada", "grace"):
                self.hand_in(row.hand, user)

    def signal(self, run: RunId, name: str, *, id: str = "") -> MidwatchError | None:  # noqa: A002 - as its field
        sent = SignalSent(run=run, name=name, by=Principal("person:ada"), surface="cli", id=id)
        return self.run(lambda process: signal(process.house, sent))

    def wait(self) -> bool:
        """Let time pass until the next timer fires; return whether there is one."""
        timers = sorted(self.disk._tables.timers.values(), key=lambda timer: timer.due_ms)
        if timers:
            self.advance(max(0, timers[0].due_ms - self.clock.now_ms()))
        return bool(timers)

    def cancel(self, run: RunId, *, leave: bool = False) -> None:
        ada = Principal("person:ada")
        self.run(lambda process: request_cancel(process.house, run, by=ada, why="enough", leave=leave))

    def undo(self, run: RunId, by: str) -> None:
        self.run(lambda process: request_undo(process.house, run, by=Principal(by)))

    def settle(self, key: EffectKey, *, is_true: bool = True) -> MidwatchError | None:
        """Say as a person whether an effect in doubt happened."""
        happened = (self.world.applied[key] > 0) == is_true
        ada = Principal("person:ada")
        return self.run(lambda process: settle_doubt(process.house, key, happened=happened, by=ada, why=""))

    def enforce(self, policy: str) -> None:
        """Put another policy in force, for every process at once."""
        self.policy = policy
        self.promises.policy = rules_of(policy).digest
        self.promises.yeses_min = YESES_MIN[policy]
        self.disk.bump_facts(name="policy", value=rules_of(policy).digest)

    def halt(self, *, is_on: bool) -> None:
        """Close the gate for everything, or open it again."""
        self.promises.is_halted = is_on
        self.disk.bump_facts(name="halt", value="all" if is_on else "")

    def redeclare(self, tool: ToolName) -> None:
        """Put a new major version in the place of a tool's manifest."""
        known = self.world.manifests[tool]
        self.world.manifests[tool] = replace(known, major=known.major + 1)

    # What is the case

    @property
    def states(self) -> list[RunState]:
        return list(self.promises.states.values())

    @property
    def doubts(self) -> list[EffectKey]:
        """Effects of which nobody knows whether they happened."""
        effects = (effect for state in self.states for effect in state.effects.values())
        return [effect.key for effect in effects if effect.status is EffectStatus.IN_DOUBT]

    def compare_rows(self) -> None:
        """Check that the tables say what the journal means."""
        for state in self.states:
            found = {
                self.disk.run_row(state.run),
                *self.disk.task_rows(state.run),
                *self.disk.effect_rows(state.run),
                *self.disk.approval_rows(run=state.run),
                *self.disk.hand_rows(run=state.run),
                *self.disk.notice_rows(run=state.run, limit=1_000),
            }
            assert found == set(changed_rows(RunState(run=state.run), state)), f"rows of {state.run} differ"

    def audit(self) -> None:
        """Seal what is committed, and check everything."""
        self._observer.turns = 0
        seal_pending(self._observer.house)
        found = audit(self._observer.house)
        assert not found.findings, found.findings

    # The end

    def drain(self) -> None:
        """Let everything go well from now on, and check that every run comes to its end."""
        self._calm()
        for _ in range(ROUNDS_MAX):
            self.pump()
            if not self._go_on():
                break
        for state in self.states:
            row = self.disk.run_row(state.run)
            assert row is not None
            known = {key: effect.status.value for key, effect in state.effects.items()}
            tasks = {name: task.status for name, task in state.tasks.items()}
            assert row.status == "ended", f"{state.run} stays {row.status} for ever: {tasks} {known}"
        self.promises.count_effects()

    def _calm(self) -> None:
        self.world.acting_faults.clear()
        self.world.reading_faults.clear()
        self.world.meanwhile.clear()
        self.after_gate.clear()
        self.world.lies = 0
        self.now.trouble = None
        self.enforce("default")
        self.halt(is_on=False)

    def _go_on(self) -> bool:
        """Do the next thing that somebody or the time would do; return False where there is none."""
        self.approve_all()
        self.hand_in_all()
        if self.disk._tables.queue or self.wait():
            return True
        for key in self.doubts:
            if isinstance(self.settle(key), DoubtEarlyError):
                self.advance(MINUTE_MS)
            return True
        return bool(self.disk._tables.queue)
