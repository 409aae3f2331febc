"""Where the flow stands: the edges along one of which it arrives, and what it brings.

Exactly one edge of a point is taken in a run, because a workflow has one token outside of a fork.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """From a task of ours that succeeded, under a condition."""

    task: str
    field: str = "output"
    """A field that its output always has: how one asks whether it ran."""
    when: str = ""
    """CEL over its output; empty for always."""
    data: str = ""
    """CEL of the data that go along."""
    context: str = "null"
    """CEL of `$context`."""

    @property
    def taken(self) -> str:
        """CEL: whether the flow came along here, of a task that may not have run."""
        ran = f"has({self.task}.{self.field})"
        return f"({ran} && {self.when})" if self.when else ran


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """All edges that lead to one place; none where it can't be reached."""

    edges: tuple[Edge, ...] = ()

    @property
    def is_reached(self) -> bool:
        """Whether anything leads here."""
        return bool(self.edges)

    @property
    def is_start(self) -> bool:
        """Whether it is the beginning of the runbook."""
        return any(not edge.task for edge in self.edges)

    @property
    def needs(self) -> list[str]:
        """The tasks that come before."""
        return list(dict.fromkeys(edge.task for edge in self.edges if edge.task))

    @property
    def keys(self) -> dict[str, object]:
        """`needs`, `join` and `when` of a task that stands here."""
        needs = self.needs
        if not needs:
            return {}
        keys: dict[str, object] = {"needs": needs}
        if len(needs) > 1:
            keys["join"] = "any"
        condition = self.condition
        if condition:
            keys["when"] = condition
        return keys

    @property
    def condition(self) -> str:
        """CEL: whether the flow arrives here; empty where the needs alone say it."""
        if len(self.edges) == 1:
            return self.edges[0].when
        if len(self.needs) == 1:
            return " || ".join(f"({edge.when})" for edge in self.edges if edge.when)
        return " || ".join(edge.taken for edge in self.edges)

    @property
    def data(self) -> str:
        """CEL of the data that the taken edge brings."""
        return self._chosen([edge.data for edge in self.edges])

    @property
    def context(self) -> str:
        """CEL of the context that the taken edge brings."""
        return self._chosen([edge.context for edge in self.edges])

    def _chosen(self, values: list[str]) -> str:
        if len(set(values)) == 1:
            return values[0]
        is_alone = len(self.needs) == 1
        conditions = [edge.when if is_alone and edge.when else edge.taken for edge in self.edges]
        text = values[-1]
        for condition, value in reversed(list(zip(conditions[:-1], values[:-1], strict=True))):
            text = f"{condition} ? {value} : ({text})" if "?" in text else f"{condition} ? {value} : {text}"
        return text


def start(data: str) -> Point:
    """Return the beginning of a runbook."""
    return Point(edges=(Edge(task="", data=data),))


def merged(points: Iterable[Point]) -> Point:
    """Return the point to which all these lead."""
    return Point(edges=tuple(edge for point in points for edge in point.edges))
