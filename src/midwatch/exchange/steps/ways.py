"""Ways from step to step, and the conditions under which they were gone.

Whether a step ran is known from the choices before it: a *choice* is a task of ours with one output that is
one of a few words. A condition is a set of terms, one of which holds; a term is a set of choices, all of
which were made so. Where every outcome of a choice leads to the same place, the choice is dropped.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

TERMS_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Choice:
    """One outcome of a choice."""

    task: str
    field: str
    value: str

    @property
    def cel(self) -> str:
        """CEL: the task ran, and came out so."""
        return f"(has({self.task}.{self.field}) && {self.own})"

    @property
    def own(self) -> str:
        """CEL where the task surely ran."""
        return f'{self.task}.{self.field} == "{self.value}"'


Term = frozenset[Choice]
ALWAYS: frozenset[Term] = frozenset({frozenset()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """From a task of ours, after it succeeded and perhaps came out one way."""

    task: str
    choice: Choice | None = None
    """Of that task itself."""
    ran: frozenset[Term] = ALWAYS
    """Under which choices the task runs at all."""

    @property
    def gone(self) -> frozenset[Term]:
        """Under which choices the flow comes along here."""
        if self.choice is None:
            return self.ran
        return frozenset(term | {self.choice} for term in self.ran)


class TooManyWaysError(Exception):
    """The conditions of a step are beyond what one expression can hold."""


def conditions_of(ways: Iterable[Way], domains: Mapping[str, tuple[str, ...]]) -> frozenset[Term]:
    """Return under which choices any of the ways is gone.

    Raises:
        TooManyWaysError: more than TERMS_MAX terms are left.
    """
    terms = frozenset(term for way in ways for term in way.gone)
    before: frozenset[Term] = frozenset()
    while terms != before:
        before = terms
        terms = _absorbed(_covered(terms, domains))
    if len(terms) > TERMS_MAX:
        raise TooManyWaysError
    return terms


def _covered(terms: frozenset[Term], domains: Mapping[str, tuple[str, ...]]) -> frozenset[Term]:
    """Drop a choice where all its outcomes are there."""
    for term in sorted(terms, key=sorted):
        for choice in sorted(term):
            rest = term - {choice}
            outcomes = [replace(choice, value=value) for value in domains.get(choice.task, ())]
            if outcomes and all(rest | {one} in terms for one in outcomes):
                return (terms - {rest | {one} for one in outcomes}) | {rest}
    return terms


def _absorbed(terms: frozenset[Term]) -> frozenset[Term]:
    """Drop terms that say more than another one that is there."""
    return frozenset(term for term in terms if not any(other < term for other in terms))


def keys_of(ways: tuple[Way, ...], domains: Mapping[str, tuple[str, ...]]) -> dict[str, object]:
    """Return `needs`, `join` and `when` of a task at which these ways end.

    Raises:
        TooManyWaysError: as `conditions_of`.
    """
    needs = list(dict.fromkeys(way.task for way in ways))
    keys: dict[str, object] = {"needs": needs} if needs else {}
    chosen = [way.choice for way in ways if way.choice is not None]
    if len(needs) > 1:
        keys["join"] = "any"
    if not chosen:
        return keys
    if len(needs) == 1:
        words = {choice.value for choice in chosen}
        if len(chosen) == len(ways) and words != set(domains.get(needs[0], ())):
            keys["when"] = " || ".join(dict.fromkeys(choice.own for choice in chosen))
        return keys
    terms = conditions_of(ways, domains)
    if terms != ALWAYS:
        keys["when"] = " || ".join(_text(term) for term in sorted(terms, key=sorted))
    return keys


def _text(term: Term) -> str:
    return " && ".join(choice.cel for choice in sorted(term)) or "true"
