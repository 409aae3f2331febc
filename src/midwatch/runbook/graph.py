"""Who waits for whom, and what an expression may therefore read."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from midwatch.base.errors import MidwatchError
from midwatch.runbook.cel.schema import Schema, items_of, object_of, properties_of
from midwatch.runbook.cel.types import check
from midwatch.runbook.model import FAIL_WORDS, WAIT_WORDS, At, Header, Kind, Runbook, Task
from midwatch.runbook.table import decision_schema

INPUTS = "inputs"
INDEX = "index"
PREVIOUS = "previous"
_FAILED_ITEM = {
    "type": "object",
    "properties": {"index": {"type": "integer"}, "code": {"type": "string"}, "why": {"type": "string"}},
    "required": ["index", "code", "why"],
    "additionalProperties": False,
}
_CLOUD_EVENT = {name: {"type": "string"} for name in ("id", "specversion", "time", "source", "type")}
"""What every CloudEvents 1.0 event has (section 2.2), and `time`."""


def inputs_schema(header: Header | None) -> dict[str, Any]:
    """Return the JSON Schema of the inputs; those with a default may be left out."""
    fields = {name: at.value for name, at in header.inputs.items()} if header else {}
    return object_of(
        fields, optional=frozenset(name for name, schema in fields.items() if "default" in schema)
    )


def out_schema(task: Task) -> dict[str, Any]:
    """Return the JSON Schema of a task's output as the task declares it, of one item or round.

    It is empty where the document alone doesn't tell.
    """
    fields = {name: at.value for name, at in task.out.items()}
    match task.kind:
        case Kind.DECISION:
            return decision_schema(task)
        case Kind.COMMAND | Kind.AGENT:
            return object_of(fields) if fields else {}
        case Kind.WAIT:
            is_open = task.wait is not None and bool(task.wait.probe or task.wait.event)
            return {} if is_open and not fields else object_of(fields)
        case Kind.CALL:
            return {}
        case Kind.NOTIFY:
            if task.notice is not None and task.notice.emit is not None:
                return object_of({**_CLOUD_EVENT, "data": {"type": "object"}})
        case _:
            pass
    return object_of(fields)


def seen_schema(task: Task, out: Schema) -> Schema:
    """Return what others see of a task's output: the items of all, where it runs once for each item."""
    if task.loop is None or task.loop.each is None:
        return out
    failed = {"type": "array", "items": _FAILED_ITEM}
    return object_of({"items": {"type": "array", "items": dict(out)}, "failed": failed})


def needed(join: str, needs: int) -> int:
    """Return how many of a task's needs must have succeeded: `all`, `any` or a number."""
    match join:
        case "all":
            return needs
        case "any":
            return min(1, needs)
        case _:
            return int(join) if join.isdecimal() else needs  # what is no number was reported


class Graph:
    """The tasks of a runbook by name, and the order among them. Names that don't exist are left out."""

    def __init__(self, tasks: Mapping[str, Task], lost: frozenset[str] = frozenset()) -> None:
        self.tasks = tasks
        self.lost = lost

    @cached_property
    def above(self) -> Mapping[str, frozenset[str]]:
        """Return the tasks that come before each task, by `needs`."""
        return {name: self._closure(name, self._needs) for name in self.tasks}

    @cached_property
    def below(self) -> Mapping[str, frozenset[str]]:
        """Return the tasks that come after each task, by `needs`."""
        children: dict[str, set[str]] = {name: set() for name in self.tasks}
        for name in self.tasks:
            for need in self._needs(name):
                children[need].add(name)
        return {name: self._closure(name, lambda name: children[name]) for name in self.tasks}

    @cached_property
    def undone_by(self) -> Mapping[str, tuple[Task, ...]]:
        """Return for each undo task the tasks whose effect it takes back."""
        found: dict[str, list[Task]] = {}
        for task in self.tasks.values():
            if task.undo is not None and task.undo.value in self.tasks:
                found.setdefault(task.undo.value, []).append(task)
        return {name: tuple(tasks) for name, tasks in found.items()}

    @cached_property
    def routed(self) -> frozenset[str]:
        """Return the tasks that `on_deny`, `on_timeout` or `on_fail` of some task names."""
        targets = (target.value for task in self.tasks.values() for target in routes_of(task))
        return frozenset(target for target in targets if target in self.tasks)

    def is_undo(self, task: Task) -> bool:
        """Return whether a task runs only to take an effect back."""
        return task.is_undo or task.name.value in self.undone_by

    def readable(self, task: Task) -> frozenset[str]:
        """Return the tasks whose outputs an expression of `task` may read.

        An undo task reads what the task that it takes back could read, and that task's own output. A task of
        `finally:` reads all that isn't, whether it ran or not.
        """
        names = self.above[task.name.value]
        if task.finally_at is not None:
            later = {other.name.value for other in self.tasks.values() if other.finally_at is not None}
            return names | (frozenset(self.tasks) - later)
        undone = self.undone_by.get(task.name.value, ())
        if self.is_guess(task):
            names = frozenset(self.tasks)
        elif undone:
            names |= frozenset.intersection(
                *(self.above[one.name.value] | {one.name.value} for one in undone)
            )
        return names - {task.name.value}

    def is_guess(self, task: Task) -> bool:
        """Return whether it can't be told what is above a task: a name there is wrong, as is reported."""
        names = self.above[task.name.value] | {task.name.value}
        needs = (need.value for name in names for need in self.tasks[name].needs)
        is_lonely_undo = self.is_undo(task) and task.name.value not in self.undone_by
        return is_lonely_undo or any(need not in self.tasks for need in needs)

    def cycles(self) -> list[tuple[str, ...]]:
        """Return each circle of `needs` once, as the names along it, the first one again at the end."""
        found: list[tuple[str, ...]] = []
        state: dict[str, int] = {}
        for root in self.tasks:
            path: list[str] = []
            stack: list[tuple[str, bool]] = [(root, False)]
            while stack:
                name, is_done = stack.pop()
                if is_done:
                    state[name] = 2
                    path.pop()
                    continue
                if state.get(name):
                    if state[name] == 1:
                        found.append((*path[path.index(name) :], name))
                    continue
                state[name] = 1
                path.append(name)
                stack.append((name, True))
                stack.extend((need, False) for need in reversed(self._needs(name)))
        return found

    def _needs(self, name: str) -> list[str]:
        return [need.value for need in self.tasks[name].needs if need.value in self.tasks]

    def _closure(self, name: str, step: Any) -> frozenset[str]:
        seen: set[str] = set()
        waiting: list[str] = list(step(name))
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting.extend(step(other))
        return frozenset(seen)


def graph_of(runbook: Runbook) -> Graph:
    """Return the graph of a runbook; of two tasks with one name the first counts."""
    tasks: dict[str, Task] = {}
    for task in runbook.tasks:
        tasks.setdefault(task.name.value, task)
    return Graph(tasks, runbook.lost)


def routes_of(task: Task) -> Iterable[At[str]]:
    """Yield the names that a task hands over to: `on_timeout`, `on_deny`, `on_fail` where that is no word."""
    if task.ask is not None:
        yield from filter(None, (task.ask.on_timeout, task.ask.on_deny))
    if task.on_fail is not None and task.on_fail.value not in FAIL_WORDS:
        yield task.on_fail
    if task.hand is not None and task.hand.on_timeout is not None:
        yield task.hand.on_timeout
    if task.wait is not None and task.wait.on_timeout and task.wait.on_timeout.value not in WAIT_WORDS:
        yield task.wait.on_timeout


def base_types(graph: Graph, task: Task, outs: Mapping[str, Schema], inputs: Schema) -> dict[str, Schema]:
    """Return what may be read before the first item of a task: the inputs, and the outputs above."""
    types: dict[str, Schema] = {INPUTS: inputs}
    types.update((name, seen_schema(graph.tasks[name], outs.get(name, {}))) for name in graph.readable(task))
    return types


def scope_types(graph: Graph, task: Task, outs: Mapping[str, Schema], inputs: Schema) -> dict[str, Schema]:
    """Return what an expression of `task` may read: as `base_types`, and the item that it is about.

    An undo task reads the item and the output of the one effect that it takes back.
    """
    types = base_types(graph, task, outs, inputs)
    undone = graph.undone_by.get(task.name.value, ())
    types.update((one.name.value, outs.get(one.name.value, {})) for one in undone if one.name.value in types)
    loops = [_item_types(graph, one, outs, inputs) for one in (*undone, task)]
    for name in set().union(*loops) if not undone else set.intersection(*map(set, loops[:-1])):
        types[name] = next(loop[name] for loop in loops if name in loop)
    if task.loop is not None and task.loop.each is not None and task.loop.parallel == 1:
        out = outs.get(task.name.value, {})
        types[PREVIOUS] = {**object_of(properties_of(out)), "required": []} if out else {}
    return types


def _item_types(graph: Graph, task: Task, outs: Mapping[str, Schema], inputs: Schema) -> dict[str, Schema]:
    if task.loop is None or task.loop.each is None:
        return {}
    try:
        items = items_of(check(task.loop.each.value, base_types(graph, task, outs, inputs)).schema)
    except MidwatchError:
        items = {}  # reported with the expressions
    return {task.loop.item: items, INDEX: {"type": "integer"}}
