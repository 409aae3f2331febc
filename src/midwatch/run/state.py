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
from midwatch.base.ids import ApprovalId, Digest, EffectKey, RunId, TaskName
from midwatch.base.units import EpochMs
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import Rung, RunStarted


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
    """What is known of one task."""

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
    n: int = 0
    """Number of its latest event in the run's stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectState:
    """What is known of one effect that may act."""

    key: EffectKey
    task: TaskName
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
class RunState:
    """One run."""

    run: RunId
    n: int = 0
    """Number of events folded so far."""
    started: RunStarted | None = None
    started_ms: EpochMs = EpochMs(0)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    tasks: Mapping[TaskName, TaskState] = field(default_factory=dict)
    effects: Mapping[EffectKey, EffectState] = field(default_factory=dict)
    """In the order in which they were proposed."""
    approvals: Mapping[ApprovalId, ApprovalState] = field(default_factory=dict)
    tool_calls: int = 0
    refusals: frozenset[Refusal] = frozenset()
    undo_keys: tuple[EffectKey, ...] = ()
    """Effects that are to be taken back, in the order of the request."""
    undo_asked_n: Mapping[EffectKey, int] = field(default_factory=dict)
    """Number of the latest request for each of them."""
    undo_n: int = 0
    """Number of the latest request of all."""
    undo_by: str = ""
    cancel_why: str | None = None
    outcome: str = ""
    why: str = ""
    ended_ms: EpochMs | None = None
    cost_micro_usd: int = 0

    def task(self, name: TaskName) -> TaskState:
        """Return what is known of a task: an empty state where nothing is."""
        return self.tasks.get(name, _UNKNOWN)

    def attempt_of(self, name: TaskName) -> int:
        """Return the number of the attempt that is under way, else of the one that would be next."""
        known = self.task(name)
        return max(1, known.attempt) if known.status is TaskStatus.STARTED else known.attempt + 1

    def approval_of(self, key: EffectKey) -> ApprovalState | None:
        """Return the newest question that asked about the effect."""
        return next((asked for asked in reversed(tuple(self.approvals.values())) if key in asked.keys), None)

    @property
    def open_approvals(self) -> tuple[ApprovalState, ...]:
        """The questions that wait for an answer."""
        return tuple(asked for asked in self.approvals.values() if asked.status == "open")

    @property
    def dispatched_count(self) -> int:
        """How many effects were ever dispatched, undos included."""
        return sum(1 for effect in self.effects.values() if effect.attempt)

    @property
    def undoing(self) -> tuple[EffectKey, ...]:
        """Effects whose undo was asked for and has not ended since."""
        return tuple(key for key in self.undo_keys if not self._is_undo_over(self.effects[key]))

    def _is_undo_over(self, effect: EffectState) -> bool:
        if effect.status is EffectStatus.UNDO_FAILED:
            return self.undo_asked_n[effect.key] < effect.n
        return effect.status is EffectStatus.UNDONE


_UNKNOWN = TaskState()


def thawed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object from the journal with its numbers back."""
    return thawed_value(dict(value))  # type: ignore[no-any-return]
