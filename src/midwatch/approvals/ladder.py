"""Who holds a question at a moment, and who holds it next.

Rule 1: a rung holds the question from its start (inclusive) to its end (exclusive).
Rule 2: a rung on which nobody is has no time of its own: it is named, and the question goes on at once.
Rule 3: the last rung with anybody on it holds the question until it expires.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from midwatch.approvals.errors import UnknownGroupError
from midwatch.approvals.people import People, person_principal
from midwatch.base.ids import Principal
from midwatch.base.units import DurationMs, EpochMs
from midwatch.journal.run_events import Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class RungPlan:
    """One step of a ladder as the runbook declares it."""

    ask: str
    """`team:<id>`, `role:<id>`, `oncall:<id>`, `manager:<id>` or `person:<id>`."""
    within_ms: DurationMs
    via: tuple[str, ...] = ()


def climb(rungs: Sequence[RungPlan], people: People, *, asked_ms: EpochMs, expires_ms: EpochMs) -> list[Rung]:
    """Return the ladder with names and times, one rung for each that is declared.

    Args:
        rungs: at least one, in the order of the ladder.
        people: as they are now; a rotation is looked up for the moment at which its rung begins.
        asked_ms: when the first rung begins.
        expires_ms: when the question expires; no rung goes beyond.
    """
    climbed: list[Rung] = []
    start_ms = asked_ms
    for rung in rungs:
        names = _names(people, rung.ask, start_ms)
        length_ms = rung.within_ms if names else 0
        until_ms = EpochMs(min(expires_ms, start_ms + length_ms))
        climbed.append(
            Rung(ask=rung.ask, people=names, from_ms=start_ms, until_ms=until_ms, via=list(rung.via))
        )
        start_ms = until_ms
    holders = [index for index, rung in enumerate(climbed) if rung.people and rung.from_ms < expires_ms]
    last = holders[-1] if holders else 0
    return [_stretched(rung, index, last, expires_ms) for index, rung in enumerate(climbed)]


def rung_at(ladder: Sequence[Rung], now_ms: EpochMs) -> int | None:
    """Return the index of the rung that holds the question at `now_ms`, or None once all expired."""
    for index, rung in enumerate(ladder):
        if now_ms < rung.until_ms:
            return index
    return None


def next_change_ms(ladder: Sequence[Rung], now_ms: EpochMs) -> EpochMs | None:
    """Return when the question goes on to another rung or expires, or None once it has expired."""
    index = rung_at(ladder, now_ms)
    return None if index is None else EpochMs(ladder[index].until_ms)


def entitled(ladder: Sequence[Rung], now_ms: EpochMs) -> frozenset[Principal]:
    """Return everybody on the rungs up to the one that holds the question: who was asked may still answer."""
    index = rung_at(ladder, now_ms)
    reached = ladder if index is None else ladder[: index + 1]
    return frozenset(person_principal(person) for rung in reached for person in rung.people)


def groups_of(ladder: Sequence[Rung], person: Principal) -> frozenset[str]:
    """Return the groups of the ladder for which somebody answers."""
    return frozenset(
        rung.ask for rung in ladder if any(person == person_principal(name) for name in rung.people)
    )


def _names(people: People, ask: str, at_ms: EpochMs) -> list[str]:
    """Return who is asked; nobody for a name that left `people.toml` after the runbook was checked."""
    try:
        return list(people.resolve(ask, at_ms))
    except UnknownGroupError:
        return []


def _stretched(rung: Rung, index: int, last: int, expires_ms: EpochMs) -> Rung:
    from_ms = expires_ms if index > last else rung.from_ms
    until_ms = expires_ms if index >= last else rung.until_ms
    return Rung(ask=rung.ask, people=rung.people, from_ms=from_ms, until_ms=until_ms, via=rung.via)
