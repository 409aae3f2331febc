"""What a plan is: every value is plain, so that the plan is its own wire form.

`semantics` says under which rules of the driver a plan runs; a plan that was stored by an older
release is finished under its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from midwatch.base.classes import EffectClass, Mode, RetryClass
from midwatch.base.ids import Digest, TaskName, ToolName
from midwatch.base.labels import TRUSTED, Label
from midwatch.base.units import DurationMs

SEMANTICS = 1


class TaskKind(StrEnum):
    """What a task does."""

    COMMAND = "command"
    AGENT = "agent"
    DECISION = "decision"
    APPROVAL = "approval"
    MANUAL = "manual"


class HitPolicy(StrEnum):
    """Which matching rows of a table count (DMN 1.5 section 8.2.8)."""

    FIRST = "first"
    RULE_ORDER = "rule-order"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTable:
    """A decision table: per row one unary test for each input, and one literal for each output."""

    hit: HitPolicy
    inputs: tuple[str, ...]
    """CEL expressions, one for each input column."""
    outputs: tuple[str, ...]
    """Names of the output columns."""
    rows: tuple[tuple[tuple[str, ...], tuple[Any, ...]], ...]
    """Each ((test, …), (value, …)); a test as it is written in the document, see `runbook.unary`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProbe:
    """A reading that is taken again, and what must hold of it."""

    probe: TaskName
    holds: str
    """CEL over `args` (of the acting task) and `probe` (the new reading)."""
    for_ms: DurationMs = DurationMs(0)
    """It must hold this long."""
    within_ms: DurationMs = DurationMs(0)
    """It may take this long to begin to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRung:
    """One step of a ladder."""

    ask: str
    """`team:<id>`, `oncall:<id>`, `person:<id>` or `manager:<id>`."""
    within_ms: DurationMs
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanApproval:
    """What an approval task asks, and whom."""

    actions: tuple[TaskName, ...]
    question: str
    """With `{{ CEL }}` for values; words for people only."""
    ladder: tuple[PlanRung, ...]
    expires_ms: DurationMs
    on_timeout: TaskName | None
    on_deny: TaskName | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTool:
    """The call that a command task makes."""

    tool: ToolName
    manifest: Digest
    effect: EffectClass
    retry: RetryClass
    args: Mapping[str, str]
    """Argument name to CEL."""
    literals: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that the document itself gives: its fence, its plain values."""
    bind: Mapping[str, str] = field(default_factory=dict)
    """Name to CEL: values that travel beside the text, as bound parameters."""
    bound_argument: str = ""
    labels: Mapping[str, Label] = field(default_factory=dict)
    """Label of each argument, from the labels of what its expression reads."""
    target: str = "tool"
    timeout_ms: DurationMs = DurationMs(30_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTask:
    """One node of the graph."""

    name: TaskName
    title: str
    kind: TaskKind
    prose: str
    """What a person would do; for an agent, its prompt."""
    needs: tuple[TaskName, ...] = ()
    join: str = "all"
    """`all` or `any`: how many of `needs` must have succeeded; skipped ones count as settled."""
    when: str = ""
    guard: Label = TRUSTED
    """Label of what `when` reads, here and above."""
    call: PlanTool | None = None
    table: PlanTable | None = None
    approval: PlanApproval | None = None
    out: Mapping[str, Any] = field(default_factory=dict)
    """JSON Schema (an object) of the output."""
    precondition: PlanProbe | None = None
    verify: PlanProbe | None = None
    undo: TaskName | None = None
    is_undo: bool = False
    """Runs only to take another task's effect back."""
    is_routed: bool = False
    """Some other task's `on_deny`, `on_timeout` or `on_fail` names it."""
    retry_max: int = 0
    backoff_ms: DurationMs = DurationMs(0)
    on_fail: str = ""
    """`undo`, or the name of a task; empty ends the run as failed."""
    ends: Mapping[str, str] = field(default_factory=dict)
    """Outcome to CEL: the run ends so when the task succeeded and the expression holds."""
    sla_ms: DurationMs = DurationMs(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBudget:
    """Hard caps of one run; None means no cap was declared."""

    usd_micro: int | None = None
    tokens: int | None = None
    working_time_ms: int | None = None
    tool_calls: int | None = None
    effects: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole runbook, ready to run."""

    semantics: int
    runbook: str
    version: str
    title: str
    owner: str
    document: Digest
    """Over the whole text, prose too."""
    program: Digest
    """Over what the machine executes."""
    mode: Mode
    inputs: Mapping[str, Any]
    """JSON Schema (an object) of the inputs, with defaults."""
    tools: tuple[ToolName, ...]
    """The grant: no other tool may be called."""
    budget: PlanBudget
    ladder: tuple[PlanRung, ...]
    tasks: tuple[PlanTask, ...]
    """In the order of the document."""

    def task(self, name: TaskName) -> PlanTask:
        """Return the task of that name.

        Raises:
            KeyError: there is none; `check` rules that out for names inside a plan.
        """
        for task in self.tasks:
            if task.name == name:
                return task
        raise KeyError(name)
