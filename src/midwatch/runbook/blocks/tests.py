"""The scenarios (`tests:`): their parts stay plain values; `runbook.lint.tests` says what doesn't fit."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from midwatch.base.classes import Mode
from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.errors import MissingKeyError, WrongValueError
from midwatch.runbook.model import At, TestCase
from midwatch.runbook.yaml import plain


def tests_of(fields: Fields) -> tuple[TestCase, ...]:
    """Return the scenarios of a `tests:` block."""
    cases: list[TestCase] = []
    for tree in fields.items("tests", "tests"):
        below = fields.as_mapping(tree, "tests")
        if below is not None:
            cases.append(_case(below))
            below.close()
    fields.close()
    return tuple(cases)


def moment_ms(text: str) -> int | None:
    """Return the milliseconds since the epoch of an RFC 3339 moment, or None where it is none."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def _case(fields: Fields) -> TestCase:
    name = fields.required("name", "a false alarm does nothing")
    given = fields.mapping("given")
    expect = _located(fields, "expect")
    if not expect:
        key, example = "expect", "expect: {ends: resolved}"
        fields.report(MissingKeyError, "a test lacks `expect:`", fields.tree.span, key=key, example=example)
    mode = fields.at_choice("mode", Mode)
    return TestCase(
        name=name.value if name else "",
        given=plain(given.tree) if given else {},
        mode=mode.value if mode else None,
        start=_start(fields),
        mocks=_located(fields, "mocks"),
        answers=_located(fields, "answers"),
        events=_located(fields, "events"),
        faults=tuple(At(value=plain(tree), span=tree.span) for tree in fields.items("faults", "faults")),
        expect=expect,
        span=fields.tree.span,
    )


def _start(fields: Fields) -> At[str] | None:
    found = fields.at_text("start")
    if found is not None and moment_ms(found.value) is None:
        hint = "Write a moment with an offset, such as `2026-11-27T03:00:00Z`."
        fields.report(WrongValueError, f"`start: {found.value}` is no moment", found.span, hint=hint)
        return None
    return found


def _located(fields: Fields, key: str) -> Mapping[str, At[Any]]:
    return {name: At(value=plain(tree), span=tree.span) for name, tree in fields.entries(key).items()}
