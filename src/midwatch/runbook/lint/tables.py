"""Decision tables, with the types of their columns."""

from collections.abc import Mapping

from midwatch.base.errors import MidwatchError
from midwatch.runbook.cel.schema import Schema
from midwatch.runbook.cel.types import check
from midwatch.runbook.graph import Graph, scope_types
from midwatch.runbook.model import Kind, Task
from midwatch.runbook.source import Finding, Source
from midwatch.runbook.table import analyse, read_table


def table_findings(source: Source, graph: Graph, outs: Mapping[str, Schema], inputs: Schema) -> list[Finding]:
    """Return what is wrong with the tables; a column that is no expression is reported elsewhere."""
    findings: list[Finding] = []
    for task in graph.tasks.values():
        if task.kind is Kind.DECISION:
            table, faults = read_table(source, task)
            findings.extend(faults)
            if table is not None:
                types = scope_types(graph, task, outs, inputs)
                findings.extend(
                    analyse(source, table, [_type(column.value, types) for column in table.inputs])
                )
    return findings


def columns(task: Task) -> tuple[tuple[str, int], ...]:
    """Return the expressions of a decision's input columns and where they stand."""
    header = task.table.header if task.table else ()
    if not task.out.keys() <= {cell.text for cell in header}:
        return ()  # reported with the table; a misspelt output is no expression
    return tuple((cell.text, cell.span.start) for cell in header if cell.text and cell.text not in task.out)


def _type(column: str, types: Mapping[str, Schema]) -> Schema:
    try:
        return check(column, types).schema
    except MidwatchError:
        return {}
