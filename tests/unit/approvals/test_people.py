import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midwatch.approvals.errors import (
    PeopleInvalidError,
    PersonAmbiguousError,
    UnknownGroupError,
    UnknownPersonError,
)
from midwatch.approvals.people import People, people_from, solo_people, solo_template
from midwatch.base.units import EpochMs

TEXT = """
[people.ada]
name = "Ada"
os_users = ["ada", "ada.l"]
reach = ["terminal"]
[people.bob]
name = "Bob"
[people.eve]
[teams]
dba = ["ada", "bob"]
[roles]
captain = ["eve"]
[managers]
data = ["bob"]
[[oncall.dba]]
person = "ada"
[[oncall.dba]]
person = "bob"
from = 2026-12-24T18:00:00+01:00
until = 2026-12-27T09:00:00+01:00
"""
PEOPLE = people_from(tomllib.loads(TEXT))
OVERRIDE_MS = 1_798_131_600_000
OVERRIDE_END_MS = 1_798_358_400_000
NOW = EpochMs(0)


@pytest.mark.parametrize(
    ("ask", "people"),
    [
        ("team:dba", ("ada", "bob")),
        ("role:captain", ("eve",)),
        ("manager:data", ("bob",)),
        ("person:eve", ("eve",)),
        ("oncall:dba", ("ada",)),
    ],
)
def test_names_resolve_to_people(ask: str, people: tuple[str, ...]) -> None:
    assert PEOPLE.resolve(ask, NOW) == people


def test_an_override_takes_the_place_of_the_standing_order_from_its_start_until_before_its_end() -> None:
    at = [OVERRIDE_MS - 1, OVERRIDE_MS, OVERRIDE_END_MS - 1, OVERRIDE_END_MS]
    assert [PEOPLE.resolve("oncall:dba", EpochMs(ms)) for ms in at] == [
        ("ada",),
        ("bob",),
        ("bob",),
        ("ada",),
    ]


@pytest.mark.parametrize("ask", ["team:moon", "person:moon", "oncall:moon", "dba", "", "team", "person:"])
def test_an_unknown_name_is_refused(ask: str) -> None:
    with pytest.raises(UnknownGroupError, match="MW414"):
        PEOPLE.resolve(ask, NOW)


def test_who_one_is_comes_from_the_operating_system_user() -> None:
    assert PEOPLE.person_of_os_user("ada.l").principal == "person:ada"
    with pytest.raises(UnknownPersonError, match="MW404"):
        PEOPLE.person_of_os_user("root")


def test_a_stranger_is_shown_by_id() -> None:
    assert PEOPLE.name_of("person:ada") == "Ada"
    assert PEOPLE.name_of("eve") == "eve"
    assert PEOPLE.name_of("system:start") == "system:start"


@pytest.mark.parametrize(
    "text",
    [
        "moon = 1",
        "people = 1",
        "[people]\nada = 1",
        "[people.ada]\nage = 3",
        "[people.ada]\nname = 3",
        "[people.ada]\nos_users = 'ada'",
        "[people.Ada]",
        "[people.ada]\n[teams]\nx = ['moon']",
        "[people.ada]\n[teams]\nx = 'ada'",
        "[people.ada]\n[teams]\nX = ['ada']",
        "[people.ada]\n[oncall]\nx = ['ada']",
        "[people.ada]\n[[oncall.x]]\nperson = 'moon'",
        "[people.ada]\n[[oncall.x]]\nperson = 'ada'\nfrom = 2026-01-01T00:00:00",
        "[people.a]\n[[oncall.x]]\nperson = 'a'\nfrom = 2026-01-02T00:00:00Z\nuntil = 2026-01-01T00:00:00Z",
    ],
)
def test_what_is_wrong_in_the_file_is_named(text: str) -> None:
    with pytest.raises(PeopleInvalidError, match="MW413") as raised:
        people_from(tomllib.loads(text))
    assert "<" not in raised.value.help


def test_two_people_cannot_be_one_operating_system_user() -> None:
    with pytest.raises(PersonAmbiguousError, match="MW416"):
        people_from(tomllib.loads("[people.a]\nos_users=['x']\n[people.b]\nos_users=['x']"))


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")))
def test_the_template_for_one_person_parses_to_that_person(os_user: str, full_name: str) -> None:
    parsed = people_from(tomllib.loads(solo_template(os_user, full_name)))
    assert parsed == solo_people(os_user, full_name)
    assert parsed.resolve("team:guardians", NOW) == tuple(parsed.people)


def test_the_digest_names_the_people() -> None:
    other: dict[str, Any] = tomllib.loads(TEXT.replace('"Ada"', '"Ada L."'))
    assert people_from(other).digest != PEOPLE.digest
    assert people_from(tomllib.loads(TEXT)).digest == PEOPLE.digest
    assert isinstance(PEOPLE, People)
