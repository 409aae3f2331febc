"""Arguments for a Guardian's eyes: every value, none cut short, lists of objects as aligned columns.

Values are in the frozen form of the journal (`base.canonical.frozen_value`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from midwatch.approvals.visible import visible
from midwatch.base.canonical import FLOAT_TAG

_INDENT = "  "
_CONTINUES = "↪ "
_GAP = "  "
_PLAIN = re.compile(r"[A-Za-z_/.@~][A-Za-z0-9_/.:@=+,~-]*")
_WORDS = frozenset({"true", "false", "null", "none", "yes", "no"})
_NUMBERED_FROM = 1
_KIBI = 1024
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")


def argument_lines(args: Mapping[str, Any], *, width: int) -> list[str]:
    """Return the arguments as lines, complete; a line that is too wide goes on below after `↪`."""
    if not args:
        return ["(none)"]
    lines = [line for name, value in args.items() for line in _lines(name, value, width)]
    return [part for line in lines for part in folded(line, width)]


def folded(line: str, width: int) -> list[str]:
    """Return a line as several of at most `width` characters, nothing left out."""
    if len(line) <= width:
        return [line]
    lead = line[: len(line) - len(line.lstrip())] + _INDENT + _CONTINUES
    if len(lead) + 8 > width:
        lead = _CONTINUES
    room = max(8, width - len(lead))
    rest = line[width:]
    return [line[:width], *(lead + rest[start : start + room] for start in range(0, len(rest), room))]


def plain_value(value: Any) -> str:
    """Return one value in a line: text bare where nothing is ambiguous about it, else quoted as JSON."""
    if isinstance(value, str):
        bare = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if bare else visible(json.dumps(value, ensure_ascii=False))
    if _is_number(value):
        return str(value[FLOAT_TAG])
    return visible(json.dumps(value, ensure_ascii=False, sort_keys=True))


def size_words(size_bytes: int) -> str:
    """Return a size for people, e.g. `1.4 GiB`, cut off and never rounded up."""
    if size_bytes < _KIBI:
        return f"{size_bytes} B"
    power = min(len(_UNITS), (size_bytes.bit_length() - 1) // 10)
    tenths = size_bytes * 10 // _KIBI**power
    return f"{tenths // 10}.{tenths % 10} {_UNITS[power - 1]}"


def _plain_name(name: str) -> str:
    """Return a name bare, or quoted as JSON where anything about it is unusual."""
    return name if _PLAIN.fullmatch(name) else visible(json.dumps(name, ensure_ascii=False))


def _is_number(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {FLOAT_TAG}


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int) or _is_number(value)


def _lines(name: str, value: Any, width: int) -> list[str]:
    shown = _plain_name(name)
    if isinstance(value, str) and "\n" in value:
        return _text_block(shown, value)
    if _is_scalar(value) or value in ([], {}):
        size = (
            f"  ({size_words(value)})"
            if _counts_bytes(name) and type(value) is int and value >= _KIBI
            else ""
        )
        return [f"{shown}: {plain_value(value)}{size}"]
    if isinstance(value, Mapping):
        inner = [line for key, item in value.items() for line in _lines(str(key), item, width)]
        return [f"{shown}:", *(_INDENT + line for line in inner)]
    items: Sequence[Any] = value
    counted = f"{shown}: {len(items)} {'item' if len(items) == 1 else 'items'}"
    if _is_table(items):
        return _table(counted, items, width)
    inner = [line for at, item in enumerate(items, _NUMBERED_FROM) for line in _item_lines(at, item, width)]
    return [counted, *(_INDENT + line for line in inner)]


def _item_lines(number: int, item: Any, width: int) -> list[str]:
    if _is_scalar(item) and not (isinstance(item, str) and "\n" in item):
        return [f"{number}. {plain_value(item)}"]
    return _lines(f"item_{number}", item, width)


def _text_block(shown: str, value: str) -> list[str]:
    lines = value.split("\n")
    return [f"{shown}: text of {len(lines)} lines", *(f"{_INDENT}| {visible(line)}" for line in lines)]


def _is_table(items: Sequence[Any]) -> bool:
    if not all(isinstance(item, Mapping) and item and not _is_number(item) for item in items):
        return False
    keys = set(items[0])
    return all(set(item) == keys and all(_is_scalar(cell) for cell in item.values()) for item in items)


def _counts_bytes(name: str) -> bool:
    return name == "size" or name.endswith("bytes")


def _table(counted: str, items: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """Return aligned columns; one block for each item where the columns are too wide for the page."""
    names = list(items[0])
    rows = [
        [str(at), *(plain_value(item[name]) for name in names)]
        for at, item in enumerate(items, _NUMBERED_FROM)
    ]
    header = ["#", *(_plain_name(name) for name in names)]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    totals = [
        f"total {_plain_name(name)}: {_total(items, name)}" for name in names if _is_summed(items, name)
    ]
    if len(_INDENT) + sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        blocks = [
            line
            for at, item in enumerate(items, _NUMBERED_FROM)
            for line in _lines(f"item_{at}", item, width)
        ]
        return [counted, *(_INDENT + line for line in [*blocks, *totals])]
    right = [True, *(all(_is_right(item[name]) for item in items) for name in names)]
    table = [_row(cells, widths, right) for cells in [header, *rows]]
    return [counted, *(_INDENT + line for line in [*table, *totals])]


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(wide) if is_right else cell.ljust(wide)
        for cell, wide, is_right in zip(cells, widths, right, strict=True)
    )
    return _GAP.join(padded).rstrip()


def _is_right(value: Any) -> bool:
    return type(value) is int or _is_number(value)


def _is_summed(items: Sequence[Mapping[str, Any]], name: str) -> bool:
    return _counts_bytes(name) and len(items) > 1 and all(type(item[name]) is int for item in items)


def _total(items: Sequence[Mapping[str, Any]], name: str) -> str:
    total = sum(item[name] for item in items)
    return f"{total}  ({size_words(total)})"
