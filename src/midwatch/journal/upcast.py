"""Upcasters: functions that bring the payload of an older version to the next one.

A payload is never rewritten on disk. When a type gets version v + 1, the function from v goes in here
and stays for good, so that every journal ever written can be read.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from midwatch.base.errors import MidwatchError
from midwatch.journal.run_events import JsonObject

Upcaster = Callable[[JsonObject], JsonObject]
"""Takes the data of version v, returns that of version v + 1; leaves its argument as it is."""

Upcasters = Mapping[tuple[str, int], Upcaster]

UPCASTERS: Upcasters = MappingProxyType({})
"""(type, version v) to the function that leads to v + 1."""


class UnknownEventError(MidwatchError):
    """The journal holds a type or version of event that this Midwatch doesn't know."""

    code = "MW201"
    fix = "A newer Midwatch wrote this journal, nothing is lost. Upgrade: `pip install --upgrade midwatch`."


def upcast(
    event_type: str, type_v: int, data: JsonObject, *, newest: int, upcasters: Upcasters
) -> JsonObject:
    """Return `data`, written at version `type_v`, as version `newest` would have it.

    Raises:
        UnknownEventError: MW201, where the version is newer than known or no function leads on from it.
    """
    if type_v > newest:
        raise UnknownEventError(
            f"{event_type} has version {type_v}, and this Midwatch knows it up to {newest}",
            type=event_type,
            version=type_v,
        )
    for version in range(type_v, newest):
        step = upcasters.get((event_type, version))
        if step is None:
            raise UnknownEventError(
                f"nothing leads from version {version} of {event_type} to the next",
                type=event_type,
                version=version,
            )
        data = step(data)
    return data
