"""The steps of a ladder, as questions and hands have them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of a ladder, with names resolved when the question was asked."""

    ask: str
    people: list[str]
    from_ms: int
    until_ms: int
    via: list[str] = field(default_factory=list)
