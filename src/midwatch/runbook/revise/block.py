"""One YAML block in the looks of the house: keys in order, two blanks of margin, quotes of one kind.

What the author spread over lines stays spread, what stands in brackets on one line stays there, what was
quoted stays quoted, numbers stay as they were written, and a comment stays with the entry below it or
beside it. A value with comments inside of its brackets is left as it is.
"""

from collections.abc import Iterator
from typing import Any

from midwatch.runbook.emit.layout import INDENT, Joined, Spread, Verbatim, item_lines, ordered, value_lines
from midwatch.runbook.emit.scalar import key, quoted, text
from midwatch.runbook.language.keys import block_below
from midwatch.runbook.revise.outline import Outline, outline_of
from midwatch.runbook.yaml import Mapping, Scalar, Sequence, Tree, plain


def formatted_block(content: str, block: str) -> str:
    """Return the text of a block as it should look; what can't be read without doubt comes back as it was.

    Args:
        content: the lines between the marks.
        block: `header`, `task` or `tests`.
    """
    outline = outline_of(content)
    if outline is None:
        return content
    lines = [line.rstrip() for line in _Writer(outline).mapping(outline.tree, block, 0, 0)]
    lines += outline.lead(outline.last_line(outline.tree) + 1, len(outline.source.starts))
    while lines and not lines[-1]:
        lines.pop()
    done = "\n".join(lines) + "\n"
    again = outline_of(done)
    is_same = again is not None and plain(again.tree) == plain(outline.tree)
    remarks = sorted(text for _, text in outline.comments.values())
    has_all = again is not None and sorted(text for _, text in again.comments.values()) == remarks
    return done if is_same and has_all else content


class _Writer:
    def __init__(self, outline: Outline) -> None:
        self.outline = outline

    def mapping(self, tree: Mapping, block: str, indent: int, first: int) -> Iterator[str]:
        """Yield the lines of a mapping in lines; `first` is the line where what belongs to it begins."""
        spans: dict[str, tuple[int, Scalar, Tree]] = {}
        for name, value in tree.entries:
            spans[name.written] = (first, name, value)
            first = max(self.outline.line(name.span.start), self.outline.last_line(value)) + 1
        is_first = True
        for written in ordered(spans, block):
            start, name, value = spans[written]
            lead = list(self.outline.lead(start, self.outline.line(name.span.start)))
            yield from _set_in(lead[1:] if is_first and lead[:1] == [""] else lead, indent)
            yield from self.entry(name, value, block, indent)
            is_first = False

    def entry(self, name: Scalar, value: Tree, block: str, indent: int) -> Iterator[str]:
        line = self.outline.line(name.span.start)
        last = self.outline.last_line(value)
        below = block_below(block, name.written)
        head = f"{' ' * indent}{key(name.written)}:"
        if self.outline.is_literal(value):
            yield from self.literal(head, value, indent + INDENT)
        elif self.outline.is_spread(value) and self.outline.remarks(line + 1, last):
            yield head + self.outline.tail(line)
            yield from self.spread(value, below, indent + INDENT, line + 1)
        elif not self.outline.is_spread(value) and self.outline.remarks(line, last - 1):
            yield from self.kept(head, value, last)
        else:
            first, *rest = value_lines(name.written, self.laid(value), block, indent)
            at = line if self.outline.is_spread(value) else last
            yield first + self.outline.tail(at)
            yield from rest

    def spread(self, value: Tree, block: str, indent: int, first: int) -> Iterator[str]:
        if isinstance(value, Mapping):
            yield from self.mapping(value, block, indent, first)
        elif isinstance(value, Sequence):
            yield from self.items(value, block, indent, first)

    def items(self, tree: Sequence, block: str, indent: int, first: int) -> Iterator[str]:
        for place, item in enumerate(tree.items):
            begin, last = self.outline.line(item.span.start), self.outline.last_line(item)
            margin = " " * indent
            lead = list(self.outline.lead(first, begin))
            yield from _set_in(lead[1:] if place == 0 and lead[:1] == [""] else lead, indent)
            first = last + 1
            if self.outline.is_literal(item):
                yield from self.literal(f"{margin}-", item, indent + INDENT)
            elif self.outline.is_spread(item) and self.outline.remarks(begin, last):
                head, *rest = self.spread(item, block, indent + INDENT, begin)
                yield f"{margin}- {head.lstrip(' ')}"
                yield from rest
            elif not self.outline.is_spread(item) and self.outline.remarks(begin, last - 1):
                yield from self.kept(f"{margin}-", item, last)
            else:
                head, *rest = item_lines(self.laid(item), block, indent)
                yield head + self.outline.tail(last)
                yield from rest

    def literal(self, head: str, value: Tree, indent: int) -> Iterator[str]:
        """Yield a text in lines, its lines as they are, at another margin."""
        first, last = self.outline.line(value.span.start), self.outline.last_line(value)
        mark = self.outline.source.line_text(first)[self.outline.column(value.span.start) :]
        yield f"{head} {mark.rstrip()}"
        lines = [self.outline.source.line_text(number) for number in range(first + 1, last + 1)]
        margin = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
        yield from (" " * indent + line[margin:] if line.strip() else "" for line in lines)

    def kept(self, head: str, value: Tree, last: int) -> Iterator[str]:
        """Yield a value in brackets with comments in it as it is."""
        first = self.outline.line(value.span.start)
        yield f"{head} {self.outline.source.line_text(first)[self.outline.column(value.span.start) :]}"
        yield from (self.outline.source.line_text(number) for number in range(first + 1, last + 1))

    def laid(self, tree: Tree) -> Any:
        """Return a value to be laid out, with everything kept that the author chose."""
        match tree:
            case Scalar(value=str(value)) if self.outline.is_literal(tree):
                return value
            case Scalar(value=str(value)):
                is_quoted = self.outline.mark(tree) in {'"', "'"} and tree.span.start < tree.span.end
                plain_text = Verbatim(in_block=text(value, in_flow=False), in_flow=text(value, in_flow=True))
                return Verbatim(in_block=quoted(value), in_flow=quoted(value)) if is_quoted else plain_text
            case Scalar():
                return Verbatim(in_block=tree.written, in_flow=tree.written)
            case Mapping() | Sequence():
                return self.collection(tree)

    def collection(self, tree: Mapping | Sequence) -> Any:
        """Return a list or a mapping to be laid out."""
        value: Any = (
            {name.written: self.laid(below) for name, below in tree.entries}
            if isinstance(tree, Mapping)
            else [self.laid(item) for item in tree.items]
        )
        if self.outline.is_spread(tree):
            return Spread(value=value)
        is_one_line = self.outline.line(tree.span.start) == self.outline.last_line(tree)
        return Joined(value=value) if is_one_line else value


def _set_in(lines: list[str], indent: int) -> Iterator[str]:
    yield from (f"{' ' * indent}{line}" if line else "" for line in lines)
