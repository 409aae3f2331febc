"""What a cell of a decision table can name: numbers, texts, truth values, null, and moments.

Numbers are exact decimals: 0.1 is a tenth. A moment is a date, a time of day, both, or a length of time;
readings are JSON, so a moment in a reading is a text in ISO 8601. Moments are compared on one scale
only: a day with days, a time that names its offset with times that do, years and months with such.

Source: DMN 1.5, sections 10.3.2.3 (types of FEEL) and 10.3.4.1 (what the texts look like).
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Final

_TEXT_CHARACTERS_MAX = 64
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?"
_ZONE = r"Z|[+-]\d\d:\d\d"
_SHAPE = re.compile(rf"(?P<date>{_DATE})?(?:(?:^|T)(?P<time>{_TIME})(?P<zone>{_ZONE})?)?")
_LENGTH = re.compile(
    r"(?P<sign>-)?P(?:(?P<years>\d{1,6})Y)?(?:(?P<months>\d{1,7})M)?(?:(?P<days>\d{1,7})D)?"
    r"(?:T(?:(?P<hours>\d{1,8})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,15}(?:\.\d{1,6})?)S)?)?"
)
_DAY_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


class Scale(StrEnum):
    """What moments can be compared with each other."""

    DATE = "date"
    TIME = "time"
    TIME_WITH_OFFSET = "time with offset"
    DATE_TIME = "date and time"
    DATE_TIME_WITH_OFFSET = "date and time with offset"
    MONTHS = "years and months"
    DAYS = "days and time"


FUNCTIONS: Mapping[str, frozenset[Scale]] = {
    "date": frozenset({Scale.DATE}),
    "time": frozenset({Scale.TIME, Scale.TIME_WITH_OFFSET}),
    "date and time": frozenset({Scale.DATE_TIME, Scale.DATE_TIME_WITH_OFFSET}),
    "duration": frozenset({Scale.MONTHS, Scale.DAYS}),
}
"""What FEEL's functions give: `date("2026-11-27")`."""
FORMATS: Mapping[str, frozenset[Scale]] = {
    "date": frozenset({Scale.DATE}),
    "time": frozenset({Scale.TIME_WITH_OFFSET}),
    "date-time": frozenset({Scale.DATE_TIME_WITH_OFFSET}),
    "duration": frozenset({Scale.MONTHS, Scale.DAYS}),
}
"""What the formats of JSON Schema hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A point on one of the scales."""

    scale: Scale
    at: Decimal
    """Days, seconds or months, from the scale's zero."""


class Composite(Enum):
    """A list or an object in a reading: no cell names one, and no test but `-` holds for it."""

    COMPOSITE = "composite"


Literal = Decimal | str | bool | Moment | None
COMPOSITE: Final = Composite.COMPOSITE


def literal_of(value: object) -> Literal | Composite:
    """Return a JSON value as a literal: numbers as exact decimals; lists, objects, NaN as `COMPOSITE`."""
    match value:
        case bool() | str() | None | Decimal():
            return value
        case int():
            return Decimal(value)
        case float() if math.isfinite(value):
            return Decimal(repr(value))
        case _:
            return COMPOSITE


def moment_of(text: str) -> Moment | None:
    """Return the moment that a text is in ISO 8601, or None where it is none."""
    if len(text) > _TEXT_CHARACTERS_MAX or not text.isascii():
        return None
    if text[:1] == "P" or text[:2] == "-P":
        return _length(text)
    found = _SHAPE.fullmatch(text)
    if found is None or not text:
        return None
    try:
        match found["date"], found["time"]:
            case str(), None:
                return Moment(scale=Scale.DATE, at=Decimal(date.fromisoformat(text).toordinal()))
            case None, str():
                return _time_of_day(time.fromisoformat(text))
            case _:
                return _instant(datetime.fromisoformat(text))
    except ValueError:
        return None


def order(value: Literal | Composite, bound: Literal) -> int | None:
    """Return -1, 0 or 1 as a value is below, at or above a bound; None where they can't be compared."""
    match bound:
        case Moment():
            moment = moment_of(value) if isinstance(value, str) else value
            if not isinstance(moment, Moment) or moment.scale is not bound.scale:
                return None
            return (moment.at > bound.at) - (moment.at < bound.at)
        case bool() | None:
            return None
        case Decimal():
            return (value > bound) - (value < bound) if isinstance(value, Decimal) else None
        case str():
            return (value > bound) - (value < bound) if isinstance(value, str) else None


def equal(value: Literal | Composite, literal: Literal) -> bool:
    """Return whether a value is the one that a cell names; values of different types are not equal."""
    if isinstance(literal, Moment):
        return order(value, literal) == 0
    return type(value) is type(literal) and value == literal


def shown(value: Literal) -> str:
    """Return a literal as a cell spells it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case Decimal():
            return format(value.normalize(), "f")
        case Moment():
            return f'"{text_of(value)}"'


def text_of(moment: Moment) -> str:
    """Return a moment in ISO 8601, with offsets as `Z`."""
    match moment.scale:
        case Scale.DATE:
            return date.fromordinal(int(moment.at)).isoformat()
        case Scale.MONTHS:
            return f"{'-' if moment.at < 0 else ''}P{abs(int(moment.at))}M"
        case Scale.DAYS:
            return f"{'-' if moment.at < 0 else ''}PT{format(abs(moment.at).normalize(), 'f')}S"
        case Scale.TIME | Scale.TIME_WITH_OFFSET:
            zone = "Z" if moment.scale is Scale.TIME_WITH_OFFSET else ""
            return _from_zero(moment).time().isoformat() + zone
        case Scale.DATE_TIME | Scale.DATE_TIME_WITH_OFFSET:
            zone = "Z" if moment.scale is Scale.DATE_TIME_WITH_OFFSET else ""
            return _from_zero(moment).replace(tzinfo=None).isoformat() + zone


def _from_zero(moment: Moment) -> datetime:
    return _DAY_ZERO + timedelta(microseconds=int(moment.at * 1_000_000))


def moments_around(scale: Scale, bounds: Iterable[Moment]) -> tuple[str, ...]:
    """Return the bounds of one scale, a moment between each two and one beyond either end, as texts."""
    points = sorted({bound.at for bound in bounds if bound.scale is scale})
    if not points:
        return (text_of(Moment(scale=scale, at=Decimal(1))),)
    whole = scale in (Scale.DATE, Scale.MONTHS)
    step = Decimal(1) if whole else Decimal("0.000001")
    candidates = {*points, *(point + step for point in points), points[0] - step}
    low, high = _limits(scale)
    kept = sorted(at for at in candidates if low <= at <= high)
    return tuple(text_of(Moment(scale=scale, at=at)) for at in kept)


def _limits(scale: Scale) -> tuple[Decimal, Decimal]:
    match scale:
        case Scale.DATE:
            return Decimal(1), Decimal(date.max.toordinal())
        case Scale.TIME | Scale.TIME_WITH_OFFSET:
            return Decimal(0), _seconds(_DAY - timedelta(microseconds=1))
        case Scale.DATE_TIME | Scale.DATE_TIME_WITH_OFFSET:
            first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
            return _seconds(first - _DAY_ZERO), _seconds(last - _DAY_ZERO)
        case Scale.MONTHS | Scale.DAYS:
            return Decimal("-Infinity"), Decimal("Infinity")


def _time_of_day(found: time) -> Moment:
    offset = found.utcoffset()
    at = timedelta(
        hours=found.hour, minutes=found.minute, seconds=found.second, microseconds=found.microsecond
    )
    if offset is None:
        return Moment(scale=Scale.TIME, at=_seconds(at))
    return Moment(scale=Scale.TIME_WITH_OFFSET, at=_seconds((at - offset) % _DAY))


def _instant(found: datetime) -> Moment:
    if found.tzinfo is None:
        return Moment(scale=Scale.DATE_TIME, at=_seconds(found.replace(tzinfo=UTC) - _DAY_ZERO))
    return Moment(scale=Scale.DATE_TIME_WITH_OFFSET, at=_seconds(found - _DAY_ZERO))


def _seconds(length: timedelta) -> Decimal:
    return Decimal(length // timedelta(microseconds=1)) / 1_000_000


def _length(text: str) -> Moment | None:
    found = _LENGTH.fullmatch(text)
    if found is None or text[-1] in "PT":
        return None
    parts = {name: Decimal(number) for name, number in found.groupdict().items() if number and name != "sign"}
    sign = Decimal(-1 if found["sign"] else 1)
    if parts.keys() <= {"years", "months"}:
        return Moment(scale=Scale.MONTHS, at=sign * _total(parts, {"years": 12, "months": 1}))
    if parts.keys() & {"years", "months"}:
        return None
    units = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
    return Moment(scale=Scale.DAYS, at=sign * _total(parts, units))


def _total(parts: Mapping[str, Decimal], units: Mapping[str, int]) -> Decimal:
    return sum((parts[name] * units[name] for name in parts), Decimal(0))
