"""The graph of a runbook as a drawing inside of a page: tasks in rows, arrows from row to row."""

from collections.abc import Mapping
from html import escape
from itertools import groupby
from typing import NamedTuple

from midwatch.base.classes import EffectClass
from midwatch.runbook.model import Kind, Runbook, Task
from midwatch.runbook.render.edges import Arrow, Edge, edges_of

BOX_WIDTH = 184
BOX_HEIGHT = 48
GAP_X = 20
GAP_Y = 52
TITLE_CHARACTERS_MAX = 24
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>'
)


class Box(NamedTuple):
    """Where a task is drawn."""

    x: int
    y: int


def drawing(runbook: Runbook) -> str:
    """Return the graph as an `svg` element, each task a link to its heading; empty without tasks."""
    if not runbook.tasks:
        return ""
    edges = list(edges_of(runbook))
    boxes = _boxes(runbook, edges)
    width = max(box.x for box in boxes.values()) + BOX_WIDTH + GAP_X
    height = max(box.y for box in boxes.values()) + BOX_HEIGHT + GAP_X
    label = f"Graph of {len(boxes)} tasks"
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    lines = [
        f'<svg {size} role="group" aria-label="{label}">',
        TIP,
        *(_path(edge, boxes) for edge in edges),
        *(_box(task, boxes[task.name.value]) for task in runbook.tasks if task.name.value in boxes),
        "</svg>",
    ]
    return "\n".join(lines)


def _boxes(runbook: Runbook, edges: list[Edge]) -> dict[str, Box]:
    rows = _rows(runbook, edges)
    names = sorted(rows, key=lambda name: rows[name])
    lanes = [list(group) for _, group in groupby(names, key=lambda name: rows[name])]
    widest = max(map(len, lanes))
    boxes: dict[str, Box] = {}
    for row, lane in enumerate(lanes):
        left = GAP_X + (widest - len(lane)) * (BOX_WIDTH + GAP_X) // 2
        for place, name in enumerate(lane):
            boxes[name] = Box(left + place * (BOX_WIDTH + GAP_X), GAP_X + row * (BOX_HEIGHT + GAP_Y))
    return boxes


def _rows(runbook: Runbook, edges: list[Edge]) -> Mapping[str, int]:
    """Return each task's row: below all that lead to it, as far as that goes without a circle."""
    rows = {task.name.value: 0 for task in runbook.tasks}
    for _ in rows:
        is_settled = True
        for edge in edges:
            is_downward = edge.arrow is not Arrow.ROUTE and edge.start != edge.end
            if is_downward and rows[edge.end] <= rows[edge.start] < len(rows):
                rows[edge.end] = rows[edge.start] + 1
                is_settled = False
        if is_settled:
            break
    return rows


def _path(edge: Edge, boxes: Mapping[str, Box]) -> str:
    start, end = boxes[edge.start], boxes[edge.end]
    x1, x2 = start.x + BOX_WIDTH // 2, end.x + BOX_WIDTH // 2
    if end.y > start.y:
        y1, y2 = start.y + BOX_HEIGHT, end.y
        bend = (y2 - y1) // 2
        d = f"M{x1} {y1}C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}"
    else:
        y1, y2 = start.y + BOX_HEIGHT // 2, end.y + BOX_HEIGHT // 2
        side = 1 if end.x >= start.x else -1
        x1, x2 = x1 + side * BOX_WIDTH // 2, x2 - side * BOX_WIDTH // 2
        d = f"M{x1} {y1}C{x1 + side * GAP_X} {y1} {x2 - side * GAP_X} {y2} {x2} {y2}"
    title = f"{edge.start} to {edge.end}" + (f": {edge.word}" if edge.word else "")
    head = f'<path class="{edge.arrow.value}" d="{d}" marker-end="url(#tip)">'
    return f"{head}<title>{escape(title)}</title></path>"


def _box(task: Task, box: Box) -> str:
    effect = task.effect.value if task.effect else ""
    acts = effect not in ("", EffectClass.READ.value)
    css = "acts" if acts else "asks" if task.kind in (Kind.APPROVAL, Kind.MANUAL) else "reads"
    title = task.title or task.name.value
    shown = title if len(title) <= TITLE_CHARACTERS_MAX else f"{title[: TITLE_CHARACTERS_MAX - 1]}…"
    words = task.kind.value + (f", {effect}" if acts else "")
    x, y = box.x + BOX_WIDTH // 2, box.y
    return (
        f'<a href="#task-{escape(task.name.value)}"><rect class="{css}" x="{box.x}" y="{box.y}" '
        f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text x="{x}" y="{y + 20}">{escape(shown)}</text>'
        f'<text class="kind" x="{x}" y="{y + 37}">{escape(words)}</text></a>'
    )
