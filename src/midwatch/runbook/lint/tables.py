"""Decision tables, with the types of their columns: what never holds, is left open, or said twice.

What counts as a mistake hangs on the hit policy:

    unique                     rows that overlap (error), gaps, rows that match nothing
    any                        rows that overlap with different outputs (error), gaps, rows that match nothing
    first, priority            rows that others always beat, gaps
    collect with sum, min, max gaps, rows that match nothing
    rule-order, output-order,  rows that match nothing
    other collect
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from midwatch.base.errors import MidwatchError
from midwatch.runbook.cel.schema import Schema, type_of
from midwatch.runbook.cel.types import check, did_you_mean
from midwatch.runbook.errors import DeadRowError, TableGapError, TableOverlapError, TableTypeError
from midwatch.runbook.graph import Graph, scope_types
from midwatch.runbook.lint.regions import Space, both, space_of, without
from midwatch.runbook.literals import Literal, Moment, equal, literal_of, shown
from midwatch.runbook.model import Kind, Task
from midwatch.runbook.source import Finding, Severity, Source
from midwatch.runbook.table import DecisionTable, are_same, read_table
from midwatch.runbook.unary import Equals, UnaryTest, literals_in, unary_test


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


def analyse(source: Source, table: DecisionTable, types: Sequence[Schema]) -> list[Finding]:
    """Return type errors, overlaps, dead rows and gaps of a table.

    Args:
        source: of the document.
        table: that was read without findings.
        types: for each input column what is known of its values.
    """
    findings = list(_misfits(source, table, types))
    if findings:
        return findings
    space = space_of([[unary_test(cell.text) for cell in row] for row in table.tests], types)
    findings.extend(_overlaps(source, table, space))
    findings.extend(_dead_rows(source, table, space))
    if table.needs_a_row:
        findings.extend(_gap(source, table, space))
    return findings


def _type(column: str, types: Mapping[str, Schema]) -> Schema:
    try:
        return check(column, types).schema
    except MidwatchError:
        return {}


# --------------------------------------------------------------------------------------------- types


def _misfits(source: Source, table: DecisionTable, types: Sequence[Schema]) -> Iterator[Finding]:
    for row, cells in enumerate(table.tests, 1):
        for cell, schema, column in zip(cells, types, table.inputs, strict=True):
            fault = _type_fault(unary_test(cell.text), schema)
            if fault:
                sentence = f"row {row}: `{cell.text}` doesn't fit `{column.value}`: {fault[0]}"
                yield source.finding(TableTypeError, sentence, cell.span.start, hint=fault[1])


def _type_fault(test: UnaryTest, schema: Schema) -> tuple[str, str] | None:
    """Return what keeps a test from ever holding for values of a schema, and what to do."""
    kind = type_of(schema)
    for literal in literals_in(test):
        wanted = _json_type(literal)
        if kind and wanted != ("number" if kind == "integer" else kind):
            return f"it holds {kind} values, the test a {wanted}", f"Write a test for {kind} values."
    allowed = schema.get("enum")
    if not isinstance(allowed, list):
        return None
    for item in test.items:
        if isinstance(item, Equals) and not any(equal(literal_of(value), item.value) for value in allowed):
            words = [str(word) for word in allowed]
            named = item.value if isinstance(item.value, str) else shown(item.value)
            hint = f"{did_you_mean(named, words)}Possible: {', '.join(words)}."
            return f"nothing is ever `{named}`", hint
    return None


def _json_type(value: Literal) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case Decimal():
            return "number"
        case str() | Moment():
            return "string"


# --------------------------------------------------------------------------------- overlaps, dead rows


def _overlaps(source: Source, table: DecisionTable, space: Space) -> Iterator[Finding]:
    """Yield each row that meets an earlier one where the hit policy can't tell which of them counts."""
    if table.hit not in ("unique", "any"):
        return
    for row, region in enumerate(space.rows):
        for other, earlier in enumerate(space.rows[:row]):
            common = both(region, earlier)
            if common is None or (table.hit == "any" and are_same(table.values[row], table.values[other])):
                continue
            reading = _reading(table, space.sample(common))
            sentence = f"rows {other + 1} and {row + 1} both match {reading}"
            hint = "Make one of them narrower, or write `hit: first`: the first row that matches counts."
            if table.hit == "any":
                sentence += ", and give different outputs"
                hint = "Give both rows the same outputs, make one narrower, or write `hit: first`."
            yield source.finding(TableOverlapError, sentence, table.tests[row][0].span.start, hint=hint)
            break


def _dead_rows(source: Source, table: DecisionTable, space: Space) -> Iterator[Finding]:
    for row, region in enumerate(space.rows):
        stronger = list(_stronger(table, row))
        if without([region], (space.rows[other] for other in stronger)) != []:
            continue
        meets = [other + 1 for other in stronger if both(region, space.rows[other]) is not None]
        sentence = f"row {row + 1} never matches: no reading passes all of its tests"
        hint = "Correct its tests, or delete it."
        if meets:
            what = "earlier rows" if table.hit == "first" else "more important rows"
            sentence = f"row {row + 1} is never chosen: {what} take all of its cases"
            hint = f"Make row {meets[0]} narrower, or delete this one."
            if table.hit == "first":
                hint = f"Move the row above row {meets[0]}, make row {meets[0]} narrower, or delete it."
        yield source.finding(
            DeadRowError, sentence, table.tests[row][0].span.start, Severity.WARNING, hint=hint
        )


def _stronger(table: DecisionTable, row: int) -> Iterable[int]:
    """Return the rows that are chosen before a row where both match."""
    match table.hit:
        case "first":
            return range(row)
        case "priority":
            own = (table.rank(row), row)
            return (other for other in range(len(table.values)) if (table.rank(other), other) < own)
        case _:
            return ()


def _gap(source: Source, table: DecisionTable, space: Space) -> Iterator[Finding]:
    gaps = without([space.everything], space.rows)
    if gaps:
        sentence = f"no row of the table matches {_reading(table, space.sample(gaps[0]))}"
        at = table.tests[-1][0].span.start
        yield source.finding(TableGapError, sentence, at, Severity.WARNING)


def _reading(table: DecisionTable, values: Sequence[Literal]) -> str:
    return ", ".join(
        f"{column.value} = {shown(value)}" for column, value in zip(table.inputs, values, strict=True)
    )
