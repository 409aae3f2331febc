"""Checking decision tables: gaps, overlaps and dead rows over all classes of readings."""

from typing import Any

import pytest

from midwatch.runbook.cel.schema import Schema
from midwatch.runbook.errors import DeadRowError, TableGapError, TableOverlapError, TableTypeError
from midwatch.runbook.lint.tables import analyse
from midwatch.runbook.markdown import Cell
from midwatch.runbook.model import At
from midwatch.runbook.source import Finding, Severity, Span, source_from
from midwatch.runbook.table import DecisionTable

NUMBER: Schema = {"type": "number"}
INTEGER: Schema = {"type": "integer"}
TEXT: Schema = {"type": "string"}
BOOL: Schema = {"type": "boolean"}
WORD: Schema = {"enum": ["a", "b", "c"]}


def findings_of(types: list[Schema], *rows: str, outputs: str = "", **more: Any) -> list[Finding]:
    """Return the findings of a table with one output, whose values are `outputs` or all different."""
    here = Span(0, 0)
    values = outputs.split() or range(len(rows))
    table = DecisionTable(
        hit=more.pop("hit", "first"),
        inputs=tuple(At(value=f"x{index}", span=here) for index in range(len(types))),
        outputs=("y",),
        tests=tuple(tuple(Cell(text=text.strip(), span=here) for text in row.split("|")) for row in rows),
        values=tuple((value,) for value in values),
        **more,
    )
    return analyse(source_from(b"", name="f"), table, types)


def found(types: list[Schema], *rows: str, outputs: str = "", **more: Any) -> list[str]:
    short = {TableGapError: "gap", DeadRowError: "dead", TableTypeError: "type", TableOverlapError: "overlap"}
    findings = findings_of(types, *rows, outputs=outputs, **more)
    return [f"{short[one.kind]}: {one.sentence}" for one in findings]


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
        ([{"type": "integer", "minimum": 0}], ("< 0", ">= 0"), "dead: row 1 never matches: no reading"),
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


@pytest.mark.parametrize(
    ("types", "rows", "sentence"),
    [
        ([NUMBER], ("< 80", ">= 79"), "overlap: rows 1 and 2 both match x0 = 79"),
        ([NUMBER], ("<= 80", ">= 80"), "overlap: rows 1 and 2 both match x0 = 80"),
        ([INTEGER], ("< 3", "[2..9]", "> 9"), "overlap: rows 1 and 2 both match x0 = 2"),
        ([INTEGER], ("< 3.5", "> 2.5"), "overlap: rows 1 and 2 both match x0 = 3"),
        ([WORD], ("a,b", "b", "c"), 'overlap: rows 1 and 2 both match x0 = "b"'),
        ([WORD, BOOL], ("a|-", "not(a)|-", "-|true"), 'overlap: rows 1 and 3 both match x0 = "a", x1 = true'),
        ([{}], ("null", "not(5)", "5"), "overlap: rows 1 and 2 both match x0 = null"),
    ],
)
def test_rows_of_a_unique_table_may_not_meet(
    types: list[Schema], rows: tuple[str, ...], sentence: str
) -> None:
    (finding,) = findings_of(types, *rows, hit="unique")
    assert finding.severity is Severity.ERROR
    assert finding.code == "MW158"
    assert finding.sentence == sentence.removeprefix("overlap: ")
    assert found(types, *rows, hit="any", outputs=" ".join("x" * len(rows))) == []
    assert found(types, *rows, hit="any")[0] == f"{sentence}, and give different outputs"


def test_a_unique_table_that_says_all_once_has_no_finding() -> None:
    assert found([NUMBER, WORD], "< 80|-", ">= 80|a", ">= 80|not(a)", hit="unique") == []
    assert found([INTEGER], "<= 3", ">= 4", hit="unique") == []


@pytest.mark.parametrize("hit", ["unique", "first", "any", "priority"])
def test_a_gap_is_a_warning_unless_there_is_a_default(hit: str) -> None:
    more: dict[str, Any] = {"hit": hit, "priorities": {"y": (0, 1)}}
    (finding,) = findings_of([NUMBER], "< 80", "> 80", **more)
    assert (finding.code, finding.severity) == ("MW154", Severity.WARNING)
    assert finding.sentence == "no row of the table matches x0 = 80"
    assert findings_of([NUMBER], "< 80", "> 80", default={"y": 0}, **more) == []


def test_only_a_sum_and_the_extremes_need_a_row_to_collect() -> None:
    for aggregate in ("sum", "min", "max"):
        assert found([NUMBER], "< 80", hit="collect", aggregate=aggregate) == [
            "gap: no row of the table matches x0 = 80"
        ]
    assert found([NUMBER], "< 80", hit="collect", aggregate="count") == []
    for hit in ("collect", "rule-order", "output-order"):
        assert found([NUMBER], "< 80", hit=hit) == []


def test_a_row_that_more_important_rows_take_over_is_dead() -> None:
    order: dict[str, tuple[Any, ...]] = {"y": ("drop", "move", "done")}
    rows = ("< 80", "< 70", "-", "[75..90]")
    assert found([NUMBER], *rows, hit="priority", outputs="drop done move done", priorities=order) == [
        "dead: row 2 is never chosen: more important rows take all of its cases",
        "dead: row 4 is never chosen: more important rows take all of its cases",
    ]
    assert found([NUMBER], *rows, hit="output-order", outputs="drop done move done", priorities=order) == []


@pytest.mark.parametrize(
    "hit", ["unique", "any", "first", "priority", "collect", "rule-order", "output-order"]
)
def test_a_row_that_no_reading_passes_is_dead_under_every_policy(hit: str) -> None:
    findings = found([{"type": "integer", "minimum": 0}], "< 0", ">= 0", hit=hit, priorities={"y": (0, 1)})
    assert findings == ["dead: row 1 never matches: no reading passes all of its tests"]


DAY: Schema = {"type": "string", "format": "date"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
LENGTH: Schema = {"type": "string", "format": "duration"}


@pytest.mark.parametrize(
    ("types", "rows", "findings"),
    [
        ([DAY], ('< date("2026-12-01")', '>= date("2026-12-01")'), []),
        (
            [DAY],
            ('< date("2026-12-01")', '> date("2026-12-01")'),
            ['gap: no row of the table matches x0 = "2026-12-01"'],
        ),
        (
            [DAY],
            ('<= @"2026-12-01"', '>= @"2026-12-03"'),
            ['gap: no row of the table matches x0 = "2026-12-02"'],
        ),
        (
            [DAY],
            ('<= @"2026-12-01"', '[@"2026-12-01"..@"2026-12-31"]', '> @"2026-12-31"'),
            ['overlap: rows 1 and 2 both match x0 = "2026-12-01"'],
        ),
        (
            [INSTANT],
            ('< date and time("2026-12-01T00:00:00Z")', '>= date and time("2026-12-01T01:00:00+01:00")'),
            [],
        ),
        (
            [LENGTH],
            ('< duration("PT10M")', '>= duration("PT10M")'),
            ['gap: no row of the table matches x0 = "P1M"'],
        ),
        ([LENGTH], ('< duration("PT10M")', 'not(< duration("PT10M"))', "-"), ["overlap"]),
        (
            [TEXT],
            ('< date("2026-12-01")', '>= date("2026-12-01")'),
            ['gap: no row of the table matches x0 = ""'],
        ),
        ([NUMBER], ('< date("2026-12-01")', "-"), ["type: row 1"]),
    ],
)
def test_moments_are_cut_like_numbers(
    types: list[Schema], rows: tuple[str, ...], findings: list[str]
) -> None:
    said = found(types, *rows, hit="unique")
    assert len(said) == len(findings) or findings == ["overlap"]
    assert all(one.startswith(start) for one, start in zip(said, findings, strict=False))
