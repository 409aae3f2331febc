"""Unary tests: reading them, and what they hold for."""

import pytest

from midwatch.runbook.unary import holds, unary_test


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("-", [1, "x", None, True, [1]], []),
        ("< 80", [79, 79.9, -1], [80, "79", None, True]),
        (">= 0.7", [0.7, 1], [0.69, "0.7"]),
        ("= 5", [5, 5.0], [6, "5", True]),
        ("!= 5", [6, "5", None], [5, 5.0]),
        ("5", [5, 5.0], [5.1]),
        ("-5", [-5], [5]),
        ("1.5e1", [15], [1.5]),
        ("0.1", [0.1], [0.1 + 1e-12]),
        ("= 0.3", [0.3], [0.1 + 0.2]),
        ("[1..5]", [1, 3, 5], [0.99, 5.01]),
        ("(1..5]", [1.01, 5], [1]),
        ("[1..5)", [1], [5]),
        ("]1..5[", [3], [1, 5]),
        ("[1.5..2.5]", [2], [1]),
        ("[a..c]", ["a", "bb", "c"], ["d", 1]),
        ('"a","b"', ["a", "b"], ["c", "A"]),
        ("a, b", ["a", "b"], ["c"]),
        ("leak", ["leak"], ["Leak", None]),
        ("hand-over", ["hand-over"], ["hand"]),
        ("team:dba", ["team:dba"], []),
        ("été", ["été"], []),
        ('"two words"', ["two words"], []),
        ('""', [""], [None]),
        ('"-"', ["-"], [1]),
        ("not(a)", ["b", None, 1], ["a"]),
        ("not(< 3, > 5)", [3, 4, 5], [2, 6, "x", None]),
        ("< 1, > 5", [0, 6], [1, 5]),
        ("true", [True], [1, "true", False]),
        ("false", [False], [0, None]),
        ("null", [None], [0, "", False]),
        ("not(null)", [0, ""], [None]),
        ("not", ["not"], []),
        ("< b", ["a"], ["b", "c"]),
        ("null", [None], [[], {}, [None]]),
        (r'"say \"so\"", "C:\temp"', ['say "so"', r"C:\temp"], ["say so"]),
        ('date("2026-11-27")', ["2026-11-27"], ["2026-11-28", "2026-11-27T00:00:00", "27.11.2026", 1]),
        ('< date("2026-12-01")', ["2026-11-30"], ["2026-12-01", "soon", None]),
        ('not(< date("2026-12-01"))', ["2026-12-01"], ["2026-11-30", "soon", None]),
        (
            '[date("2024-02-29")..date("2024-03-01")]',
            ["2024-02-29", "2024-03-01"],
            ["2024-02-30", "2024-03-02"],
        ),
        ('>= time("03:00:00")', ["03:00", "03:00:00.5"], ["02:59:59", "04:00:00Z"]),
        ('time("03:00:00Z")', ["03:00:00Z", "05:00:00+02:00", "22:00:00-05:00"], ["03:00:00"]),
        (
            'date and time("2026-11-27T03:00:00Z")',
            ["2026-11-27T03:00:00Z", "2026-11-27T04:00:00+01:00"],
            ["2026-11-27T03:00:00", "2026-11-27"],
        ),
        ('<= duration("PT1H30M")', ["PT90M", "PT5400S", "-P1D"], ["PT5400.1S", "P1M", "1h"]),
        ('= duration("P1Y2M")', ["P14M"], ["P425D"]),
        ('@"2026-11-27"', ["2026-11-27"], ["2026-11-26"]),
        ("date, time", ["date", "time"], ["2026-11-27"]),
    ],
)
def test_what_a_test_holds_for(text: str, yes: list[object], no: list[object]) -> None:
    test = unary_test(text)
    assert [value for value in yes if not holds(test, value)] == []
    assert [value for value in no if holds(test, value)] == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": 1}, [1]])
def test_what_is_no_literal_matches_no_comparison(value: object) -> None:
    assert not holds(unary_test("< 1"), value)
    assert not holds(unary_test("1"), value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty cell"),
        ("   ", "empty cell"),
        ("< ", "ends too early"),
        ("<", "ends too early"),
        ("[5..1]", "empty"),
        ("[1..", "ends too early"),
        ("[1..2", "ends too early"),
        ("[1..2,", "ends with"),
        ("[1,2]", "interval is written"),
        ("1..5", "too much"),
        ("x y", "too much"),
        ("not(1", "lacks its"),
        ("1,", "ends too early"),
        (",1", "where a value should"),
        ("< true", "needs a number"),
        ("> null", "needs a number"),
        ("[1..a]", "both ends"),
        ('[date("2026-01-01")..time("03:00:00")]', "both ends"),
        ('[@"2026-01-02"..@"2026-01-01"]', "empty"),
        ('date("2026-02-30")', "is no date"),
        ('date("03:00:00")', "is no date"),
        ('duration("10m")', "is no duration"),
        ("date(2026)", "is written"),
        ('date("2026-01-01"', "is written"),
        ('@"soon"', "is no date, time or duration"),
        ("80%", "not part of a test"),
        ("/var/log", "not part of a test"),
        ('"open', "not part of a test"),
        ("a" * 2_000, "more than"),
        (",".join(["1"] * 300), "more than"),
    ],
)
def test_what_is_no_test_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        unary_test(text)
