"""The only loop that turns decisions into effects.

    decide -> settle what follows by rule -> prepare what acts -> one commit -> call -> absorb …

Rule 1: nothing is called that may act before the commit that says so is durable.
Rule 2: an outcome that was seen is on its way to be durable before the next reading begins, and
        durable before anything acts, asks, parks or ends.
Rule 3: a drive ends when nothing is runnable; a parked run is rows, nothing else.
Rule 4: a drive writes only while the run is its own; a stale one is fenced and stops.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue

from midwatch.app.drive.bench import Prepared
from midwatch.app.drive.call import call
from midwatch.app.drive.family.children import begin_child, call_run, stop_child, tell_parent
from midwatch.app.drive.jobs.hand import hand_over
from midwatch.app.drive.jobs.look import look
from midwatch.app.drive.jobs.tell import tell
from midwatch.app.drive.prepare import prepare_new
from midwatch.app.drive.read import probe, read
from midwatch.app.drive.recheck import prepare_dispatch
from midwatch.app.drive.session import Segment, Session, give_up, load_plan, load_state
from midwatch.app.house import House
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import EffectKey, OwnerToken, RunId, run_stream
from midwatch.base.units import SECOND_MS, EpochMs
from midwatch.ports.store import FencedError, Head, StreamMovedError
from midwatch.run.commands import (
    Begin,
    Call,
    CallRead,
    Command,
    Dispatch,
    Hand,
    Look,
    Prepare,
    Probe,
    Settle,
    Stop,
    Tell,
    Wait,
)
from midwatch.run.decide import World, decide
from midwatch.run.effecting import Flight
from midwatch.run.state import Place, RunState

RETRY_AFTER_CRASH_MS = 5 * SECOND_MS
TURNS_MAX = 100_000
"""Turns of the loop in one drive before something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What nobody else of a drive may begin while a job is under way."""

    tasks: frozenset[Place] = frozenset()
    effects: frozenset[EffectKey] = frozenset()
    children: frozenset[RunId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A job that came back: what it found, or what broke."""

    claims: Claims
    result: Segment | Prepared | BaseException


class Driver:
    """Drives runs; one per process. Calling it twice for a run at the same time drives it once."""

    def __init__(self, house: House, *, is_silent: Callable[[str], bool] = lambda _: False) -> None:
        """Drive nothing yet; the runs of a worker that `is_silent` may be claimed, as those of a dead one."""
        self._house = house
        self._is_silent = is_silent
        self._active: set[RunId] = set()
        self._lock = threading.Lock()

    def __call__(self, run: RunId) -> None:
        """Drive `run` until nothing of it is runnable.

        Raises:
            MidwatchError: an operating error; the run is driven again by its timer.
        """
        while True:
            with self._lock:
                if run in self._active:
                    return
                self._active.add(run)
            try:
                head = self._drive(run)
            except FencedError:
                return
            except StreamMovedError:
                continue
            finally:
                with self._lock:
                    self._active.discard(run)
            if head is None or self._house.store.head(run_stream(run)) == head:
                return

    def _drive(self, run: RunId) -> Head | None:
        """Return where the stream ended when the run was given up, None where it is somebody else's."""
        session = None
        try:
            session = self._open(run)
            if session is None:
                return None
            _Drive(house=self._house, session=session).go()
        except (FencedError, StreamMovedError):
            raise
        except BaseException:
            self._again_later(run, session)
            raise
        tell_parent(self._house, session.state)
        return session.head

    def _again_later(self, run: RunId, session: Session | None) -> None:
        """Let go of a run whose drive broke, to be driven again soon; the next start adopts it too."""
        token = None if session is None else session.held()
        until_ms = EpochMs(self._house.clock.now_ms() + RETRY_AFTER_CRASH_MS)
        with suppress(MidwatchError):  # what broke first is what is said
            give_up(self._house, run, token, until_ms=until_ms)

    def _open(self, run: RunId) -> Session | None:
        house = self._house
        owner = house.store.owner(run)
        if owner is not None and not self._is_gone(owner):
            return None
        state, head = load_state(house, run)
        if state.started is None:
            return None
        plan = load_plan(house, state.started.plan)
        return Session(house, plan, state, head=head, claim_over=owner)

    def _is_gone(self, owner: OwnerToken) -> bool:
        worker = owner.rpartition(":")[0]
        if worker == self._house.worker or self._is_silent(worker):
            return True
        return worker in dead_workers(self._house, {worker})


def dead_workers(house: House, workers: set[str]) -> frozenset[str]:
    """Return those of the named workers that are surely gone: signed off, or their process is dead."""
    known = {row.worker: row for row in house.store.workers()}
    return frozenset(
        worker
        for worker in workers
        if worker != house.worker and (worker not in known or house.is_surely_dead(known[worker]))
    )


@dataclass(slots=True)
class _Drive:
    """One drive of one run, and what it has in flight."""

    house: House
    session: Session
    landed: SimpleQueue[Landed] = field(default_factory=SimpleQueue)
    tasks: set[Place] = field(default_factory=set)
    effects: set[EffectKey] = field(default_factory=set)
    children: set[RunId] = field(default_factory=set)
    held: set[Place] = field(default_factory=set)
    """Tasks whose target another effect of this drive is at work on; considered again when one lands."""
    jobs: int = 0

    def go(self) -> None:
        for _ in range(TURNS_MAX):
            waits = self._advance()
            if self.jobs:
                self._absorb(self.landed.get())
                while not self.landed.empty():
                    self._absorb(self.landed.get())
            elif self._park(waits):
                return
        raise AssertionError(f"{self.session.run} made {TURNS_MAX} turns in one drive")

    def _advance(self) -> tuple[Wait, ...]:
        """Settle, prepare and start all that can go on; return what is left to wait for."""
        while True:
            commands = decide(self.session.plan, self.session.state, self._world())
            if commands and isinstance(commands[0], Settle):
                self._settle(commands[0])
                continue
            work = [command for command in commands if not isinstance(command, Wait)]
            if not work:
                return tuple(command for command in commands if isinstance(command, Wait))
            if self._start(work):
                return ()

    def _world(self) -> World:
        state = self.session.state
        strangers = {state.effects[key].worker for key in state.sent if key not in self.effects}
        dead = dead_workers(self.house, strangers) if strangers else frozenset()
        flight = Flight(
            tasks=frozenset(self.tasks | self.held),
            effects=frozenset(self.effects),
            dead=dead,
            children=frozenset(self.children),
        )
        return World(now_ms=self.house.clock.now_ms(), flight=flight)

    def _settle(self, command: Settle) -> None:
        now_ms = self.house.clock.now_ms()
        self.session.add(Segment(facts=command.facts, cause_n=command.cause_n, at_ms=now_ms))

    def _start(self, work: Sequence[Command]) -> bool:
        """Start the work; return False where the world moved and it must be decided again."""
        calls: list[EffectKey] = []
        jobs: list[tuple[Command, Callable[[], Segment | Prepared]]] = []
        for command in work:
            job = self._job(command)
            if isinstance(command, Prepare | Dispatch) and not self._is_slow(command):
                prepared = job()
                assert isinstance(prepared, Prepared), "preparing gives what was prepared"
                self._take(prepared, calls, _claims(self.session.state, command).tasks)
            else:
                jobs.append((command, job))
        # What acts waits for the commit, and so does what reaches into another run; a reading is taken while
        # the facts before it become durable.
        waits = not jobs or calls or any(isinstance(command, Begin | Stop) for command, _ in jobs)
        if not (self.session.flush() if waits else self.session.flush_soon()):
            self.held.clear()
            return False
        alone = len(jobs) + len(calls) == 1 and self.jobs == 0
        for command, job in jobs:
            self._launch(_claims(self.session.state, command), job, inline=alone)
        for key in calls:
            self._launch_call(key, inline=alone)
        return bool(jobs or calls)

    def _take(self, prepared: Prepared, calls: list[EffectKey], tasks: frozenset[Place]) -> None:
        """Add what was prepared, unless what it stands on changed while it read the world."""
        if not prepared.stands_on(self.session.state):
            return
        if prepared.behind in self.effects or prepared.behind in calls:
            self.held |= tasks
        if prepared.segment.facts:
            self.session.add(prepared.segment)
        calls.extend(prepared.calls)

    def _is_slow(self, command: Prepare | Dispatch) -> bool:
        """Return whether preparing reads the world first, and so must not hold up the loop."""
        plan, state = self.session.plan, self.session.state
        if isinstance(command, Dispatch):
            return plan.task(state.effects[command.key].task).precondition is not None
        return any(plan.task(name).precondition is not None for name, _ in command.tasks)

    def _job(self, command: Command) -> Callable[[], Segment | Prepared]:
        house, plan, state = self.house, self.session.plan, self.session.state
        match command:
            case CallRead():
                return lambda: read(house, plan, state, command)
            case Prepare():
                return lambda: prepare_new(house, plan, state, command)
            case Dispatch():
                return lambda: prepare_dispatch(house, plan, state, command)
            case Probe():
                return lambda: probe(house, plan, state, command)
            case Look():
                return lambda: look(house, plan, state, command)
            case Hand():
                return lambda: hand_over(house, plan, state, command)
            case Tell():
                return lambda: tell(house, plan, state, command)
            case Call():
                return lambda: call_run(house, plan, state, command)
            case Begin():
                return lambda: begin_child(house, plan, state, command)
            case Stop():
                return lambda: stop_child(house, plan, state, command)
            case Settle() | Wait():
                raise AssertionError("settled and waited for elsewhere")

    def _launch_call(self, key: EffectKey, *, inline: bool) -> None:
        house, plan, state = self.house, self.session.plan, self.session.state
        effect = state.effects[key]
        claims = Claims(tasks=frozenset({(effect.task, effect.iteration)}), effects=frozenset({key}))
        self._launch(claims, lambda: call(house, plan, state, key), inline=inline)

    def _launch(
        self,
        claims: Claims,
        job: Callable[[], Segment | Prepared],
        *,
        inline: bool,
    ) -> None:
        self.tasks |= claims.tasks
        self.effects |= claims.effects
        self.children |= claims.children
        self.jobs += 1

        def work() -> None:
            result: Segment | Prepared | BaseException
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 - the worker wall: raised again in the drive's thread
                result = error
            self.landed.put(Landed(claims=claims, result=result))

        if inline:
            work()
        else:
            self.house.crew.start(work)

    def _absorb(self, landed: Landed) -> None:
        self.jobs -= 1
        self.tasks -= landed.claims.tasks
        self.effects -= landed.claims.effects
        self.children -= landed.claims.children
        self.held.clear()
        match landed.result:
            case BaseException() as error:
                raise error
            case Segment() as segment:
                self.session.absorb(segment)
            case Prepared() as prepared:
                calls: list[EffectKey] = []
                self._take(prepared, calls, landed.claims.tasks)
                if self.session.flush():
                    for key in calls:
                        self._launch_call(key, inline=False)

    def _park(self, waits: tuple[Wait, ...]) -> bool:
        """Give the run up until the earliest moment; return False where something came in between."""
        until_ms = min((wait.until_ms for wait in waits), default=None)
        return self.session.flush(park=True, park_until_ms=until_ms)


def _claims(state: RunState, command: Command) -> Claims:
    """Return what nobody else of this drive may begin while the command is under way."""
    match command:
        case CallRead():
            return Claims(tasks=frozenset({(command.task, command.iteration)}))
        case Prepare():
            asking = frozenset() if command.asking is None else frozenset({(command.asking, 0)})
            return Claims(tasks=asking | frozenset(command.tasks))
        case Dispatch() | Probe():
            effect = state.effects[command.key]
            place = (effect.task, effect.iteration)
            return Claims(tasks=frozenset({place}), effects=frozenset({command.key}))
        case Look():
            return Claims(tasks=frozenset({(command.task, 0)}))
        case Hand() | Tell() | Call():
            return Claims(tasks=frozenset({command.place}))
        case Begin() | Stop():
            return Claims(children=frozenset({command.child}))
        case Settle() | Wait():
            return Claims()
