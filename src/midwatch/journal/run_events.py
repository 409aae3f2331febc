"""The facts of one run, in the order in which they can happen.

Wire types only: strings, integers, booleans, None, lists, dicts and dataclasses of those. JSON
values from outside (inputs, arguments, outputs) are stored as `base.canonical.frozen_value` gives them.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from midwatch.journal.task_events.asking import (
    AnswerRefused,
    ApprovalAnswered,
    ApprovalAsked,
    ApprovalClosed,
    ApprovalConsumed,
    ApprovalEscalated,
)
from midwatch.journal.task_events.calling import ChildBegun, ChildCalled, ChildEnded, ChildStopped
from midwatch.journal.task_events.handing import HandAsked, HandClosed, HandDone, HandEscalated, HandRefused
from midwatch.journal.task_events.repeating import LoopBegun
from midwatch.journal.task_events.rungs import Rung
from midwatch.journal.task_events.telling import EventEmitted, NoticeGiven
from midwatch.journal.task_events.waiting import SignalReceived, SignalTaken, WaitBegun, WaitProbed

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A plan began to run."""

    TYPE: ClassVar[str] = "run.started"
    VERSION: ClassVar[int] = 1
    run: str
    plan: str
    """Digest of the plan; the run finishes on it."""
    runbook: str
    """Id of the runbook."""
    document: str
    """Digest of the document the plan was compiled from, prose too."""
    title: str
    inputs: JsonObject
    mode: str
    profile: str
    initiator: str
    """Principal who asked for the run."""
    person_acts: bool = False
    """True where a person's own command acts, and no agent does."""
    practice: bool = False
    key: str = ""
    """One live run per (runbook, key)."""
    host: str = ""
    parent: str = ""
    """The run that called this one; empty for one that was started by itself."""
    parent_task: str = ""
    parent_iteration: int = 0
    depth: int = 0
    """How many runs called each other to get here."""
    caps: dict[str, int] = field(default_factory=dict)
    """What the calling run left it of its own budget, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStarted:
    """A task that acts, asks or waits was claimed; reads that settle at once have no such event."""

    TYPE: ClassVar[str] = "task.started"
    VERSION: ClassVar[int] = 1
    task: str
    attempt: int
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSucceeded:
    """A task has its output."""

    TYPE: ClassVar[str] = "task.succeeded"
    VERSION: ClassVar[int] = 1
    task: str
    attempt: int
    out: JsonObject
    iteration: int = 0
    matched: list[int] = field(default_factory=list)
    """For a decision: the numbers of the table's rows that matched, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailed:
    """An attempt failed; another follows at `retry_at_ms`, or none."""

    TYPE: ClassVar[str] = "task.failed"
    VERSION: ClassVar[int] = 1
    task: str
    attempt: int
    code: str
    why: str
    retry_at_ms: int | None = None
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSkipped:
    """A task won't run: its `when` is false, or what it needs was skipped."""

    TYPE: ClassVar[str] = "task.skipped"
    VERSION: ClassVar[int] = 1
    task: str
    why: str
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRouted:
    """A task runs whatever its `when` says, because `on_deny`, `on_timeout` or `on_fail` names it."""

    TYPE: ClassVar[str] = "task.routed"
    VERSION: ClassVar[int] = 1
    task: str
    by: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRead:
    """A tool that only reads was called: intent, decision and result are one fact."""

    TYPE: ClassVar[str] = "effect.read"
    VERSION: ClassVar[int] = 1
    key: str
    task: str
    tool: str
    action: str
    """Digest of the sealed action."""
    sealed: JsonObject
    """The sealed action itself."""
    decision: JsonObject
    """The gate's decision record (`policy.decision.Decision.as_record`)."""
    ok: bool
    started_ms: int
    duration_ms: int
    out: JsonObject = field(default_factory=dict)
    """What was read, where no `task.succeeded` holds it: for probes and failures."""
    purpose: str = "task"
    """`task`, `precondition`, `verify`, `settle` or `wait`."""
    about: str = ""
    """Key of the effect that a probe is about."""
    holds: bool | None = None
    """For a probe: whether what must hold did."""
    attempt: int = 1
    iteration: int = 0
    cost_micro_usd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectProposed:
    """An action was sealed: from here on its digest is what is judged, approved and dispatched."""

    TYPE: ClassVar[str] = "effect.proposed"
    VERSION: ClassVar[int] = 1
    key: str
    task: str
    tool: str
    action: str
    sealed: JsonObject
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectJudged:
    """The gate decided on an action."""

    TYPE: ClassVar[str] = "effect.judged"
    VERSION: ClassVar[int] = 1
    key: str
    action: str
    outcome: str
    """`allowed`, `asked`, `denied`, or `not_now`, which changes nothing and is judged again."""
    decision: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectDispatched:
    """The action is about to be sent to its tool; from now on it may have happened."""

    TYPE: ClassVar[str] = "effect.dispatched"
    VERSION: ClassVar[int] = 1
    key: str
    action: str
    attempt: int
    worker: str
    deadline_ms: int
    """No call for this attempt is sent or goes on after this moment."""
    fence: int = 0
    """Fencing token of the lease on the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectConfirmed:
    """The tool said what it did, or a probe or a person found that it happened."""

    TYPE: ClassVar[str] = "effect.confirmed"
    VERSION: ClassVar[int] = 1
    key: str
    out: JsonObject
    by: str = "tool"
    """`tool`, `probe` or the principal of a person."""
    duration_ms: int = 0
    cost_micro_usd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectFailed:
    """The action did not happen, for certain."""

    TYPE: ClassVar[str] = "effect.failed"
    VERSION: ClassVar[int] = 1
    key: str
    code: str
    why: str
    by: str = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectInDoubt:
    """Nobody saw whether the dispatched action happened."""

    TYPE: ClassVar[str] = "effect.in_doubt"
    VERSION: ClassVar[int] = 1
    key: str
    why: str
    settle_after_ms: int
    """Earliest moment at which the world may be probed or the call repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectVoided:
    """An asked or allowed action won't be dispatched as it is."""

    TYPE: ClassVar[str] = "effect.voided"
    VERSION: ClassVar[int] = 1
    key: str
    action: str
    outcome: str
    """`void`, `expired` or `denied`."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectVerified:
    """The world was read back: the effect holds, or it doesn't."""

    TYPE: ClassVar[str] = "effect.verified"
    VERSION: ClassVar[int] = 1
    key: str
    holds: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectUndone:
    """The undo of an effect ended: `undoing`, `undone` or `undo_failed`."""

    TYPE: ClassVar[str] = "effect.undone"
    VERSION: ClassVar[int] = 1
    key: str
    status: str
    by_key: str
    """Key of the effect that takes this one back."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRequested:
    """The named effects are to be taken back, the newest first."""

    TYPE: ClassVar[str] = "undo.requested"
    VERSION: ClassVar[int] = 1
    keys: list[str]
    why: str = ""
    by: str = ""
    """The person whose wish follows here from another: to stop the run. Else it is the actor's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """A person wants the run to stop."""

    TYPE: ClassVar[str] = "run.cancel_requested"
    VERSION: ClassVar[int] = 1
    why: str = ""
    leave: bool = False
    """Whether what was done stays, whatever the runbook says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The run has its outcome."""

    TYPE: ClassVar[str] = "run.ended"
    VERSION: ClassVar[int] = 1
    outcome: str
    why: str
    out: JsonObject = field(default_factory=dict)
    """What it gives to who called it."""
    cost_micro_usd: int = 0


RUN_EVENTS = (
    RunStarted, TaskStarted, TaskSucceeded, TaskFailed, TaskSkipped, TaskRouted,
    EffectRead, EffectProposed, EffectJudged, EffectDispatched, EffectConfirmed, EffectFailed,
    EffectInDoubt, EffectVoided, EffectVerified, EffectUndone,
    ApprovalAsked, ApprovalEscalated, ApprovalAnswered, AnswerRefused, ApprovalClosed, ApprovalConsumed,
    UndoRequested, CancelRequested, RunEnded,
    LoopBegun, WaitBegun, WaitProbed, SignalReceived, SignalTaken,
    HandAsked, HandEscalated, HandDone, HandRefused, HandClosed,
    ChildCalled, ChildBegun, ChildStopped, ChildEnded, NoticeGiven, EventEmitted,
)  # fmt: skip
RunEvent = (
    RunStarted | TaskStarted | TaskSucceeded | TaskFailed | TaskSkipped | TaskRouted
    | EffectRead | EffectProposed | EffectJudged | EffectDispatched | EffectConfirmed | EffectFailed
    | EffectInDoubt | EffectVoided | EffectVerified | EffectUndone
    | ApprovalAsked | ApprovalEscalated | ApprovalAnswered | AnswerRefused | ApprovalClosed | ApprovalConsumed
    | UndoRequested | CancelRequested | RunEnded
    | LoopBegun | WaitBegun | WaitProbed | SignalReceived | SignalTaken
    | HandAsked | HandEscalated | HandDone | HandRefused | HandClosed
    | ChildCalled | ChildBegun | ChildStopped | ChildEnded | NoticeGiven | EventEmitted
)  # fmt: skip

__all__ = [
    "RUN_EVENTS", "AnswerRefused", "ApprovalAnswered", "ApprovalAsked", "ApprovalClosed",
    "ApprovalConsumed", "ApprovalEscalated", "CancelRequested", "ChildBegun", "ChildCalled", "ChildEnded",
    "ChildStopped", "EffectConfirmed", "EffectDispatched", "EffectFailed", "EffectInDoubt", "EffectJudged",
    "EffectProposed", "EffectRead", "EffectUndone", "EffectVerified", "EffectVoided", "EventEmitted",
    "HandAsked", "HandClosed", "HandDone", "HandEscalated", "HandRefused", "JsonObject", "LoopBegun",
    "NoticeGiven", "RunEnded", "RunEvent", "RunStarted", "Rung", "SignalReceived", "SignalTaken",
    "TaskFailed", "TaskRouted", "TaskSkipped", "TaskStarted", "TaskSucceeded", "UndoRequested", "WaitBegun",
    "WaitProbed",
]  # fmt: skip
