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
    WAIT = "wait"
    CALL = "call"
    NOTIFY = "notify"


class HitPolicy(StrEnum):
    """Which matching rows of a table count (DMN 1.5 section 8.2.8)."""

    UNIQUE = "unique"
    FIRST = "first"
    ANY = "any"
    PRIORITY = "priority"
    RULE_ORDER = "rule-order"
    OUTPUT_ORDER = "output-order"
    COLLECT = "collect"


class Aggregate(StrEnum):
    """What `collect` makes of the matching rows' one output; DMN writes these `+ < > #`."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"
    COUNT = "count"


class OnFail(StrEnum):
    """What a failure leads to, where it is no task's name."""

    UNDO = "undo"
    ESCALATE = "escalate"
    CONTINUE = "continue"


class OnStop(StrEnum):
    """What becomes of what was done when a person stops a run."""

    UNDO = "undo"
    LEAVE = "leave"


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
    aggregate: Aggregate | None = None
    """For `collect` alone; None collects a list."""
    default: Mapping[str, Any] | None = None
    """The output where no row matches; None makes that an error."""
    priorities: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """For `priority` and `output-order`: the allowed values of each output, the most important first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBudget:
    """Hard caps of one run or task; None means no cap was declared."""

    usd_micro: int | None = None
    tokens: int | None = None
    working_time_ms: int | None = None
    tool_calls: int | None = None
    effects: int | None = None


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
class PlanLoop:
    """A task that runs several times: once for each item, or round after round; never both."""

    each: str = ""
    """CEL giving the list of items; it is evaluated once and recorded."""
    name: str = "item"
    """What the item is called in expressions, beside `index` and `previous`."""
    parallel: int = 1
    """How many items run at the same time; `previous` is there with 1 only."""
    goes_on: bool = False
    """Whether the other items run although one failed."""
    until: str = ""
    """CEL over the task's own output: the last round is the first of which it holds."""
    every_ms: DurationMs = DurationMs(0)
    """From the end of one round to the beginning of the next."""
    times_max: int = 1
    """At most so many items or rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRetry:
    """How a failed attempt is followed by another: after backoff x 2^(n-1), at most `backoff_ms_max`."""

    attempts_max: int = 0
    """How many more attempts after the first."""
    backoff_ms: DurationMs = DurationMs(0)
    backoff_ms_max: DurationMs = DurationMs(0)
    """0 for no cap."""
    codes: tuple[str, ...] = ()
    """`timeout`, `output`, `tool`, or error codes; empty for whatever may be tried again."""


class WaitFor(StrEnum):
    """What ends a wait."""

    TIME = "time"
    EVENT = "event"
    PROBE = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWait:
    """What a wait task waits for, and for how long at most."""

    kind: WaitFor
    for_ms: DurationMs = DurationMs(0)
    """`time`: from the task's start."""
    at: str = ""
    """`time`: CEL giving an RFC 3339 moment; a past one is over at once."""
    event: str = ""
    """`event`: the name that is signalled."""
    where: str = ""
    """`event`: CEL over `event` (its data); others are left in the inbox."""
    probe: TaskName | None = None
    holds: str = ""
    """`probe`: CEL over `probe` (the reading)."""
    every_ms: DurationMs = DurationMs(0)
    within_ms: DurationMs = DurationMs(0)
    """0 for a wait that ends by itself."""
    on_timeout: str = ""
    """`continue`, the name of a task, or empty: the task fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCallee:
    """A runbook that is run for a task, as its own run, pinned by the digest of its plan."""

    runbook: str
    plan: Digest
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Input name to CEL."""
    literals: Mapping[str, Any] = field(default_factory=dict)
    accept: tuple[str, ...] = ("resolved", "no_action")
    """Outcomes of the called run that count as success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEvent:
    """An event that a task emits, as CloudEvents 1.0 has it."""

    type: str
    source: str
    data: Mapping[str, str] = field(default_factory=dict)
    """Name to CEL."""
    literals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanNotice:
    """Whom a task tells what; or what it emits."""

    to: tuple[str, ...] = ()
    message: str = ""
    """With `{{ CEL }}` for values."""
    via: tuple[str, ...] = ()
    emit: PlanEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHand:
    """Who does a manual task (or an agent's, where no model is there), and by when."""

    ladder: tuple[PlanRung, ...]
    on_timeout: TaskName | None = None
    """None: it stays open after the last rung."""


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
    """`all`, `any` or a number: how many of `needs` must have succeeded; skipped ones count as settled."""
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
    retry: PlanRetry = field(default_factory=PlanRetry)
    loop: PlanLoop | None = None
    wait: PlanWait | None = None
    callee: PlanCallee | None = None
    notice: PlanNotice | None = None
    hand: PlanHand | None = None
    tools: tuple[ToolName, ...] = ()
    """For an agent: what it may propose to call."""
    budget: PlanBudget | None = None
    """For an agent: its own caps, within the run's."""
    timeout_ms: DurationMs = DurationMs(0)
    """From the start of an attempt of a task that is no call of a tool; 0 for none."""
    is_finally: bool = False
    """Runs when nothing else is left to do, whatever happened."""
    on_fail: str = ""
    """A word of `OnFail`, or the name of a task; empty ends the run as failed."""
    ends: Mapping[str, str] = field(default_factory=dict)
    """Outcome to CEL: the run ends so when the task succeeded and the expression holds."""
    sla_ms: DurationMs = DurationMs(0)


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
    out: Mapping[str, Any] = field(default_factory=dict)
    """JSON Schema (an object) of what the run gives to who called it."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Output name to CEL."""
    on_stop: OnStop = OnStop.UNDO
    includes: Mapping[str, Digest] = field(default_factory=dict)
    """Name to digest of each document whose tasks were taken in."""

    def task(self, name: TaskName) -> PlanTask:
        """Return the task of that name.

        Raises:
            KeyError: there is none; `check` rules that out for names inside a plan.
        """
        for task in self.tasks:
            if task.name == name:
                return task
        raise KeyError(name)
