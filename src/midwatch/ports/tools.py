"""Calling a tool: the only way in which anything outside is touched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from midwatch.base.ids import EffectKey, ToolName
from midwatch.base.units import DurationMs
from midwatch.effects.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call, its arguments already validated against the manifest's schema."""

    tool: ToolName
    args: Mapping[str, Any]
    key: EffectKey
    """The idempotency key; a repeated call has the same one."""
    timeout_ms: DurationMs
    until_ms: int | None = None
    """On `Clock.monotonic_ms`: not sent after this moment, however long the caller stood still before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDone:
    """The tool did what it was asked."""

    out: Mapping[str, Any]
    cost_micro_usd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFailed:
    """The tool did not do it: nothing happened, for certain, and the code says why."""

    code: str
    why: str
    retryable: bool = False
    settles: bool = True
    """Whether it also says that no earlier call under this key did anything: where one is in doubt, a
    refusal of this call alone leaves it in doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSilent:
    """Nobody knows whether it happened: the tool was cut off, killed or timed out on the way."""

    why: str


ToolOutcome = ToolDone | ToolFailed | ToolSilent


class Tools(Protocol):
    """The tools of one host. `call` never raises for what a tool does: it says it."""

    @property
    def manifests(self) -> Mapping[ToolName, Manifest]:
        """Every tool there is, as its operator declares it."""
        ...

    def call(self, call: ToolCall) -> ToolOutcome:
        """Call a tool and wait for it; blocks for at most the call's time, and a second to end it.

        Reads may run in this process; what acts runs in a child that dies with this process.
        """
        ...

    def close(self) -> None:
        """End every child."""
        ...
