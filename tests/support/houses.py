"""A whole house in memory, and the plans that tests run in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import midwatch
from midwatch.adapters.memory import ManualClock, MemoryEngine, MemoryStore, SeededChance
from midwatch.adapters.memory_world import InlineCrew, MemoryKeys, ScriptedTools
from midwatch.app.drive.driver import Driver
from midwatch.app.house import SUBJECT, House, InForce
from midwatch.app.start import StartRequest, start_run
from midwatch.approvals.people import people_from
from midwatch.base.classes import EffectClass, Mode, Profile, RetryClass
from midwatch.base.ids import Digest, Principal, RunId, TaskName, ToolName
from midwatch.base.labels import label_from
from midwatch.base.units import DAY_MS, HOUR_MS, MINUTE_MS, DurationMs, EpochMs
from midwatch.effects.manifest import Manifest
from midwatch.plan.model import (
    SEMANTICS,
    Plan,
    PlanApproval,
    PlanBudget,
    PlanRung,
    PlanTask,
    PlanTool,
    TaskKind,
)
from midwatch.policy.rules import Rules

BEGIN_MS = EpochMs(1_790_000_000_000)
POLICY = Path(midwatch.__file__).parent / "shipped" / "policy"
TOOL = label_from("tool/internal")
ANY: dict[str, Any] = {"type": "object"}

PEOPLE = people_from(
    {
        "people": {
            "ada": {"name": "Ada", "os_users": ["ada"]},
            "grace": {"name": "Grace", "os_users": ["grace"]},
            "eve": {"name": "Eve", "os_users": ["eve"]},
        },
        "teams": {"guardians": ["ada", "grace"]},
    }
)


def rules() -> Rules:
    """Return the default policy."""
    return Rules.load(
        (POLICY / "default.cedar").read_text(encoding="utf-8"),
        (POLICY / "schema.cedarschema").read_text(encoding="utf-8"),
    )


def manifest(tool: str, effect: EffectClass, retry: RetryClass = RetryClass.IDEMPOTENT) -> Manifest:
    """Return a manifest that takes and gives any object."""
    return Manifest(
        tool=ToolName(tool),
        summary=f"does {tool}",
        major=1,
        effect=effect,
        retry=retry,
        arguments=ANY,
        out=ANY,
        target="thing:{name}",
        labels={"*": TOOL},
    )


def command(name: str, tool: str, **more: Any) -> PlanTask:
    """Return a command task; `args`, `effect`, `retry_class` go to its call, the rest to the task."""
    args: Mapping[str, str] = more.pop("args", {})
    effect: EffectClass = more.pop("effect", EffectClass.READ)
    retry: RetryClass = more.pop("retry_class", RetryClass.IDEMPOTENT)
    call = PlanTool(
        tool=ToolName(tool),
        manifest=manifest(tool, effect, retry).digest,
        effect=effect,
        retry=retry,
        args=args,
        labels=dict.fromkeys(args, TOOL),
        target="thing:{name}",
    )
    return PlanTask(
        name=TaskName(name), title=name.title(), kind=TaskKind.COMMAND, prose="", call=call, **more
    )


def plan_of(*tasks: PlanTask, mode: Mode = Mode.APPROVE, tools: tuple[str, ...] = ()) -> Plan:
    """Return a plan of these tasks; its tools are granted."""
    used = {task.call.tool for task in tasks if task.call is not None}
    return Plan(
        semantics=SEMANTICS,
        runbook="sample",
        version="1",
        title="A sample",
        owner="team:guardians",
        document=Digest("sha256:" + "d" * 64),
        program=Digest("sha256:" + "e" * 64),
        mode=mode,
        inputs={"type": "object", "properties": {}},
        tools=tuple(sorted(used | {ToolName(tool) for tool in tools})),
        budget=PlanBudget(),
        ladder=(PlanRung(ask="team:guardians", within_ms=DurationMs(DAY_MS)),),
        tasks=tasks,
    )


def approval(name: str, actions: tuple[str, ...], **more: Any) -> PlanTask:
    """Return an approval task over the named actions."""
    asked = PlanApproval(
        actions=tuple(TaskName(action) for action in actions),
        question="May it?",
        ladder=(
            PlanRung(ask="person:ada", within_ms=DurationMs(10 * MINUTE_MS)),
            PlanRung(ask="team:guardians", within_ms=DurationMs(HOUR_MS)),
        ),
        expires_ms=DurationMs(2 * HOUR_MS),
        on_timeout=more.pop("on_timeout", None),
        on_deny=more.pop("on_deny", None),
    )
    return PlanTask(
        name=TaskName(name), title=name.title(), kind=TaskKind.APPROVAL, prose="", approval=asked, **more
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A house in memory, with its engine in the hands of the test."""

    house: House
    store: MemoryStore
    engine: MemoryEngine
    tools: ScriptedTools
    clock: ManualClock

    def start(self, plan: Plan, **more: Any) -> RunId:
        """Start a run and drive it until it parks."""
        more.setdefault("initiator", Principal("system:start"))
        run = start_run(self.house, StartRequest(plan=plan, inputs={}, **more))
        self.engine.pump_all()
        return run


def model(
    tools: ScriptedTools, *, profile: Profile = Profile.SOLO, store: MemoryStore | None = None
) -> Model:
    """Return a fresh house in memory."""
    held = store or MemoryStore()
    clock = ManualClock(BEGIN_MS)
    chance = SeededChance(7)
    keys = MemoryKeys(chance.token)
    keys.subject_key(SUBJECT, create=True)
    engine = MemoryEngine(held, worker="w1")
    force = InForce(rules=rules(), people=PEOPLE, version=held.facts_version())
    house = House(
        store=held,
        tools=tools,
        keys=keys,
        clock=clock,
        chance=chance,
        crew=InlineCrew(),
        worker="w1",
        profile=profile,
        in_force=lambda: replace(force, version=held.facts_version(), control=held.facts()),
        is_surely_dead=lambda _: False,
        watched=lambda: False,
        seal_lag_ms=lambda: 0,
        on_commit=lambda _: None,
    )
    engine.start(Driver(house))
    return Model(house=house, store=held, engine=engine, tools=tools, clock=clock)
