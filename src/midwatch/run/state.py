"""The state of one run, folded from its events; nothing else ever changes it.

Rule 1: `evolve` accepts every event of `RUN_EVENTS` and decides nothing: choices are in `decide.py`.
Rule 2: an effect moves only along the arrows of `effects.ledger`.
Rule 3: JSON values are thawed here once, so that expressions see numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from midwatch.base.canonical import thawed_value
from midwatch.base.ids import ApprovalId, Digest, EffectKey, HandId, RunId, TaskName
from midwatch.base.table import Table
from midwatch.base.units import EpochMs
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import Rung, RunStarted

Place = tuple[TaskName, int]
"""A task and its iteration, from 1; 0 is the task as a whole, also one without a loop."""


class TaskStatus(StrEnum):
    """Where a task stands; a task that nothing is known of has no state."""

    STARTED = "started"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


SETTLED = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.SKIPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """What is known of one task, or of one iteration of it."""

    status: TaskStatus | None = None
    """None while the task was only routed to."""
    attempt: int = 0
    out: Mapping[str, Any] = field(default_factory=dict)
    matched: tuple[int, ...] = ()
    code: str = ""
    why: str = ""
    retry_at_ms: EpochMs | None = None
    routed_by: TaskName | None = None
    followed: bool = False
    """Whether what its failure leads to was already routed."""
    begun_ms: EpochMs = EpochMs(0)
    """When its latest attempt began, where that is a fact of its own."""
    ended_ms: EpochMs = EpochMs(0)
    """When it succeeded or failed, for now or for good."""
    n: int = 0
    """Number of its latest event in the run's stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectState:
    """What is known of one effect that may act."""

    key: EffectKey
    task: TaskName
    iteration: int = 0
    tool: str
    status: EffectStatus
    action: Digest
    sealed: Mapping[str, Any]
    """The sealed action's wire form."""
    decision: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 0
    doubted: bool = False
    """Whether an earlier call under this key was never seen to end."""
    worker: str = ""
    deadline_ms: EpochMs = EpochMs(0)
    settle_after_ms: EpochMs = EpochMs(0)
    fence: int = 0
    out: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    why: str = ""
    confirmed_ms: EpochMs = EpochMs(0)
    probed_ms: EpochMs | None = None
    """When it was last read back."""
    held_since_ms: EpochMs | None = None
    """Since when each reading back held."""
    undone_by: EffectKey | None = None
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a person denied: a tool on a target, for a task that does something or takes it back."""

    tool: str
    target: str
    task: TaskName


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One counted answer."""

    by: str
    answer: str
    surface: str
    recorded_as: str
    at_ms: EpochMs
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalState:
    """One question and what became of it."""

    approval: ApprovalId
    task: TaskName
    bundle: Digest
    keys: tuple[EffectKey, ...]
    actions: tuple[Digest, ...]
    requirement: Mapping[str, Any]
    ladder: tuple[Rung, ...]
    asked_ms: EpochMs
    expires_ms: EpochMs
    card: str
    question: str
    policy: Digest
    supersedes: str
    status: str = "open"
    rung: int = 0
    answers: tuple[Answer, ...] = ()
    consumed: frozenset[EffectKey] = frozenset()
    closed_why: str = ""
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopState:
    """How far a task is that runs several times; its iterations are numbered from 1."""

    items: tuple[Any, ...]
    begin: int = 1
    """The first iteration of which nothing is known."""
    ahead: frozenset[int] = frozenset()
    """Iterations beyond that one of which something is known."""
    going: frozenset[int] = frozenset()
    """Iterations of which something is known and that have not settled."""
    failed: tuple[int, ...] = ()
    """Iterations that failed for good, in the order in which they did."""
    last: int = 0
    """The iteration that settled latest."""
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitState:
    """What a task waits for."""

    due_ms: EpochMs
    event: str
    probed_ms: EpochMs | None = None
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something that was signalled, and that no wait took yet."""

    n: int
    name: str
    data: Mapping[str, Any]
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandState:
    """What was handed to people, and what became of it."""

    hand: HandId
    place: Place
    attempt: int
    purpose: str
    title: str
    words: str
    out_schema: Mapping[str, Any]
    ladder: tuple[Rung, ...]
    asked_ms: EpochMs
    due_ms: EpochMs
    status: str = "open"
    """`open`, `done`, `failed`, `expired` or `cancelled`."""
    rung: int = 0
    overdue: bool = False
    by: str = ""
    out: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    """Of who handed in; or why it was closed."""
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildState:
    """A run that this one called."""

    child: RunId
    place: Place
    attempt: int
    runbook: str
    plan: Digest
    inputs: Mapping[str, Any]
    caps: Mapping[str, int]
    begun: bool = False
    stop_why: str | None = None
    outcome: str = ""
    why: str = ""
    out: Mapping[str, Any] = field(default_factory=dict)
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message that was left for people."""

    n: int
    place: Place
    to: tuple[str, ...]
    people: tuple[str, ...]
    message: str
    at_ms: EpochMs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """One run."""

    run: RunId
    n: int = 0
    """Number of events folded so far."""
    started: RunStarted | None = None
    started_ms: EpochMs = EpochMs(0)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    tasks: Table[TaskName, TaskState] = field(default_factory=Table)
    turns: Table[Place, TaskState] = field(default_factory=Table)
    """Iterations; a task as a whole is in `tasks`."""
    loops: Table[TaskName, LoopState] = field(default_factory=Table)
    effects: Table[EffectKey, EffectState] = field(default_factory=Table)
    """In the order in which they were proposed."""
    sent: frozenset[EffectKey] = frozenset()
    """Those that are dispatched."""
    fences: Table[str, int] = field(default_factory=Table)
    """The greatest that was given for each target."""
    doubted: frozenset[EffectKey] = frozenset()
    """Those that are in doubt."""
    approvals: Table[ApprovalId, ApprovalState] = field(default_factory=Table)
    asked: Table[EffectKey, ApprovalId] = field(default_factory=Table)
    """The newest question about each effect."""
    questions: tuple[ApprovalId, ...] = ()
    """Those that are open, the oldest first."""
    asks: Mapping[TaskName, ApprovalId] = field(default_factory=dict)
    """The newest question of each task."""
    waits: Mapping[TaskName, WaitState] = field(default_factory=dict)
    inbox: tuple[Signal, ...] = ()
    signal_ids: frozenset[tuple[str, str]] = frozenset()
    """(name, id) of each signal that came with one."""
    hands: Table[HandId, HandState] = field(default_factory=Table)
    handed: Table[tuple[Place, bool], HandId] = field(default_factory=Table)
    """The newest hand of each place, for the work itself and for an escalation of it."""
    open_hands: tuple[HandId, ...] = ()
    children: Table[RunId, ChildState] = field(default_factory=Table)
    called: Table[Place, RunId] = field(default_factory=Table)
    """The newest call of each place."""
    live_children: tuple[RunId, ...] = ()
    """Those that did not end."""
    notices: tuple[Notice, ...] = ()
    tool_calls: int = 0
    dispatches: int = 0
    """How many effects were ever dispatched, undos included; those of called runs count too."""
    refusals: frozenset[Refusal] = frozenset()
    undo_keys: tuple[EffectKey, ...] = ()
    """Effects that were to be taken back, in the order of the request."""
    undoing: tuple[EffectKey, ...] = ()
    """Those whose undo was asked for and has not ended since."""
    undo_n: int = 0
    """Number of the latest request of all."""
    undo_by: str = ""
    cancel_why: str | None = None
    cancel_by: str = ""
    cancel_leave: bool = False
    outcome: str = ""
    why: str = ""
    out: Mapping[str, Any] = field(default_factory=dict)
    ended_ms: EpochMs | None = None
    cost_micro_usd: int = 0

    def task(self, name: TaskName, iteration: int = 0) -> TaskState:
        """Return what is known of a task, or of an iteration of it: an empty state where nothing is."""
        if iteration:
            return self.turns.get((name, iteration), UNKNOWN)
        return self.tasks.get(name, UNKNOWN)

    def attempt_of(self, name: TaskName, iteration: int = 0) -> int:
        """Return the number of the attempt that is under way, else of the one that would be next."""
        known = self.task(name, iteration)
        return max(1, known.attempt) if known.status is TaskStatus.STARTED else known.attempt + 1

    def approval_of(self, key: EffectKey) -> ApprovalState | None:
        """Return the newest question that asked about the effect."""
        asked = self.asked.get(key)
        return None if asked is None else self.approvals[asked]

    def hand_of(self, place: Place, *, escalation: bool = False) -> HandState | None:
        """Return the newest hand of a place: for the work itself, or for its failure."""
        hand = self.handed.get((place, escalation))
        return None if hand is None else self.hands[hand]

    def child_of(self, place: Place) -> ChildState | None:
        """Return the newest run that was called from a place."""
        child = self.called.get(place)
        return None if child is None else self.children[child]

    @property
    def open_approvals(self) -> tuple[ApprovalState, ...]:
        """The questions that wait for an answer."""
        return tuple(self.approvals[asked] for asked in self.questions)


UNKNOWN = TaskState()
"""What is known of a task that nothing is known of."""


def thawed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object from the journal with its numbers back."""
    return thawed_value(dict(value))  # type: ignore[no-any-return]
