"""Evaluating a decision table. No model ever does this.

Source: DMN 1.5, sections 8.2.10 (hit policies), 8.2.11 (default outputs).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, assert_never

from midwatch.base.canonical import INTEGER_MAX
from midwatch.plan.model import Aggregate, HitPolicy, PlanTable
from midwatch.runbook.errors import EvaluationError, NoRowError, TableOverlapError
from midwatch.runbook.expr import evaluate
from midwatch.runbook.literals import Composite, literal_of, order
from midwatch.runbook.table import are_same, rank
from midwatch.runbook.unary import holds, unary_test

SINGLE = frozenset({HitPolicy.UNIQUE, HitPolicy.FIRST, HitPolicy.ANY, HitPolicy.PRIORITY})
"""Hit policies that give one row."""
BY_PRIORITY = frozenset({HitPolicy.PRIORITY, HitPolicy.OUTPUT_ORDER})

Row = tuple[int, dict[str, Any]]
"""The number of a row, from 1, and its outputs."""

_DECIMAL128 = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""The numbers of DMN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a table says about some readings."""

    matched: tuple[int, ...]
    """Numbers, from 1, of the rows that count, in the order that counts; none where the default is given."""
    out: dict[str, Any]
    """The row's outputs, `{"rows": […]}`, or `{output: aggregate}`."""


def gives_list(table: PlanTable) -> bool:
    """Return whether the table's output is a list of rows."""
    return table.hit not in SINGLE and table.aggregate is None


def decide_table(table: PlanTable, scope: Mapping[str, object]) -> Verdict:
    """Return what a table says.

    Args:
        table: of a plan that passed its check.
        scope: values of the root names that the input columns read.

    Raises:
        ExpressionError: an input column has no value, or a sum is more than a number can be.
        NoRowError: MW157, no row matches, one is needed, and there is no default.
        TableOverlapError: MW158, several rows match under `unique`, or differ under `any`.
    """
    seen = {source: evaluate(source, scope) for source in table.inputs}
    values = [seen[source] for source in table.inputs]
    matching: list[Row] = [
        (number, dict(zip(table.outputs, outputs, strict=True)))
        for number, (tests, outputs) in enumerate(table.rows, 1)
        if all(holds(unary_test(test), value) for test, value in zip(tests, values, strict=True))
    ]
    if not matching and table.default is not None:
        default = dict(table.default)
        return Verdict(matched=(), out={"rows": [default]} if gives_list(table) else default)
    rows = _counting(table, matching, seen)
    numbers = tuple(number for number, _ in rows)
    if table.aggregate is not None:
        return Verdict(matched=numbers, out=_aggregated(table.aggregate, table.outputs[0], rows, seen))
    if table.hit not in SINGLE:
        return Verdict(matched=numbers, out={"rows": [outputs for _, outputs in rows]})
    if not rows:
        raise NoRowError(f"no row of the table matches {_told(seen)}")
    return Verdict(matched=numbers, out=rows[0][1])


def _counting(table: PlanTable, rows: list[Row], seen: Mapping[str, object]) -> list[Row]:
    """Return the rows that count, of those that match, in the order that counts."""
    match table.hit:
        case HitPolicy.UNIQUE:
            if len(rows) > 1:
                raise _overlap(rows[0], rows[1], seen, "and only one row may")
            return rows
        case HitPolicy.ANY:
            for row in rows[1:]:
                if not are_same(tuple(rows[0][1].values()), tuple(row[1].values())):
                    raise _overlap(rows[0], row, seen, "and they give different outputs")
            return rows[:1]
        case HitPolicy.FIRST:
            return rows[:1]
        case HitPolicy.PRIORITY:
            return sorted(rows, key=lambda row: rank(table.priorities, row[1]))[:1]
        case HitPolicy.OUTPUT_ORDER:
            return sorted(rows, key=lambda row: rank(table.priorities, row[1]))
        case HitPolicy.RULE_ORDER | HitPolicy.COLLECT:
            return rows
        case _:
            assert_never(table.hit)


def _aggregated(
    aggregate: Aggregate, output: str, rows: list[Row], seen: Mapping[str, object]
) -> dict[str, Any]:
    values = [outputs[output] for _, outputs in rows]
    if aggregate is Aggregate.COUNT:
        return {output: len(values)}
    if not values:
        raise NoRowError(
            f"no row of the table matches {_told(seen)}: there is no {aggregate.value} of nothing"
        )
    match aggregate:
        case Aggregate.SUM:
            return {output: _sum(output, values)}
        case Aggregate.MIN:
            return {output: _extreme(values, -1)}
        case Aggregate.MAX:
            return {output: _extreme(values, 1)}
        case _:
            assert_never(aggregate)


def _sum(output: str, values: list[Any]) -> int | float:
    """Return the sum of numbers as decimals: a tenth and two tenths are three tenths."""
    total = Decimal(0)
    for value in values:
        total = _DECIMAL128.add(total, Decimal(repr(value)))
    has_fraction = any(isinstance(value, float) for value in values)
    if not has_fraction and abs(total) <= INTEGER_MAX:
        return int(total)
    if not has_fraction or math.isinf(float(total)):
        raise EvaluationError(f"the sum of `{output}` is {total}, more than a number can be", source=output)
    return float(total)


def _extreme(values: list[Any], sign: int) -> Any:
    """Return the least (sign -1) or greatest (1) of numbers or of texts, the first of equals."""
    best = values[0]
    for value in values[1:]:
        bound = literal_of(best)
        assert not isinstance(bound, Composite), "lint refuses aggregates of lists and objects"
        if order(literal_of(value), bound) == sign:
            best = value
    return best


def _overlap(one: Row, other: Row, seen: Mapping[str, object], why: str) -> TableOverlapError:
    return TableOverlapError(
        f"rows {one[0]} and {other[0]} of the table both match {_told(seen)}, {why}",
        hint="Make one of them narrower, or write `hit: first`: the first row that matches counts.",
    )


def _told(seen: Mapping[str, object]) -> str:
    return ", ".join(f"{source} = {value!r}" for source, value in seen.items())
