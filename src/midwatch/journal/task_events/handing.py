"""Facts of what is handed to people: manual tasks, an agent's without a model, failures that escalate."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from midwatch.journal.task_events.rungs import Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class HandAsked:
    """Somebody is asked to do something by hand."""

    TYPE: ClassVar[str] = "hand.asked"
    VERSION: ClassVar[int] = 1
    hand: str
    task: str
    attempt: int
    purpose: str
    """`manual`, `agent` (no model is there), or `escalation` (the task failed)."""
    title: str
    words: str
    """What to do."""
    out: dict[str, Any]
    """JSON Schema of what has to be handed in."""
    ladder: list[Rung]
    due_ms: int
    """When the last rung is over."""
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HandEscalated:
    """It went one rung up; beyond the last one it stays with all who held it, and is overdue."""

    TYPE: ClassVar[str] = "hand.escalated"
    VERSION: ClassVar[int] = 1
    hand: str
    rung: int
    people: list[str]
    overdue: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HandDone:
    """Somebody handed in what they did, or said that it can't be done."""

    TYPE: ClassVar[str] = "hand.done"
    VERSION: ClassVar[int] = 1
    hand: str
    ok: bool
    by: str
    surface: str
    latency_ms: int
    out: dict[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRefused:
    """Somebody tried to hand in, and it does not count."""

    TYPE: ClassVar[str] = "hand.refused"
    VERSION: ClassVar[int] = 1
    hand: str
    by: str
    surface: str
    code: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandClosed:
    """Nothing more is to be done by hand: nobody did it in time, or nobody needs it any more."""

    TYPE: ClassVar[str] = "hand.closed"
    VERSION: ClassVar[int] = 1
    hand: str
    outcome: str
    """`expired` or `cancelled`."""
    why: str
