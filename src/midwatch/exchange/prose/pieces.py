"""A Markdown document as lines with a meaning: headings, prose, code blocks; every line is in one piece.

A code block inside of a list or a quotation is taken out of it, to the left margin: a step has a heading, and
a heading can't stand inside of a list. The lines around it stay as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from midwatch.exchange.draft import visible
from midwatch.runbook.document import first_key

_FENCES = frozenset({"fence", "code_block"})
_CONTAINERS = frozenset({"bullet_list_open", "ordered_list_open", "blockquote_open"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """Lines as they are."""

    lines: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A heading, as it is written."""

    lines: tuple[str, ...]
    text: str
    level: int
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code block."""

    content: str
    """Ends with a line feed, unless it is empty."""
    word: str
    """The first word after the marks, in lower case."""
    info: str
    line: int
    is_moved: bool
    """It stood inside of a list or a quotation."""
    is_indented: bool
    """It had no marks, only a margin."""
    is_left_open: bool


Piece = Prose | Title | Code


def pieces_of(text: str) -> tuple[Piece, ...]:
    """Return the pieces of a document without front matter, in its order."""
    lines = text.split("\n")
    tokens = _parser().parse(text)
    found: list[Piece] = []
    at = 0
    for index, token in enumerate(tokens):
        if token.level != 0 or token.map is None or token.type.endswith("_close"):
            continue
        start, end = token.map
        if start > at:
            found.append(Prose(lines=tuple(lines[at:start]), line=at))
        found.extend(_pieces(token, tokens, index, lines))
        at = max(at, end)
    if at < len(lines):
        found.append(Prose(lines=tuple(lines[at:]), line=at))
    return tuple(found)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.disable(["inline", "text_join"])
    return parser


def _pieces(token: Token, tokens: list[Token], index: int, lines: list[str]) -> Iterator[Piece]:
    assert token.map is not None, "the caller looked"
    start, end = token.map
    if token.type in _FENCES:
        yield _code(token, lines, is_moved=False)
    elif token.type == "heading_open":
        text = tokens[index + 1].content
        level = int(token.tag[1:])
        yield Title(lines=tuple(lines[start:end]), text=text, level=level, line=start)
    elif token.type in _CONTAINERS:
        yield from _container(token, tokens, index, lines)
    else:
        yield Prose(lines=tuple(lines[start:end]), line=start)


def _container(token: Token, tokens: list[Token], index: int, lines: list[str]) -> Iterator[Piece]:
    assert token.map is not None, "the caller looked"
    at, end = token.map
    for inner in tokens[index + 1 :]:
        if inner.level == 0:
            break
        if inner.type == "fence" and inner.map is not None:
            start = max(at, inner.map[0])
            opening = lines[start]
            before = [*lines[at:start], *_marker(opening)]
            if before:
                yield Prose(lines=tuple(before), line=at)
            yield _code(inner, lines, is_moved=True)
            at = max(at, inner.map[1])
    if at < end:
        yield Prose(lines=tuple(lines[at:end]), line=at)


def _marker(opening: str) -> list[str]:
    """Return what stands before the marks of a fence on its line: `1. ` of an item, or nothing."""
    cut = min((at for at in (opening.find("```"), opening.find("~~~")) if at >= 0), default=0)
    before = opening[:cut].rstrip()
    return [before] if before.strip(" \t>") else []


def _code(token: Token, lines: list[str], *, is_moved: bool) -> Code:
    assert token.map is not None, "a block has lines"
    start, end = token.map
    info = " ".join(visible(token.info).split())
    is_indented = token.type == "code_block"
    closing = lines[end - 1].strip(" \t>") if end - 1 > start else ""
    mark = token.markup[:1]
    is_closed = is_indented or (bool(mark) and set(closing) == {mark} and len(closing) >= len(token.markup))
    content = visible(token.content)
    if content and not content.endswith("\n"):
        content += "\n"
    return Code(
        content=content,
        word=(info.split() or [""])[0].lower().strip("{}."),
        info=info,
        line=start,
        is_moved=is_moved,
        is_indented=is_indented,
        is_left_open=not is_closed,
    )


def code_lines(code: Code) -> list[str]:
    """Return a code block's lines at the left margin: fenced or indented as it was, or quoted."""
    body = code.content[:-1].split("\n") if code.content else []
    if first_key(code.content):
        return quoted_lines(code)
    if code.is_indented:
        return [f"    {line}" if line.strip() else line for line in body] if body else [""]
    longest = max((_run(line) for line in body), default=0)
    marks = "`" * max(3, longest + 1)
    info = "" if "`" in code.info else code.info
    return [f"{marks}{info}", *body, marks]


def quoted_lines(code: Code) -> list[str]:
    """Return a code block's lines as code inside of a quotation, where nothing is a block of ours."""
    body = code.content[:-1].split("\n") if code.content else []
    return [f">     {line}".rstrip() for line in body] or [""]


def _run(line: str) -> int:
    best = here = 0
    for mark in line:
        here = here + 1 if mark == "`" else 0
        best = max(best, here)
    return best
