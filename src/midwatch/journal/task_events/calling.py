"""Facts of one run that calls another."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCalled:
    """A run of another plan is about to be started; its id follows from this run's, task and attempt."""

    TYPE: ClassVar[str] = "call.made"
    VERSION: ClassVar[int] = 1
    task: str
    attempt: int
    child: str
    runbook: str
    plan: str
    inputs: dict[str, Any]
    caps: dict[str, int]
    """What it may use of this run's budget, by name; without a name there is no cap."""
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildBegun:
    """The called run was started."""

    TYPE: ClassVar[str] = "call.begun"
    VERSION: ClassVar[int] = 1
    child: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStopped:
    """The called run was told to stop."""

    TYPE: ClassVar[str] = "call.stopped"
    VERSION: ClassVar[int] = 1
    child: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEnded:
    """The called run ended, and told this one."""

    TYPE: ClassVar[str] = "call.ended"
    VERSION: ClassVar[int] = 1
    child: str
    outcome: str
    why: str
    out: dict[str, Any] = field(default_factory=dict)
    cost_micro_usd: int = 0
    effects: int = 0
    tool_calls: int = 0
