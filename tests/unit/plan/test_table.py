"""Evaluating decision tables, under every hit policy."""

from collections.abc import Mapping
from typing import Any

import pytest

from midwatch.plan.model import Aggregate, HitPolicy, PlanTable
from midwatch.plan.table import Verdict, decide_table
from midwatch.runbook.errors import EvaluationError, NoRowError, TableOverlapError

ROWS = (
    (("< 80", "-"), ("done", "space")),
    (("[80..95)", '"full","odd"'), ("move", "soon")),
    (("-", "not(fine)"), ("drop", "now")),
)
FINE = {"disk": {"pct": 10, "state": "fine"}}
FULL = {"disk": {"pct": 99, "state": "full"}}
NOTHING = {"disk": {"pct": 99, "state": "fine"}}
TWO = {"disk": {"pct": 10, "state": "odd"}}


def table(hit: HitPolicy, *rows: tuple[tuple[str, ...], tuple[object, ...]], **more: Any) -> PlanTable:
    return PlanTable(
        hit=hit, inputs=("disk.pct", "disk.state"), outputs=("next", "why"), rows=rows or ROWS, **more
    )


def collected(aggregate: Aggregate | None, *values: object, **more: Any) -> PlanTable:
    """Return a table whose n-th row matches every reading of at least n."""
    rows = tuple(((f">= {number}",), (value,)) for number, value in enumerate(values, 1))
    return PlanTable(
        hit=HitPolicy.COLLECT, inputs=("n",), outputs=("fee",), rows=rows, aggregate=aggregate, **more
    )


@pytest.mark.parametrize(
    ("pct", "state", "numbers"),
    [(79.9, "full", [1, 3]), (80, "full", [2, 3]), (95.0, "odd", [3]), (12, "fine", [1]), (97, None, [3])],
)
def test_rows_match_in_order(pct: float, state: str, numbers: list[int]) -> None:
    scope = {"disk": {"pct": pct, "state": state}}
    assert list(decide_table(table(HitPolicy.RULE_ORDER), scope).matched) == numbers
    assert list(decide_table(table(HitPolicy.COLLECT), scope).matched) == numbers
    assert list(decide_table(table(HitPolicy.FIRST), scope).matched) == numbers[:1]


def test_one_row_gives_its_fields_and_many_a_list() -> None:
    row = {"next": "done", "why": "space"}
    for hit in (HitPolicy.UNIQUE, HitPolicy.FIRST, HitPolicy.ANY):
        assert decide_table(table(hit), FINE) == Verdict(matched=(1,), out=row)
    for hit in (HitPolicy.RULE_ORDER, HitPolicy.COLLECT):
        assert decide_table(table(hit), FINE) == Verdict(matched=(1,), out={"rows": [row]})
        assert decide_table(table(hit), NOTHING) == Verdict(matched=(), out={"rows": []})


@pytest.mark.parametrize("hit", [HitPolicy.UNIQUE, HitPolicy.FIRST, HitPolicy.ANY])
def test_no_row_is_an_error_where_one_must_be_chosen(hit: HitPolicy) -> None:
    with pytest.raises(NoRowError, match=r"disk.pct = 99, disk.state = 'fine'") as caught:
        decide_table(table(hit), NOTHING)
    assert caught.value.code == "MW157"


@pytest.mark.parametrize("hit", [HitPolicy.UNIQUE, HitPolicy.FIRST, HitPolicy.ANY])
def test_a_default_stands_for_the_row_that_lacks(hit: HitPolicy) -> None:
    default = {"next": "ask", "why": "unsure"}
    found = decide_table(table(hit, default=default), NOTHING)
    assert found == Verdict(matched=(), out=default)
    assert decide_table(table(hit, default=default), FINE).out["next"] == "done"


def test_a_default_of_a_list_is_its_only_row() -> None:
    default = {"next": "ask", "why": "unsure"}
    found = decide_table(table(HitPolicy.RULE_ORDER, default=default), NOTHING)
    assert found == Verdict(matched=(), out={"rows": [default]})


def test_two_rows_of_a_unique_table_are_an_error_that_names_them() -> None:
    with pytest.raises(TableOverlapError, match=r"rows 1 and 3 .*disk.pct = 10.*only one") as caught:
        decide_table(table(HitPolicy.UNIQUE), TWO)
    assert caught.value.code == "MW158"


def test_rows_of_an_any_table_must_agree() -> None:
    rows = ((("< 80", "-"), ("done", True)), (("-", "odd"), ("done", True)), (("-", "full"), ("done", 1)))
    assert decide_table(table(HitPolicy.ANY, *rows), TWO) == Verdict(
        matched=(1,), out={"next": "done", "why": True}
    )
    with pytest.raises(TableOverlapError, match=r"rows 1 and 3 .*different outputs"):
        decide_table(table(HitPolicy.ANY, *rows), {"disk": {"pct": 10, "state": "full"}})


PRIORITIES: Mapping[str, tuple[Any, ...]] = {"next": ("drop", "move", "done")}


def test_the_most_important_output_wins() -> None:
    by_priority = table(HitPolicy.PRIORITY, priorities=PRIORITIES)
    assert decide_table(by_priority, TWO) == Verdict(matched=(3,), out={"next": "drop", "why": "now"})
    assert decide_table(by_priority, FINE).matched == (1,)
    with pytest.raises(NoRowError):
        decide_table(by_priority, NOTHING)


def test_output_order_lists_the_most_important_first() -> None:
    found = decide_table(table(HitPolicy.OUTPUT_ORDER, priorities=PRIORITIES), TWO)
    assert found.matched == (3, 1)
    assert [row["next"] for row in found.out["rows"]] == ["drop", "done"]


def test_rows_of_equal_importance_stay_in_the_order_of_the_table() -> None:
    rows = (
        (("-", "-"), ("move", "b")),
        (("-", "-"), ("move", "a")),
        (("-", "-"), ("drop", "c")),
        (("-", "-"), ("move", "a")),
    )
    left = table(HitPolicy.OUTPUT_ORDER, *rows, priorities=PRIORITIES)
    assert decide_table(left, FINE).matched == (3, 1, 2, 4)
    both = table(HitPolicy.OUTPUT_ORDER, *rows, priorities={**PRIORITIES, "why": ("a", "b", "c")})
    assert decide_table(both, FINE).matched == (3, 2, 4, 1)


@pytest.mark.parametrize(
    ("aggregate", "values", "n", "fee"),
    [
        (Aggregate.SUM, (0.1, 0.2), 2, 0.3),
        (Aggregate.SUM, (1, 2, 3), 2, 3),
        (Aggregate.SUM, (1.5, 1.5), 2, 3.0),
        (Aggregate.SUM, (0.1,) * 10, 10, 1.0),
        (Aggregate.SUM, (2**53 - 1, -1), 2, 2**53 - 2),
        (Aggregate.MIN, (98.83, 150.21, 64.32), 3, 64.32),
        (Aggregate.MIN, (98.83, 150.21, 64.32), 2, 98.83),
        (Aggregate.MAX, (2, 10, 9), 3, 10),
        (Aggregate.MAX, ("b", "abc"), 2, "b"),
        (Aggregate.COUNT, ("b", "b", "a"), 2, 2),
        (Aggregate.COUNT, ("b", "b", "a"), 0, 0),
    ],
)
def test_aggregates_are_exact(aggregate: Aggregate, values: tuple[Any, ...], n: int, fee: object) -> None:
    found = decide_table(collected(aggregate, *values), {"n": n})
    assert found == Verdict(matched=tuple(range(1, n + 1)), out={"fee": fee})
    assert type(found.out["fee"]) is type(fee)


@pytest.mark.parametrize("aggregate", [Aggregate.SUM, Aggregate.MIN, Aggregate.MAX])
def test_nothing_has_no_sum_and_no_extremes(aggregate: Aggregate) -> None:
    with pytest.raises(NoRowError, match="n = 0"):
        decide_table(collected(aggregate, 1, 2), {"n": 0})
    found = decide_table(collected(aggregate, 1, 2, default={"fee": 7}), {"n": 0})
    assert found == Verdict(matched=(), out={"fee": 7})


@pytest.mark.parametrize("values", [(2**53 - 1, 1), (1.7e308, 1.7e308)])
def test_a_sum_beyond_what_a_number_can_be_is_an_error(values: tuple[Any, ...]) -> None:
    with pytest.raises(EvaluationError, match="sum of `fee`"):
        decide_table(collected(Aggregate.SUM, *values), {"n": 2})


def test_a_missing_reading_is_an_error_never_a_row() -> None:
    with pytest.raises(EvaluationError):
        decide_table(table(HitPolicy.FIRST), {"disk": {"pct": 99}})
