"""GFM tables, aligned."""

import re
from collections.abc import Sequence

from midwatch.runbook.emit.prose import visible
from midwatch.runbook.markdown import ENTITY

WIDTH_MIN = 3


def table_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose cells are read back as they are given; line ends in them become blanks."""
    lines = [[cell_text(cell) for cell in row] for row in (header, *rows)]
    return aligned(lines)


def cell_text(cell: str) -> str:
    """Return a cell's text with what Markdown would read into it escaped."""
    line = " ".join(visible(cell).split())
    escaped = re.sub(r"([\\|])", r"\\\1", line)
    escaped = ENTITY.sub(lambda found: f"&amp;{found[0][1:]}", escaped)
    return f"\\{escaped}" if escaped.startswith("`") else escaped


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return the rows of a table, the first of them its header, in columns of equal width."""
    columns = max(map(len, lines))
    widths = [
        max([WIDTH_MIN, *(len(line[column]) for line in lines if column < len(line))])
        for column in range(columns)
    ]
    written = [_row([cell.ljust(width) for cell, width in zip(line, widths, strict=False)]) for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths[: len(lines[0])]) + "|\n"
    return "".join([written[0], rule, *written[1:]])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
