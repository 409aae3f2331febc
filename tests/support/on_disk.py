"""A house on a real SQLite file, with drives in the hands of the test."""

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from midwatch.adapters.clock import SystemChance
from midwatch.adapters.keys import FileKeys
from midwatch.adapters.memory import ManualClock
from midwatch.adapters.memory_world import InlineCrew, ScriptedTools
from midwatch.adapters.store.sqlite import SqliteStore
from midwatch.app.answer import Attempt, answer
from midwatch.app.drive.driver import Driver
from midwatch.app.house import SUBJECT, House, InForce
from midwatch.app.start import StartRequest, start_run
from midwatch.app.watch import seal_pending
from midwatch.base.classes import EffectClass, Mode, Profile
from midwatch.base.ids import Principal, RunId, TaskName, ToolName
from midwatch.plan.model import Plan, PlanProbe
from midwatch.ports.tools import ToolCall, ToolDone, ToolOutcome
from support.houses import BEGIN_MS, PEOPLE, command, manifest, plan_of, rules


class Drives:
    """The queue, as a list."""

    def __init__(self) -> None:
        self.waiting: deque[RunId] = deque()

    def prepare(self) -> None:
        """Nothing to make ready."""

    def attach(self, connection: sqlite3.Connection) -> None:
        """Take no note."""

    def enqueue(self, run: RunId, seq: int) -> None:
        """Put the run on the list."""
        del seq
        self.waiting.append(run)

    def committed(self) -> None:
        """Nothing to wake."""


@contextmanager
def house_on_disk(folder: Path, *, value: int = 1) -> Iterator[tuple[House, Drives]]:
    """Open a house in `folder`, with a world that holds one value: `look` reads it, `set` sets it."""
    drives = Drives()
    store = SqliteStore(folder / "midwatch.db", drives=drives)
    keys = FileKeys(folder / "keys")
    keys.subject_key(SUBJECT, create=True)
    world = {"value": value}

    def put(call: ToolCall) -> ToolOutcome:
        before, world["value"] = world["value"], call.args["value"]
        return ToolDone(out={"before": before})

    manifests = [manifest("look", EffectClass.READ), manifest("set", EffectClass.WRITE)]
    tools = ScriptedTools(
        {one.tool: one for one in manifests},
        {ToolName("look"): lambda _: ToolDone(out={"value": world["value"]}), ToolName("set"): put},
    )
    force = InForce(rules=rules(), people=PEOPLE, version=store.facts_version())
    house = House(
        store=store,
        tools=tools,
        keys=keys,
        clock=ManualClock(BEGIN_MS),
        chance=SystemChance(),
        crew=InlineCrew(),
        worker="w1",
        profile=Profile.SOLO,
        in_force=lambda: replace(force, version=store.facts_version(), control=store.facts()),
        is_surely_dead=lambda _: False,
        watched=lambda: False,
        seal_lag_ms=lambda: 0,
        on_commit=lambda _: None,
    )
    try:
        yield house, drives
    finally:
        store.close()


def asking_plan() -> Plan:
    """Return a plan that reads, asks, acts and reads back."""
    look = TaskName("measure")
    change: dict[str, Any] = {"effect": EffectClass.WRITE, "args": {"value": "measure.value + 1"}}
    back: dict[str, Any] = {"effect": EffectClass.WRITE, "args": {"value": "change.before"}, "is_undo": True}
    verify = PlanProbe(probe=look, holds="probe.value == args.value")
    return plan_of(
        command("measure", "look"),
        command("change", "set", needs=(look,), undo=TaskName("back"), verify=verify, **change),
        command("back", "set", verify=verify, **back),
        mode=Mode.APPROVE,
    )


def drive_all(house: House, drives: Drives) -> None:
    """Drive whatever was enqueued, until nothing is."""
    driver = Driver(house)
    while drives.waiting:
        driver(drives.waiting.popleft())


def run_to_the_end(house: House, drives: Drives) -> RunId:
    """Start the asking plan, say yes, drive it to its end, and seal the log."""
    request = StartRequest(plan=asking_plan(), inputs={}, initiator=Principal("system:start"))
    run = start_run(house, request)
    drive_all(house, drives)
    for row in house.store.approval_rows(run=run, only_open=True):
        answer(house, Attempt(approval=row.approval, answer="approve", os_user="ada", surface="cli"))
    drive_all(house, drives)
    seal_pending(house)
    return run
