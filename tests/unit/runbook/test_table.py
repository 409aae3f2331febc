"""Checking decision tables: gaps and dead rows over all classes of readings."""

import pytest

from midwatch.runbook.cel.schema import Schema
from midwatch.runbook.errors import DeadRowError, TableGapError, TableTypeError
from midwatch.runbook.markdown import Cell
from midwatch.runbook.model import At
from midwatch.runbook.source import Span, source_from
from midwatch.runbook.table import DecisionTable, analyse

NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
TEXT: Schema = {"type": "string"}
BOOL: Schema = {"type": "boolean"}
WORD: Schema = {"enum": ["a", "b", "c"]}


def found(types: list[Schema], *rows: str, hit: str = "first") -> list[str]:
    here = Span(0, 0)
    table = DecisionTable(
        hit=hit,
        inputs=tuple(At(value=f"x{index}", span=here) for index in range(len(types))),
        outputs=("y",),
        tests=tuple(tuple(Cell(text=text.strip(), span=here) for text in row.split("|")) for row in rows),
        values=tuple((number,) for number in range(len(rows))),
    )
    short = {TableGapError: "gap", DeadRowError: "dead", TableTypeError: "type"}
    return [f"{short[one.kind]}: {one.sentence}" for one in analyse(source_from(b"", name="f"), table, types)]


@pytest.mark.parametrize(
    ("types", "rows"),
    [
        ([NUMBER], ("< 80", ">= 80")),
        ([NUMBER], ("< 80", "[80..95)", "[95..99]", "> 99")),
        ([NUMBER], ("< 80", "80", "> 80")),
        ([INTEGER], ("<= 3", ">= 4")),
        ([INTEGER], ("< 3", "3", "4", "> 4")),
        ([{"type": "integer", "minimum": 0}], ("0", ">= 1")),
        ([{"type": "number", "minimum": 0, "maximum": 1}], ("< 0.7", ">= 0.7")),
        ([{"type": "number", "exclusiveMinimum": 0}], ("> 0",)),
        ([WORD], ("a", "b,c")),
        ([WORD], ("not(a)", "a")),
        ([BOOL], ("true", "false")),
        ([TEXT], ("a", "not(a)")),
        ([TEXT], ("a", "b", "-")),
        ([{}], ("-",)),
        ([{}], ("1", "a", "true", "-")),
        ([NUMBER, WORD], ("< 80|-", "-|a", "-|b,c")),
        ([BOOL, BOOL], ("true|true", "true|false", "false|-")),
        ([WORD] * 12, ("|".join(["a"] * 12), "|".join(["-"] * 12))),
    ],
)
def test_complete_tables(types: list[Schema], rows: tuple[str, ...]) -> None:
    assert found(types, *rows) == []


@pytest.mark.parametrize(
    ("types", "rows", "sentence"),
    [
        ([NUMBER], ("< 80", "> 80"), "gap: no row of the table matches x0 = 80"),
        ([NUMBER], ("< 80", "[80..95)"), "gap: no row of the table matches x0 = 95"),
        ([NUMBER], ("<= 3", ">= 4"), "gap: no row of the table matches x0 = 3.5"),
        ([WORD], ("a", "b"), 'gap: no row of the table matches x0 = "c"'),
        ([BOOL], ("true",), "gap: no row of the table matches x0 = false"),
        ([TEXT], ("a", "b"), "gap: no row of the table matches x0 ="),
        ([{}], ("< 1", ">= 1"), "gap: no row of the table matches x0 ="),
        ([NUMBER, WORD], ("< 80|-", "-|a"), 'gap: no row of the table matches x0 = 80, x1 = "b"'),
        ([NUMBER], ("-", "< 80"), "dead: row 2 is never chosen"),
        ([NUMBER], ("< 80", ">= 70", "[70..80)"), "dead: row 3 is never chosen"),
        ([WORD], ("a,b", "b,c", "not(a,c)"), "dead: row 3 is never chosen"),
        ([{"type": "integer", "minimum": 0}], ("< 0", ">= 0"), "dead: row 1 is never chosen"),
        ([NUMBER], ("< 80", "a", "-"), "type: row 2: `a` doesn't fit `x0`: it holds number values"),
        ([BOOL], ("yes", "-"), "type: row 1"),
        ([WORD], ("d", "-"), "type: row 1: `d` doesn't fit `x0`: nothing is ever `d`"),
        ([TEXT], ("< 80", "-"), "type: row 1"),
        ([NUMBER], ("[1..2]", "null", "-"), "type: row 2"),
    ],
)
def test_mistakes_in_tables(types: list[Schema], rows: tuple[str, ...], sentence: str) -> None:
    findings = found(types, *rows)
    assert len(findings) == 1
    assert findings[0].startswith(sentence)


def test_a_table_that_collects_may_match_nothing_or_everything() -> None:
    assert found([NUMBER], "< 80", "-", "< 80", hit="rule-order") == []


def test_a_table_too_wild_to_analyse_is_let_pass_in_time() -> None:
    rows = ["|".join("a" if (row >> column) & 1 else "b" for column in range(9)) for row in range(0, 512, 3)]
    assert all(one.startswith("gap") for one in found([WORD] * 9, *rows))
