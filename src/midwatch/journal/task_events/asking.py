"""Facts of questions to the Guardians, and of the answers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from midwatch.journal.task_events.rungs import Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked:
    """A question to the Guardians about one bundle of actions."""

    TYPE: ClassVar[str] = "approval.asked"
    VERSION: ClassVar[int] = 1
    approval: str
    task: str
    """The approval task, or the acting task where the gate itself asks."""
    bundle: str
    """Digest of the ordered list of action digests."""
    keys: list[str]
    actions: list[str]
    requirement: dict[str, Any]
    """`policy.decision.Requirement.as_record()`."""
    ladder: list[Rung]
    expires_ms: int
    card: str
    """Address of the card's bytes among the blobs."""
    policy: str
    question: str
    supersedes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEscalated:
    """The question went one rung up."""

    TYPE: ClassVar[str] = "approval.escalated"
    VERSION: ClassVar[int] = 1
    approval: str
    rung: int
    people: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAnswered:
    """Somebody entitled answered."""

    TYPE: ClassVar[str] = "approval.answered"
    VERSION: ClassVar[int] = 1
    approval: str
    bundle: str
    answer: str
    """`approve` or `deny`."""
    by: str
    surface: str
    latency_ms: int
    card: str
    recorded_as: str = ""
    """`self-approved (solo)` where the profile let the requester answer."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRefused:
    """Somebody tried to answer and may not, or came too late."""

    TYPE: ClassVar[str] = "approval.refused"
    VERSION: ClassVar[int] = 1
    approval: str
    answer: str
    by: str
    surface: str
    code: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalClosed:
    """The question has its outcome: approved, denied, expired, cancelled, superseded, void or shadow."""

    TYPE: ClassVar[str] = "approval.closed"
    VERSION: ClassVar[int] = 1
    approval: str
    outcome: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalConsumed:
    """One action of an approved bundle used its approval up, in the transaction that dispatched it."""

    TYPE: ClassVar[str] = "approval.consumed"
    VERSION: ClassVar[int] = 1
    approval: str
    key: str
    action: str
