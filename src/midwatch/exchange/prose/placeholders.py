"""What stands in commands for something that a person fills in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from midwatch.exchange.naming import TAKEN, snake

PLACEHOLDERS_MAX = 40
_ANGLE = re.compile(r"(?<![<\w])<([A-Za-z][\w .:/-]{0,60}?)>(?![>\w])")
_VARIABLE = re.compile(r"\$\{?([A-Z][A-Z0-9_]{1,60})\}?")
_TEMPLATE = re.compile(r"\{\{-?\s*([^{}]{1,120}?)\s*-?\}\}")
_FORMAT = re.compile(r"(?<!%)%(?:\((\w+)\))?[sd](?![\w%])")
_YOUR = re.compile(r"\b(?:YOUR|MY)[_-][A-Z][A-Z0-9_-]{1,40}\b|\b[A-Z][A-Z0-9]*_(?:HERE|PLACEHOLDER)\b")
_SET = re.compile(
    r"(?:^|[;&|]\s*|\bexport\s+|\bread\s+(?:-\S+\s+)*|\bfor\s+)([A-Z][A-Z0-9_]+)(?==|\s+in\b|\s*$)",
    re.MULTILINE,
)
_ALWAYS_THERE = frozenset(
    [
        "HOME",
        "PATH",
        "USER",
        "PWD",
        "OLDPWD",
        "SHELL",
        "HOSTNAME",
        "LANG",
        "TERM",
        "UID",
        "EUID",
        "PPID",
        "RANDOM",
        "SECONDS",
        "IFS",
        "EDITOR",
        "TMPDIR",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """One thing to fill in."""

    name: str
    """What the input is called."""
    written: str
    """As it stands in the commands."""


def placeholders_in(commands: Iterable[str]) -> tuple[Placeholder, ...]:
    """Return what has to be filled in, each way of writing once, in the order in which they come."""
    text = "\n".join(commands)
    set_here = set(_SET.findall(text)) | _ALWAYS_THERE
    found: dict[str, tuple[int, str]] = {}

    def note(at: int, written: str, name: str) -> None:
        known = found.get(written)
        if known is None or at < known[0]:
            found[written] = (at, name)

    for match in _ANGLE.finditer(text):
        note(match.start(), match[0], match[1])
    for match in _VARIABLE.finditer(text):
        if match[1] not in set_here:
            note(match.start(), match[0], match[1])
    for match in _TEMPLATE.finditer(text):
        note(match.start(), match[0], _last(match[1]))
    for match in _FORMAT.finditer(text):
        note(match.start(), match[0], match[1] or "value")
    for match in _YOUR.finditer(text):
        note(match.start(), match[0], match[0])
    ordered = sorted(found.items(), key=lambda item: item[1][0])[:PLACEHOLDERS_MAX]
    return tuple(Placeholder(name=_name(name), written=written) for written, (_, name) in ordered)


def _last(expression: str) -> str:
    words = re.findall(r"[A-Za-z_]\w*", expression)
    return words[-1] if words else "value"


def _name(text: str) -> str:
    name = snake(text, "value")
    return f"{name}_value" if name in TAKEN else name
