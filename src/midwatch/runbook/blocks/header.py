"""The header (`runbook: v1`)."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from midwatch.base.classes import Mode
from midwatch.base.units import DurationMs
from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.cel.schema import coerce, validate
from midwatch.runbook.errors import MissingKeyError, ValueMismatchError, WrongValueError
from midwatch.runbook.model import At, Budget, Header, Rung, StopRule
from midwatch.runbook.yaml import Mapping as MappingTree
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
        ladder=ladder_of(fields),
        triggers=_triggers(fields),
        metrics=_metrics(fields),
        last_rehearsed=_rehearsed(fields),
        on_stop=fields.choice("on_stop", StopRule, StopRule.UNDO),
        extras=fields.extras(),
        span=fields.tree.span,
    )
    header = replace(header, **_outputs(fields))
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


def _rehearsed(fields: Fields) -> At[str] | None:
    found = fields.at_text("last_rehearsed")
    if found is None:
        return None
    try:
        dt.date.fromisoformat(found.value)
    except ValueError:
        sentence = f"`last_rehearsed: {found.value}` is no day"
        fields.report(WrongValueError, sentence, found.span, hint="Write a day, such as `2026-11-20`.")
        return None
    return found


def _outputs(fields: Fields) -> dict[str, Any]:
    """Return `out:`, each output a JSON Schema with `value:`, the CEL that gives it."""
    out: dict[str, At[Mapping[str, Any]]] = {}
    values: dict[str, At[str]] = {}
    for name, tree in fields.entries("out").items():
        out[name] = fields.as_schema(tree, f"out.{name}", name, but="value")
        value = tree.get("value") if isinstance(tree, MappingTree) else None
        if isinstance(tree, MappingTree) and value is None:
            example = f"{name}: {{type: integer, value: task.field}}"
            sentence = f"`out.{name}` of the header lacks `value:`"
            fields.report(MissingKeyError, sentence, tree.span, key="value", example=example)
        source = None if value is None else fields.as_text(value, f"out.{name}.value")
        if source is not None:
            values[name] = source
    return {"out": out, "values": values}


def ladder_of(fields: Fields) -> tuple[Rung, ...]:
    """Return the rungs under `ladder:`."""
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
