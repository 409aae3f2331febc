"""What a run cost: money, calls of tools, and time, by who had it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from midwatch.base.units import DurationMs, MicroUsd
from midwatch.journal.events import Event
from midwatch.journal.run_events import (
    ApprovalAsked,
    ApprovalClosed,
    EffectConfirmed,
    EffectDispatched,
    EffectRead,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Sums over the events of one run; calls that ran beside each other count each."""

    micro_usd: MicroUsd
    tool_calls: int
    """Reads, probes and dispatches, repeated ones too."""
    effects: int
    """Different effects that were dispatched, undos among them."""
    reading_ms: DurationMs
    """Time in tools that read."""
    acting_ms: DurationMs
    """Time in tools that act, where the tool itself answered."""
    asking_ms: DurationMs
    """Time in which a question was open; for one that still is, up to the newest event."""
    elapsed_ms: DurationMs
    """From the first event to the newest."""

    def as_record(self) -> dict[str, int]:
        """Return the cost for machines."""
        return {
            "acting_ms": self.acting_ms,
            "asking_ms": self.asking_ms,
            "effects": self.effects,
            "elapsed_ms": self.elapsed_ms,
            "micro_usd": self.micro_usd,
            "reading_ms": self.reading_ms,
            "tool_calls": self.tool_calls,
        }


def cost(events: Iterable[Event]) -> Cost:
    """Return what the run cost so far; erased facts count for nothing but their moment."""
    micro_usd = calls = reading_ms = acting_ms = asking_ms = 0
    dispatched: set[str] = set()
    open_questions: set[str] = set()
    moments: list[int] = []
    for event in events:
        at_ms = event.envelope.at_ms
        if open_questions:
            asking_ms += max(0, at_ms - moments[-1])
        moments.append(at_ms)
        payload: Any = event.payload
        match payload:
            case EffectRead():
                micro_usd += payload.cost_micro_usd
                calls += 1
                reading_ms += payload.duration_ms
            case EffectDispatched():
                calls += 1
                dispatched.add(payload.key)
            case EffectConfirmed():
                micro_usd += payload.cost_micro_usd
                acting_ms += payload.duration_ms
            case ApprovalAsked():
                open_questions.add(payload.approval)
            case ApprovalClosed():
                open_questions.discard(payload.approval)
            case _:
                continue
    return Cost(
        micro_usd=MicroUsd(micro_usd),
        tool_calls=calls,
        effects=len(dispatched),
        reading_ms=DurationMs(reading_ms),
        acting_ms=DurationMs(acting_ms),
        asking_ms=DurationMs(asking_ms),
        elapsed_ms=DurationMs(max(0, moments[-1] - moments[0]) if moments else 0),
    )
