"""Branches that are never taken, as far as types, enums and decision tables tell."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from midwatch.base.errors import MidwatchError
from midwatch.runbook.cel.evaluation import evaluate, free_names
from midwatch.runbook.cel.schema import Schema, properties_of, type_of
from midwatch.runbook.errors import DeadBranchError, UnreachableTaskError
from midwatch.runbook.graph import INPUTS, Graph, base_types
from midwatch.runbook.lint.tables import columns
from midwatch.runbook.model import At, Kind, Task
from midwatch.runbook.source import Finding, Severity, Source
from midwatch.runbook.table import read_table

COMBINATIONS_MAX = 300
_SINGLE_HIT = ("unique", "first", "any", "priority")

Row = tuple[tuple[Any, int], ...]
"""The values of the output cells of one row, each with its place."""


def branch_findings(
    source: Source, graph: Graph, outs: Mapping[str, Schema], inputs: Schema
) -> list[Finding]:
    """Return tasks that never run, and values of decisions that no condition asks for."""
    finder = _Finder(source, graph, outs, inputs)
    return list(finder.never()) or list(finder.unasked())


class _Finder:
    def __init__(self, source: Source, graph: Graph, outs: Mapping[str, Schema], inputs: Schema) -> None:
        self._source = source
        self._graph = graph
        self._outs = outs
        self._inputs = inputs
        self._rows = {
            name: rows
            for name, task in graph.tasks.items()
            if (rows := _rows(source, task, outs.get(name, {}))) is not None
        }

    def never(self) -> Iterable[Finding]:
        """Yield tasks whose condition is false whatever is read, and that nothing hands over to."""
        for name, task in self._graph.tasks.items():
            if task.when is None or name in self._graph.routed:
                continue
            values = self._possible(task.when.value, task)
            if values is not None and values and True not in values:
                hint = "Delete the task, or correct its `when:`; no reading makes it true."
                sentence = f"task {name} never runs"
                yield self._source.finding(UnreachableTaskError, sentence, task.when.span.start, hint=hint)

    def unasked(self) -> Iterable[Finding]:
        """Yield values of decisions from which nothing follows, where others lead to something."""
        for name, (fields, rows) in self._rows.items():
            asking = list(self._asking(name))
            if not asking or any(
                self._is_read_elsewhere(name, other) for other in self._graph.tasks.values()
            ):
                continue
            for row in rows:
                values = {field: value for field, (value, _) in zip(fields, row, strict=True)}
                if not any(_may_hold(at.value, name, values) for at in asking):
                    field = next(
                        field
                        for field in fields
                        if any(f"{name}.{field}" in _names(at.value) for at in asking)
                    )
                    value, place = row[fields.index(field)]
                    sentence = f"no condition asks for `{value}` of {name}, so nothing follows from that row"
                    yield self._source.finding(
                        DeadBranchError, sentence, place, Severity.WARNING, task=name, field=field
                    )

    def _asking(self, name: str) -> Iterable[At[str]]:
        for task in self._graph.tasks.values():
            conditions = [*([task.when] if task.when else []), *task.ends.values()]
            yield from (
                at for at in conditions if any(one.startswith(f"{name}.") for one in _names(at.value))
            )

    def _is_read_elsewhere(self, name: str, task: Task) -> bool:
        """Return whether a task follows a decision whatever it gives, or reads it in another way."""
        read = _names(task.when.value) if task.when else frozenset()
        follows = any(need.value == name for need in task.needs)
        if name in read or (follows and not any(one.startswith(f"{name}.") for one in read)):
            return True
        inputs = (text for text, _ in columns(task)) if task.kind is Kind.DECISION else ()
        return any(one.partition(".")[0] == name for text in inputs for one in _names(text))

    def _possible(self, source: str, task: Task) -> set[object] | None:
        """Return each value that a condition may have, or None where that can't be told."""
        names = _names(source)
        try:
            types = base_types(self._graph, task, self._outs, self._inputs)
        except KeyError:
            return None
        groups: list[Sequence[Mapping[str, Any]]] = []
        for root in sorted({name.partition(".")[0] for name in names}):
            fields = [name.partition(".")[2] for name in sorted(names) if name.partition(".")[0] == root]
            choices = self._choices(root, fields, types.get(root, {}))
            if choices is None:
                return None
            groups.append([{root: choice} for choice in choices])
        if math.prod(len(group) for group in groups) > COMBINATIONS_MAX:
            return None
        found: set[object] = set()
        for parts in itertools.product(*groups):
            scope = {root: value for part in parts for root, value in part.items()}
            try:
                found.add(evaluate(source, scope) is True)
            except MidwatchError:
                return None
        return found

    def _choices(self, root: str, fields: list[str], schema: Schema) -> list[Mapping[str, Any]] | None:
        if root in self._rows and set(fields) <= set(self._rows[root][0]):
            known, rows = self._rows[root]
            return [{field: value for field, (value, _) in zip(known, row, strict=True)} for row in rows]
        if root == INPUTS and any(not field for field in fields):
            return None
        values = [_enumerated(properties_of(schema).get(field, {})) for field in fields]
        if any(one is None for one in values):
            return None
        domains = [one for one in values if one is not None]
        if math.prod(len(one) for one in domains) > COMBINATIONS_MAX:
            return None
        return [dict(zip(fields, combination, strict=True)) for combination in itertools.product(*domains)]


def _rows(source: Source, task: Task, out: Schema) -> tuple[tuple[str, ...], list[Row]] | None:
    """Return the output columns and rows of a decision that gives one row, where it has no mistake."""
    hit = task.hit.value if task.hit else "first"
    if task.kind is not Kind.DECISION or task.loop is not None or hit not in _SINGLE_HIT:
        return None
    table, faults = read_table(source, task)
    if table is None or faults or task.table is None:
        return None
    places = [cell.text for cell in task.table.header]
    rows: list[Row] = []
    for cells, values in zip(task.table.rows, table.values, strict=True):
        at = dict(zip(places, (cell.span.start for cell in cells), strict=True))
        rows.append(tuple((value, at[name]) for name, value in zip(table.outputs, values, strict=True)))
    if table.default is not None:
        rows.append(tuple((table.default[name], task.name.span.start) for name in table.outputs))
    fields = properties_of(out)
    fits = all(
        value in enum
        for row in rows
        for name, (value, _) in zip(table.outputs, row, strict=True)
        if isinstance(enum := fields.get(name, {}).get("enum"), list)
    )
    return (table.outputs, rows) if fits else None


def _enumerated(schema: Schema) -> list[Any] | None:
    if isinstance(schema.get("enum"), list):
        return list(schema["enum"])
    if "const" in schema:
        return [schema["const"]]
    return [True, False] if type_of(schema) == "boolean" else None


def _names(source: str) -> frozenset[str]:
    try:
        return free_names(source)
    except MidwatchError:
        return frozenset()


def _may_hold(source: str, name: str, values: Mapping[str, Any]) -> bool:
    """Return whether a condition may hold for one row of a decision, whatever else it reads."""
    if any(not one.startswith(f"{name}.") for one in _names(source)):
        return True
    try:
        return evaluate(source, {name: values}) is not False
    except MidwatchError:
        return True
