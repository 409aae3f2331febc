"""Vectors of RFC 8785 for strings, keys and escapes, and what is refused."""

import hashlib
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.base.canonical import (
    INTEGER_MAX,
    canonical,
    digest,
    digest_of,
    frozen_value,
    thawed_value,
)
from midwatch.base.classes import EffectClass
from midwatch.base.errors import NotCanonicalError

UNTIMED = settings(deadline=None)
"""A busy machine is no failure."""


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXT


def nested(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(TEXT.filter(lambda k: k != "$float"), inner, max_size=4)
        ),
        max_leaves=15,
    )


def test_keys_sort_by_utf_16_code_units_as_in_section_3_2_3() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    names = dict.fromkeys(keys, 0)
    assert list(json.loads(canonical(names))) == [
        "\r",
        "1",
        "\u0080",
        "\u00f6",
        "\u20ac",
        "\U0001f600",
        "\ufb33",
    ]


def test_keys_beyond_the_basic_plane_sort_before_its_end_also_when_nested() -> None:
    inner = {"\uffff": 1, "\U00010000": 2}
    assert canonical([{"a": inner}]) == '[{"a":{"\U00010000":2,"\uffff":1}}]'.encode()


def test_the_escapes_are_those_of_section_3_2_2_2() -> None:
    text = '\u20ac$\u000f\nA\'B"\\\\"/'
    assert canonical(text) == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'


def test_control_characters_have_short_escapes_where_json_has_them() -> None:
    assert canonical("\b\t\n\f\r") == b'"\\b\\t\\n\\f\\r"'
    others = [chr(code) for code in range(32) if chr(code) not in "\b\t\n\f\r"]
    assert all(canonical(char) == f'"\\u{ord(char):04x}"'.encode() for char in others)


def test_everything_else_stands_for_itself() -> None:
    assert (
        canonical("\x7f\u0080\u2028\u2029/\ufeff\U0001f600")
        == '"\x7f\u0080\u2028\u2029/\ufeff\U0001f600"'.encode()
    )


def test_text_is_not_normalised() -> None:
    assert canonical("\u00e9") != canonical("e\u0301")


def test_literals_and_arrays_have_no_blanks_and_keep_their_order() -> None:
    assert (
        canonical([56, {"d": True, "10": None, "1": []}, (), {}]) == b'[56,{"1":[],"10":null,"d":true},[],{}]'
    )


def test_the_empty_key_comes_first() -> None:
    assert canonical({"a": 1, "": 2}) == b'{"":2,"a":1}'


def test_an_enumeration_is_spelled_as_its_value() -> None:
    assert canonical({EffectClass.READ: EffectClass.WRITE}) == b'{"read":"write"}'


def test_integers_reach_to_two_to_the_53_less_one() -> None:
    assert canonical([INTEGER_MAX, -INTEGER_MAX, 0]) == b"[9007199254740991,-9007199254740991,0]"


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        math.nan,
        2**53,
        -(2**53),
        {"a": 2**53},
        {1: "a"},
        {None: "a"},
        {True: "a"},
        "\ud800",
        {"\udfff": 1},
        ["\ud83d"],
        b"bytes",
        {"a"},
        object(),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonicalError) as caught:
        canonical(value)
    assert caught.value.code == "MW203"


def test_deep_nesting_and_cycles_are_refused_not_a_crash() -> None:
    deep: list[object] = []
    deep.append(deep)
    with pytest.raises(NotCanonicalError, match="100 levels"):
        canonical(deep)


def test_values_just_deep_enough_are_spelled() -> None:
    value: object = 1
    for _ in range(100):
        value = [value]
    assert canonical(value) == b"[" * 100 + b"1" + b"]" * 100


def test_a_digest_names_the_canonical_bytes() -> None:
    assert digest({"b": 1, "a": 2}) == digest_of(b'{"a":2,"b":1}')
    assert digest_of(b"") == "sha256:" + hashlib.sha256(b"").hexdigest()


@UNTIMED
@given(nested(SCALARS))
def test_canonical_bytes_come_back_and_are_a_fixed_point(value: Any) -> None:
    data = canonical(value)
    assert json.loads(data) == value
    assert canonical(json.loads(data)) == data


@UNTIMED
@given(nested(SCALARS))
def test_keys_are_sorted_by_utf_16_at_every_level(value: Any) -> None:
    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        units = [key.encode("utf-16-be") for key, _ in pairs]
        assert units == sorted(set(units))
        return dict(pairs)

    json.loads(canonical(value), object_pairs_hook=check)


@UNTIMED
@given(nested(SCALARS | st.floats(allow_nan=False, allow_infinity=False)))
def test_frozen_values_are_canonical_and_thaw_to_what_they_were(value: Any) -> None:
    frozen = frozen_value(value)
    thawed = thawed_value(json.loads(canonical(frozen)))
    assert json.dumps(thawed, sort_keys=True) == json.dumps(value, sort_keys=True)


def test_a_float_travels_as_its_shortest_spelling() -> None:
    assert frozen_value([97.5, 1.0, -0.0, 1e300, True]) == [
        {"$float": "97.5"},
        {"$float": "1.0"},
        {"$float": "-0.0"},
        {"$float": "1e+300"},
        True,
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {"$float": "1"}, [{"$float": 1}]])
def test_what_can_not_be_frozen_is_refused(value: object) -> None:
    with pytest.raises(NotCanonicalError):
        frozen_value(value)
