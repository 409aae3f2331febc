"""A runbook as its author wrote it: every value with its place in the document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Generic, TypeVar

from midwatch.base.classes import EffectClass, Mode, Outcome
from midwatch.base.units import DurationMs, MicroUsd
from midwatch.runbook.markdown import Table
from midwatch.runbook.source import Library, Source, Span

T = TypeVar("T")

TASKS_MAX = 200


class Level(IntEnum):
    """How much of a document the machine can use."""

    L0 = 0
    """Any Markdown: a person follows it."""
    L1 = 1
    """It has a header."""
    L2 = 2
    """It has tasks."""
    L3 = 3
    """It has tests and metrics too, and what acts can be undone or is approved."""


class Kind(StrEnum):
    """What a task does."""

    COMMAND = "command"
    AGENT = "agent"
    DECISION = "decision"
    APPROVAL = "approval"
    MANUAL = "manual"
    WAIT = "wait"
    CALL = "call"
    NOTIFY = "notify"


class StopRule(StrEnum):
    """What becomes of what was done when a person stops a run."""

    UNDO = "undo"
    LEAVE = "leave"


FAIL_WORDS = ("undo", "escalate", "continue")
"""What `on_fail:` may say instead of a task's name."""
WAIT_WORDS = ("continue", "fail")
"""What `on_timeout:` of a wait may say instead of a task's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class At(Generic[T]):
    """A value and where it stands."""

    value: T
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of a ladder: who is asked, for how long, over which channels."""

    ask: At[str]
    within_ms: DurationMs
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Caps of one run or of one task; None where none is declared."""

    usd_micro: MicroUsd | None = None
    tokens: int | None = None
    working_time_ms: DurationMs | None = None
    tool_calls: int | None = None
    effects: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The block that begins with `runbook:`."""

    id: At[str]
    title: str
    version: str
    owner: str
    mode: Mode
    inputs: Mapping[str, At[Mapping[str, Any]]]
    """Name to JSON Schema, with `default`."""
    tools: tuple[At[str], ...]
    budget: Budget
    ladder: tuple[Rung, ...]
    triggers: tuple[Mapping[str, Any], ...]
    metrics: Mapping[str, Any]
    last_rehearsed: At[str] | None
    """A day, `2026-11-20`."""
    span: Span
    out: Mapping[str, At[Mapping[str, Any]]] = field(default_factory=dict)
    """Name to JSON Schema of what a run gives to who called it."""
    values: Mapping[str, At[str]] = field(default_factory=dict)
    """Output name to CEL."""
    on_stop: StopRule = StopRule.UNDO
    extras: Mapping[str, Any] = field(default_factory=dict)
    """Whatever stands under `x-…`, for people and other programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """`precondition:` or `verify:`: a reading that is taken again, and what must hold of it."""

    probe: At[str]
    holds: At[str]
    for_ms: DurationMs
    within_ms: DurationMs
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One entry of `args:` or `bind:`: an expression, or a plain value."""

    span: Span
    source: str = ""
    """CEL, or empty for a plain value."""
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What an approval task asks, and whom."""

    actions: tuple[At[str], ...] = ()
    question: At[str] | None = None
    approvers: tuple[At[str], ...] = ()
    expires_ms: DurationMs | None = None
    on_timeout: At[str] | None = None
    on_deny: At[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """`foreach:` or `until:`, with what belongs to them."""

    each: At[str] | None = None
    name: At[str] | None = None
    parallel: int = 1
    goes_on: bool = False
    until: At[str] | None = None
    every_ms: DurationMs = DurationMs(0)
    times_max: int | None = None
    """None where nothing is written: the list's schema may say it."""
    span: Span

    @property
    def item(self) -> str:
        """What the item is called in expressions."""
        return self.name.value if self.name else "item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How a failed attempt is followed by another."""

    attempts_max: int = 0
    backoff_ms: DurationMs = DurationMs(0)
    cap_ms: DurationMs = DurationMs(0)
    """0 for no cap."""
    codes: tuple[At[str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a wait task waits for; exactly one of `for_ms`, `at`, `event` and `probe` is there."""

    for_ms: DurationMs | None = None
    at: At[str] | None = None
    event: At[str] | None = None
    where: At[str] | None = None
    probe: At[str] | None = None
    holds: At[str] | None = None
    every_ms: DurationMs | None = None
    within_ms: DurationMs | None = None
    on_timeout: At[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """Which runbook a call task runs, on what."""

    runbook: At[str]
    """`./file.runbook.md`, or an id."""
    inputs: Mapping[str, Argument] = field(default_factory=dict)
    accept: tuple[Outcome, ...] = (Outcome.RESOLVED, Outcome.NO_ACTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """An event that a task emits."""

    type: At[str]
    source: At[str]
    data: Mapping[str, Argument] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Whom a task tells what, or what it emits."""

    to: tuple[At[str], ...] = ()
    message: At[str] | None = None
    via: tuple[str, ...] = ()
    emit: Emit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who does a manual task, or an agent's where no model is; nobody named: the header's ladder."""

    asked: tuple[At[str], ...] = ()
    ladder: tuple[Rung, ...] = ()
    on_timeout: At[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A block that begins with `task:`, with the prose, fence and table under its heading."""

    name: At[str]
    title: str
    kind: Kind
    prose: str
    needs: tuple[At[str], ...] = ()
    join: str = "all"
    """`all`, `any` or a number."""
    join_at: Span = field(default=Span(0, 0))
    when: At[str] | None = None
    tool: At[str] | None = None
    effect: At[EffectClass] | None = None
    args: Mapping[str, Argument] = field(default_factory=dict)
    bind: Mapping[str, Argument] = field(default_factory=dict)
    text: At[str] | None = None
    """The command fence."""
    out: Mapping[str, At[Mapping[str, Any]]] = field(default_factory=dict)
    declassify: tuple[At[str], ...] = ()
    hit: At[str] | None = None
    aggregate: At[str] | None = None
    default: At[Mapping[str, At[Any]]] | None = None
    """The outputs where no row of the table matches."""
    values: Mapping[str, At[tuple[Any, ...]]] = field(default_factory=dict)
    """The values of an output, the most important first."""
    table: Table | None = None
    ask: Ask | None = None
    precondition: Probe | None = None
    verify: Probe | None = None
    undo: At[str] | None = None
    is_undo: bool = False
    """It stands under a heading `Undo: …`."""
    timeout_ms: At[DurationMs] | None = None
    retry: Retry = field(default_factory=Retry)
    loop: Loop | None = None
    wait: Waiting | None = None
    callee: Callee | None = None
    notice: Notice | None = None
    hand: Hand | None = None
    finally_at: Span | None = None
    """Where `finally: true` stands; None for a task of the ordinary graph."""
    on_fail: At[str] | None = None
    ends: Mapping[Outcome, At[str]] = field(default_factory=dict)
    sla_ms: DurationMs | None = None
    tools: tuple[At[str], ...] = ()
    budget: Budget = field(default_factory=Budget)
    example: Any = None
    span: Span = field(default=Span(0, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCase:
    """One entry of `tests:`, its parts as plain values."""

    __test__ = False  # pytest takes every class that begins with Test

    name: str
    given: Mapping[str, Any]
    mocks: Mapping[str, At[Any]]
    answers: Mapping[str, At[Any]]
    expect: Mapping[str, At[Any]]
    span: Span
    mode: Mode | None = None
    """None plays it in the runbook's own mode."""
    start: At[str] | None = None
    """An RFC 3339 moment: what the clock shows at first."""
    events: Mapping[str, At[Any]] = field(default_factory=dict)
    """Event name to a list of `{data, after}`."""
    faults: tuple[At[Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading that is no task's, and the prose below it."""

    title: str
    prose: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A whole document."""

    source: Source
    title: str
    header: Header | None
    sections: tuple[Section, ...]
    tasks: tuple[Task, ...]
    tests: tuple[TestCase, ...]
    has_tests: bool = False
    lost: frozenset[str] = frozenset()
    """Names of tasks whose blocks can't be read: reported once, not at each place that names them."""
    library: Library | None = None
    """The files around it, where there are any."""
    headings: tuple[tuple[str, int], ...] = ()
    """Text and line, from 0, of each heading."""
    fences: tuple[Span, ...] = ()
    """Where fences stand in the document's own file, and front matter."""

    def section(self, title: str) -> str:
        """Return the prose under a heading such as `Role`, or an empty text."""
        return next(
            (section.prose for section in self.sections if section.title.lower() == title.lower()), ""
        )

    def task(self, name: str) -> Task | None:
        """Return the first task of that name."""
        return next((task for task in self.tasks if task.name.value == name), None)

    @property
    def level(self) -> Level:
        """How much of the document the machine can use, errors aside."""
        if self.header is None:
            return Level.L0
        if not self.tasks:
            return Level.L1
        return Level.L3 if not self.missing_for(Level.L3) else Level.L2

    def missing_for(self, level: Level) -> tuple[str, ...]:
        """Return what the document lacks for a level, as short phrases."""
        lacks = {
            Level.L0: {},
            Level.L1: {"a header: front matter that begins with `runbook: v1`": self.header is None},
            Level.L2: {"a task: a fenced block that begins with `task:`": not self.tasks},
            Level.L3: {
                "scenarios: a fenced block that begins with `tests:`": not self.has_tests,
                "`metrics:` in the header": self.header is None or not self.header.metrics,
            },
        }[level]
        return tuple(phrase for phrase, is_missing in lacks.items() if is_missing)
