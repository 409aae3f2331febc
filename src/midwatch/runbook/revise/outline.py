"""A YAML block with its comments: which lines belong to which entry, and what is remarked beside them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from midwatch.runbook.source import Source, source_from
from midwatch.runbook.yaml import Block, Mapping, Scalar, Sequence, Tree, tree_of

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*")
_LITERAL = re.compile(r"[|>][0-9+-]{0,2}(?=\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A block that was read, with what YAML throws away."""

    source: Source
    tree: Mapping
    comments: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Line to the comment's column and text."""

    def line(self, offset: int) -> int:
        """Return the line, from 0, of an offset."""
        return self.source.line_column(offset)[0] - 1

    def column(self, offset: int) -> int:
        """Return the column, from 0, of an offset."""
        return self.source.line_column(offset)[1] - 1

    def mark(self, tree: Tree) -> str:
        """Return the character that a value begins with: a quote, a bracket, `|` of a text in lines."""
        return self.source.text[tree.span.start : tree.span.start + 1]

    def is_spread(self, tree: Tree) -> bool:
        """Return whether a collection is written in lines and not in brackets."""
        return not isinstance(tree, Scalar) and self.mark(tree) not in {"{", "["}

    def is_literal(self, tree: Tree) -> bool:
        """Return whether a text is written in lines, after `|` or `>`."""
        return isinstance(tree, Scalar) and _is_literal(self.source, tree)

    def last_line(self, tree: Tree) -> int:
        """Return the last line that a value takes, comments after it not counted."""
        match tree:
            case Scalar() if self.is_literal(tree):
                return _literal_end(self.source, tree)
            case Mapping() if self.is_spread(tree):
                key, value = tree.entries[-1]
                return max(self.line(key.span.start), self.last_line(value))
            case Sequence() if self.is_spread(tree):
                return self.last_line(tree.items[-1])
            case _:
                return self.line(max(tree.span.start, tree.span.end - 1))

    def remarks(self, first: int, last: int) -> bool:
        """Return whether a line from one to another holds a comment."""
        return any(first <= line <= last for line in self.comments)

    def tail(self, line: int) -> str:
        """Return the comment at the end of a line, with the blanks before it, or an empty text."""
        if line not in self.comments:
            return ""
        column, text = self.comments[line]
        before = self.source.line_text(line)[:column]
        if not before.strip():
            return ""
        return " " * max(2, len(before) - len(before.rstrip())) + text.rstrip()

    def lead(self, first: int, last: int) -> Iterator[str]:
        """Yield the comments and single blank lines among lines that hold nothing else."""
        before = "" if first == 0 else "an entry"
        for number in range(first, last):
            text = self.source.line_text(number).strip()
            if text or before:
                yield text
            before = text


def outline_of(text: str) -> Outline | None:
    """Return the outline of a block, or None where it can't be read without doubt."""
    source = source_from(text.encode(), name="block")
    tree, findings = tree_of(Block(text=source.text, line=0), source)
    if findings or not isinstance(tree, Mapping) or not tree.entries or source.text[tree.span.start] == "{":
        return None
    covered = list(source.text)
    for start, end in _covered(source, tree):
        covered[start:end] = [character if character == "\n" else "x" for character in covered[start:end]]
    lines = "".join(covered).split("\n")
    comments = {
        number: (found.start(), source.line_text(number)[found.start() :])
        for number, line in enumerate(lines)
        for found in [_COMMENT.search(line)]
        if found
    }
    return Outline(source=source, tree=tree, comments=comments)


def _covered(source: Source, tree: Tree) -> Iterator[tuple[int, int]]:
    """Yield the ranges of scalars, in which `#` is no comment."""
    match tree:
        case Scalar() if _is_literal(source, tree):
            yield (
                source.offset(source.line_column(tree.span.start)[0]),
                source.offset(_literal_end(source, tree) + 1),
            )
        case Scalar():
            yield tree.span
        case Sequence():
            for item in tree.items:
                yield from _covered(source, item)
        case Mapping():
            for key, value in tree.entries:
                yield key.span
                yield from _covered(source, value)


def _is_literal(source: Source, tree: Scalar) -> bool:
    return isinstance(tree.value, str) and _LITERAL.match(source.text, tree.span.start) is not None


def _literal_end(source: Source, tree: Scalar) -> int:
    """Return the last line of a text in lines: those below its mark that are set deeper than its key."""
    first = source.line_column(tree.span.start)[0] - 1
    own = source.line_text(first)
    margin = len(own) - len(own.lstrip(" "))
    item = re.match(r" *(?:- +)+", own)
    margin = (
        len(item[0]) if item and ":" in own[len(item[0]) : tree.span.start - source.starts[first]] else margin
    )
    last = first
    for number in range(first + 1, len(source.starts)):
        line = source.line_text(number)
        if line.strip():
            if len(line) - len(line.lstrip(" ")) <= margin:
                break
            last = number
    return last
