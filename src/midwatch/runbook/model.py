"""A runbook as its author wrote it: every value with its place in the document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Generic, TypeVar

from midwatch.base.classes import EffectClass, Mode, Outcome
from midwatch.base.units import DurationMs, MicroUsd
from midwatch.runbook.markdown import Table
from midwatch.runbook.source import Source, Span

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
    last_rehearsed: str
    span: Span


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
class Task:
    """A block that begins with `task:`, with the prose, fence and table under its heading."""

    name: At[str]
    title: str
    kind: Kind
    prose: str
    needs: tuple[At[str], ...] = ()
    join: str = "all"
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
    retry_max: int = 0
    backoff_ms: DurationMs = DurationMs(0)
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
