"""Reading a decision table: which columns decide, what each row gives, and which rows count.

A column whose header is a field of `out:` is an output; every other header is an expression. What the
table leaves open or says twice is found by `runbook.lint.tables`.

Source: DMN 1.5, sections 8.2.8 to 8.2.11 and 8.3.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from midwatch.base.canonical import INTEGER_MAX, canonical, frozen_value
from midwatch.runbook.cel.schema import Schema, coerce, object_of, type_of, validate
from midwatch.runbook.cel.types import did_you_mean
from midwatch.runbook.errors import (
    HitPolicyError,
    TableOutputError,
    TableShapeError,
    UnaryTestError,
    ValueMismatchError,
)
from midwatch.runbook.literals import literal_of
from midwatch.runbook.markdown import Cell, Table
from midwatch.runbook.model import At, Task
from midwatch.runbook.source import Finding, Severity, Source, Span
from midwatch.runbook.unary import QUOTED, text_in, unary_test

SINGLE = ("unique", "first", "any", "priority")
"""Hit policies that give one row."""
MULTIPLE = ("rule-order", "output-order", "collect")
"""Hit policies that give any number of rows."""
BY_PRIORITY = ("priority", "output-order")
AGGREGATES: Mapping[str, str] = {
    **{word: word for word in ("sum", "min", "max", "count")},
    "+": "sum",
    "<": "min",
    ">": "max",
    "#": "count",
}
COLUMNS_MAX = 50
ROWS_MAX = 500
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_ORDERED_TYPES = ("number", "integer", "string")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionTable:
    """A table that was read: tests as they are written, outputs as values."""

    hit: str
    inputs: tuple[At[str], ...]
    outputs: tuple[str, ...]
    tests: tuple[tuple[Cell, ...], ...]
    values: tuple[tuple[Any, ...], ...]
    aggregate: str = ""
    """`sum`, `min`, `max`, `count`, or empty."""
    default: Mapping[str, Any] | None = None
    priorities: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """For `priority` and `output-order`: the values of an output, the most important first."""

    @property
    def needs_a_row(self) -> bool:
        """Whether it is an error that no row matches."""
        wants_one = self.hit in SINGLE or self.aggregate not in ("", "count")
        return wants_one and self.default is None

    def rank(self, row: int) -> tuple[int, ...]:
        """Return the place of a row (from 0) in the order of importance, 0 for the most important."""
        return rank(self.priorities, dict(zip(self.outputs, self.values[row], strict=True)))


def rank(priorities: Mapping[str, tuple[Any, ...]], outputs: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the place of a row's outputs in the order of importance: the leftmost column counts most."""
    return tuple(priorities[name].index(value) for name, value in outputs.items() if name in priorities)


def are_same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Return whether two rows give the same; true is not 1 here."""
    return canonical(frozen_value(list(one))) == canonical(frozen_value(list(other)))


def decision_schema(task: Task) -> dict[str, Any]:
    """Return the JSON Schema of what a decision gives: a row's fields, a list of rows, or an aggregate."""
    fields = {name: at.value for name, at in task.out.items()}
    hit, aggregate = _hit(task), _aggregate(task)
    if hit not in MULTIPLE:
        return object_of(fields)
    if not aggregate:
        return object_of({"rows": {"type": "array", "items": object_of(fields)}})
    return object_of({name: _aggregated(aggregate, schema) for name, schema in fields.items()})


def _aggregated(aggregate: str, schema: Schema) -> Schema:
    match aggregate:
        case "count":
            return {"type": "integer", "minimum": 0}
        case "sum":
            return {"type": type_of(schema)} if type_of(schema) else {}
        case _:
            return schema


def _hit(task: Task) -> str:
    return task.hit.value if task.hit else "first"


def _aggregate(task: Task) -> str:
    return AGGREGATES.get(task.aggregate.value, "") if task.aggregate else ""


@dataclass(slots=True, kw_only=True)
class _Reader:
    source: Source
    task: Task
    findings: list[Finding]

    def report(
        self, kind: Any, sentence: str, span: Span, severity: Severity = Severity.ERROR, **facts: str | int
    ) -> None:
        self.findings.append(self.source.finding(kind, sentence, span.start, severity, **facts))


def read_table(source: Source, task: Task) -> tuple[DecisionTable | None, list[Finding]]:
    """Return the table of a decision, or None where it can't be used, and what is wrong with it."""
    reader = _Reader(source=source, task=task, findings=[])
    name = task.name.value
    _check_policy(reader)
    if not task.out:
        hint = "Add `out:`, for example `out: {next: {enum: [done, free]}}`; its fields are columns."
        reader.report(TableShapeError, f"decision {name} declares no output", task.span, hint=hint)
        return None, reader.findings
    if task.table is None:
        hint = f"Put a table under its heading, with a column for each of: {', '.join(task.out)}."
        reader.report(TableShapeError, f"decision {name} has no table", task.span, hint=hint)
        return None, reader.findings
    _check_aggregate(reader)
    table = _table(reader, task.table)
    return (None if reader.findings else table), reader.findings


# -------------------------------------------------------------------------------------------- policy


def _check_policy(reader: _Reader) -> None:
    task = reader.task
    hit = _hit(task)
    if task.hit is not None and hit not in (*SINGLE, *MULTIPLE):
        words = (*SINGLE, *MULTIPLE)
        hint = f"{did_you_mean(hit, words)}Write one of: {', '.join(words)}."
        sentence = f"decision {task.name.value} has the hit policy `{hit}`"
        reader.report(HitPolicyError, sentence, task.hit.span, hint=hint)
    if task.aggregate is not None and hit != "collect":
        hint = "Write `hit: collect`, or delete `aggregate:`."
        reader.report(
            HitPolicyError, f"hit policy `{hit}` aggregates nothing", task.aggregate.span, hint=hint
        )
    if task.values and hit not in BY_PRIORITY:
        span = next(iter(task.values.values())).span
        hint = f"Write `hit: {BY_PRIORITY[0]}` or `hit: {BY_PRIORITY[1]}`, or delete `values:`."
        reader.report(HitPolicyError, f"hit policy `{hit}` has no use for `values:`", span, hint=hint)


def _check_aggregate(reader: _Reader) -> None:
    task, written = reader.task, reader.task.aggregate
    if written is None or _hit(task) != "collect":
        return
    aggregate = _aggregate(task)
    types = [type_of(at.value) for at in task.out.values()]
    if not aggregate:
        words = ("sum", "min", "max", "count")
        hint = f"{did_you_mean(written.value, words)}Write one of: {', '.join(words)}."
        sentence = f"decision {task.name.value} aggregates by `{written.value}`"
    elif len(types) != 1:
        hint = "Declare one field under `out:`; decide the others in a table of their own."
        sentence = f"`{aggregate}` of decision {task.name.value} has {len(types)} outputs to choose from"
    elif aggregate == "sum" and types[0] not in ("number", "integer"):
        hint = "Declare it, for example, as `{type: number}`."
        sentence = f"`sum` of decision {task.name.value} is over an output that is no number"
    elif aggregate in ("min", "max") and types[0] not in _ORDERED_TYPES:
        hint = "Declare it, for example, as `{type: number}`."
        sentence = f"`{aggregate}` of decision {task.name.value} is over an output that has no order"
    else:
        return
    reader.report(HitPolicyError, sentence, written.span, hint=hint)


def _default(reader: _Reader) -> Mapping[str, Any] | None:
    given = reader.task.default
    if given is None:
        return None
    fields = decision_schema(reader.task)["properties"]
    if "rows" in fields and _hit(reader.task) in MULTIPLE:
        fields = {name: at.value for name, at in reader.task.out.items()}
    values: dict[str, Any] = {}
    for name, at in given.value.items():
        if name not in fields:
            hint = f"{did_you_mean(name, fields)}Outputs: {', '.join(fields)}."
            reader.report(
                TableOutputError, f"`default:` names `{name}`, which is no output", at.span, hint=hint
            )
            continue
        values[name] = coerce(fields[name], at.value)
        _validated(reader, fields[name], values[name], f"`default.{name}`", at.span)
    missing = [name for name in fields if name not in given.value]
    if missing:
        hint = f"Add `{missing[0]}:` to it: it stands for a whole row."
        reader.report(TableOutputError, f"`default:` lacks `{missing[0]}`", given.span, hint=hint)
    return values


def _priorities(reader: _Reader, table: Table, outputs: list[int]) -> Mapping[str, tuple[Any, ...]]:
    """Return the order of importance of each output: of `values:`, else of the schema's `enum`."""
    task = reader.task
    hit = _hit(task)
    if hit not in BY_PRIORITY:
        return {}
    found: dict[str, tuple[Any, ...]] = {}
    for name, at in task.values.items():
        if name not in task.out:
            hint = f"{did_you_mean(name, task.out)}Outputs: {', '.join(task.out)}."
            reader.report(
                TableOutputError, f"`values:` names `{name}`, which is no output", at.span, hint=hint
            )
            continue
        found[name] = tuple(coerce(task.out[name].value, value) for value in at.value)
        for value in found[name]:
            _validated(reader, task.out[name].value, value, f"`values.{name}`", at.span)
    for name, schema in task.out.items():
        allowed = schema.value.get("enum")
        if name not in found and isinstance(allowed, list):
            found[name] = tuple(coerce(schema.value, value) for value in allowed)
    if not found and task.hit is not None:
        hint = "List the values of an output, the most important first: `out: {next: {enum: [drop, done]}}`."
        sentence = f"hit policy `{hit}` of decision {task.name.value} has no order of outputs"
        reader.report(HitPolicyError, sentence, task.hit.span, hint=hint)
    _check_listed(reader, table, outputs)
    return found


def _check_listed(reader: _Reader, table: Table, outputs: list[int]) -> None:
    for index in outputs:
        name = table.header[index].text
        if name not in reader.task.values:
            continue
        schema = reader.task.out[name].value
        listed = [coerce(schema, value) for value in reader.task.values[name].value]
        for number, row in enumerate(table.rows, 1):
            if index < len(row) and _output(row[index].text, schema) not in listed:
                hint = f"Listed: {', '.join(map(str, listed))}."
                sentence = f"row {number} gives `{row[index].text}`, which `values.{name}` doesn't list"
                reader.report(TableOutputError, sentence, row[index].span, hint=hint)


# --------------------------------------------------------------------------------------------- cells


def _table(reader: _Reader, table: Table) -> DecisionTable | None:
    header = table.header
    out = reader.task.out
    inputs = [index for index, cell in enumerate(header) if cell.text not in out]
    outputs = [index for index, cell in enumerate(header) if cell.text in out]
    before = len(reader.findings)
    _check_shape(reader, table, inputs, outputs)
    if len(reader.findings) > before:
        return None
    tests: list[tuple[Cell, ...]] = []
    values: list[tuple[Any, ...]] = []
    for number, row in enumerate(table.rows, 1):
        if len(row) != len(header):
            at = row[0].span if row else header[0].span
            hint = "Give every row a cell for each column: `-` where anything will do, `\\|` for a pipe."
            sentence = f"row {number} has {len(row)} cells, not {len(header)}"
            reader.report(TableShapeError, sentence, at, hint=hint)
            continue
        tests.append(tuple(_tested(reader, row[index], number) for index in inputs))
        values.append(tuple(_value(reader, header[index].text, row[index], number) for index in outputs))
    return DecisionTable(
        hit=_hit(reader.task),
        inputs=tuple(At(value=header[index].text, span=header[index].span) for index in inputs),
        outputs=tuple(header[index].text for index in outputs),
        tests=tuple(tests),
        values=tuple(values),
        aggregate=_aggregate(reader.task),
        default=_default(reader),
        priorities=_priorities(reader, table, outputs),
    )


def _check_shape(reader: _Reader, table: Table, inputs: list[int], outputs: list[int]) -> None:
    header, out = table.header, reader.task.out
    start = header[0].span if header else reader.task.span
    missing = sorted(out.keys() - {header[index].text for index in outputs})
    if missing:
        hint = f"Add a column `{missing[0]}`. {did_you_mean(missing[0], [cell.text for cell in header])}"
        sentence = f"the table has no column for the output `{missing[0]}`"
        reader.report(TableShapeError, sentence, start, hint=hint)
    if len(outputs) > len(out) and not missing:
        sentence = "the table has two columns for one output"
        reader.report(TableShapeError, sentence, start, hint="Delete one of them.")
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
        hint = "Write an expression there."
        reader.report(TableShapeError, "a column has no header", empty.span, hint=hint)


def _tested(reader: _Reader, cell: Cell, number: int) -> Cell:
    try:
        unary_test(cell.text)
    except ValueError as error:
        reader.report(UnaryTestError, f"row {number}: `{cell.text}` is no test: {error}", cell.span)
    return cell


def _value(reader: _Reader, name: str, cell: Cell, number: int) -> Any:
    """Return an output cell's value: a whole cell is one text where the schema wants a text."""
    schema = reader.task.out[name].value
    value = _output(cell.text, schema)
    if isinstance(value, Decimal):
        sentence = f"row {number}, `{name}`: `{cell.text}` is a number that can't be kept exactly"
        hint = "Round it: a number has up to 15 digits. If it is a name, put it in quotes."
        reader.report(TableOutputError, sentence, cell.span, hint=hint)
        return None
    _validated(reader, schema, value, f"row {number}, `{name}`,", cell.span)
    return value


def _validated(reader: _Reader, schema: Schema, value: Any, what: str, span: Span) -> None:
    try:
        validate(schema, value, what=what)
    except ValueMismatchError as error:
        allowed = schema.get("enum")
        words = [str(word) for word in allowed] if isinstance(allowed, list) else []
        hint = "Correct the value or `out:`."
        if words:
            hint = f"{did_you_mean(str(value), words)}Allowed: {', '.join(words)}."
        reader.report(TableOutputError, error.sentence, span, hint=hint)


def _output(text: str, schema: Schema) -> Any:
    """Return what an output cell says; a number that JSON can't hold exactly as the decimal that it is."""
    wanted = type_of(schema)
    if QUOTED.fullmatch(text):
        return text_in(text)
    if wanted == "string":
        return text
    if text in _WORDS:
        return _WORDS[text]
    if wanted in ("array", "object"):
        try:
            return coerce(schema, json.loads(text))
        except (ValueError, RecursionError):
            return text
    try:
        number = Decimal(text)
    except ArithmeticError:
        return text
    if not number.is_finite():
        return text
    if number == number.to_integral_value() and abs(number) <= INTEGER_MAX:
        return coerce(schema, int(number))
    return float(number) if literal_of(float(number)) == number else number
