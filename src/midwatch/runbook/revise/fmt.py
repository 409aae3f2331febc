"""`midwatch fmt`: the machine's part of a document in the looks of the house, people's part untouched.

Rule 1: outside of blocks, of decisions' tables and of the kept graph no character changes.
Rule 2: what a document means to the machine stays: each block is read again before it is put in place.
Rule 3: doing it twice changes nothing more.
"""

import re
from collections.abc import Iterator

from midwatch.runbook.document import block_key
from midwatch.runbook.emit.prose import fence_text
from midwatch.runbook.emit.table import aligned
from midwatch.runbook.errors import StructureError
from midwatch.runbook.markdown import Fence, Heading, Piece, Table, front_matter, pieces_of
from midwatch.runbook.model import Runbook
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.revise.block import formatted_block
from midwatch.runbook.revise.edit import Edit, edited, line_offset, with_line_ends_of
from midwatch.runbook.revise.graph import graph_edits
from midwatch.runbook.source import Library, Source, source_from
from midwatch.runbook.write import HeaderForm

BLOCKS = {"runbook": "header", "task": "task", "tests": "tests", "include": "include"}
AFTER_HEADER = "What it does:"
_MARKS = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)
_RULE_CELL = re.compile(r":?-+:?")


def formatted(
    data: bytes, *, name: str, header: HeaderForm | None = None, library: Library | None = None
) -> bytes:
    """Return a document as it should look; without a header it comes back as it is.

    Args:
        data: the whole file.
        name: how errors call it; usually its path.
        header: the form that the header is to have; None keeps the one that it has.
        library: the files around it; a graph that it keeps shows what they bring.

    Raises:
        DocumentTooBigError: MW101.
        NotTextError: MW102.
        StructureError: MW116, the header can't be put where it is wanted.
    """
    runbook, _ = parse_runbook(data, name=name)
    if runbook.header is None:
        return data
    whole = runbook if library is None else parse_runbook(data, name=name, library=library)[0]
    text = edited(runbook.source, [*_edits(runbook), *graph_edits(runbook.source, whole)])
    if header is not None:
        text = _with_header(source_from(text.encode(), name=name), header)
    return data if text == runbook.source.text else with_line_ends_of(data, text)


def _edits(runbook: Runbook) -> Iterator[Edit]:
    source = runbook.source
    matter = front_matter(source)
    if matter is not None:
        start, end = line_offset(source, matter[0]), line_offset(source, matter[1])
        if source.text[start:end].lstrip().startswith(("runbook", "#")):
            yield Edit(start, end, _front_matter_text(source.text[start:end]))
    commands = {source.line_column(task.text.span.start)[0] - 1 for task in runbook.tasks if task.text}
    for piece in pieces_of(source, start=matter[1] + 1 if matter else 0):
        if not isinstance(piece, Fence) or not piece.is_closed or piece.is_nested:
            continue
        if piece.is_indented and (block_key(piece) or piece.line in commands):
            yield _fenced_again(source, piece)
        elif block_key(piece):
            yield from _fence_edit(source, piece)
    for task in runbook.tasks:
        if task.table is not None:
            yield from _table_edit(source, task.table)


def _front_matter_text(content: str) -> str:
    done = formatted_block(content, "header")
    has_end = any(line.rstrip() in {"---", "..."} for line in done.splitlines())
    return content if has_end else done


def _fence_edit(source: Source, fence: Fence) -> Iterator[Edit]:
    done = formatted_block(fence.content, BLOCKS[block_key(fence)])
    opening = source.line_text(fence.line).strip()
    mark, length = opening[0], len(opening) - len(opening.lstrip(opening[0]))
    if any(found[1][0] == mark and len(found[1]) >= length for found in _MARKS.finditer(done)):
        return
    margin = " " * fence.indent
    text = "".join(f"{margin}{line}\n" if line else "\n" for line in done.splitlines())
    yield Edit(line_offset(source, fence.content_line), line_offset(source, fence.content_end), text)


def _fenced_again(source: Source, fence: Fence) -> Edit:
    """Return the change that gives code that was set in its marks back."""
    block = BLOCKS.get(block_key(fence))
    content = formatted_block(fence.content, block) if block else fence.content
    text = fence_text(content, "yaml" if block else "")
    return Edit(line_offset(source, fence.line), line_offset(source, fence.end), text)


def _table_edit(source: Source, table: Table) -> Iterator[Edit]:
    """Yield the change that aligns a table; its cells stay as they are written."""
    rows = [
        [source.text[cell.span.start : cell.span.end] for cell in row] for row in (table.header, *table.rows)
    ]
    rule = [cell.strip() for cell in source.line_text(table.line + 1).strip().strip("|").split("|")]
    is_whole = all(len(row) == len(rows[0]) for row in [*rows, rule])
    if not is_whole or not all(map(_RULE_CELL.fullmatch, rule)):
        return
    lines = aligned(rows).splitlines(keepends=True)
    cells = lines[1].strip("|\n").split("|")
    lines[1] = "|" + "|".join(_rule(cell, old) for cell, old in zip(cells, rule, strict=True)) + "|\n"
    text = "".join(lines)
    end = line_offset(source, table.end)
    if end == len(source.text) and not source.text.endswith("\n"):
        text = text.removesuffix("\n")
    yield Edit(line_offset(source, table.line), end, text)


def _rule(cell: str, old: str) -> str:
    left = ":" if old.startswith(":") else ""
    right = ":" if old.endswith(":") else ""
    return left + "-" * (len(cell) - len(left) - len(right)) + right


# ------------------------------------------------------------------------------------------- header


def _with_header(source: Source, form: HeaderForm) -> str:
    """Return the text with its header in another place."""
    matter = front_matter(source)
    pieces = pieces_of(source, start=matter[1] + 1 if matter else 0)
    fence = next(
        (piece for piece in pieces if isinstance(piece, Fence) and block_key(piece) == "runbook"), None
    )
    if form is HeaderForm.BLOCK and matter is not None and fence is None:
        return _to_block(source, matter, pieces)
    if form is HeaderForm.FRONT_MATTER and fence is not None:
        if matter is not None:
            raise StructureError(
                f"{source.name} has front matter of another kind, so its header stays in a block",
                place=source.place(0),
                hint="Take that front matter out first, or keep the header in a block.",
            )
        return _to_front_matter(source, fence)
    return source.text


def _to_block(source: Source, matter: tuple[int, int], pieces: tuple[Piece, ...]) -> str:
    content = source.text[line_offset(source, matter[0]) : line_offset(source, matter[1])]
    rest = _after_blank_lines(source, matter[1] + 1)
    title = pieces[0] if pieces and isinstance(pieces[0], Heading) else None
    at = line_offset(source, title.end) if title else rest
    follower = next((piece for piece in pieces if title is None or piece is not title), None)
    after = source.text[at : line_offset(source, follower.line)] if follower else source.text[at:]
    needs_prose = isinstance(follower, Fence) and not after.strip()
    before = source.text[rest:at]
    gap = "" if not before or before.endswith("\n") else "\n"
    block = f"{gap}{chr(10) if before else ''}{fence_text(content, 'yaml')}"
    lead = f"\n{AFTER_HEADER}\n" if needs_prose else ""
    tail = source.text[at:]
    return before + block + lead + (tail if tail.startswith("\n") or not tail else f"\n{tail}")


def _to_front_matter(source: Source, fence: Fence) -> str:
    start, end = line_offset(source, fence.line), _after_blank_lines(source, fence.end)
    before, after = source.text[:start], source.text[end:]
    matter = f"---\n{fence.content}---\n"
    return f"{matter}\n{before.lstrip(chr(10))}{after}"


def _after_blank_lines(source: Source, line: int) -> int:
    while line < len(source.starts) and not source.line_text(line).strip():
        line += 1
    return line_offset(source, line)
