"""The facts of the streams beside runs: policy, tenant, access."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseOpened:
    """A state folder began its journal."""

    TYPE: ClassVar[str] = "house.opened"
    VERSION: ClassVar[int] = 1
    version: str
    profile: str
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyActivated:
    """Another set of policies came into force."""

    TYPE: ClassVar[str] = "policy.activated"
    VERSION: ClassVar[int] = 1
    policy: str
    """Digest over policies and schema."""
    origin: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleChanged:
    """Another set of people, teams and rotations came into force."""

    TYPE: ClassVar[str] = "people.changed"
    VERSION: ClassVar[int] = 1
    people: str
    """Digest of the file."""
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRefused:
    """A run was not started, and why."""

    TYPE: ClassVar[str] = "trigger.refused"
    VERSION: ClassVar[int] = 1
    runbook: str
    code: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessNoted:
    """Somebody read or exported the journal itself."""

    TYPE: ClassVar[str] = "access.noted"
    VERSION: ClassVar[int] = 1
    what: str
    about: str


CHANGE_EVENTS = (HouseOpened, PolicyActivated, PeopleChanged, TriggerRefused, AccessNoted)
