"""Words, sizes and lines as they come to the screen."""

import io

import pytest

from midwatch.base.errors import MidwatchError
from midwatch.cli.screen import Screen, Styled, columns, table
from midwatch.cli.standing.readings import phrase
from midwatch.cli.told import show_error
from midwatch.cli.words import ahead, count, length, megabytes, money, size


def screen(*, colour: bool = False, width: int = 40) -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    return Screen(out, colour=colour, width=width, live=True, unicode=False), out


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (41_951_232, "42 MB"), (4_100_000_000, "4.1 GB")],
)
def test_sizes_are_decimal(size_bytes: int, words: str) -> None:
    assert size(size_bytes) == words


@pytest.mark.parametrize(
    ("length_ms", "words"),
    [
        (5, "5 ms"),
        (1500, "1.5 s"),
        (59_000, "59 s"),
        (119_999, "120 s"),
        (900_000, "15 min"),
        (86_399_000, "24 h"),
    ],
)
def test_lengths_of_time_are_rounded(length_ms: int, words: str) -> None:
    assert length(length_ms) == words


def test_small_words() -> None:
    assert count(1, "cache") == "1 cache"
    assert count(2, "process", "processes") == "2 processes"
    assert megabytes(0) == "less than 1 MB"
    assert money(0) == "$0.00"
    assert money(1) == "$0.000001"
    assert ahead(5, 10) == "overdue"


def test_control_characters_never_reach_a_terminal() -> None:
    shown, out = screen()
    shown.line("a\x1b[31mb", Styled("c\rd\u202ee", "red"))
    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()
    assert "\u202e" not in out.getvalue()


def test_without_colour_a_style_is_just_text() -> None:
    shown, out = screen()
    shown.line(Styled("red", "red"))
    assert out.getvalue() == "red\n"
    shown, out = screen(colour=True)
    shown.line(Styled("red", "red"))
    assert out.getvalue() == "\x1b[31mred\x1b[0m\n"


def test_a_drawn_line_never_wraps() -> None:
    shown, out = screen(width=40)
    shown.draw([["x" * 100], ["y", Styled("z" * 100, "dim")]])
    lines = out.getvalue().replace("\x1b[2K", "").splitlines()
    assert [columns(line) for line in lines] == [39, 39]


def test_a_region_is_drawn_over_itself() -> None:
    shown, out = screen()
    shown.draw([["a"], ["b"]])
    shown.draw([["c"], ["d"]])
    assert "\x1b[2F" in out.getvalue()
    shown.line("after")
    shown.draw([["e"]])
    assert out.getvalue().count("F") == 1


def test_wide_letters_take_two_columns() -> None:
    assert columns("漢字") == 4
    assert table([["漢字", "x"], ["ab", "y"]], heads=["h", "i"])[1] == "漢字  x"


class ExampleError(MidwatchError):
    """An example."""

    fix = "Do {what}."


def test_an_error_has_one_form() -> None:
    shown, out = screen()
    error = ExampleError("it broke", place="a.md:1:2", excerpt="text\n ^", what="this")
    show_error(shown, error)
    assert out.getvalue().splitlines() == [" a.md:1:2 it broke.", "    text", "     ^", "Fix: Do this."]


def test_a_tool_without_words_of_its_own_shows_its_first_numbers() -> None:
    assert phrase("pg.read", {"used_pct": 97.5, "idle_tx": 31, "apps": []}) == "used_pct 97.5, idle_tx 31"
    assert phrase("host.units", {"available": False, "failed_count": 0}) == "not there on this host"
