"""What a YAML block says, with a place for everything."""

import math
import re
from dataclasses import dataclass

from midwatch.base.canonical import INTEGER_MAX
from midwatch.runbook.source import Span

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?")
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_NULL = {"", "~", "null", "Null", "NULL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text, number, boolean or null."""

    value: str | int | float | bool | None
    written: str
    """As it stands in the file, without quotes: `0.50`."""
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list."""

    items: tuple["Tree", ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Keys with values, in the order of the file; no key twice."""

    entries: tuple[tuple[Scalar, "Tree"], ...]
    span: Span

    def get(self, name: str) -> "Tree | None":
        """Return the value of a key, or None."""
        return next((value for key, value in self.entries if key.value == name), None)


Tree = Scalar | Sequence | Mapping


def resolved(text: str) -> str | int | float | bool | None:
    """Return what a plain scalar means by the core schema; hexadecimal and octal numbers are texts."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INTEGER.fullmatch(text):
        return int(text) if abs(int(text)) <= INTEGER_MAX else text
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text
