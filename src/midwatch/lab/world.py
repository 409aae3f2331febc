"""The world of one scenario: a store, tools that answer by its script, a clock that jumps.

Rule 1: runs go through the real driver, gate, ledger and journal; only what they touch is made up.
Rule 2: nothing waits and nothing runs beside: work is done at once, in the calling thread.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Self

from midwatch.adapters.memory import MemoryStore
from midwatch.adapters.memory_tables import Tables
from midwatch.base.classes import EffectClass, RetryClass
from midwatch.base.ids import Digest, RunId, TaskName, ToolName
from midwatch.effects.manifest import Manifest
from midwatch.lab.scenario import Crash, Fails, Gives, Script, Silent
from midwatch.plan.codec import plan_bytes
from midwatch.plan.model import Plan, PlanBudget, PlanTask, PlanTool, TaskKind
from midwatch.ports.rows import Row, TaskRow
from midwatch.ports.store import Change
from midwatch.ports.tools import ToolCall, ToolDone, ToolFailed, ToolOutcome, ToolSilent
from midwatch.run.state import SETTLED

STAND_IN = ToolName("midwatch.stand_in")
"""The tool that a called run's stand-in reads; what the call is to bring."""
NO_MOCK = "MW652"
_ANY: Mapping[str, object] = {"type": "object"}


class KilledError(BaseException):
    """The driver's process is gone; no wall of the driver may hold this back."""


class Killing:
    """Which crashes are still to come, and what the disk held at the latest one."""

    def __init__(self) -> None:
        """Nothing is to come."""
        self.crashes: list[Crash] = []
        self.survivor: LabStore | None = None

    def strike(self, crash: Crash, store: "LabStore") -> None:
        """Kill the process now.

        Raises:
            KilledError: always.
        """
        self.crashes.remove(crash)
        self.survivor = store.copy()
        raise KilledError

    def find(self, tasks: frozenset[str], *, is_before: bool) -> Crash | None:
        """Return the crash that is due at one of these tasks, if any."""
        return next((one for one in self.crashes if one.is_before == is_before and one.task in tasks), None)


class LabStore(MemoryStore):
    """A store in memory whose process can be killed between two commits."""

    def __init__(self, tables: Tables | None = None) -> None:
        super().__init__(tables)
        self.killing = Killing()
        self.called: frozenset[str] = frozenset()
        """Tasks that call a tool: their crashes are the tools' affair."""

    def copy(self) -> Self:
        """Return the state that the next process finds."""
        fresh = super().copy()
        fresh.killing, fresh.called = self.killing, self.called
        return fresh

    def append(self, change: Change) -> None:
        """Commit one change, or die before or after it."""
        if not self.killing.crashes:
            super().append(change)
            return
        before = self.killing.find(self._touched(change.rows), is_before=True)
        if before is not None:
            self.killing.strike(before, self)
        super().append(change)
        after = self.killing.find(self._touched(change.rows, only_settled=True), is_before=False)
        if after is not None:
            self.killing.strike(after, self)

    def keep(self, plan: Digest, stored: bytes) -> None:
        """Hold a plan under a digest: a stand-in goes under that of the plan whose place it takes."""
        self._tables.plans[plan] = stored

    def _touched(self, rows: Sequence[Row], *, only_settled: bool = False) -> frozenset[str]:
        return frozenset(
            row.task
            for row in rows
            if isinstance(row, TaskRow)
            and row.task not in self.called
            and (not only_settled or row.status in SETTLED)
        )


class MockedTools:
    """Implements `ports.tools.Tools`: each task's calls bring what the scenario says."""

    def __init__(
        self,
        *,
        manifests: Mapping[ToolName, Manifest],
        scripts: Mapping[str, Script],
        store: LabStore,
        parent_of: Callable[[RunId], str],
    ) -> None:
        """Answer by scripts; `parent_of` says for which task a called run stands."""
        self.manifests = manifests
        self.store = store
        self.unmocked: list[str] = []
        """Tasks that called and had no script, in their order."""
        self._scripts = scripts
        self._parent_of = parent_of
        self._counts: dict[str, int] = {}
        """How often a task's outcome was taken."""
        self._done: dict[str, ToolDone] = {}
        """What was brought under each key: who repeats a call, since its answer was lost, gets the same."""

    def call(self, call: ToolCall) -> ToolOutcome:
        """Return what the scenario says of the task that calls."""
        run, name = call.key.split("/")[:2]
        task = self._parent_of(RunId(run)) if call.tool == STAND_IN else name
        killing = self.store.killing
        if killing.crashes and (crash := killing.find(frozenset({task}), is_before=True)) is not None:
            killing.strike(crash, self.store)
        outcome = self._done.get(call.key) or self._outcome(task)
        if isinstance(outcome, ToolDone):
            self._done[call.key] = outcome
        if killing.crashes and (crash := killing.find(frozenset({task}), is_before=False)) is not None:
            killing.strike(crash, self.store)
        return outcome

    def _outcome(self, task: str) -> ToolOutcome:
        script = self._scripts.get(task)
        if script is None:
            self.unmocked.append(task)
            return ToolFailed(code=NO_MOCK, why=f"the scenario has no mock for {task}")
        match script.at(self.next_index(task)):
            case Gives(out=out):
                return ToolDone(out=out)
            case Fails(code=code, why=why):
                return ToolFailed(code=code, why=why, retryable=True)
            case Silent():
                return ToolSilent(why="nobody saw what became of it")

    def next_index(self, task: str) -> int:
        """Return the number, from 0, of a task's call that begins now."""
        index = self._counts.get(task, 0)
        self._counts[task] = index + 1
        return index

    def close(self) -> None:
        """Nothing to end."""


def stand_in_manifest() -> Manifest:
    """Return the manifest of the tool that stands for what a called runbook does."""
    return Manifest(
        tool=STAND_IN,
        summary="stands for a called runbook",
        major=1,
        effect=EffectClass.READ,
        retry=RetryClass.IDEMPOTENT,
        arguments={"type": "object", "properties": {}, "additionalProperties": False},
        out=_ANY,
    )


def stand_in(plan: Plan) -> bytes:
    """Return the bytes of a plan that gives as its outputs what a mock says, in the place of a called one."""
    name = TaskName("answer")
    tool = PlanTool(
        tool=STAND_IN,
        manifest=stand_in_manifest().digest,
        effect=EffectClass.READ,
        retry=RetryClass.IDEMPOTENT,
        args={},
    )
    task = PlanTask(
        name=name,
        title=plan.title,
        kind=TaskKind.COMMAND,
        prose="",
        call=tool,
        out=dict(plan.out) or {},
        ends={"resolved": "true"},
    )
    return plan_bytes(
        Plan(
            semantics=plan.semantics,
            runbook=plan.runbook,
            version=plan.version,
            title=plan.title,
            owner=plan.owner,
            document=plan.document,
            program=plan.program,
            mode=plan.mode,
            inputs=plan.inputs,
            tools=(STAND_IN,),
            budget=PlanBudget(),
            ladder=(),
            tasks=(task,),
            out=plan.out,
            values={field_name: f"{name}.{field_name}" for field_name in plan.values},
        )
    )
