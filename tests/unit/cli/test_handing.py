"""What `midwatch done` and `midwatch signal` take, before anything is touched."""

from typing import Any

import pytest

from midwatch.cli.errors import NotAnObjectError
from midwatch.cli.handing import _object, _pair


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("freed=7", ("freed", 7)),
        ("why=it is so", ("why", "it is so")),
        ("ok=true", ("ok", True)),
        ("n=", ("n", "")),
    ],
)
def test_a_value_is_json_where_it_can_be_read_so_and_else_a_text(text: str, wanted: tuple[str, Any]) -> None:
    assert _pair(text) == wanted


@pytest.mark.parametrize("text", ["freed", "=7", ""])
def test_a_value_has_a_name(text: str) -> None:
    with pytest.raises(NotAnObjectError) as caught:
        _pair(text)
    assert caught.value.code == "MW948"


@pytest.mark.parametrize("text", ["[1]", "7", "{", ""])
def test_data_is_an_object(text: str) -> None:
    with pytest.raises(NotAnObjectError):
        _object(text, "--data")
    assert _object('{"n": 1}', "--data") == {"n": 1}
