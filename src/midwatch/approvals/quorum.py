"""Who said yes so far, and whether that is enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from midwatch.approvals.ladder import groups_of
from midwatch.base.ids import Principal
from midwatch.journal.run_events import Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What the question asks of people; the approvals' view of a requirement."""

    count: int
    teams_distinct: bool
    second_person: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One counted answer."""

    by: Principal
    answer: str
    """`approve` or `deny`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The yeses to one question; the gate judges on these facts."""

    people: frozenset[str]
    teams: frozenset[str]
    """Groups of the ladder for which they answered."""
    second_person: bool
    self_approved: bool

    @property
    def count(self) -> int:
        """How many different people said yes."""
        return len(self.people)


def need_from(requirement: Mapping[str, Any]) -> Need:
    """Return the need of a requirement's wire form."""
    return Need(
        count=requirement["count"],
        teams_distinct=requirement["teams_distinct"],
        second_person=requirement["second_person"],
    )


def tally(answers: Sequence[Given], ladder: Sequence[Rung], requester: Principal) -> Tally:
    """Return who said yes, each person counted once."""
    yes = frozenset(str(given.by) for given in answers if given.answer == "approve")
    return Tally(
        people=yes,
        teams=frozenset(group for person in yes for group in groups_of(ladder, Principal(person))),
        second_person=bool(yes - {requester}),
        self_approved=requester in yes,
    )


def is_met(need: Need, answers: Sequence[Given], ladder: Sequence[Rung], requester: Principal) -> bool:
    """Return whether the yeses are enough."""
    found = tally(answers, ladder, requester)
    if found.count < need.count or (need.second_person and not found.second_person):
        return False
    return not need.teams_distinct or _spread(tuple(sorted(found.people)), ladder) >= need.count


def missing(need: Need, answers: Sequence[Given], ladder: Sequence[Rung], requester: Principal) -> str:
    """Return what is still missing, in words; empty once it is enough."""
    if is_met(need, answers, ladder, requester):
        return ""
    found = tally(answers, ladder, requester)
    open_count = max(1, need.count - found.count)
    words = "one more yes" if open_count == 1 else f"{open_count} more yeses"
    if need.second_person and not found.second_person:
        words += ", of somebody other than the one who asked for the run"
    if need.teams_distinct:
        words += ", each for another group"
    return words


def _spread(people: Sequence[str], ladder: Sequence[Rung]) -> int:
    """Return for how many different groups the people can answer, each person for one (Kuhn 1955)."""
    holder: dict[str, str] = {}

    def place(person: str, tried: set[str]) -> bool:
        for group in sorted(groups_of(ladder, Principal(person)) - tried):
            tried.add(group)
            if group not in holder or place(holder[group], tried):
                holder[group] = person
                return True
        return False

    return sum(place(person, set()) for person in people)
