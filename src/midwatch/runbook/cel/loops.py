"""Loops inside of loops: `a.all(x, b.exists(y, …))`, with the outer one run here.

The library gives up after 10,000 iterations of all loops together, which two lists of a hundred items
exceed, and the idiom is what preconditions and verifications are made of. So where `all` and `exists`
hold other loops, the outer list is walked here, and each item gets a budget of its own.

As in CEL, what decides wins over errors: one false item makes `all` false, even beside an error.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from midwatch.runbook.cel.syntax import Call, Comprehension, Const, Ident, Node, children
from midwatch.runbook.errors import EvaluationError, ExpressionError, ExpressionTooCostlyError

OUTER_ITEMS_MAX = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that the library computes in one go."""

    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """`!a`."""

    part: "Skeleton"


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """`a && b` or `a || b`: `decides` is the value of one part that settles the whole."""

    parts: tuple["Skeleton", ...]
    decides: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """`over.all(variable, body)` or `over.exists(variable, body)`."""

    variable: str
    over: Part
    body: Part
    """Loops in it are the library's: two levels here would have no bound."""
    decides: bool
    """False for `all`, true for `exists`."""


Skeleton = Part | Not | Either | Loop
Compute = Callable[[Node, Mapping[str, object]], object]


def skeleton_of(tree: Node) -> Skeleton | None:
    """Return the loops of a tree that are run here, or None where the library can do it all."""
    found = _skeleton(tree)
    return found if _has_loop(found) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Computes one expression; `compute` gives the value of a part in a scope or raises ExpressionError."""

    source: str
    compute: Compute

    def value(self, skeleton: Skeleton, scope: Mapping[str, object]) -> object:
        """Return the value of a tree.

        Raises:
            ExpressionError: MW143 or MW144.
        """
        match skeleton:
            case Part():
                return self.compute(skeleton.node, scope)
            case Not():
                return not self._truth(skeleton.part, scope)
            case Either():
                return self._settled([(part, scope) for part in skeleton.parts], decides=skeleton.decides)
            case Loop():
                over = self.compute(skeleton.over.node, scope)
                if not isinstance(over, list | dict):
                    raise EvaluationError(f"`{self.source}` runs over what is no list", source=self.source)
                if len(over) > OUTER_ITEMS_MAX:
                    raise ExpressionTooCostlyError(
                        f"the expression `{self.source}` nests loops over {len(over)} items",
                        source=self.source,
                    )
                ways = [(skeleton.body, {**scope, skeleton.variable: item}) for item in over]
                return self._settled(ways, decides=skeleton.decides)

    def _settled(self, ways: Sequence[tuple[Skeleton, Mapping[str, object]]], *, decides: bool) -> bool:
        first: ExpressionError | None = None
        for part, scope in ways:
            try:
                if self._truth(part, scope) is decides:
                    return decides
            except ExpressionError as error:
                first = first or error
        if first is not None:
            raise first
        return not decides

    def _truth(self, part: Skeleton, scope: Mapping[str, object]) -> bool:
        value = self.value(part, scope)
        if not isinstance(value, bool):
            raise EvaluationError(
                f"a condition in `{self.source}` is neither true nor false", source=self.source
            )
        return value


def _skeleton(node: Node) -> Skeleton:
    match node:
        case Call(function="!_", args=(inner,)):
            return Not(part=_skeleton(inner))
        case Call(function="_&&_" | "_||_", args=args):
            return Either(parts=tuple(map(_skeleton, args)), decides=node.function == "_||_")
        case Comprehension(
            start=Const(value=bool(start)),
            step=Call(function="_&&_" | "_||_", args=(Ident(), body)),
            result=Ident(),
        ) if _has_comprehension(body):
            return Loop(
                variable=node.variable, over=Part(node=node.over), body=Part(node=body), decides=not start
            )
        case _:
            return Part(node=node)


def _has_comprehension(node: Node) -> bool:
    return isinstance(node, Comprehension) or any(map(_has_comprehension, children(node)))


def _has_loop(skeleton: Skeleton) -> bool:
    match skeleton:
        case Part():
            return False
        case Not():
            return _has_loop(skeleton.part)
        case Either():
            return any(map(_has_loop, skeleton.parts))
        case Loop():
            return True
