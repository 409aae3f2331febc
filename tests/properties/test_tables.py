"""Decision tables against the plainest reading of them: every policy, every gap, every overlap."""

import itertools
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from midwatch.plan.model import Aggregate, HitPolicy, PlanTable
from midwatch.plan.table import decide_table
from midwatch.runbook.cel.schema import Schema
from midwatch.runbook.errors import (
    DeadRowError,
    NoRowError,
    TableGapError,
    TableOverlapError,
)
from midwatch.runbook.lint.tables import analyse
from midwatch.runbook.literals import literal_of, moment_of, order, text_of
from midwatch.runbook.markdown import Cell
from midwatch.runbook.model import At
from midwatch.runbook.source import Finding, Span, source_from
from midwatch.runbook.table import DecisionTable
from midwatch.runbook.unary import holds, unary_test

LOW, HIGH = -1, 5
GRID = range(LOW, HIGH + 1)
COLUMN: Schema = {"type": "integer", "minimum": LOW, "maximum": HIGH}
COLUMNS = ("x", "y")
OUTPUTS = ("drop", "move", "done")

BOUND = st.integers(LOW - 1, HIGH + 1).map(str) | st.sampled_from(["0.5", "2.5", "2.75", "4.1"])
ITEM = st.one_of(
    BOUND,
    st.tuples(st.sampled_from(["<", "<=", ">", ">=", "!="]), BOUND).map(" ".join),
    st.tuples(st.sampled_from("[("), BOUND, BOUND, st.sampled_from("])")).map(
        lambda parts: f"{parts[0]}{min(parts[1:3], key=float)}..{max(parts[1:3], key=float)}{parts[3]}"
    ),
)
TEST = st.one_of(
    st.just("-"),
    st.lists(ITEM, min_size=1, max_size=2).map(", ".join),
    st.lists(ITEM, min_size=1, max_size=2).map(lambda items: f"not({', '.join(items)})"),
)
ROWS = st.lists(st.tuples(st.tuples(TEST, TEST), st.sampled_from(OUTPUTS)), min_size=1, max_size=5)
Rows = list[tuple[tuple[str, str], str]]


def passes(test: str, value: int) -> bool:
    """Return whether a number passes a test, read by hand from the text alone."""
    if test == "-":
        return True
    inner = test.removeprefix("not(").removesuffix(")") if test.startswith("not(") else test
    found = any(item_passes(item, Fraction(value)) for item in inner.split(", "))
    return found is not test.startswith("not(")


def item_passes(item: str, value: Fraction) -> bool:
    if ".." in item:
        low, high = (Fraction(end) for end in item[1:-1].split(".."))
        return (value > low or (value == low and item[0] == "[")) and (
            value < high or (value == high and item[-1] == "]")
        )
    sign, _, number = item.rpartition(" ")
    bound = Fraction(number)
    return {
        "": value == bound,
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
        "!=": value != bound,
    }[sign]


def matching(rows: Rows, reading: tuple[int, ...]) -> list[int]:
    return [
        number
        for number, (tests, _) in enumerate(rows, 1)
        if all(passes(test, value) for test, value in zip(tests, reading, strict=True))
    ]


# ---------------------------------------------------------------------------------------- evaluation


@settings(max_examples=300, deadline=None)
@given(ROWS, st.sampled_from(GRID), st.sampled_from(GRID), st.sampled_from(HitPolicy), st.booleans())
def test_every_policy_chooses_what_it_says(
    rows: Rows,
    x: int,
    y: int,
    hit: HitPolicy,
    has_default: bool,  # noqa: FBT001 - drawn
) -> None:
    table = PlanTable(
        hit=hit,
        inputs=COLUMNS,
        outputs=("next",),
        rows=tuple((tests, (output,)) for tests, output in rows),
        default={"next": "ask"} if has_default else None,
        priorities={"next": OUTPUTS},
    )
    found = matching(rows, (x, y))
    outputs = [rows[number - 1][1] for number in found]
    try:
        verdict = decide_table(table, {"x": x, "y": y})
    except NoRowError:
        assert not found
        assert not has_default
        assert hit in (HitPolicy.UNIQUE, HitPolicy.FIRST, HitPolicy.ANY, HitPolicy.PRIORITY)
        return
    except TableOverlapError:
        assert hit is HitPolicy.UNIQUE or (hit is HitPolicy.ANY and len(set(outputs)) > 1)
        assert len(found) > 1
        return
    expected: list[int]
    match hit:
        case HitPolicy.FIRST | HitPolicy.UNIQUE | HitPolicy.ANY:
            expected = found[:1]
        case HitPolicy.PRIORITY:
            expected = [n for word in OUTPUTS for n in found if rows[n - 1][1] == word][:1]
        case HitPolicy.OUTPUT_ORDER:
            expected = [n for word in OUTPUTS for n in found if rows[n - 1][1] == word]
        case _:
            expected = found
    given_rows = [{"next": rows[n - 1][1]} for n in expected]
    if not found and has_default:
        given_rows = [{"next": "ask"}]
    assert list(verdict.matched) == expected
    is_single = hit in (HitPolicy.UNIQUE, HitPolicy.FIRST, HitPolicy.ANY, HitPolicy.PRIORITY)
    assert verdict.out == (given_rows[0] if is_single else {"rows": given_rows})


CENTS = st.integers(-(10**9), 10**9)


@settings(max_examples=200, deadline=None)
@given(st.lists(CENTS, min_size=1, max_size=30))
@example([10, 20])
def test_sums_of_amounts_are_exact_to_the_cent(cents: list[int]) -> None:
    amounts = [cent / 100 for cent in cents]
    rows = tuple((("-",), (amount,)) for amount in amounts)
    made = {
        aggregate: decide_table(
            PlanTable(hit=HitPolicy.COLLECT, inputs=("x",), outputs=("fee",), rows=rows, aggregate=aggregate),
            {"x": 0},
        ).out["fee"]
        for aggregate in Aggregate
    }
    assert Decimal(repr(made[Aggregate.SUM])) == Decimal(sum(cents)) / 100
    assert made[Aggregate.MIN] == min(amounts)
    assert made[Aggregate.MAX] == max(amounts)
    assert made[Aggregate.COUNT] == len(amounts)


# ---------------------------------------------------------------------------------------------- lint


def linted(rows: Rows, hit: str) -> list[Finding]:
    here = Span(0, 0)
    table = DecisionTable(
        hit=hit,
        inputs=tuple(At(value=name, span=here) for name in COLUMNS),
        outputs=("next",),
        tests=tuple(tuple(Cell(text=test, span=here) for test in tests) for tests, _ in rows),
        values=tuple((output,) for _, output in rows),
        priorities={"next": OUTPUTS},
    )
    return analyse(source_from(b"", name="f"), table, [COLUMN, COLUMN])


def reading_in(sentence: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[xy] = (-?\d+)", sentence))


def rows_in(sentence: str) -> list[int]:
    return [int(number) for number in re.findall(r"rows? (\d+)(?: and (\d+))?", sentence)[0] if number]


@pytest.mark.parametrize("hit", ["unique", "any", "first", "priority"])
@settings(max_examples=150, deadline=None)
@given(rows=ROWS)
@example(rows=[(("<= 2.5", "-"), "drop"), ((">= 2.75", "-"), "drop")])
@example(rows=[(("<= 2", "-"), "drop"), ((">= 4.1", "-"), "drop")])
def test_lint_finds_what_trying_every_reading_finds(hit: str, rows: Rows) -> None:
    readings = list(itertools.product(GRID, GRID))
    found: dict[tuple[int, ...], list[int]] = {reading: matching(rows, reading) for reading in readings}
    findings = linted(rows, hit)

    gaps = [finding for finding in findings if finding.kind is TableGapError]
    assert bool(gaps) is any(not numbers for numbers in found.values())
    assert all(found[reading_in(gap.sentence)] == [] for gap in gaps)

    overlaps = [finding for finding in findings if finding.kind is TableOverlapError]
    later = {max(pair) for pair in clashes(found, rows, hit)}
    assert {rows_in(one.sentence)[1] for one in overlaps} == later
    for one in overlaps:
        assert set(rows_in(one.sentence)) <= set(found[reading_in(one.sentence)])

    dead = {rows_in(finding.sentence)[0] for finding in findings if finding.kind is DeadRowError}
    alive = {number for numbers in found.values() for number in chosen(numbers, rows, hit)}
    assert dead == set(range(1, len(rows) + 1)) - alive


def clashes(found: dict[tuple[int, ...], list[int]], rows: Rows, hit: str) -> set[tuple[int, int]]:
    if hit not in ("unique", "any"):
        return set()
    return {
        pair
        for numbers in found.values()
        for pair in itertools.combinations(numbers, 2)
        if hit == "unique" or rows[pair[0] - 1][1] != rows[pair[1] - 1][1]
    }


def chosen(numbers: list[int], rows: Rows, hit: str) -> list[int]:
    match hit:
        case "first":
            return numbers[:1]
        case "priority":
            return sorted(numbers, key=lambda n: OUTPUTS.index(rows[n - 1][1]))[:1]
        case _:
            return numbers


# ------------------------------------------------------------------------------------------- moments

ISO = st.one_of(
    st.dates().map(str),
    st.datetimes().map(lambda at: at.isoformat()),
    st.datetimes().map(lambda at: at.isoformat() + "Z"),
    st.times().map(lambda at: at.isoformat() + "+02:00"),
    st.timedeltas().map(lambda length: f"PT{length.seconds}S"),
    st.integers(-500, 500).map(lambda months: f"{'-' if months < 0 else ''}P{abs(months)}M"),
)


@settings(max_examples=200, deadline=None)
@given(ISO)
def test_a_moment_is_written_as_it_is_read(text: str) -> None:
    moment = moment_of(text)
    assert moment is not None
    assert moment_of(text_of(moment)) == moment
    assert holds(unary_test(f'@"{text}"'), text)


@settings(max_examples=200, deadline=None)
@given(ISO | st.text(max_size=12), ISO)
def test_moments_are_ordered_one_way_or_not_at_all(one: str, other: str) -> None:
    bound = moment_of(other)
    assert bound is not None
    there = order(literal_of(one), bound)
    mine = moment_of(one)
    back = None if mine is None else order(other, mine)
    assert there == (None if back is None else -back)
    tests = [f'< @"{other}"', f'= @"{other}"', f'> @"{other}"']
    assert sum(holds(unary_test(test), one) for test in tests) == (there is not None)
