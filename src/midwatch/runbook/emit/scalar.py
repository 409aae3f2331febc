"""Scalars of YAML 1.2: plain where it is safe, in quotes where it is not.

A text in quotes is a JSON string with what people can't see escaped: YAML's double quotes read it alike.
"""

import json
import math
import re
from decimal import Decimal

from midwatch.base.canonical import INTEGER_MAX
from midwatch.runbook.emit.errors import UnwritableError
from midwatch.runbook.quick.tree import resolved
from midwatch.runbook.source import HIDDEN

KEY_CHARACTERS_MAX = 900
"""YAML reads at most 1,024 characters as a key."""
_PLAIN = re.compile(r"(?:[^\W]|[./($]|-(?=[^\s-]))(?:[^\n\t\x85\u2028\u2029]*[^\s:])?")
_UNSAFE = re.compile(r": | #|\s{2}$")
_UNSAFE_IN_FLOW = re.compile(r"[,\[\]{}?:]")
_OTHER_WORDS = frozenset({"yes", "no", "on", "off"})
"""YAML 1.1 takes them for booleans; other programs still do."""
_ESCAPED = re.compile("[\x7f-\xa0\xad\u2028\u2029\ud800-\udfff\ufeff]")

Plain = str | int | float | bool | Decimal | None


def scalar(value: Plain, *, in_flow: bool) -> str:
    """Return a scalar as YAML.

    Raises:
        UnwritableError: MW198, no reader would get the value back.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            if abs(value) > INTEGER_MAX:
                raise UnwritableError(f"the number {value} is larger than a runbook can hold")
            return str(value)
        case float() | Decimal():
            if not math.isfinite(value):
                raise UnwritableError(f"{value} is no number that a runbook can hold")
            return format(value, "f") if isinstance(value, Decimal) else repr(value)
        case str():
            return text(value, in_flow=in_flow)


def text(value: str, *, in_flow: bool) -> str:
    """Return a text as YAML on one line.

    Raises:
        UnwritableError: MW198.
    """
    hidden = HIDDEN.search(value)
    if hidden:
        raise UnwritableError(f"a text holds the character U+{ord(hidden[0]):04X}, which people can't see")
    return value if _is_plain(value, in_flow=in_flow) else quoted(value)


def quoted(value: str) -> str:
    """Return a text in the quotes that need the fewest escapes."""
    is_simple = value.isprintable() and "'" not in value
    if is_simple and ('"' in value or "\\" in value):
        return f"'{value}'"
    written = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def key(value: str) -> str:
    """Return the key of a mapping.

    Raises:
        UnwritableError: MW198.
    """
    if value == "<<" or len(value) > KEY_CHARACTERS_MAX:
        raise UnwritableError(f"`{value[:40]}` can't be a key")
    return text(value, in_flow=True)


def _is_plain(value: str, *, in_flow: bool) -> bool:
    return (
        _PLAIN.fullmatch(value) is not None
        and value.isprintable()
        and not value.startswith(("---", "..."))
        and not _UNSAFE.search(value)
        and not (in_flow and _UNSAFE_IN_FLOW.search(value))
        and value.lower() not in _OTHER_WORDS
        and resolved(value) == value
        and isinstance(resolved(value), str)
    )
