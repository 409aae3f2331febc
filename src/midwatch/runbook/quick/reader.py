"""Reads the plain part of YAML that runbooks are written in; everything else it leaves to the library.

Rule 1: where it gives a tree, the library gives the same one with the same places; a property test compares.
Rule 2: whatever it isn't sure about it gives up: texts over several lines, escapes, tags, anchors, tabs,
empty values, lists at the margin of their key, keys that stand twice. The library then reads the block
from its beginning, and says what is wrong.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from midwatch.runbook.quick.tree import Mapping, Scalar, Sequence, Tree, resolved
from midwatch.runbook.source import HIDDEN, Span

DEPTH_MAX = 16
_ODD = re.compile(r"[\t\x85\u2028\u2029\ufeff]|^(?:---|\.\.\.|%)", re.MULTILINE)
_KEY = re.compile(r"([A-Za-z_][\w.-]*):(?: +|$)", re.ASCII)
_DASH = re.compile(r"- +(?=\S)")
_COMMENT = re.compile(r" *(?:$| #)")
_PLAIN = re.compile(r"(?:[\w./(+$]|-(?=[\w.]))(?:[^#:]|(?<! )#|:(?=[^\s]))*", re.ASCII)
_FLOW_PLAIN = re.compile(r"(?:[\w./(+$]|-(?=[\w.]))[^,\[\]{}:#?]*", re.ASCII)
_FLOW_KEY = re.compile(r"([A-Za-z_][\w.-]*): +", re.ASCII)
_DOUBLE = re.compile(r'"([^"\\]*)"')
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_BLANKS = re.compile(r" *")

Base = Callable[[int, int], int]
"""From line and column in the block, from 0, to the offset in the document."""


class Read(NamedTuple):
    """A tree, and how many values it holds, keys among them."""

    tree: Mapping
    nodes: int


class _Line(NamedTuple):
    number: int
    column: int
    text: str
    """From the column on."""


class _GivesUpError(Exception):
    """The library is to read this block."""


def quick_tree(text: str, *, base: Base) -> Read | None:
    """Return the tree of a block, or None where the library has to read it."""
    if _ODD.search(text) or HIDDEN.search(text):
        return None
    rows = text.split("\n")
    lines = [
        _Line(number, len(row) - len(stripped), stripped)
        for number, row in enumerate(rows)
        for stripped in [row.lstrip(" ")]
        if stripped and not stripped.startswith("#")
    ]
    if not lines:
        return None
    reader = _Reader(lines=lines, base=base, end=base(len(rows) - 1, len(rows[-1])))
    try:
        tree = reader.mapping(0)
    except _GivesUpError:
        return None
    return Read(tree, reader.nodes) if reader.at == len(lines) else None


class _Reader:
    def __init__(self, *, lines: list[_Line], base: Base, end: int) -> None:
        self.lines = lines
        self.base = base
        self.end = end
        self.at = 0
        self.nodes = 0

    def mapping(self, depth: int) -> Mapping:
        """Return the mapping whose first key stands at the current line."""
        self._count(depth)
        first = self.lines[self.at]
        entries: list[tuple[Scalar, Tree]] = []
        names: set[str] = set()
        while self.at < len(self.lines) and self.lines[self.at].column == first.column:
            line = self.lines[self.at]
            found = _KEY.match(line.text)
            if found is None or found[1] in names:
                raise _GivesUpError
            names.add(found[1])
            self._count(depth + 1)
            start = self.base(line.number, line.column)
            end = start + len(found[1])
            key = Scalar(value=found[1], written=found[1], span=Span(start, end))
            entries.append((key, self._value(line, found.end(), depth + 1)))
        self._close(first.column)
        return Mapping(entries=tuple(entries), span=Span(self._start(first), self._here()))

    def sequence(self, depth: int) -> Sequence:
        """Return the list whose first dash stands at the current line."""
        self._count(depth)
        first = self.lines[self.at]
        items: list[Tree] = []
        while self.at < len(self.lines) and self.lines[self.at].column == first.column:
            line = self.lines[self.at]
            dash = _DASH.match(line.text)
            if dash is None:
                raise _GivesUpError
            rest = _Line(line.number, line.column + dash.end(), line.text[dash.end() :])
            if _KEY.match(rest.text) or _DASH.match(rest.text):
                self.lines[self.at] = rest
                items.append(self.mapping(depth + 1) if _KEY.match(rest.text) else self.sequence(depth + 1))
            else:
                items.append(self._value(line, dash.end(), depth + 1))
        self._close(first.column)
        return Sequence(items=tuple(items), span=Span(self._start(first), self._here()))

    def _value(self, line: _Line, at: int, depth: int) -> Tree:
        """Return what stands at a place of the current line, or in the deeper lines below it."""
        self.at += 1
        below = self.lines[self.at] if self.at < len(self.lines) else None
        is_deeper = below is not None and below.column > line.column
        if at < len(line.text) and line.text[at] != "#":
            tree, end = self._inline(line, at, depth)
            if is_deeper or not _COMMENT.match(line.text, end):
                raise _GivesUpError
            return tree
        if not is_deeper or below is None:
            raise _GivesUpError
        return self.sequence(depth) if _DASH.match(below.text) else self.mapping(depth)

    def _inline(self, line: _Line, at: int, depth: int) -> tuple[Tree, int]:
        if line.text[at] in "[{":
            return self._flow(line, at, depth)
        quotes = _DOUBLE.match(line.text, at) or _SINGLE.match(line.text, at)
        if quotes:
            return self._quoted(line, quotes, depth)
        plain = _PLAIN.match(line.text, at)
        if plain is None:
            raise _GivesUpError
        return self._plain(line, at, plain[0].rstrip(" "), depth)

    def _flow(self, line: _Line, at: int, depth: int) -> tuple[Tree, int]:
        """Return a value inside of brackets, or the brackets themselves."""
        text = line.text
        if text[at : at + 1] not in ("[", "{"):
            quotes = _DOUBLE.match(text, at) or _SINGLE.match(text, at)
            if quotes:
                return self._quoted(line, quotes, depth)
            plain = _FLOW_PLAIN.match(text, at)
            if plain is None:
                raise _GivesUpError
            return self._plain(line, at, plain[0].rstrip(" "), depth)
        self._count(depth)
        closing = "]" if text[at] == "[" else "}"
        begin, at = at, self._blanks(text, at + 1)
        items: list[Tree] = []
        entries: list[tuple[Scalar, Tree]] = []
        while text[at : at + 1] != closing:
            if closing == "}":
                key, at = self._flow_key(line, at, depth + 1, {name.written for name, _ in entries})
                value, at = self._flow(line, at, depth + 1)
                entries.append((key, value))
            else:
                item, at = self._flow(line, at, depth + 1)
                items.append(item)
            at = self._blanks(text, at)
            if text[at : at + 1] == ",":
                at = self._blanks(text, at + 1)
                if text[at : at + 1] == closing:
                    raise _GivesUpError
            elif text[at : at + 1] != closing:
                raise _GivesUpError
        span = Span(self._place(line, begin), self._place(line, at + 1))
        if closing == "]":
            return Sequence(items=tuple(items), span=span), at + 1
        return Mapping(entries=tuple(entries), span=span), at + 1

    def _flow_key(self, line: _Line, at: int, depth: int, names: set[str]) -> tuple[Scalar, int]:
        found = _FLOW_KEY.match(line.text, at)
        if found is None or found[1] in names:
            raise _GivesUpError
        self._count(depth)
        span = Span(self._place(line, at), self._place(line, at + len(found[1])))
        return Scalar(value=found[1], written=found[1], span=span), found.end()

    def _quoted(self, line: _Line, found: re.Match[str], depth: int) -> tuple[Scalar, int]:
        self._count(depth)
        value = found[1].replace("''", "'") if found[0][0] == "'" else found[1]
        span = Span(self._place(line, found.start()), self._place(line, found.end()))
        return Scalar(value=value, written=value, span=span), found.end()

    def _plain(self, line: _Line, at: int, text: str, depth: int) -> tuple[Scalar, int]:
        self._count(depth)
        end = at + len(text)
        span = Span(self._place(line, at), self._place(line, end))
        return Scalar(value=resolved(text), written=text, span=span), end

    def _blanks(self, text: str, at: int) -> int:
        found = _BLANKS.match(text, at)
        return found.end() if found else at

    def _count(self, depth: int) -> None:
        self.nodes += 1
        if depth > DEPTH_MAX:
            raise _GivesUpError

    def _close(self, column: int) -> None:
        """Give up where the next line is set deeper than what was just read."""
        if self.at < len(self.lines) and self.lines[self.at].column > column:
            raise _GivesUpError

    def _start(self, line: _Line) -> int:
        return self.base(line.number, line.column)

    def _place(self, line: _Line, at: int) -> int:
        return self.base(line.number, line.column + at)

    def _here(self) -> int:
        """Return where a collection in lines ends: where the next line begins to say something."""
        return self._start(self.lines[self.at]) if self.at < len(self.lines) else self.end
