"""Who waits for whom, and what an expression may therefore read."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from midwatch.runbook.cel.schema import Schema, object_of
from midwatch.runbook.model import Header, Kind, Runbook, Task
from midwatch.runbook.table import decision_schema

INPUTS = "inputs"


def inputs_schema(header: Header | None) -> dict[str, Any]:
    """Return the JSON Schema of the inputs; those with a default may be left out."""
    fields = {name: at.value for name, at in header.inputs.items()} if header else {}
    return object_of(
        fields, optional=frozenset(name for name, schema in fields.items() if "default" in schema)
    )


def out_schema(task: Task) -> dict[str, Any]:
    """Return the JSON Schema of a task's output as the task declares it; empty where it declares none."""
    fields = {name: at.value for name, at in task.out.items()}
    if task.kind is Kind.DECISION:
        return decision_schema(task)
    if not fields and task.kind in (Kind.COMMAND, Kind.AGENT):
        return {}
    return object_of(fields)


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

        An undo task reads what the task that it takes back could read, and that task's own output.
        """
        names = self.above[task.name.value]
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


def routes_of(task: Task) -> Iterable[Any]:
    """Yield the names that a task hands over to: `on_timeout`, `on_deny`, `on_fail` where that is no word."""
    if task.ask is not None:
        yield from filter(None, (task.ask.on_timeout, task.ask.on_deny))
    if task.on_fail is not None and task.on_fail.value != "undo":
        yield task.on_fail


def scope_types(graph: Graph, task: Task, outs: Mapping[str, Schema], inputs: Schema) -> dict[str, Schema]:
    """Return what an expression of `task` may read: the inputs, and the outputs above."""
    types: dict[str, Schema] = {INPUTS: inputs}
    types.update((name, outs.get(name, {})) for name in graph.readable(task))
    return types
