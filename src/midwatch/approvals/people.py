"""Who is who: people, their teams, roles, managers and rotations, as `people.toml` says.

Who somebody is on the command line is the user of the operating system, looked up here; it is never
a flag. A name that is not here reaches nobody and may answer nothing.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from midwatch.approvals.errors import (
    PeopleInvalidError,
    PersonAmbiguousError,
    UnknownGroupError,
    UnknownPersonError,
)
from midwatch.base.canonical import digest
from midwatch.base.ids import Digest, PersonId, Principal
from midwatch.base.units import EpochMs

DEFAULT_TEAM = "guardians"
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_GROUP_KINDS = ("team", "role", "manager")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person."""

    id: PersonId
    name: str
    os_users: tuple[str, ...] = ()
    """Users of the operating system that are this person."""
    reach: tuple[str, ...] = ()
    """Channels in the order to try, `terminal` or `<channel>:<address>`."""

    @property
    def principal(self) -> Principal:
        """`person:<id>`."""
        return person_principal(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Somebody on call: from (inclusive) until (exclusive), or always where there is no bound."""

    person: PersonId
    from_ms: EpochMs | None = None
    until_ms: EpochMs | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether it is an override of the standing order."""
        return self.from_ms is not None or self.until_ms is not None

    def covers(self, at_ms: EpochMs) -> bool:
        """Return whether the moment lies within."""
        begun = self.from_ms is None or self.from_ms <= at_ms
        return begun and (self.until_ms is None or at_ms < self.until_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody, and the groups they are in."""

    people: Mapping[PersonId, Person]
    groups: Mapping[str, tuple[PersonId, ...]]
    """`team:<id>`, `role:<id>` and `manager:<id>` with their members."""
    rotas: Mapping[str, tuple[Shift, ...]]
    """`oncall:<id>` with its shifts."""

    @property
    def digest(self) -> Digest:
        """The name of this set of people."""
        return digest(
            {
                "groups": {name: list(members) for name, members in self.groups.items()},
                "people": {
                    person.id: {
                        "name": person.name,
                        "os_users": list(person.os_users),
                        "reach": list(person.reach),
                    }
                    for person in self.people.values()
                },
                "rotas": {
                    name: [[shift.person, shift.from_ms, shift.until_ms] for shift in shifts]
                    for name, shifts in self.rotas.items()
                },
            }
        )

    def resolve(self, ask: str, at_ms: EpochMs) -> tuple[PersonId, ...]:
        """Return who `team:…`, `role:…`, `oncall:…`, `manager:…` or `person:…` is at a moment, in file order.

        For a rotation, the overrides that cover the moment take the place of the standing order.

        Raises:
            UnknownGroupError: MW414, when there is no such person, team, role, rotation or manager.
        """
        kind, _, name = ask.partition(":")
        if kind == "person" and name in self.people:
            return (PersonId(name),)
        if ask in self.groups:
            return self.groups[ask]
        if ask in self.rotas:
            shifts = [shift for shift in self.rotas[ask] if shift.covers(at_ms)]
            overrides = [shift for shift in shifts if shift.is_bounded]
            return tuple(dict.fromkeys(shift.person for shift in overrides or shifts))
        raise UnknownGroupError(f"nobody is called {ask!r}", ask=ask)

    def person_of_os_user(self, user: str) -> Person:
        """Return the person that an operating-system user is.

        Raises:
            UnknownPersonError: MW404, when the user is nobody's.
        """
        for person in self.people.values():
            if user in person.os_users:
                return person
        raise UnknownPersonError(f"the user {user!r} is nobody in people.toml", os_user=user)

    def name_of(self, person: str) -> str:
        """Return the name to show for a person's id or principal; the id itself for a stranger."""
        name = person.removeprefix("person:")
        known = self.people.get(PersonId(name))
        return known.name if known is not None else name


def person_principal(person: PersonId | str) -> Principal:
    """Return `person:<id>`."""
    return Principal(f"person:{person}")


def people_from(data: Mapping[str, Any], *, file: str = "people.toml") -> People:
    """Return the people of a parsed TOML document.

    Raises:
        PeopleInvalidError: MW413, when a key is unknown, missing or of a wrong kind, or names a stranger.
        PersonAmbiguousError: MW416, when two people claim one operating-system user.
    """
    _only_keys(data, {"people", "teams", "roles", "managers", "oncall"}, "the document", file)
    people = {
        PersonId(name): _person(name, entry, file) for name, entry in _table(data, "people", file).items()
    }
    _check_os_users(people, file)
    groups: dict[str, tuple[PersonId, ...]] = {}
    for kind in _GROUP_KINDS:
        for name, members in _table(data, f"{kind}s", file).items():
            key = f"{kind}s.{name}"
            groups[f"{kind}:{_id(name, key, file)}"] = tuple(
                _member(member, people, key, file) for member in _texts(members, key, file)
            )
    rotas = {
        f"oncall:{_id(name, f'oncall.{name}', file)}": _shifts(shifts, people, f"oncall.{name}", file)
        for name, shifts in _table(data, "oncall", file).items()
    }
    return People(people=people, groups=groups, rotas=rotas)


def solo_people(os_user: str, full_name: str) -> People:
    """Return the mapping for one person alone: they are `team:guardians`."""
    person = Person(id=_solo_id(os_user), name=full_name or os_user, os_users=(os_user,), reach=("terminal",))
    return People(people={person.id: person}, groups={f"team:{DEFAULT_TEAM}": (person.id,)}, rotas={})


def solo_template(os_user: str, full_name: str) -> str:
    """Return the `people.toml` that `midwatch init` writes; it parses to `solo_people`."""
    person = _solo_id(os_user)
    return f"""\
# Who may be asked, and who is who. Times carry an offset: 2026-12-24T18:00:00+01:00.

[people.{_toml(person)}]
name = {_toml(full_name or os_user)}
os_users = [{_toml(os_user)}]      # who one is on the command line: never a flag
reach = ["terminal"]

# A second person is needed for what can't be undone:
# [people.grace]
# name = "Grace Hopper"
# os_users = ["grace"]
# reach = ["terminal"]

[teams]
{DEFAULT_TEAM} = [{_toml(person)}]

# [managers]
# data = ["grace"]

# [[oncall.dba]]                   # the standing order
# person = {_toml(person)}
# [[oncall.dba]]                   # an override, in force from (inclusive) until (exclusive)
# person = "grace"
# from = 2026-12-24T18:00:00+01:00
# until = 2026-12-27T09:00:00+01:00
"""


def _solo_id(os_user: str) -> PersonId:
    cleaned = re.sub(r"[^a-z0-9_.-]+", "-", os_user.lower()).lstrip("_.-")
    return PersonId(cleaned or "me")


def _toml(text: str) -> str:
    """Return a TOML basic string: every character that is not plain ASCII as an escape."""
    plain = (char if " " <= char <= "~" and char not in '"\\' else f"\\U{ord(char):08X}" for char in text)
    return '"' + "".join(plain) + '"'


def _person(name: str, entry: Any, file: str) -> Person:
    key = f"people.{name}"
    if not isinstance(entry, dict):
        raise PeopleInvalidError(f"{key} is not a table", file=file, key=key)
    _only_keys(entry, {"name", "os_users", "reach"}, key, file)
    shown = entry.get("name", name)
    if not isinstance(shown, str):
        raise PeopleInvalidError(f"{key}.name is not a text", file=file, key=f"{key}.name")
    return Person(
        id=PersonId(_id(name, key, file)),
        name=shown,
        os_users=_texts(entry.get("os_users", []), f"{key}.os_users", file),
        reach=_texts(entry.get("reach", []), f"{key}.reach", file),
    )


def _check_os_users(people: Mapping[PersonId, Person], file: str) -> None:
    owner: dict[str, PersonId] = {}
    for person in people.values():
        for user in person.os_users:
            if owner.setdefault(user, person.id) != person.id:
                raise PersonAmbiguousError(
                    f"{owner[user]} and {person.id} both claim the user {user!r}", file=file, os_user=user
                )


def _shifts(entries: Any, people: Mapping[PersonId, Person], key: str, file: str) -> tuple[Shift, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise PeopleInvalidError(f"{key} is not a list of shifts", file=file, key=key)
    shifts: list[Shift] = []
    for entry in entries:
        _only_keys(entry, {"person", "from", "until"}, key, file)
        shift = Shift(
            person=_member(entry.get("person"), people, key, file),
            from_ms=_moment(entry.get("from"), f"{key}.from", file),
            until_ms=_moment(entry.get("until"), f"{key}.until", file),
        )
        if shift.from_ms is not None and shift.until_ms is not None and shift.until_ms <= shift.from_ms:
            raise PeopleInvalidError(f"a shift of {key} ends before it begins", file=file, key=key)
        shifts.append(shift)
    return tuple(shifts)


def _moment(value: Any, key: str, file: str) -> EpochMs | None:
    if value is None:
        return None
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise PeopleInvalidError(f"{key} is not a time with an offset", file=file, key=key)
    return EpochMs(round(value.timestamp() * 1000))


def _member(name: Any, people: Mapping[PersonId, Person], key: str, file: str) -> PersonId:
    if name not in people:
        raise PeopleInvalidError(f"{key} names {name!r}, who is not under [people]", file=file, key=key)
    return PersonId(name)


def _table(data: Mapping[str, Any], key: str, file: str) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise PeopleInvalidError(f"{key} is not a table", file=file, key=key)
    return value


def _texts(value: Any, key: str, file: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise PeopleInvalidError(f"{key} is not a list of texts", file=file, key=key)
    return tuple(value)


def _id(name: str, key: str, file: str) -> str:
    if not _ID.fullmatch(name):
        raise PeopleInvalidError(
            f"the name {name!r} has characters other than a-z, 0-9, `.`, `_` and `-`", file=file, key=key
        )
    return name


def _only_keys(data: Mapping[str, Any], known: set[str], where: str, file: str) -> None:
    unknown: Sequence[str] = sorted(data.keys() - known)
    if unknown:
        raise PeopleInvalidError(f"{where} has the unknown key {unknown[0]!r}", file=file, key=unknown[0])
