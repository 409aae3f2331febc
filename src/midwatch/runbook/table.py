"""Reading and checking a decision table.

A column whose header is a field of `out:` is an output; every other header is an expression.
Gaps and dead rows are found by cutting the rows out of the space of all readings: each column's values
are sorted into the few classes that its tests can tell apart, and a region is a set of classes for each
column.

Source: DMN 1.5, section 8.3.3.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from midwatch.base.canonical import INTEGER_MAX
from midwatch.runbook.cel.schema import Schema, coerce, type_of, validate
from midwatch.runbook.cel.types import did_you_mean
from midwatch.runbook.errors import (
    DeadRowError,
    HitPolicyError,
    TableGapError,
    TableOutputError,
    TableShapeError,
    TableTypeError,
    UnaryTestError,
    ValueMismatchError,
)
from midwatch.runbook.markdown import Cell, Table
from midwatch.runbook.model import At, Task
from midwatch.runbook.source import Finding, Severity, Source
from midwatch.runbook.unary import Between, Compared, Equals, Literal, UnaryTest, holds, unary_test

FIRST = "first"
POLICIES = (FIRST, "rule-order")
COLUMNS_MAX = 50
ROWS_MAX = 500
REGIONS_MAX = 2_000

Region = tuple[int, ...]
"""A bit set of classes for each column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTable:
    """A table that was read: tests as they are written, outputs as values."""

    hit: str
    inputs: tuple[At[str], ...]
    outputs: tuple[str, ...]
    tests: tuple[tuple[Cell, ...], ...]
    values: tuple[tuple[Any, ...], ...]


@dataclass(slots=True, kw_only=True)
class _Reader:
    source: Source
    task: Task
    findings: list[Finding]

    def report(
        self, kind: Any, sentence: str, offset: int, severity: Severity = Severity.ERROR, **facts: str | int
    ) -> None:
        self.findings.append(self.source.finding(kind, sentence, offset, severity, **facts))


def read_table(source: Source, task: Task) -> tuple[DecisionTable | None, list[Finding]]:
    """Return the table of a decision, or None where it can't be used, and what is wrong with it."""
    reader = _Reader(source=source, task=task, findings=[])
    name = task.name.value
    hit = task.hit.value if task.hit else FIRST
    if hit not in POLICIES:
        offset = task.hit.span.start if task.hit else task.span.start
        reader.report(
            HitPolicyError,
            f"decision {name} has the hit policy `{hit}`, which this release can't evaluate",
            offset,
        )
    if not task.out:
        hint = "Add `out:`, for example `out: {next: {enum: [done, free]}}`; its fields are columns."
        reader.report(TableShapeError, f"decision {name} declares no output", task.span.start, hint=hint)
        return None, reader.findings
    if task.table is None:
        hint = f"Put a table under its heading, with a column for each of: {', '.join(task.out)}."
        reader.report(TableShapeError, f"decision {name} has no table", task.span.start, hint=hint)
        return None, reader.findings
    table = _table(reader, task.table, hit)
    return (None if reader.findings else table), reader.findings


def _table(reader: _Reader, table: Table, hit: str) -> DecisionTable | None:
    header = table.header
    start = header[0].span.start if header else reader.task.span.start
    out = reader.task.out
    inputs = [index for index, cell in enumerate(header) if cell.text not in out]
    outputs = [index for index, cell in enumerate(header) if cell.text in out]
    missing = sorted(out.keys() - {header[index].text for index in outputs})
    if missing:
        hint = f"Add a column `{missing[0]}`. {did_you_mean(missing[0], [cell.text for cell in header])}"
        reader.report(
            TableShapeError, f"the table has no column for the output `{missing[0]}`", start, hint=hint
        )
    if len(outputs) > len(out) and not missing:
        reader.report(
            TableShapeError, "the table has two columns for one output", start, hint="Delete one of them."
        )
    if not inputs or not table.rows:
        what = "columns to decide by" if not inputs else "rows"
        hint = (
            "The header names expressions such as `measure.used_pct`; each row has a test for each of them."
        )
        reader.report(TableShapeError, f"the table has no {what}", start, hint=hint)
    if len(header) > COLUMNS_MAX or len(table.rows) > ROWS_MAX:
        hint = f"Split it into two decisions; the limits are {COLUMNS_MAX} columns and {ROWS_MAX} rows."
        reader.report(TableShapeError, "the table is too large", start, hint=hint)
    empty = next((header[index] for index in inputs if not header[index].text), None)
    if empty is not None:
        reader.report(
            TableShapeError, "a column has no header", empty.span.start, hint="Write an expression there."
        )
    if reader.findings:
        return None
    tests: list[tuple[Cell, ...]] = []
    values: list[tuple[Any, ...]] = []
    for number, row in enumerate(table.rows, 1):
        if len(row) != len(header):
            at = row[0].span.start if row else start
            hint = "Give every row a cell for each column: `-` where anything will do, `\\|` for a pipe."
            reader.report(
                TableShapeError, f"row {number} has {len(row)} cells, not {len(header)}", at, hint=hint
            )
            continue
        tests.append(tuple(_tested(reader, row[index], number) for index in inputs))
        values.append(tuple(_value(reader, header[index].text, row[index], number) for index in outputs))
    return DecisionTable(
        hit=hit,
        inputs=tuple(At(value=header[index].text, span=header[index].span) for index in inputs),
        outputs=tuple(header[index].text for index in outputs),
        tests=tuple(tests),
        values=tuple(values),
    )


def _tested(reader: _Reader, cell: Cell, number: int) -> Cell:
    try:
        unary_test(cell.text)
    except ValueError as error:
        reader.report(UnaryTestError, f"row {number}: `{cell.text}` is no test: {error}", cell.span.start)
    return cell


def _value(reader: _Reader, name: str, cell: Cell, number: int) -> Any:
    """Return an output cell's value: a whole cell is one text where the schema wants a text."""
    schema = reader.task.out[name].value
    value = _output(cell.text, schema)
    try:
        validate(schema, value, what=f"row {number}, `{name}`,")
    except ValueMismatchError as error:
        allowed = schema.get("enum")
        words = [str(word) for word in allowed] if isinstance(allowed, list) else []
        hint = (
            f"{did_you_mean(cell.text, words)}Allowed: {', '.join(words)}."
            if words
            else "Correct the cell or `out:`."
        )
        reader.report(TableOutputError, error.sentence, cell.span.start, hint=hint)
    return value


def _output(text: str, schema: Schema) -> Any:
    quoted = len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]
    if quoted:
        return text[1:-1]
    if type_of(schema) == "string":
        return text
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    try:
        number = Decimal(text)
    except ArithmeticError:
        return text
    if not number.is_finite() or abs(number) > INTEGER_MAX:
        return text
    return coerce(schema, int(number) if number == number.to_integral_value() else float(number))


# ------------------------------------------------------------------------------------------- analysis


def analyse(source: Source, table: DecisionTable, types: Sequence[Schema]) -> list[Finding]:
    """Return type errors, gaps and dead rows of a table.

    Args:
        source: of the document.
        table: that was read without findings.
        types: for each input column what is known of its values.
    """
    findings: list[Finding] = []
    for row, cells in enumerate(table.tests, 1):
        for cell, schema, column in zip(cells, types, table.inputs, strict=True):
            fault = _type_fault(unary_test(cell.text), schema)
            if fault:
                sentence = f"row {row}: `{cell.text}` doesn't fit `{column.value}`: {fault[0]}"
                findings.append(source.finding(TableTypeError, sentence, cell.span.start, hint=fault[1]))
    if not findings and table.hit == FIRST:
        findings.extend(_gaps_and_dead_rows(source, table, types))
    return findings


def _type_fault(test: UnaryTest, schema: Schema) -> tuple[str, str] | None:
    """Return what keeps a test from ever holding for values of a schema, and what to do."""
    kind = type_of(schema)
    allowed = schema.get("enum")
    for item in test.items:
        literals = (item.low, item.high) if isinstance(item, Between) else (item.value,)
        for literal in literals:
            wanted = _json_type(literal)
            if kind and wanted not in ((kind,) if kind != "integer" else ("number",)):
                return f"it holds {kind} values, the test a {wanted}", f"Write a test for {kind} values."
            if isinstance(item, Equals) and isinstance(allowed, list) and literal not in allowed:
                words = [str(word) for word in allowed]
                return (
                    f"nothing is ever `{literal}`",
                    f"{did_you_mean(str(literal), words)}Possible: {', '.join(words)}.",
                )
    return None


def _json_type(value: Literal) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case Decimal():
            return "number"


def _gaps_and_dead_rows(source: Source, table: DecisionTable, types: Sequence[Schema]) -> list[Finding]:
    tests = [[unary_test(cell.text) for cell in row] for row in table.tests]
    classes = [_classes(schema, [row[column] for row in tests]) for column, schema in enumerate(types)]
    rows: list[Region] = [
        tuple(
            sum(1 << index for index, value in enumerate(values) if holds(test, value))
            for test, values in zip(row, classes, strict=True)
        )
        for row in tests
    ]
    findings: list[Finding] = []
    for number, region in enumerate(rows, 1):
        left = _without([region] if all(region) else [], rows[: number - 1])
        if left == []:
            cell = table.tests[number - 1][0]
            earlier = _first_cover(region, rows[: number - 1])
            sentence = f"row {number} is never chosen: earlier rows take all of its cases"
            findings.append(
                source.finding(DeadRowError, sentence, cell.span.start, Severity.WARNING, earlier=earlier)
            )
    everything = tuple((1 << len(values)) - 1 for values in classes)
    gaps = _without([everything], rows)
    if gaps:
        example = ", ".join(
            f"{column.value} = {_shown(values[(bits & -bits).bit_length() - 1])}"
            for column, values, bits in zip(table.inputs, classes, gaps[0], strict=True)
        )
        cell = table.tests[-1][0]
        findings.append(
            source.finding(TableGapError, f"no row of the table matches {example}", cell.span.start)
        )
    return findings


def _first_cover(region: Region, earlier: Sequence[Region]) -> int:
    meets = [
        number
        for number, other in enumerate(earlier, 1)
        if all(a & b for a, b in zip(region, other, strict=True))
    ]
    return meets[0] if meets else 1


def _without(regions: list[Region], rows: Sequence[Region]) -> list[Region] | None:
    """Return what is left of some regions without the rows, or None where that takes too long to say."""
    for row in rows:
        left: list[Region] = []
        for region in regions:
            left.extend(_cut(region, row))
            if len(left) > REGIONS_MAX:
                return None
        regions = left
    return regions


def _cut(region: Region, row: Region) -> list[Region]:
    if not all(bits & other for bits, other in zip(region, row, strict=True)):
        return [region]
    left: list[Region] = []
    for column, other in enumerate(row):
        outside = region[column] & ~other
        if outside:
            left.append((*region[:column], outside, *region[column + 1 :]))
        region = (*region[:column], region[column] & other, *region[column + 1 :])
    return left


def _classes(schema: Schema, tests: Sequence[UnaryTest]) -> tuple[Literal, ...]:
    """Return one value for each class of values that the tests of a column can tell apart."""
    allowed = schema.get("enum")
    if isinstance(allowed, list) and allowed:
        return tuple(
            Decimal(repr(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
            for value in allowed
        )
    literals = [literal for test in tests for item in test.items for literal in _literals(item)]
    numbers = _numbers(schema, sorted({literal for literal in literals if isinstance(literal, Decimal)}))
    texts = sorted({literal for literal in literals if isinstance(literal, str)})
    match type_of(schema):
        case "boolean":
            return (True, False)
        case "number" | "integer":
            return tuple(numbers)
        case "string":
            return (*texts, *_between_texts(texts))
        case _:
            return (*texts, *_between_texts(texts), *numbers, True, False, None)


def _literals(item: Equals | Compared | Between) -> tuple[Literal, ...]:
    return (item.low, item.high) if isinstance(item, Between) else (item.value,)


def _numbers(schema: Schema, bounds: list[Decimal]) -> list[Decimal]:
    """Return the bounds, a number between each two, and one beyond either end, within the schema's limits."""
    low, high = _limit(schema, "minimum"), _limit(schema, "maximum")
    whole = type_of(schema) == "integer"
    above, below = _limit(schema, "exclusiveMinimum"), _limit(schema, "exclusiveMaximum")
    points = sorted({*bounds, *(limit for limit in (low, high, above, below) if limit is not None)}) or [
        Decimal(0)
    ]
    found: list[Decimal] = [points[0] - 1]
    for left, right in itertools.pairwise(points):
        middle = left + 1 if whole else (left + right) / 2
        found.extend((left, middle))
    found.extend((points[-1], points[-1] + 1))
    kept = {
        number
        for number in found
        if (low is None or number >= low)
        and (high is None or number <= high)
        and (above is None or number > above)
        and (below is None or number < below)
        and not (whole and number % 1)
    }
    return sorted(kept) or [Decimal(0)]


def _limit(schema: Schema, key: str) -> Decimal | None:
    value = schema.get(key)
    return Decimal(repr(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _between_texts(texts: list[str]) -> tuple[str, ...]:
    """Return texts that equal none of the given ones: before, between and after them."""
    return ("", *(f"{text}\N{DIGIT ZERO}" for text in texts if f"{text}0" not in texts))


def _shown(value: Literal) -> str:
    match value:
        case None | bool():
            return str(value).lower().replace("none", "null")
        case str():
            return f'"{value}"'
        case Decimal():
            return format(value.normalize(), "f")
