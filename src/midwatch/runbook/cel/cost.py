"""What an expression may cost, told from its tree before it runs.

Two things grow beyond their input: lists in loops, and texts that are put together. So loops are nested
to a limit, and for each part it is known how many copies of what is read it may hold. Functions that go
through a whole text are fast once and slow in a loop: there, less text may be read.
"""

from collections.abc import Mapping

from midwatch.runbook.cel.syntax import Array, Call, Comprehension, Const, Ident, Node, children

COMPREHENSION_DEPTH_MAX = 3
GROWTH_MAX = 64
"""How many times the text it reads an expression may hold at once (`x + x` inside of nested `map`s)."""
_BOUNDLESS = GROWTH_MAX + 1
_DOUBLING = frozenset({"base64.encode", "bytes", "strings.quote"})
_OVER_TEXTS = frozenset(
    {
        "charAt",
        "format",
        "indexOf",
        "join",
        "lastIndexOf",
        "lowerAscii",
        "quote",
        "replace",
        "reverse",
        "split",
    }
    | {"strings.quote", "substring", "trim", "upperAscii", "base64.decode", "base64.encode"}
)


def comprehension_depth(node: Node) -> int:
    """Return how many loops stand inside of each other."""
    below = max((comprehension_depth(child) for child in children(node)), default=0)
    return below + 1 if isinstance(node, Comprehension) else below


def goes_over_texts(node: Node) -> bool:
    """Return whether a function is called that goes through a whole text, or makes one of many."""
    if isinstance(node, Call) and node.function in _OVER_TEXTS:
        return True
    return any(map(goes_over_texts, children(node)))


def growth(node: Node, variables: Mapping[str, int]) -> int:
    """Return how many copies of what it reads the value of a node may hold, at most `GROWTH_MAX` + 1."""
    return min(_growth(node, variables), _BOUNDLESS)


def _growth(node: Node, variables: Mapping[str, int]) -> int:
    match node:
        case Ident(name=name):
            return variables.get(name, 1)
        case Call(function="_+_" | "format") | Array():
            return sum(growth(child, variables) for child in children(node))
        case Call(function="replace", args=(text, _, new, *_)):
            return growth(text, variables) * _times(new)
        case Call(function="join", args=(items, between)):
            return growth(items, variables) * _times(between)
        case Call(function=function, args=(one,)) if function in _DOUBLING:
            return 2 * growth(one, variables)
        case Comprehension():
            over = growth(node.over, variables)
            inner = {**variables, node.variable: over, node.accumulator: growth(node.start, variables)}
            step = max(growth(node.step, inner), over)
            return max(step, growth(node.result, {**inner, node.accumulator: step}))
        case _:
            return max((growth(child, variables) for child in children(node)), default=1)


def _times(inserted: Node) -> int:
    """Return how many times longer a text may get that has this put between its characters."""
    if not isinstance(inserted, Const):
        return _BOUNDLESS
    return 1 + len(inserted.value) if isinstance(inserted.value, str) else 1
