"""Facts of waits, and of what is signalled to a run."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitBegun:
    """A task waits from now on."""

    TYPE: ClassVar[str] = "wait.begun"
    VERSION: ClassVar[int] = 1
    task: str
    kind: str
    """`time`, `event` or `probe`."""
    due_ms: int
    """When it is over: as wished for `time`, in vain for the others."""
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitProbed:
    """The world was looked at, and what is waited for does not hold yet."""

    TYPE: ClassVar[str] = "wait.probed"
    VERSION: ClassVar[int] = 1
    task: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived:
    """Something was signalled to the run; kept until a wait takes it."""

    TYPE: ClassVar[str] = "signal.received"
    VERSION: ClassVar[int] = 1
    name: str
    surface: str
    data: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    """What the sender calls it: the same one is kept once. Empty for no such name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalTaken:
    """A wait took a signal, which nobody else gets any more."""

    TYPE: ClassVar[str] = "signal.taken"
    VERSION: ClassVar[int] = 1
    task: str
    signal_n: int
    """Number of its `signal.received`."""
