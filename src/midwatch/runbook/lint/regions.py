"""The space of all readings that a decision table can be asked about, cut up by its tests.

Each column's values are sorted into the few classes that its tests can tell apart, with one value to
stand for each; a region is a set of classes for each column. So "some reading" is decided by sets, and
every answer comes with a reading to look at.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from midwatch.runbook.cel.schema import Schema, type_of
from midwatch.runbook.literals import FORMATS, Literal, Moment, Scale, literal_of, moments_around
from midwatch.runbook.unary import UnaryTest, holds, literals_in

REGIONS_MAX = 2_000

Region = tuple[int, ...]
"""A bit set of classes for each column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The classes of each column, and the region of each row."""

    classes: tuple[tuple[Literal, ...], ...]
    rows: tuple[Region, ...]

    @property
    def everything(self) -> Region:
        """All readings."""
        return tuple((1 << len(values)) - 1 for values in self.classes)

    def sample(self, region: Region) -> tuple[Literal, ...]:
        """Return one reading of a region that is not empty."""
        return tuple(
            values[(bits & -bits).bit_length() - 1] for values, bits in zip(self.classes, region, strict=True)
        )


def space_of(tests: Sequence[Sequence[UnaryTest]], types: Sequence[Schema]) -> Space:
    """Return the space that rows of tests divide, for columns of which the types are known."""
    classes = tuple(_classes(schema, [row[column] for row in tests]) for column, schema in enumerate(types))
    rows = tuple(
        tuple(
            sum(1 << index for index, value in enumerate(values) if holds(test, value))
            for test, values in zip(row, classes, strict=True)
        )
        for row in tests
    )
    return Space(classes=classes, rows=rows)


def both(one: Region, other: Region) -> Region | None:
    """Return what two regions have in common, or None where that is nothing."""
    common = tuple(a & b for a, b in zip(one, other, strict=True))
    return common if all(common) else None


def without(regions: Iterable[Region], rows: Iterable[Region]) -> list[Region] | None:
    """Return what is left of some regions without the rows, or None where that takes too long to say."""
    kept = [region for region in regions if all(region)]
    for row in rows:
        left: list[Region] = []
        for region in kept:
            left.extend(_cut(region, row))
            if len(left) > REGIONS_MAX:
                return None
        kept = left
    return kept


def _cut(region: Region, row: Region) -> list[Region]:
    if both(region, row) is None:
        return [region]
    left: list[Region] = []
    for column, other in enumerate(row):
        outside = region[column] & ~other
        if outside:
            left.append((*region[:column], outside, *region[column + 1 :]))
        region = (*region[:column], region[column] & other, *region[column + 1 :])
    return left


# ------------------------------------------------------------------------------------------- classes


def _classes(schema: Schema, tests: Sequence[UnaryTest]) -> tuple[Literal, ...]:
    """Return one value for each class of values that the tests of a column can tell apart."""
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(allowed, list) and allowed:
        known = (literal_of(value) for value in allowed)
        return tuple(value for value in known if isinstance(value, Literal))
    literals = [literal for test in tests for literal in literals_in(test)]
    numbers = _numbers(schema, {literal for literal in literals if isinstance(literal, Decimal)})
    match type_of(schema):
        case "boolean":
            return (True, False)
        case "null":
            return (None,)
        case "number" | "integer":
            return tuple(numbers)
        case "string":
            return _texts(schema, literals)
        case _:
            return (*_texts(schema, literals), *numbers, True, False, None)


def _texts(schema: Schema, literals: Sequence[Literal]) -> tuple[str, ...]:
    moments = [literal for literal in literals if isinstance(literal, Moment)]
    texts = sorted({literal for literal in literals if isinstance(literal, str)})
    scales = FORMATS.get(str(schema.get("format")), frozenset())
    if scales and moments:
        return _moments(sorted(scales), moments)
    return (
        *texts,
        *_between_texts(texts),
        *_moments(sorted({moment.scale for moment in moments}), moments),
    )


def _moments(scales: Iterable[Scale], moments: Sequence[Moment]) -> tuple[str, ...]:
    return tuple(text for scale in scales for text in moments_around(scale, moments))


def _between_texts(texts: list[str]) -> tuple[str, ...]:
    """Return texts that equal none of the given ones: before, between and after them."""
    found = [] if texts[:1] == [""] else [""]
    for text, after in itertools.zip_longest(texts, texts[1:]):
        near = (f"{text}{mark}" for mark in ("0", " ", "\t"))
        found.extend(itertools.islice((one for one in near if after is None or one < after), 1))
    return tuple(found)


def _numbers(schema: Schema, bounds: set[Decimal]) -> list[Decimal]:
    """Return the bounds, a number between each two, and one beyond either end, within the schema's limits."""
    limits = {key: _limit(schema, key) for key in _WITHIN}
    points = sorted({*bounds, *(limit for limit in limits.values() if limit is not None)}) or [Decimal(0)]
    whole = type_of(schema) == "integer"
    found = {*points, Decimal(math.ceil(points[0]) - 1), Decimal(math.floor(points[-1]) + 1)}
    for left, right in itertools.pairwise(points):
        found.add(Decimal(math.floor(left) + 1) if whole else _middle(left, right))
    return sorted(
        number
        for number in found
        if all(limit is None or _WITHIN[key](number, limit) for key, limit in limits.items())
        and not (whole and number % 1)
    )


_WITHIN = {
    "minimum": lambda number, limit: number >= limit,
    "maximum": lambda number, limit: number <= limit,
    "exclusiveMinimum": lambda number, limit: number > limit,
    "exclusiveMaximum": lambda number, limit: number < limit,
}


def _middle(left: Decimal, right: Decimal) -> Decimal:
    """Return a number strictly between two, as short as the nearest whole one where that lies there."""
    above = Decimal(math.floor(left) + 1)
    return above if above < right else (left + right) / 2


def _limit(schema: Schema, key: str) -> Decimal | None:
    value = literal_of(schema.get(key))
    return value if isinstance(value, Decimal) else None
