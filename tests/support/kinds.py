"""Tasks of every kind, and a small world with things in it, for runs that are played in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from midwatch.adapters.memory_world import ScriptedTools
from midwatch.app.audit import audit
from midwatch.app.drive.session import load_state
from midwatch.app.watch import fire_due, seal_pending
from midwatch.base.classes import EffectClass, Mode, RetryClass
from midwatch.base.ids import Digest, RunId, TaskName, ToolName, run_stream
from midwatch.base.units import HOUR_MS, MINUTE_MS, DurationMs
from midwatch.journal.chain import open_entry
from midwatch.plan.codec import plan_bytes, plan_digest
from midwatch.plan.model import (
    Plan,
    PlanCallee,
    PlanEvent,
    PlanHand,
    PlanLoop,
    PlanNotice,
    PlanRung,
    PlanTask,
    PlanWait,
    TaskKind,
    WaitFor,
)
from midwatch.ports.tools import ToolCall, ToolDone, ToolFailed, ToolOutcome
from midwatch.run.state import RunState, TaskStatus
from support.houses import Model, command, manifest, model, plan_of

SUBJECT = "tenant/local"
LADDER = (
    PlanRung(ask="person:ada", within_ms=DurationMs(10 * MINUTE_MS)),
    PlanRung(ask="team:guardians", within_ms=DurationMs(HOUR_MS)),
)


def names(*given: str) -> tuple[TaskName, ...]:
    return tuple(TaskName(name) for name in given)


def look(name: str, *needs: str, **more: Any) -> PlanTask:
    """Return a task that reads a thing."""
    more.setdefault("args", {"name": "'thing'"})
    return command(name, "look", needs=names(*needs), **more)


def put(name: str, *needs: str, **more: Any) -> PlanTask:
    """Return a task that sets a thing to a value."""
    more.setdefault("args", {"name": "'thing'", "value": "7"})
    more.setdefault("retry_class", RetryClass.KEYED)
    return command(name, "put", effect=EffectClass.WRITE, needs=names(*needs), **more)


def back(name: str, thing: str = "'thing'", value: str = "1", **more: Any) -> PlanTask:
    """Return a task that takes a `put` back."""
    return put(name, args={"name": thing, "value": value}, is_undo=True, **more)


def each(source: str, **more: Any) -> PlanLoop:
    return PlanLoop(each=source, times_max=more.pop("times_max", 1000), **more)


def rounds(until: str, times_max: int, every_ms: int = 0) -> PlanLoop:
    return PlanLoop(until=until, times_max=times_max, every_ms=DurationMs(every_ms))


def of_kind(kind: TaskKind, name: str, *needs: str, **more: Any) -> PlanTask:
    more.setdefault("prose", "Do it.")
    return PlanTask(name=TaskName(name), title=name.title(), kind=kind, needs=names(*needs), **more)


def manual(name: str, *needs: str, **more: Any) -> PlanTask:
    on_timeout = more.pop("on_timeout", None)
    hand = PlanHand(
        ladder=more.pop("ladder", LADDER), on_timeout=TaskName(on_timeout) if on_timeout else None
    )
    return of_kind(TaskKind.MANUAL, name, *needs, hand=hand, **more)


def wait_time(name: str, *needs: str, for_ms: int = 0, at: str = "", **more: Any) -> PlanTask:
    wait = PlanWait(kind=WaitFor.TIME, for_ms=DurationMs(for_ms), at=at)
    return of_kind(TaskKind.WAIT, name, *needs, wait=wait, **more)


def wait_event(name: str, event: str, *needs: str, within_ms: int = HOUR_MS, **more: Any) -> PlanTask:
    wait = PlanWait(
        kind=WaitFor.EVENT,
        event=event,
        where=more.pop("where", ""),
        within_ms=DurationMs(within_ms),
        on_timeout=more.pop("on_timeout", ""),
    )
    return of_kind(TaskKind.WAIT, name, *needs, wait=wait, **more)


def wait_probe(name: str, probe: str, holds: str, *needs: str, **more: Any) -> PlanTask:
    wait = PlanWait(
        kind=WaitFor.PROBE,
        probe=TaskName(probe),
        holds=holds,
        every_ms=DurationMs(more.pop("every_ms", MINUTE_MS)),
        within_ms=DurationMs(more.pop("within_ms", HOUR_MS)),
        on_timeout=more.pop("on_timeout", ""),
    )
    return of_kind(TaskKind.WAIT, name, *needs, wait=wait, **more)


def call(name: str, callee: Plan, *needs: str, **more: Any) -> PlanTask:
    pinned = PlanCallee(
        runbook=callee.runbook,
        plan=plan_digest(callee),
        inputs=more.pop("inputs", {}),
        literals=more.pop("literals", {}),
        accept=more.pop("accept", ("resolved", "no_action")),
    )
    return of_kind(TaskKind.CALL, name, *needs, callee=pinned, **more)


def notify(
    name: str, *needs: str, message: str, to: tuple[str, ...] = ("team:guardians",), **more: Any
) -> PlanTask:
    return of_kind(TaskKind.NOTIFY, name, *needs, notice=PlanNotice(to=to, message=message), **more)


def emit(name: str, *needs: str, data: Mapping[str, str], **more: Any) -> PlanTask:
    event = PlanEvent(type="midwatch.test", source="/test", data=data)
    return of_kind(TaskKind.NOTIFY, name, *needs, notice=PlanNotice(emit=event), **more)


def lastly(task: PlanTask) -> PlanTask:
    return replace(task, is_finally=True)


def auto(*tasks: PlanTask, **more: Any) -> Plan:
    """Return a plan in which nothing reversible is asked about."""
    return replace(plan_of(*tasks, mode=Mode.AUTO), **more)


def named(plan: Plan, runbook: str) -> Plan:
    return replace(plan, runbook=runbook, document=Digest("sha256:" + f"{len(runbook):x}" * 64))


@dataclass(slots=True)
class Things:
    """What tools read and change."""

    values: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    """How often a thing can't be changed yet; -1 for never."""
    lists: dict[str, list[Any]] = field(default_factory=dict)
    writes: list[tuple[str, int]] = field(default_factory=list)

    def look(self, asked: ToolCall) -> ToolOutcome:
        name = asked.args["name"]
        if name in self.lists:
            return ToolDone(out={"list": self.lists[name]})
        return ToolDone(out={"value": self.values.get(name, 1)})

    def put(self, asked: ToolCall) -> ToolOutcome:
        name = asked.args["name"]
        if self.broken.get(name, 0):
            self.broken[name] -= 1
            return ToolFailed(code="MW599", why=f"{name} is stuck", retryable=True)
        before = self.values.get(name, 1)
        self.values[name] = asked.args["value"]
        self.writes.append((name, asked.args["value"]))
        return ToolDone(out={"before": before})


@dataclass(slots=True)
class Stage:
    """A house in memory with things in its world."""

    things: Things
    house: Model

    def play(self, plan: Plan, *callees: Plan, **more: Any) -> RunId:
        """Start a run and drive it until it parks."""
        more.setdefault("mode", None)
        return self.house.start(plan, callees=tuple(plan_bytes(one) for one in callees), **more)

    def state(self, run: RunId) -> RunState:
        return load_state(self.house.house, run)[0]

    def facts(self, run: RunId) -> list[Any]:
        key = self.house.house.keys.subject_key(SUBJECT, create=False)
        return [open_entry(one, key).payload for one in self.house.store.entries(run_stream(run))]

    def pump(self) -> None:
        self.house.engine.pump_all()

    def pass_time(self, duration_ms: int) -> None:
        """Let time pass, fire what is due, and drive."""
        self.house.clock.advance(DurationMs(duration_ms))
        while fire_due(self.house.house):
            self.pump()

    def ends(self, run: RunId) -> str:
        state = self.state(run)
        self.check()
        return state.outcome

    def check(self) -> None:
        """Assert that the journal is whole, and that every row is what it means."""
        seal_pending(self.house.house)
        found = audit(self.house.house)
        assert found.findings == (), found.findings

    def status(self, run: RunId, name: str, iteration: int = 0) -> TaskStatus | None:
        return self.state(run).task(TaskName(name), iteration).status

    def out(self, run: RunId, name: str) -> Mapping[str, Any]:
        return self.state(run).task(TaskName(name)).out


def stage(**lists: list[Any]) -> Stage:
    """Return an empty stage; `lists` are what `look` reads under these names."""
    things = Things(lists=dict(lists))
    behave: dict[ToolName, Callable[[ToolCall], ToolOutcome]] = {
        ToolName("look"): things.look,
        ToolName("put"): things.put,
    }
    known = [manifest("look", EffectClass.READ), manifest("put", EffectClass.WRITE, RetryClass.KEYED)]
    return Stage(things=things, house=model(ScriptedTools({one.tool: one for one in known}, behave)))
