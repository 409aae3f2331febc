import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.approvals.arguments import argument_lines, folded, plain_value, size_words
from midwatch.approvals.visible import visible

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


@given(st.dictionaries(st.text(min_size=1, max_size=8), VALUES, max_size=4))
def test_every_value_is_on_the_card_whole(args: dict[str, Any]) -> None:
    text = "\n".join(argument_lines(args, width=100_000))
    for leaf in leaves(args):
        if isinstance(leaf, str) and "\n" in leaf:
            assert all(f"| {visible(line)}" in text for line in leaf.split("\n")) or plain_value(leaf) in text
        else:
            assert plain_value(leaf) in text


@given(st.dictionaries(st.text(max_size=8), st.dictionaries(st.text(max_size=8), SCALARS), max_size=4))
def test_every_name_is_on_the_card_whole(args: dict[str, Any]) -> None:
    text = "\n".join(argument_lines(args, width=100_000))
    for name in [*args, *(inner for value in args.values() for inner in value)]:
        assert name in text or visible(json.dumps(name, ensure_ascii=False)) in text


@given(st.text(max_size=300), st.integers(40, 100))
def test_a_folded_line_holds_every_character_and_no_line_is_wider(text: str, width: int) -> None:
    lines = folded(text, width)
    assert all(len(line) <= width for line in lines)
    assert lines[0] + "".join(line.partition("↪ ")[2] for line in lines[1:]) == text


@given(VALUES, VALUES)
def test_different_values_are_shown_differently(one: Any, other: Any) -> None:
    if json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True):
        assert plain_value(one) != plain_value(other)


@pytest.mark.parametrize(
    "text", ["1", "true", "null", "", " a", "a b", "-x", "{}", "[1]", 'a"b', "a\\b", "no"]
)
def test_text_that_could_be_something_else_is_quoted(text: str) -> None:
    assert plain_value(text) == json.dumps(text)


def test_numbers_with_a_fraction_are_shown_as_numbers() -> None:
    assert argument_lines({"factor": {"$float": "0.5"}}, width=80) == ["factor: 0.5"]


def test_a_list_of_objects_is_a_table_with_a_total_of_the_bytes() -> None:
    items = [{"path": "/var/cache/a", "bytes": 1_536}, {"path": "/var/cache/long name", "bytes": 20}]
    assert argument_lines({"items": items, "days": 7}, width=80) == [
        "items: 2 items",
        "  #  path                    bytes",
        "  1  /var/cache/a             1536",
        '  2  "/var/cache/long name"     20',
        "  total bytes: 1556  (1.5 KiB)",
        "days: 7",
    ]


def test_a_table_that_is_too_wide_becomes_one_block_for_each_row() -> None:
    lines = argument_lines(
        {"items": [{"path": "/" + "x" * 60, "bytes": 1}, {"path": "/y", "bytes": 2}]}, width=50
    )
    assert lines[:3] == ["items: 2 items", "  item_1:", "    path: /" + "x" * 39]
    assert lines[3] == "      ↪ " + "x" * 21
    assert lines[-1] == "  total bytes: 3  (3 B)"
    assert all(len(line) <= 50 for line in lines)


def test_long_lists_are_shown_to_the_end() -> None:
    lines = argument_lines({"items": [{"pid": number} for number in range(500)]}, width=80)
    assert lines[0] == "items: 500 items"
    assert lines[-1].split() == ["500", "499"]


def test_a_text_of_several_lines_keeps_them_and_shows_what_hides_in_them() -> None:
    assert argument_lines({"query": "select 1;\r\n\tdrop\u202e"}, width=80) == [
        "query: text of 2 lines",
        "  | select 1;\u2039U+000D\u203a",
        "  | \u2039U+0009\u203adrop\u2039U+202E\u203a",
    ]


def test_lists_of_plain_values_are_numbered_and_nesting_is_indented() -> None:
    assert argument_lines({"argv": ["ls", "-l"], "env": {"A": {"b": []}}, "none": {}}, width=80) == [
        "argv: 2 items",
        "  1. ls",
        '  2. "-l"',
        "env:",
        "  A:",
        "    b: []",
        "none: {}",
    ]


def test_no_arguments_are_said() -> None:
    assert argument_lines({}, width=80) == ["(none)"]


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1023.9 KiB"), (2**30 * 3 // 2, "1.5 GiB")],
)
def test_sizes_are_cut_off_and_never_rounded_up(size: int, words: str) -> None:
    assert size_words(size) == words
