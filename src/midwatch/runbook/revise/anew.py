"""The document written anew: every block from its values, every command and table from its texts.

Prose stays as it is. What reads the result gets the same runbook back; comments in blocks, and how values
were quoted or spread, are not part of it and are gone.
"""

from collections.abc import Iterator
from typing import Any

from midwatch.runbook.document import block_key
from midwatch.runbook.emit.layout import Verbatim, block_text
from midwatch.runbook.emit.prose import fence_text
from midwatch.runbook.emit.table import table_text
from midwatch.runbook.markdown import Fence, front_matter, pieces_of
from midwatch.runbook.model import Kind, Runbook
from midwatch.runbook.revise.edit import Edit, edited, line_offset
from midwatch.runbook.revise.fmt import BLOCKS
from midwatch.runbook.source import Source
from midwatch.runbook.yaml import Block, Mapping, Scalar, Sequence, Tree, tree_of


def markdown(runbook: Runbook) -> str:
    """Return the text of a runbook that was read without errors.

    Raises:
        UnwritableError: MW198, a value can't be written.
    """
    return edited(runbook.source, sorted(_edits(runbook)))


def _edits(runbook: Runbook) -> Iterator[Edit]:
    source = runbook.source
    if runbook.header is None:
        return
    matter = front_matter(source)
    if matter is not None:
        start, end = line_offset(source, matter[0]), line_offset(source, matter[1])
        text = _anew(source, Block(text=source.text[start:end], line=matter[0]), "header")
        if text is not None and "runbook" in text[:10]:
            yield Edit(start, end, text)
    for piece in pieces_of(source, start=matter[1] + 1 if matter else 0):
        if isinstance(piece, Fence) and block_key(piece) and piece.is_closed and not piece.is_nested:
            block = Block(text=piece.content, line=piece.content_line, indent=piece.indent)
            text = _anew(source, block, BLOCKS[block_key(piece)])
            if text is not None:
                yield _fence(source, piece, text, "yaml")
    yield from _commands(runbook)
    for task in runbook.tasks:
        if task.table is not None:
            header = [cell.text for cell in task.table.header]
            rows = [[cell.text for cell in row] for row in task.table.rows]
            yield Edit(
                line_offset(source, task.table.line),
                line_offset(source, task.table.end),
                table_text(header, rows),
            )


def _commands(runbook: Runbook) -> Iterator[Edit]:
    source = runbook.source
    matter = front_matter(source)
    pieces = pieces_of(source, start=matter[1] + 1 if matter else 0)
    starts = {
        source.line_column(task.text.span.start)[0] - 1: task.text.value
        for task in runbook.tasks
        if task.kind is Kind.COMMAND and task.text is not None
    }
    for piece in pieces:
        if isinstance(piece, Fence) and piece.content_line in starts and piece.is_closed:
            yield _fence(source, piece, starts[piece.content_line], piece.word)


def _fence(source: Source, fence: Fence, content: str, word: str) -> Edit:
    return Edit(line_offset(source, fence.line), line_offset(source, fence.end), fence_text(content, word))


def _anew(source: Source, block: Block, name: str) -> str | None:
    tree, findings = tree_of(block, source)
    if findings or not isinstance(tree, Mapping):
        return None
    return block_text(_written(tree), name)


def _written(tree: Tree) -> Any:
    """Return plain values, numbers and words as they are written: `1.10` may be a version."""
    match tree:
        case Mapping():
            return {key.written: _written(value) for key, value in tree.entries}
        case Sequence():
            return [_written(item) for item in tree.items]
        case Scalar(value=str(text)):
            return text
        case Scalar():
            return Verbatim(in_block=tree.written or "null", in_flow=tree.written or "null")
