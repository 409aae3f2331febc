"""Facts of what a run says: to people, and to other systems."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeGiven:
    """A message is there for people to see."""

    TYPE: ClassVar[str] = "notice.given"
    VERSION: ClassVar[int] = 1
    task: str
    to: list[str]
    """Teams and persons, as the runbook names them."""
    people: list[str]
    """Who that is now."""
    message: str
    via: list[str] = field(default_factory=list)
    iteration: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventEmitted:
    """An event for others, as CloudEvents 1.0 has it."""

    TYPE: ClassVar[str] = "event.emitted"
    VERSION: ClassVar[int] = 1
    task: str
    specversion: str
    id: str
    source: str
    type: str
    time: str
    """RFC 3339, in UTC."""
    data: dict[str, Any]
    iteration: int = 0
