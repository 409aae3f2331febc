"""The graph that a document keeps of itself: a `mermaid` fence whose first line is `%% midwatch:graph`.

The mark stands inside of the fence, because converters drop comments of HTML and words after a fence's.
"""

from collections.abc import Iterator

from midwatch.runbook.document import block_key
from midwatch.runbook.emit.prose import fence_text
from midwatch.runbook.markdown import Fence, Heading, Piece, front_matter, pieces_of
from midwatch.runbook.model import Runbook
from midwatch.runbook.render.mermaid import mermaid
from midwatch.runbook.revise.edit import Edit, line_offset
from midwatch.runbook.source import Source

MARK = "%% midwatch:graph"
HEADING = "## Graph"
LEAD = "Made from the tasks below; `midwatch fmt` keeps it so."


def kept_graph(runbook: Runbook) -> str:
    """Return the lines between the marks of the fence."""
    return f"{MARK}\n{mermaid(runbook)}"


def graph_edits(source: Source, runbook: Runbook) -> Iterator[Edit]:
    """Yield the changes that bring the graphs that a document keeps up to date.

    Args:
        source: the document's own file.
        runbook: with all that it includes.
    """
    for fence in _graphs(source):
        margin = " " * fence.indent
        content = "".join(f"{margin}{line}\n" for line in kept_graph(runbook).splitlines())
        yield Edit(line_offset(source, fence.content_line), line_offset(source, fence.end - 1), content)


def with_graph(source: Source, runbook: Runbook) -> str:
    """Return a document's text with a `## Graph` section before its first task, where it has none.

    Args:
        source: the document's own file.
        runbook: with all that it includes.
    """
    if any(_graphs(source)):
        return source.text
    section = f"{HEADING}\n\n{LEAD}\n\n{fence_text(kept_graph(runbook), 'mermaid')}\n"
    at = _before_tasks(source)
    before = source.text[:at]
    gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
    return before + gap + section + source.text[at:]


def _graphs(source: Source) -> Iterator[Fence]:
    for piece in _pieces(source):
        if (
            isinstance(piece, Fence)
            and not piece.is_indented
            and piece.is_closed
            and not piece.is_nested
            and piece.content.startswith(MARK)
        ):
            yield piece


def _before_tasks(source: Source) -> int:
    """Return the offset of the heading of the first block of a task, an include or tests; else the end."""
    heading: int | None = None
    for piece in _pieces(source):
        if isinstance(piece, Heading):
            heading = piece.line
        elif isinstance(piece, Fence) and block_key(piece) in ("task", "include", "tests"):
            return line_offset(source, piece.line if heading is None else heading)
    return len(source.text)


def _pieces(source: Source) -> tuple[Piece, ...]:
    matter = front_matter(source)
    return pieces_of(source, start=matter[1] + 1 if matter else 0)
