"""One thing that is different between two versions of a runbook."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from midwatch.base.canonical import FLOAT_TAG
from midwatch.base.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

EXCERPT_CHARACTERS_MAX = 120


class Weight(StrEnum):
    """What a change means for who has to allow it; the heaviest first."""

    MORE = "may do more"
    OTHERWISE = "does otherwise"
    LESS = "may do less"
    PEOPLE = "for people"
    """Nothing that the machine reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference, as a sentence."""

    weight: Weight
    task: str
    """The task's name in the new version, else in the old one; empty for the whole runbook."""
    what: str
    """What changed, for machines: `approval.expires_ms`, `task.added`, `section`."""
    sentence: str
    old: Any = None
    new: Any = None

    def as_record(self) -> dict[str, Any]:
        """Return the change as plain JSON."""
        return {
            "weight": self.weight.value,
            "task": self.task,
            "what": self.what,
            "sentence": self.sentence,
            "old": self.old,
            "new": self.new,
        }


_UNITS = (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS), ("ms", 1))


def duration_text(duration_ms: int) -> str:
    """Return a length of time as a runbook writes it: `1h30m`."""
    parts: list[str] = []
    for unit, length in _UNITS:
        count, duration_ms = divmod(duration_ms, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def value_text(value: Any) -> str:
    """Return a value for a sentence, cut short where it is long."""
    if value is None or (isinstance(value, (str, list, Mapping)) and not value):
        return "nothing"
    match value:
        case str():
            text = f"`{' '.join(value.split())}`"
        case bool():
            text = "yes" if value else "no"
        case list():
            text = ", ".join(value_text(item) for item in value)
        case Mapping() if FLOAT_TAG in value:
            text = str(value[FLOAT_TAG])
        case Mapping():
            text = ", ".join(f"{name}: {value_text(item)}" for name, item in value.items())
        case _:
            text = str(value)
    return text if len(text) <= EXCERPT_CHARACTERS_MAX else f"{text[: EXCERPT_CHARACTERS_MAX - 2].rstrip()}…`"
