"""The header (`runbook: v1`) and the scenarios (`tests:`)."""

import re
from collections.abc import Mapping
from typing import Any

from midwatch.base.classes import Mode
from midwatch.base.units import DurationMs
from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.cel.schema import coerce, validate
from midwatch.runbook.errors import MissingKeyError, ValueMismatchError, WrongValueError
from midwatch.runbook.model import At, Budget, Header, Rung, TestCase
from midwatch.runbook.yaml import Scalar, Tree, plain

FORMAT = "v1"
COUNT_MAX = 1_000_000_000
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_ASKED = re.compile(r"(?:team|oncall|person|manager):[a-z0-9][a-z0-9._-]{0,99}")


def header_of(fields: Fields, title: str) -> Header:
    """Return the header; what is wrong with it is among the findings of `fields`.

    Args:
        fields: the block.
        title: the document's first heading, for a header without `title:`.
    """
    version = fields.at_text("runbook")
    if version is not None and version.value != FORMAT:
        sentence = f"the header says `runbook: {version.value}`"
        fields.report(
            WrongValueError, sentence, version.span, hint=f"This release reads `runbook: {FORMAT}`."
        )
    header = Header(
        id=_id(fields),
        title=fields.text("title", title),
        version=fields.text("version"),
        owner=fields.text("owner"),
        mode=fields.choice("mode", Mode, Mode.APPROVE),
        inputs=_inputs(fields),
        tools=fields.texts("tools", "tools"),
        budget=budget_of(fields),
        ladder=_ladder(fields),
        triggers=_triggers(fields),
        metrics=_metrics(fields),
        last_rehearsed=fields.text("last_rehearsed"),
        span=fields.tree.span,
    )
    fields.close()
    return header


def budget_of(fields: Fields) -> Budget:
    """Return the caps under `budget:`."""
    below = fields.mapping("budget")
    if below is None:
        return Budget()
    budget = Budget(
        usd_micro=below.usd("usd"),
        tokens=below.integer("tokens", low=0, high=COUNT_MAX),
        working_time_ms=below.duration("working_time"),
        tool_calls=below.integer("tool_calls", low=0, high=COUNT_MAX),
        effects=below.integer("effects", low=0, high=COUNT_MAX),
    )
    below.close()
    return budget


def asked_of(fields: Fields, tree: Tree, key: str) -> At[str] | None:
    """Return who is asked: `team:…`, `oncall:…`, `person:…` or `manager:…`."""
    if not isinstance(tree, Scalar) or not _ASKED.fullmatch(tree.written):
        fields.wrong(
            tree, key, "somebody to ask, such as `oncall:dba`, `team:dba`, `person:kim` or `manager:data`"
        )
        return None
    return At(value=tree.written, span=tree.span)


def tests_of(fields: Fields) -> tuple[TestCase, ...]:
    """Return the scenarios of a `tests:` block."""
    cases: list[TestCase] = []
    for tree in fields.items("tests", "tests"):
        below = fields.as_mapping(tree, "tests")
        if below is None:
            continue
        name = below.required("name", "a false alarm does nothing")
        given = below.plain("given")
        expect = _located(below, "expect")
        if not expect:
            below.report(
                MissingKeyError,
                "a test lacks `expect:`",
                tree.span,
                key="expect",
                example="expect: {ends: resolved}",
            )
        cases.append(
            TestCase(
                name=name.value if name else "",
                given=given if isinstance(given, dict) else {},
                mocks=_located(below, "mocks"),
                answers=_located(below, "answers"),
                expect=expect,
                span=tree.span,
            )
        )
        below.close()
    fields.close()
    return tuple(cases)


def _located(fields: Fields, key: str) -> Mapping[str, At[Any]]:
    return {name: At(value=plain(tree), span=tree.span) for name, tree in fields.entries(key).items()}


def _id(fields: Fields) -> At[str]:
    found = fields.required("id", "disk-pressure")
    if found is None:
        return At(value="", span=fields.tree.span)
    if not _ID.fullmatch(found.value):
        hint = "Write lower-case letters, digits, `.`, `_` and `-`, such as `disk-pressure`."
        fields.report(WrongValueError, f"`id: {found.value}` is no id", found.span, hint=hint)
    return found


def _inputs(fields: Fields) -> dict[str, At[Mapping[str, Any]]]:
    inputs = fields.schemas("inputs")
    for name, at in inputs.items():
        if "default" in at.value:
            try:
                validate(at.value, coerce(at.value, at.value["default"]), what=f"the default of `{name}`")
            except ValueMismatchError as error:
                fields.report(ValueMismatchError, error.sentence, at.span)
    return inputs


def _ladder(fields: Fields) -> tuple[Rung, ...]:
    rungs: list[Rung] = []
    for tree in fields.items("ladder", "rungs"):
        below = fields.as_mapping(tree, "ladder")
        if below is None:
            continue
        ask = below.get("ask")
        within_ms = below.duration("within")
        via = tuple(channel.value for channel in below.texts("via", "channels"))
        below.close()
        if ask is None or (within_ms is None and below.get("within") is None):
            key, example = ("ask", "ask: oncall:dba") if ask is None else ("within", "within: 10m")
            below.report(
                MissingKeyError, f"a rung of the ladder lacks `{key}:`", tree.span, key=key, example=example
            )
            continue
        asked = asked_of(below, ask, "ask")
        if asked is not None:
            rungs.append(Rung(ask=asked, within_ms=within_ms or DurationMs(0), via=via))
    return tuple(rungs)


def _triggers(fields: Fields) -> tuple[Mapping[str, Any], ...]:
    found: list[Mapping[str, Any]] = []
    for tree in fields.items("triggers", "triggers"):
        below = fields.as_mapping(tree, "triggers")
        if below is None:
            continue
        found.append({key: below.plain(key) for key in ("alert", "chat", "schedule", "key", "with")})
        below.close()
    return tuple({key: value for key, value in trigger.items() if value is not None} for trigger in found)


def _metrics(fields: Fields) -> Mapping[str, Any]:
    return {name: plain(tree) for name, tree in fields.entries("metrics").items()}
