"""Evaluating a decision table. No model ever does this."""

from collections.abc import Mapping
from typing import Any

from midwatch.plan.model import HitPolicy, PlanTable
from midwatch.runbook.errors import NoRowError
from midwatch.runbook.expr import evaluate
from midwatch.runbook.unary import holds, unary_test


def decide_row(table: PlanTable, scope: Mapping[str, object]) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows that count, each with its number from 1 and its outputs, in the order of the table.

    Hit policy `first` gives exactly one row, `rule-order` any number, also none.

    Args:
        table: of a plan that passed its check.
        scope: values of the root names that the input columns read.

    Raises:
        ExpressionError: an input column has no value.
        NoRowError: MW157, hit policy `first` and no row matches.
    """
    values = [evaluate(source, scope) for source in table.inputs]
    matching = (
        (number, dict(zip(table.outputs, outputs, strict=True)))
        for number, (tests, outputs) in enumerate(table.rows, 1)
        if all(holds(unary_test(test), value) for test, value in zip(tests, values, strict=True))
    )
    match table.hit:
        case HitPolicy.FIRST:
            row = next(matching, None)
            if row is None:
                seen = ", ".join(
                    f"{source} = {value!r}" for source, value in zip(table.inputs, values, strict=True)
                )
                raise NoRowError(f"no row of the table matches {seen}")
            return [row]
        case HitPolicy.RULE_ORDER:
            return list(matching)
        case _:
            raise AssertionError(f"lint refuses hit policy {table.hit}")


def table_out(table: PlanTable, rows: list[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """Return the output of the decision: the row's own for `first`, `{"rows": […]}` for `rule-order`."""
    match table.hit:
        case HitPolicy.FIRST:
            return rows[0][1]
        case HitPolicy.RULE_ORDER:
            return {"rows": [outputs for _, outputs in rows]}
        case _:
            raise AssertionError(f"lint refuses hit policy {table.hit}")
