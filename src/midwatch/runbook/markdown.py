"""Markdown as the language sees it: headings, fences and tables at the top level, with their lines.

Only blocks are parsed; what stands inside of a paragraph is prose and stays as it is.

Source: CommonMark 0.31 and GFM tables, by markdown-it-py.
"""

import html
import itertools
import re
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt

from midwatch.runbook.source import Source, Span

_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,31});")
_ANCHOR = re.compile(r"<span id=\"[^\"<>]*\"></span>")
"""What converters put before a heading's words, for links."""
FRONT_MATTER = "---"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """`## Text`."""

    level: int
    text: str
    line: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A fenced code block. Lines count from 0; `end` is the line after it."""

    word: str
    """The first word after the opening fence: `sql`."""
    content: str
    line: int
    end: int
    is_closed: bool
    is_nested: bool
    """It stands inside of a list or a quotation."""
    indent: int
    is_indented: bool = False
    """It has no marks: code set in by four blanks, as word processors give fences back."""

    @property
    def first(self) -> str:
        """The first line that is neither blank nor a comment."""
        return first_line(self.content)

    @property
    def content_line(self) -> int:
        """The line of the first line of its content."""
        return self.line if self.is_indented else self.line + 1

    @property
    def content_end(self) -> int:
        """The line after the last line of its content."""
        return self.end if self.is_indented else self.end - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table, its text without Markdown's escapes."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A GFM table."""

    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    line: int
    end: int


Piece = Heading | Fence | Table


def first_line(content: str) -> str:
    """Return the first line that is neither blank nor a comment, without its margin."""
    lines = (line.strip() for line in content.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


def front_matter(source: Source, *, start: int = 0) -> tuple[int, int] | None:
    """Return the lines of the front matter's content, from and up to, or None where there is none."""
    lines = source.text[source.offset(start) :].split("\n")
    if lines[0].rstrip() != FRONT_MATTER:
        return None
    end = next(
        (number for number, line in enumerate(lines[1:], 1) if line.rstrip() in (FRONT_MATTER, "...")), None
    )
    return None if end is None else (start + 1, start + end)


def pieces_of(source: Source, *, start: int) -> tuple[Piece, ...]:
    """Return headings, fences and tables from a line on, in the order of the document."""
    text = "\n" * start + source.text[source.offset(start) :]
    found: list[Piece] = []
    depth = 0
    tokens = _parser().parse(text)
    for index, token in enumerate(tokens):
        line, end = token.map or (0, 0)
        match token.type:
            case "fence":
                found.append(_fence(token.info, token.content, (line, end), source, depth > 0))
            case "code_block" if depth == 0:
                found.append(_indented(token.content, (line, end), source))
            case "heading_open" if depth == 0:
                found.append(
                    Heading(
                        level=int(token.tag[1:]),
                        text=_inline(_ANCHOR.sub("", tokens[index + 1].content)),
                        line=line,
                        end=end,
                    )
                )
            case "table_open" if depth == 0:
                found.append(_table(source, line, end))
            case "blockquote_open" | "list_item_open":
                depth += 1
            case "blockquote_close" | "list_item_close":
                depth -= 1
            case _:
                continue
    return tuple(found)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable(["inline", "text_join"])
    return parser


def _fence(info: str, content: str, lines: tuple[int, int], source: Source, is_nested: bool) -> Fence:  # noqa: FBT001
    opening = source.line_text(lines[0])
    stripped = opening.lstrip(" >\t-*+0123456789.)") if is_nested else opening.lstrip()
    mark = stripped[:1]
    length = len(stripped) - len(stripped.lstrip(mark)) if mark else 0
    closing = source.line_text(lines[1] - 1).strip(" >\t") if lines[1] - 1 > lines[0] else ""
    return Fence(
        word=(info.split() or [""])[0].lower(),
        content=content,
        line=lines[0],
        end=lines[1],
        is_closed=len(closing) >= length and set(closing) == {mark},
        is_nested=is_nested,
        indent=len(opening) - len(opening.lstrip()),
    )


def _indented(content: str, lines: tuple[int, int], source: Source) -> Fence:
    return Fence(
        word="",
        content=content,
        line=lines[0],
        end=lines[1],
        is_closed=True,
        is_nested=False,
        indent=len(source.line_text(lines[0]).rstrip()) - len(content.split("\n", 1)[0].rstrip()),
        is_indented=True,
    )


def _table(source: Source, line: int, end: int) -> Table:
    rows = [_cells(source, number) for number in range(line, end) if number != line + 1]
    return Table(header=rows[0], rows=tuple(rows[1:]), line=line, end=end)


def _cells(source: Source, line: int) -> tuple[Cell, ...]:
    """Return the cells of a row; pipes after a backslash belong to the text."""
    text, start = source.line_text(line), source.offset(line)
    ends = [match.start() for match in re.finditer(r"(?<!\\)\|", text)]
    bounds = [-1, *ends, len(text)]
    spans = [(left + 1, right) for left, right in itertools.pairwise(bounds)]
    if spans and not text[slice(*spans[0])].strip():
        spans = spans[1:]
    if spans and not text[slice(*spans[-1])].strip():
        spans = spans[:-1]
    cells: list[Cell] = []
    for left, right in spans:
        raw = text[left:right]
        begin = left + len(raw) - len(raw.lstrip())
        cells.append(
            Cell(
                text=_inline(raw.strip()),
                span=Span(start + begin, start + max(begin, left + len(raw.rstrip()))),
            )
        )
    return tuple(cells)


def _inline(text: str) -> str:
    """Return what a short text says once Markdown's code ticks, escapes and entities are read."""
    if len(text) > 1 and text[0] == text[-1] == "`" and "`" not in text[1:-1]:
        return text[1:-1].strip().replace("\\|", "|")
    return ENTITY.sub(lambda match: html.unescape(match[0]), _ESCAPED.sub(r"\1", text))
