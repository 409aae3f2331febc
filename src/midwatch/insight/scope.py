"""Expressions of the plan with the values that they had: which part of a condition was false, and why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.insight.words import value_words
from midwatch.runbook.expr import ExpressionError, evaluate, free_names

_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_OPEN, _CLOSE, _QUOTES = "([{", ")]}", "\"'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An expression and what it came to."""

    source: str
    value: Any
    """None where it has no value."""
    names: Mapping[str, Any]
    """What it reads, as far as that has a value."""
    missing: tuple[str, ...]
    """What it reads that has no value."""

    @property
    def roots(self) -> tuple[str, ...]:
        """The tasks (or `inputs`) that it reads, each once."""
        names = (*self.names, *self.missing)
        return tuple(dict.fromkeys(name.partition(".")[0] for name in names))


def seen(source: str, scope: Mapping[str, Any]) -> Seen:
    """Return the value of an expression and of each name in it; never raises."""
    names: dict[str, Any] = {}
    missing: list[str] = []
    for name in names_of(source):
        root, _, field = name.partition(".")
        whole = scope.get(root)
        if not field and root in scope:
            names[name] = whole
        elif isinstance(whole, Mapping) and field in whole:
            names[name] = whole[field]
        else:
            missing.append(name)
    return Seen(source=source, value=_value(source, scope), names=names, missing=tuple(missing))


def names_of(source: str) -> tuple[str, ...]:
    """Return the names that an expression reads, in alphabetical order; none where it can't be read."""
    try:
        return tuple(sorted(free_names(source)))
    except ExpressionError:
        return ()


def false_parts(source: str, scope: Mapping[str, Any]) -> tuple[Seen, ...]:
    """Return the parts of a condition that are false; the parts are those that `&&` joins."""
    parts = [seen(part, scope) for part in conjuncts(source)]
    return tuple(part for part in parts if part.value is False)


def conjuncts(source: str) -> tuple[str, ...]:
    """Return what `&&` joins at the top of an expression; the whole where anything else joins it."""
    parts: list[str] = []
    start = depth = at = 0
    quote = ""
    while at < len(source):
        char = source[at]
        if quote:
            at += char == "\\"
            quote = "" if char == quote else quote
        elif char in _QUOTES:
            quote = char
        else:
            depth += (char in _OPEN) - (char in _CLOSE)
            pair = source[at : at + 2]
            if depth == 0 and (pair == "||" or char == "?"):
                return (source,)
            if depth == 0 and pair == "&&":
                parts.append(source[start:at].strip())
                at, start = at + 1, at + 2
        at += 1
    return (*parts, source[start:].strip())


def filled(text: str, scope: Mapping[str, Any]) -> str:
    """Return words for people, each `{{ CEL }}` replaced by its value; one without a value stays."""

    def value(hole: re.Match[str]) -> str:
        found = seen(hole[1].strip(), scope).value
        if found is None:
            return hole[0]
        return found if isinstance(found, str) else value_words(found)

    return _HOLE.sub(value, text)


def _value(source: str, scope: Mapping[str, Any]) -> Any:
    try:
        return evaluate(source, scope)
    except ExpressionError:
        return None
