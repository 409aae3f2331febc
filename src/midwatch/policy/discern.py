"""What a set of rules can tell apart: requests that no rule can tell apart have the same answer.

Cedar's answer hangs on the request and the policies alone (there are no entities here), so an answer
may be kept for every request that agrees with it in all that some policy reads: the fields of the
context, compared whole, and integers that are only ever compared with numbers, by where they lie
between those numbers. Where a policy reads something in a way that is not known here, everything counts.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

JsonObject = Mapping[str, Any]
_ABSENT = ()
"""Stands for a field that this kind of request does not have; no field has this value."""
_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
_BY_TYPE_ONLY = frozenset({"All", "is"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Discernment:
    """What matters of a request; make it with `discernment_of`."""

    fields: tuple[str, ...] | None
    """Fields of the context that some policy reads, in order; None where all of it may matter."""
    bounds: Mapping[str, tuple[int, ...]]
    """Fields that are only compared with these numbers."""
    by_principal: bool
    """Whether more than the principal's type matters."""
    by_resource: bool

    def key(self, request: JsonObject) -> tuple[object, ...] | None:
        """Return what two requests share only if no rule can tell them apart; None where unknown."""
        if self.fields is None:
            return None
        principal, resource, context = request["principal"], request["resource"], request["context"]
        return (
            principal["type"],
            principal["id"] if self.by_principal else "",
            request["action"]["id"],
            resource["type"],
            resource["id"] if self.by_resource else "",
            *(self._part(name, context.get(name, _ABSENT)) for name in self.fields),
        )

    def _part(self, name: str, value: object) -> object:
        bounds = self.bounds.get(name)
        if bounds is not None and type(value) is int:
            return bisect_left(bounds, value), bisect_right(bounds, value)
        return _hashable(value)


def _hashable(value: object) -> object:
    if isinstance(value, dict):
        return tuple((name, _hashable(item)) for name, item in sorted(value.items()))
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
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
        fields=None if "whole" in seen else tuple(sorted(read_whole | compared.keys())),
        bounds={name: tuple(sorted(compared[name])) for name in compared.keys() - read_whole},
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
