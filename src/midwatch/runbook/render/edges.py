"""The graph of a runbook as arrows that can be drawn."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from midwatch.runbook.model import Runbook, Task


class Arrow(StrEnum):
    """Why one task leads to another."""

    NEEDS = "needs"
    ROUTE = "route"
    """`on_deny`, `on_timeout` or `on_fail` names it."""
    UNDO = "undo"


class Edge(NamedTuple):
    """An arrow between two tasks of the runbook."""

    start: str
    end: str
    arrow: Arrow
    word: str
    """What is written beside it: a condition, or the key that names the task."""


def edges_of(runbook: Runbook) -> Iterator[Edge]:
    """Yield the arrows in the order of the document; names that don't exist are left out."""
    names = {task.name.value for task in runbook.tasks}
    for task in runbook.tasks:
        condition = task.when.value if task.when else ""
        for need in task.needs:
            yield from _edge(names, need.value, task.name.value, Arrow.NEEDS, condition)
        for word, target in routes(task):
            yield from _edge(names, task.name.value, target, Arrow.ROUTE, word)
        if task.undo is not None:
            yield from _edge(names, task.name.value, task.undo.value, Arrow.UNDO, "undo")


def routes(task: Task) -> Iterator[tuple[str, str]]:
    """Yield the key and the name of each task that a task hands over to."""
    silent = task.ask or task.wait or task.hand
    for word, target in (
        ("on_deny", task.ask.on_deny if task.ask else None),
        ("on_timeout", silent.on_timeout if silent else None),
        ("on_fail", task.on_fail),
    ):
        if target is not None:
            yield word, target.value


def _edge(names: set[str], start: str, end: str, arrow: Arrow, word: str) -> Iterator[Edge]:
    if {start, end} <= names:
        yield Edge(start, end, arrow, word)
