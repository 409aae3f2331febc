"""The graph that a document keeps of itself: a `mermaid` fence whose first line is `%% midwatch:graph`.

The mark stands inside of the fence, because converters drop comments of HTML and words after a fence's.
"""

from collections.abc import Iterator

from midwatch.runbook.emit.prose import fence_text
from midwatch.runbook.markdown import Fence, Heading, front_matter, pieces_of
from midwatch.runbook.model import Runbook
from midwatch.runbook.render.mermaid import mermaid
from midwatch.runbook.revise.edit import Edit, line_offset

MARK = "%% midwatch:graph"
HEADING = "## Graph"
LEAD = "Made from the tasks below; `midwatch fmt` keeps it so."


def kept_graph(runbook: Runbook) -> str:
    """Return the lines between the marks of the fence."""
    return f"{MARK}\n{mermaid(runbook)}"


def graph_edits(runbook: Runbook) -> Iterator[Edit]:
    """Yield the changes that bring the graphs that a document keeps up to date."""
    for fence in _graphs(runbook):
        content = "".join(f"{' ' * fence.indent}{line}\n" for line in kept_graph(runbook).splitlines())
        start, end = (line_offset(runbook.source, line) for line in (fence.content_line, fence.end - 1))
        yield Edit(start, end, content)


def with_graph(runbook: Runbook) -> str:
    """Return the document's text with a `## Graph` section before its first task, where it has none."""
    source = runbook.source
    if any(_graphs(runbook)):
        return source.text
    section = f"{HEADING}\n\n{LEAD}\n\n{fence_text(kept_graph(runbook), 'mermaid')}\n"
    first = min((_heading_line(runbook, task.span.start) for task in runbook.tasks), default=None)
    at = len(source.text) if first is None else line_offset(source, first)
    before = source.text[:at]
    gap = "" if not before or before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
    return before + gap + section + source.text[at:]


def _graphs(runbook: Runbook) -> Iterator[Fence]:
    matter = front_matter(runbook.source)
    for piece in pieces_of(runbook.source, start=matter[1] + 1 if matter else 0):
        if (
            isinstance(piece, Fence)
            and piece.is_closed
            and not piece.is_nested
            and piece.content.startswith(MARK)
        ):
            yield piece


def _heading_line(runbook: Runbook, offset: int) -> int:
    """Return the line of the last heading above an offset, or of the offset itself."""
    line = runbook.source.line_column(offset)[0] - 1
    matter = front_matter(runbook.source)
    pieces = pieces_of(runbook.source, start=matter[1] + 1 if matter else 0)
    above = [piece.line for piece in pieces if isinstance(piece, Heading) and piece.line < line]
    return above[-1] if above else line
