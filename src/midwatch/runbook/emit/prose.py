"""Texts of people as Markdown that stays where it is put: it opens no block, no heading, no fence of ours.

What comes from elsewhere may hold anything. A fence that would be taken for a block or for a command is
set as code in a quotation, a table that would decide is set as a quotation, and a text that would swallow
what stands after it is set as quoted code as a whole.
"""

import re

from midwatch.runbook.document import block_key
from midwatch.runbook.markdown import ENTITY, Fence, Heading, Piece, Table, pieces_of
from midwatch.runbook.source import HIDDEN, source_from

BETWEEN = "Then:"

_SENTINEL = "midwatch sentinel"
_WORD = re.compile(r"[A-Za-z0-9_+.-]{0,30}")


def heading_text(text: str) -> str:
    """Return a text for a heading, in one line."""
    line = " ".join(visible(text).split()).replace("\\", "\\\\")
    line = ENTITY.sub(lambda found: f"&amp;{found[0][1:]}", line)
    line = re.sub(r"(#+)$", lambda found: "\\#" * len(found[0]), line)
    return f"\\{line}" if line.startswith("`") else line


def fence_text(content: str, word: str) -> str:
    """Return a fence whose marks are longer than any in its content."""
    longest = max((len(found) for found in re.findall(r"`{3,}", content)), default=2)
    mark = "`" * (longest + 1)
    found = _WORD.fullmatch(word)
    body = content.rstrip("\n")
    return f"{mark}{found[0] if found else ''}\n{body}{chr(10) if body else ''}{mark}\n"


def visible(text: str) -> str:
    """Return a text without what people can't see, and with LF at the ends of lines."""
    return HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def section_prose(text: str) -> str:
    """Return prose for a section: its own headings and fences stay, what would be a block does not."""
    return _contained(text, keep_fences=True, keep_tables=True)


def task_prose(text: str) -> tuple[str, str]:
    """Return prose for a task: what stands above its block, and what has to stand below it.

    A heading ends what belongs to a block above it, so the block goes before the first one; such headings
    sink below the task's.
    """
    contained = _contained(text, keep_fences=False, keep_tables=False)
    source = source_from(contained.encode(), name="prose")
    headings = [piece for piece in pieces_of(source, start=0) if isinstance(piece, Heading)]
    if not headings:
        return contained, ""
    lines = contained.split("\n")
    above = "\n".join(lines[: headings[0].line]).strip()
    for heading in reversed(headings):
        level = max(3, heading.level)
        lines[heading.line : heading.end] = [f"{'#' * level} {heading_text(heading.text)}"]
    return above, "\n".join(lines[headings[0].line :]).strip()


def ends_with_fence(prose: str) -> bool:
    """Return whether a fence put after this prose would stand right below another."""
    pieces = _pieces(prose)
    return bool(pieces) and isinstance(pieces[-1], Fence) and pieces[-1].end >= prose.rstrip().count("\n") + 1


def _contained(text: str, *, keep_fences: bool, keep_tables: bool) -> str:
    prose = visible(text).expandtabs(4).strip("\n").rstrip()
    prose = re.sub(r"\A(?: {0,3}\n)+", "", prose)
    if not prose.strip():
        return ""
    if not _is_closed(prose):
        return _as_code(prose)
    lines = prose.split("\n")
    pieces = _pieces(prose)
    for index in reversed(range(len(pieces))):
        piece, before = pieces[index], pieces[index - 1] if index else None
        lines[piece.line : piece.end] = _kept(piece, lines, keep_fences=keep_fences, keep_tables=keep_tables)
        if (
            isinstance(piece, Fence)
            and isinstance(before, Fence)
            and not "".join(lines[before.end : piece.line]).strip()
        ):
            lines[piece.line : piece.line] = ["", BETWEEN, ""]
    contained = "\n".join(lines).strip("\n")
    return contained if _is_safe(contained, keep_fences=keep_fences) else _as_code(prose)


def _kept(piece: Piece, lines: list[str], *, keep_fences: bool, keep_tables: bool) -> list[str]:
    own = lines[piece.line : piece.end]
    match piece:
        case Heading():
            return own
        case Table():
            return own if keep_tables else ["", *(f"> {line.strip()}" for line in own), ""]
        case Fence():
            if piece.is_nested or (not block_key(piece) and (keep_fences or piece.is_indented)):
                return own
            return ["", *_quoted_lines(piece.content), ""]


def _pieces(prose: str) -> tuple[Piece, ...]:
    """Return headings, fences and tables, and code that is set in where it would be taken for a block."""
    found = pieces_of(source_from(prose.encode(), name="prose"), start=0)
    return tuple(
        piece for piece in found if not isinstance(piece, Fence) or not piece.is_indented or block_key(piece)
    )


def _is_closed(prose: str) -> bool:
    """Return whether what follows this prose is still read as what it is."""
    pieces = _pieces(f"{prose}\n\n# {_SENTINEL}\n")
    last = pieces[-1] if pieces else None
    return isinstance(last, Heading) and last.text == _SENTINEL


def _is_safe(prose: str, *, keep_fences: bool) -> bool:
    fences = [piece for piece in _pieces(prose) if isinstance(piece, Fence)]
    is_ours = any(block_key(fence) or not fence.is_closed for fence in fences)
    has_own = not keep_fences and any(not fence.is_nested for fence in fences)
    return _is_closed(prose) and not is_ours and not has_own


def _as_code(prose: str) -> str:
    return "\n".join(_quoted_lines(prose))


def _quoted_lines(text: str) -> list[str]:
    """Return a text as code inside of a quotation, where nothing is taken for a block."""
    return [f">     {line}".rstrip() for line in text.rstrip("\n").split("\n")]
