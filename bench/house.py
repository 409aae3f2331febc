"""A real house for benchmarks: SQLite, DBOS, gate, ledger, journal, sequencer; only the tools do nothing.

Tools that do nothing, since what is measured is what Midwatch adds to a call.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from midwatch.adapters.clock import SystemChance, SystemClock
from midwatch.adapters.crew import ThreadCrew
from midwatch.adapters.engine.dbos_engine import DbosEngine
from midwatch.adapters.keys import FileKeys
from midwatch.adapters.memory_world import ScriptedTools
from midwatch.adapters.store.sqlite import SqliteStore
from midwatch.app.drive.driver import Driver
from midwatch.app.house import IN_FORCE_WITHIN_MS, SUBJECT, House, InForce
from midwatch.app.start import StartRequest, start_run
from midwatch.app.watch import SEAL_EVERY_MS, seal_pending
from midwatch.approvals.people import solo_people
from midwatch.base.classes import EffectClass, Mode, Profile, RetryClass
from midwatch.base.ids import Digest, Principal, RunId, TaskName, ToolName
from midwatch.base.labels import label_from
from midwatch.effects.manifest import Manifest
from midwatch.plan.codec import plan_bytes
from midwatch.plan.model import SEMANTICS, Plan, PlanBudget, PlanTask, PlanTool, TaskKind
from midwatch.policy.rules import Rules
from midwatch.ports.tools import ToolDone
from midwatch.wiring.force import shipped_policy

TOOL = label_from("tool/internal")
ANY = {"type": "object"}
WAIT_S_MAX = 120.0


def manifest(tool: str, effect: EffectClass) -> Manifest:
    """Return the manifest of a tool that takes and gives any object."""
    return Manifest(
        tool=ToolName(tool),
        summary=f"does nothing as a {effect}",
        major=1,
        effect=effect,
        retry=RetryClass.IDEMPOTENT,
        arguments=ANY,
        out=ANY,
        target="thing:{name}",
        labels={"*": TOOL},
    )


def chain(length: int, effect: EffectClass) -> Plan:
    """Return a plan of `length` tasks, each waiting for the one before."""
    tool = "bench.read" if effect is EffectClass.READ else "bench.write"
    tasks = [_task(number, tool, effect) for number in range(length)]
    if effect is not EffectClass.READ:
        tasks.append(replace(_task(0, tool, effect), name=TaskName("back"), needs=(), is_undo=True))
    return Plan(
        semantics=SEMANTICS,
        runbook=f"bench-{effect}",
        version="1",
        title="A chain",
        owner="team:guardians",
        document=Digest("sha256:" + "0" * 64),
        program=Digest("sha256:" + "0" * 64),
        mode=Mode.AUTO,
        inputs={"type": "object", "properties": {"name": {"type": "string"}}},
        tools=(ToolName(tool),),
        budget=PlanBudget(tool_calls=100_000, effects=100_000),
        ladder=(),
        tasks=tuple(tasks),
    )


def _task(number: int, tool: str, effect: EffectClass) -> PlanTask:
    before = f"t{number - 1:04}"
    value = f"{before}.value + 1" if number else "1"
    return PlanTask(
        name=TaskName(f"t{number:04}"),
        title=f"Step {number}",
        kind=TaskKind.COMMAND,
        prose="",
        needs=(TaskName(before),) if number else (),
        call=PlanTool(
            tool=ToolName(tool),
            manifest=manifest(tool, effect).digest,
            effect=effect,
            retry=RetryClass.IDEMPOTENT,
            args={"name": f"inputs.name + '-{number}'", "value": value},
            labels={"name": TOOL, "value": TOOL},
        ),
        undo=TaskName("back") if effect is not EffectClass.READ else None,
    )


@dataclass(slots=True)
class Bench:
    """An open house that counts the runs that ended."""

    house: House
    _ended: threading.Condition = field(default_factory=threading.Condition)
    _over: set[RunId] = field(default_factory=set)
    _names: Iterator[str] = field(default_factory=lambda: (f"n{number}" for number in count()))

    def note(self, run: RunId) -> None:
        """Take note that a drive of a run is over."""
        row = self.house.store.run_row(run)
        if row is not None and row.status == "ended":
            with self._ended:
                self._over.add(run)
                self._ended.notify_all()

    def tasks_per_second(self, plan: Plan, *, runs_count: int = 1) -> tuple[float, float]:
        """Start that many runs at once; return tasks per second until the last ended, and CPU ms per task.

        Each run has a name of its own in its arguments, so that no two want the same target.
        """
        tasks = runs_count * sum(1 for task in plan.tasks if not task.is_undo)
        stored = plan_bytes(plan)
        names = [next(self._names) for _ in range(runs_count)]
        cpu, begin = time.process_time(), time.perf_counter()
        runs = [start_run(self.house, _request(plan, stored, name)) for name in names]
        with self._ended:
            done = self._ended.wait_for(lambda: self._over >= set(runs), timeout=WAIT_S_MAX)
        took, used = time.perf_counter() - begin, time.process_time() - cpu
        if not done:
            raise TimeoutError(f"{len(set(runs) - self._over)} runs did not end")
        return tasks / took, used * 1000 / tasks


def _request(plan: Plan, stored: bytes, name: str) -> StartRequest:
    return StartRequest(plan=plan, stored=stored, inputs={"name": name}, initiator=Principal("system:bench"))


@contextmanager
def opened(folder: Path) -> Iterator[Bench]:
    """Open a house with everything switched on."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = SystemChance()
    engine = DbosEngine(folder / "midwatch.db", worker=f"bench-{chance.token(4).hex()}")
    store = SqliteStore(folder / "midwatch.db", drives=engine)
    keys = FileKeys(folder / "keys")
    keys.subject_key(SUBJECT, create=True)
    manifests = [manifest("bench.read", EffectClass.READ), manifest("bench.write", EffectClass.WRITE)]
    tools = ScriptedTools(
        {one.tool: one for one in manifests},
        {one.tool: lambda call: ToolDone(out={"value": call.args["value"]}) for one in manifests},
    )
    force = InForce(
        rules=Rules.load(*shipped_policy()),
        people=solo_people("bench", "Bench"),
        version=store.facts_version(),
    )

    def in_force() -> InForce:
        nonlocal force
        version = store.facts_version(within_ms=IN_FORCE_WITHIN_MS)
        if version != force.version:
            force = replace(force, version=version, control=store.facts())
        return force

    house = House(
        store=store,
        tools=tools,
        keys=keys,
        clock=SystemClock(),
        chance=chance,
        crew=ThreadCrew(),
        worker=engine.worker,
        profile=Profile.SOLO,
        in_force=in_force,
        is_surely_dead=lambda _: False,
        watched=lambda: True,
        seal_lag_ms=lambda: 0,
        on_commit=lambda _: None,
    )
    bench = Bench(house=house)
    driver = Driver(house)

    def drive(run: RunId) -> None:
        driver(run)
        bench.note(run)

    engine.start(drive)
    stop = threading.Event()
    sealer = threading.Thread(target=_seal, args=(house, stop), daemon=True)
    sealer.start()
    try:
        yield bench
    finally:
        engine.stop()
        stop.set()
        sealer.join()
        seal_pending(house)
        store.close()
        engine.stop()


def _seal(house: House, stop: threading.Event) -> None:
    while not stop.wait(SEAL_EVERY_MS / 1000):
        seal_pending(house)
