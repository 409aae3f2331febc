"""Mappings as the text of a YAML block: known keys in the order of the language, short values on one line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from midwatch.runbook.emit.scalar import key, scalar
from midwatch.runbook.language.keys import block_below, order_of

COLUMNS_MAX = 100
INDENT = 2
OPEN = frozenset(
    {
        ("header", "triggers"),
        ("header", "inputs"),
        ("header", "ladder"),
        ("header", "out"),
        ("tests", "tests"),
    }
)
"""Values that are spread over lines however short they are: authors add to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verbatim:
    """A scalar whose text is given: in lines, and in brackets."""

    in_block: str
    in_flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A collection that is spread over lines however short it is."""

    value: Mapping[str, Any] | Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """A collection that stands on one line however long it is."""

    value: Mapping[str, Any] | Sequence[Any]


def block_text(values: Mapping[str, Any], block: str) -> str:
    """Return the text of a block, with a line end at its end.

    Args:
        values: plain values: texts, numbers (`Decimal` for money), booleans, None, lists, mappings.
        block: `header`, `task`, `tests` or another block of the language.

    Raises:
        UnwritableError: MW198.
    """
    return "".join(f"{line}\n" for line in entry_lines(values, block, 0))


def entry_lines(values: Mapping[str, Any], block: str, indent: int) -> Iterator[str]:
    """Yield the lines of a mapping whose keys stand in a column."""
    for name in ordered(values, block):
        yield from value_lines(name, values[name], block, indent)


def ordered(names: Mapping[str, Any], block: str) -> list[str]:
    """Return keys in the order of the language; those that it doesn't know come last, as they were."""
    order = order_of(block)
    return sorted(names, key=lambda name: order.get(name, len(order)))


def value_lines(name: str, value: Any, block: str, indent: int) -> Iterator[str]:
    """Yield the lines of a key and its value."""
    start = f"{' ' * indent}{key(name)}:"
    below = block_below(block, name)
    is_open = (block, name) in OPEN or (isinstance(value, Spread) and bool(value.value))
    value = bare(value)
    if isinstance(value, Joined):
        yield f"{start} {flow(value, below)}"
    elif isinstance(value, str) and _is_literal(value):
        yield f"{start} |{'' if value.endswith(chr(10)) else '-'}"
        margin = " " * (indent + INDENT)
        yield from (f"{margin}{line}" if line else "" for line in value.splitlines())
    elif not isinstance(value, (Mapping, list, tuple)):
        yield f"{start} {one(value, in_flow=False)}".rstrip()
    elif not value or (not is_open and _is_short(value, len(start) + 1)):
        yield f"{start} {flow(value, below)}"
    else:
        yield start
        yield from _spread(value, below, indent + INDENT)


def bare(value: Any) -> Any:
    """Return a value without the wish to be spread."""
    return value.value if isinstance(value, Spread) else value


def one(value: Any, *, in_flow: bool) -> str:
    """Return a scalar."""
    if isinstance(value, Verbatim):
        return value.in_flow if in_flow else value.in_block
    return scalar(value, in_flow=in_flow)


def flow(value: Any, block: str) -> str:
    """Return a value on one line."""
    match value:
        case Spread() | Joined():
            return flow(value.value, block)
        case Mapping():
            inner = (
                f"{key(name)}: {flow(value[name], block_below(block, name))}"
                for name in ordered(value, block)
            )
            return f"{{{', '.join(inner)}}}"
        case list() | tuple():
            return f"[{', '.join(flow(item, block) for item in value)}]"
        case None | str() | int() | float() | Decimal() | Verbatim():
            return one(value, in_flow=True)
        case _:
            raise AssertionError(f"{type(value).__name__} is no plain value")


def _spread(value: Mapping[str, Any] | Sequence[Any], block: str, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from entry_lines(value, block, indent)
        return
    for item in value:
        yield from item_lines(item, block, indent)


def item_lines(item: Any, block: str, indent: int) -> Iterator[str]:
    """Yield the lines of an item of a list."""
    margin = " " * indent
    is_open = isinstance(item, Spread) and bool(item.value)
    item = bare(item)
    if isinstance(item, Joined):
        yield f"{margin}- {flow(item, block)}"
        return
    if not isinstance(item, (Mapping, list, tuple)):
        yield f"{margin}- {one(item, in_flow=False)}".rstrip()
        return
    if not item or (not is_open and _is_short(item, indent + 2)):
        yield f"{margin}- {flow(item, block)}"
        return
    first, *rest = _spread(item, block, indent + INDENT)
    yield f"{margin}- {first.lstrip(' ')}"
    yield from rest


def _is_short(value: Any, before: int) -> bool:
    return not _has_lines(value) and before + len(flow(value, "")) <= COLUMNS_MAX


def _has_lines(value: Any) -> bool:
    """Return whether something in a value has to stand in lines, or was put there."""
    match value:
        case Spread():
            return bool(value.value)
        case Joined():
            return False
        case Mapping():
            return any(map(_has_lines, value.values()))
        case list() | tuple():
            return any(map(_has_lines, value))
        case _:
            return isinstance(value, str) and _is_literal(value)


def _is_literal(value: str) -> bool:
    """Return whether a text may stand as lines of its own, and come back as it was."""
    lines = value.removesuffix("\n").split("\n")
    return (
        "\n" in value.strip("\n")
        and lines[0] != ""
        and lines[-1] != ""
        and not lines[0].startswith((" ", "#"))
        and all(line.isprintable() and line == line.rstrip() for line in lines)
    )
