"""Facts of tasks that run several times."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopBegun:
    """What a task runs for was found out, once for the whole run."""

    TYPE: ClassVar[str] = "loop.begun"
    VERSION: ClassVar[int] = 1
    task: str
    items: list[Any] = field(default_factory=list)
    """One iteration for each, from 1; empty for rounds too."""
    rounds: bool = False
    """Whether it goes round after round, until something holds."""
