"""The plans that crash: every retry class, branches that run beside each other, a question, a timer, undo."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from crash.world import write_manifests
from midwatch.adapters.tools.manifests import load_manifests
from midwatch.base.classes import EffectClass, Mode
from midwatch.base.ids import Digest, TaskName, ToolName
from midwatch.base.labels import TRUSTED, UNTRUSTED, Label
from midwatch.base.units import HOUR_MS, DurationMs
from midwatch.effects.manifest import Manifest
from midwatch.plan.codec import plan_bytes, plan_digest
from midwatch.plan.model import (
    SEMANTICS,
    Plan,
    PlanApproval,
    PlanBudget,
    PlanCallee,
    PlanHand,
    PlanLoop,
    PlanNotice,
    PlanProbe,
    PlanRetry,
    PlanRung,
    PlanTask,
    PlanTool,
    PlanWait,
    TaskKind,
    WaitFor,
)

TIMEOUT_MS = DurationMs(5_000)
PATIENT_MS = DurationMs(15_000)
"""For calls that are not meant to run out of time: a loaded machine takes seconds to start a process."""
AGAIN = PlanRetry(attempts_max=2, backoff_ms=DurationMs(100))
LADDER = (PlanRung(ask="team:guardians", within_ms=DurationMs(HOUR_MS)),)
PAUSE_MS = DurationMs(50)
WANTED = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
BACK = "back_"
"""How the name begins of a task that takes another's effect back."""


class Plans:
    """Plans over the tools of the world, as its manifests declare them."""

    def __init__(self, tools: Path) -> None:
        write_manifests(tools)
        self._manifests: Mapping[ToolName, Manifest] = load_manifests((tools,))

    def whole(self) -> Plan:
        """Twelve tasks and what takes them back: two branches, a question over two actions, a retry."""
        return self._plan(
            "whole",
            self._look("measure", "'a'", tool="flaky", retry=AGAIN),
            self._look("look_put", "'put'", needs=("measure",)),
            self._look("look_place", "'place'", needs=("measure",)),
            *self._act(
                "put", "put", value="5", back="look_put.value", needs=("look_put",), verify="look_put"
            ),
            *self._act("give", "give", value="6", back="1", needs=("put",)),
            *self._act("pour", "pour", value="3", back="-3", needs=("look_place",)),
            *self._act(
                "place",
                "place",
                value="7",
                back="look_place.value",
                needs=("pour",),
                verify="look_place",
                retry_max=1,
            ),
            self._look("join", "'a'", needs=("give", "place"), join="any"),
            self._ask("ask", ("keep", "spill"), needs=("join",)),
            *self._act("keep", "give", value="8", back="1", needs=("ask",), label=UNTRUSTED),
            *self._act("spill", "pour", value="2", back="-2", needs=("ask",), label=UNTRUSTED),
            self._look("report", "'keep'", needs=("keep",), ends={"resolved": "true"}),
        )

    def small(self) -> Plan:
        """A reading, a question, two effects: the least that goes through every stage."""
        return self._plan(
            "small",
            self._look("measure", "'a'"),
            self._ask("ask", ("keep",), needs=("measure",)),
            *self._act("keep", "give", value="8", back="1", needs=("ask",), label=UNTRUSTED),
            *self._act("pour", "pour", value="3", back="-3", needs=("keep",)),
        )

    def everything(self) -> Plan:
        """Every kind of task: a loop that acts, waits, work by hand, a called run, a message, a last task."""
        forth, back = self._act("each", "give", value="index + 5", back="1", needs=("measure",))
        loop = PlanLoop(each="['x1', 'x2', 'x3']", parallel=2, times_max=3)
        return self._plan(
            "everything",
            self._look("measure", "'a'"),
            replace(forth, loop=loop, call=self._on_item(forth, "index + 5")),
            replace(back, call=self._on_item(back, "1")),
            self._other(TaskKind.WAIT, "pause", "each", wait=PlanWait(kind=WaitFor.TIME, for_ms=PAUSE_MS)),
            self._other(
                TaskKind.WAIT,
                "go",
                "pause",
                wait=PlanWait(kind=WaitFor.EVENT, event="go", within_ms=DurationMs(HOUR_MS)),
            ),
            self._other(TaskKind.MANUAL, "by_hand", "go", hand=PlanHand(ladder=LADDER), out=WANTED),
            self._other(
                TaskKind.CALL,
                "call",
                "by_hand",
                callee=PlanCallee(runbook="child", plan=plan_digest(self.child())),
            ),
            *self._act("pour", "pour", value="3", back="-3", needs=("call",)),
            self._other(
                TaskKind.NOTIFY, "tell", "pour", notice=PlanNotice(to=("team:guardians",), message="Poured.")
            ),
            self._look("report", "'a'", needs=("tell",), ends={"resolved": "call.seen == 4"}),
            self._look("tidy", "'a'", is_finally=True),
        )

    def child(self) -> Plan:
        """What `everything` calls."""
        plan = self._plan(
            "child",
            *self._act("deep", "give", value="4", back="1", needs=()),
            self._look("see", "'deep'", needs=("deep",), ends={"resolved": "true"}),
        )
        return replace(plan, values={"seen": "see.value"})

    def callees(self, name: str) -> tuple[bytes, ...]:
        """Return the plans that a plan calls."""
        return (plan_bytes(self.child()),) if name == "everything" else ()

    def _on_item(self, task: PlanTask, value: str) -> PlanTool:
        assert task.call is not None
        return replace(task.call, args={"name": "item", "value": value})

    @staticmethod
    def _other(kind: TaskKind, name: str, *needs: str, **more: Any) -> PlanTask:
        return PlanTask(
            name=TaskName(name),
            title=name,
            kind=kind,
            prose="Do it.",
            needs=tuple(TaskName(need) for need in needs),
            **more,
        )

    def one(self, tool: str, *, timeout_ms: int = TIMEOUT_MS) -> Plan:
        """A single effect, of the tool's retry class."""
        verify = "look_it" if tool == "place" else ""
        return self._plan(
            f"one-{tool}",
            self._look("look_it", "'it'"),
            *self._act(
                "it",
                tool,
                value="4",
                back="-4" if tool == "pour" else "1",
                needs=("look_it",),
                verify=verify,
                retry_max=1,
                timeout_ms=timeout_ms,
            ),
        )

    def many(self, number: int) -> Plan:
        """One of many runs that want nothing of each other."""
        name = f"thing-{number}"
        return self._plan(
            f"many-{number}",
            self._look("measure", f"'{name}'"),
            *self._act("first", "give", thing=f"{name}-1", value="2", back="1", needs=("measure",)),
            *self._act("beside", "pour", thing=f"{name}-2", value="3", back="-3", needs=("measure",)),
            self._look("report", f"'{name}-1'", needs=("first", "beside"), ends={"resolved": "true"}),
        )

    def named(self, name: str) -> Plan:
        kind, _, what = name.partition("-")
        match kind:
            case "one":
                tool, _, timeout_ms = what.partition(":")
                return self.one(tool, timeout_ms=int(timeout_ms or TIMEOUT_MS))
            case "many":
                return self.many(int(what))
            case "small":
                return self.small()
            case "everything":
                return self.everything()
            case _:
                return self.whole()

    def _plan(self, name: str, *tasks: PlanTask) -> Plan:
        return Plan(
            semantics=SEMANTICS,
            runbook=name,
            version="1",
            title="A run that crashes",
            owner="team:guardians",
            document=Digest("sha256:" + "d" * 64),
            program=Digest("sha256:" + "e" * 64),
            mode=Mode.AUTO,
            inputs={"type": "object", "properties": {}},
            tools=tuple(sorted(name for name in self._manifests if name.startswith("world."))),
            budget=PlanBudget(),
            ladder=LADDER,
            tasks=tasks,
        )

    def _call(self, tool: str, args: Mapping[str, str], label: Label, timeout_ms: int) -> PlanTool:
        manifest = self._manifests[ToolName(f"world.{tool}")]
        return PlanTool(
            tool=manifest.tool,
            manifest=manifest.digest,
            effect=manifest.effect,
            retry=manifest.retry,
            args=args,
            labels=dict.fromkeys(args, label),
            target=manifest.target,
            timeout_ms=DurationMs(timeout_ms),
        )

    def _look(
        self, name: str, thing: str, *, tool: str = "look", needs: tuple[str, ...] = (), **more: Any
    ) -> PlanTask:
        return PlanTask(
            name=TaskName(name),
            title=name,
            kind=TaskKind.COMMAND,
            prose="",
            needs=tuple(TaskName(need) for need in needs),
            call=self._call(tool, {"name": thing}, TRUSTED, TIMEOUT_MS),
            **more,
        )

    def _act(
        self,
        name: str,
        tool: str,
        *,
        value: str,
        back: str,
        needs: tuple[str, ...],
        thing: str = "",
        verify: str = "",
        label: Label = TRUSTED,
        retry_max: int = 0,
        timeout_ms: int = PATIENT_MS,
    ) -> tuple[PlanTask, PlanTask]:
        """Return a task that acts, and the one that takes it back."""
        where = f"'{thing or name}'"
        probe = PlanProbe(probe=TaskName(verify), holds="probe.value == args.value") if verify else None

        def task(name: str, value: str, **more: Any) -> PlanTask:
            return PlanTask(
                name=TaskName(name),
                title=name,
                kind=TaskKind.COMMAND,
                prose="",
                call=self._call(tool, {"name": where, "value": value}, label, timeout_ms),
                verify=probe,
                retry=PlanRetry(attempts_max=retry_max),
                **more,
            )

        undo = TaskName(BACK + name)
        assert self._manifests[ToolName(f"world.{tool}")].effect is EffectClass.WRITE
        return (
            task(name, value, needs=tuple(TaskName(need) for need in needs), undo=undo),
            task(undo, back, is_undo=True),
        )

    def _ask(self, name: str, actions: tuple[str, ...], needs: tuple[str, ...]) -> PlanTask:
        question = PlanApproval(
            actions=tuple(TaskName(action) for action in actions),
            question="May it?",
            ladder=LADDER,
            expires_ms=DurationMs(HOUR_MS),
            on_timeout=None,
            on_deny=None,
        )
        return PlanTask(
            name=TaskName(name),
            title=name,
            kind=TaskKind.APPROVAL,
            prose="",
            needs=tuple(TaskName(need) for need in needs),
            approval=question,
        )
