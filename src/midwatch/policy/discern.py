"""What a set of rules can tell apart: requests that no rule can tell apart have the same answer.

Cedar's answer hangs on the request and the policies alone (there are no entities here), so an answer
may be kept for every call that agrees with it in all that some policy reads: the fields of the
context, which are facts of the same name, compared whole, and integers that are only ever compared with
numbers, by where they lie between those numbers. Where a policy reads something in a way that is not
known here, everything counts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from midwatch.policy.facts import Facts
from midwatch.policy.request import principal_type

JsonObject = Mapping[str, Any]
_OF_CALLS = frozenset(one.name for one in fields(Facts))
"""The facts of a call, under the names that they have in the context too."""
_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
_BY_TYPE_ONLY = frozenset({"All", "is"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Discernment:
    """What matters of a request; make it with `discernment_of`."""

    fields: tuple[str, ...] | None
    """Facts that some policy reads whole, in order; None where all of them may matter."""
    bounds: Mapping[str, tuple[int, ...]]
    """Facts that are only compared with these numbers."""
    by_principal: bool
    """Whether more than the principal's type matters."""
    by_resource: bool
    _whole: Callable[[Facts], tuple[object, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make what takes the fields out of the facts, once for all calls."""
        ids = ("principal",) * self.by_principal + ("tool",) * self.by_resource
        # Twice the effect class: with one name alone, `attrgetter` gives no tuple.
        taken = attrgetter("effect", "effect", *ids, *(self.fields or ()))
        object.__setattr__(self, "_whole", taken)

    def key(self, facts: Facts) -> Hashable | None:
        """Return what two calls share only if no rule can tell them apart; None where unknown."""
        if self.fields is None:
            return None
        whole = self._whole(facts)
        between = tuple(_place(getattr(facts, name), bounds) for name, bounds in self.bounds.items())
        # With the types, since True equals 1, and Cedar takes them for different things.
        return principal_type(facts.principal), whole, tuple(map(type, whole)), between


def _place(value: object, bounds: tuple[int, ...]) -> Hashable:
    """Return where a number lies between others; what is none counts as it is."""
    if type(value) is int:
        return bisect_left(bounds, value), bisect_right(bounds, value)
    return type(value), value


def discernment_of(policies: JsonObject) -> Discernment:
    """Return what the policies (Cedar's own JSON form, `staticPolicies`) can tell apart."""
    compared: dict[str, set[int]] = {}
    read_whole: set[str] = set()
    seen: set[str] = set()
    for policy in policies.values():
        for condition in policy["conditions"]:
            for kind, name, number in _reads(condition["body"]):
                seen.add(kind)
                if kind == "compared":
                    compared.setdefault(name, set()).add(number)
                elif kind == "field":
                    read_whole.add(name)
    scopes = {
        (part, policy[part]["op"]) for policy in policies.values() for part in ("principal", "resource")
    }
    return Discernment(
        fields=None if "whole" in seen else tuple(sorted(read_whole & _OF_CALLS)),
        bounds={
            name: tuple(sorted(compared[name])) for name in sorted((compared.keys() & _OF_CALLS) - read_whole)
        },
        by_principal="principal" in seen
        or any(p == "principal" and op not in _BY_TYPE_ONLY for p, op in scopes),
        by_resource="resource" in seen
        or any(p == "resource" and op not in _BY_TYPE_ONLY for p, op in scopes),
    )


def _reads(node: Any) -> Iterator[tuple[str, str, int]]:
    """Yield (kind, name, number) of each thing that an expression reads of the request."""
    if isinstance(node, list):
        for item in node:
            yield from _reads(item)
        return
    if not isinstance(node, dict):
        return
    for operator, inside in node.items():
        if operator == "Value":
            continue
        if operator == "Var":
            yield ("whole" if inside == "context" else str(inside)), "", 0
            continue
        name, number = _compared(operator, inside)
        if name is not None:
            yield "compared", name, number
        elif operator == "is" and inside["left"] in ({"Var": "principal"}, {"Var": "resource"}):
            continue  # the type is in the key anyhow
        elif operator in {".", "has"} and inside["left"] == {"Var": "context"}:
            yield "field", inside["attr"], 0
        else:
            yield from _reads(inside)


def _compared(operator: str, inside: Any) -> tuple[str | None, int]:
    """Return the field and the number that a comparison holds against each other, (None, 0) for others."""
    if operator in _COMPARISONS:
        for one, other in ((inside["left"], inside["right"]), (inside["right"], inside["left"])):
            field = one.get(".")
            number = other.get("Value")
            if field is not None and field["left"] == {"Var": "context"} and type(number) is int:
                return field["attr"], number
    return None, 0
