"""Evaluating decision tables."""

import pytest

from midwatch.plan.model import HitPolicy, PlanTable
from midwatch.plan.table import decide_row, table_out
from midwatch.runbook.errors import EvaluationError, NoRowError


def table(hit: HitPolicy, *rows: tuple[tuple[str, ...], tuple[object, ...]]) -> PlanTable:
    return PlanTable(hit=hit, inputs=("disk.pct", "disk.state"), outputs=("next", "why"), rows=rows)


ROWS = (
    (("< 80", "-"), ("done", "space")),
    (("[80..95)", '"full","odd"'), ("move", "soon")),
    (("-", "not(fine)"), ("drop", "now")),
)


@pytest.mark.parametrize(
    ("pct", "state", "numbers"),
    [(79.9, "full", [1, 3]), (80, "full", [2, 3]), (95.0, "odd", [3]), (12, "fine", [1]), (97, None, [3])],
)
def test_rows_match_in_order(pct: float, state: str, numbers: list[int]) -> None:
    scope = {"disk": {"pct": pct, "state": state}}
    found = decide_row(table(HitPolicy.RULE_ORDER, *ROWS), scope)
    assert [number for number, _ in found] == numbers
    assert decide_row(table(HitPolicy.FIRST, *ROWS), scope) == found[:1]


def test_the_output_of_a_decision() -> None:
    scope = {"disk": {"pct": 10, "state": "fine"}}
    first, every = table(HitPolicy.FIRST, *ROWS), table(HitPolicy.RULE_ORDER, *ROWS)
    assert table_out(first, decide_row(first, scope)) == {"next": "done", "why": "space"}
    assert table_out(every, decide_row(every, scope)) == {"rows": [{"next": "done", "why": "space"}]}
    assert table_out(every, []) == {"rows": []}


def test_no_row_is_an_error_where_one_must_be_chosen() -> None:
    scope = {"disk": {"pct": 99, "state": "fine"}}
    assert decide_row(table(HitPolicy.RULE_ORDER, *ROWS), scope) == []
    with pytest.raises(NoRowError, match=r"disk.pct = 99") as caught:
        decide_row(table(HitPolicy.FIRST, *ROWS), scope)
    assert caught.value.code == "MW157"


def test_a_missing_reading_is_an_error_never_a_row() -> None:
    with pytest.raises(EvaluationError):
        decide_row(table(HitPolicy.FIRST, *ROWS), {"disk": {"pct": 99}})
