"""The runbooks that a runbook calls, read and checked before it is compiled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch.runbook.cel.schema import Schema, object_of
from midwatch.runbook.model import Header, Runbook

DEPTH_MAX = 5
CALLS_MAX = 200
"""Of one runbook, those of its callees and theirs among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A runbook that a task calls, without errors, with those that it calls itself."""

    runbook: Runbook
    header: Header
    outs: Mapping[str, Schema]
    """Output schema of each of its tasks."""
    below: Mapping[str, "Called"] = field(default_factory=dict)
    """Name of each of its call tasks to the runbook that it calls."""
    calls: int = 1
    """How many runs it may be, those that it calls among them."""


def run_schema(header: Header) -> dict[str, Any]:
    """Return the JSON Schema of what a run gives; what can't be read is null."""
    return object_of({name: _or_null(at.value) for name, at in header.out.items()})


def called_outs(called: Mapping[str, Called]) -> dict[str, Schema]:
    """Return the output schema of each call task."""
    return {
        name: object_of({field: at.value for field, at in one.header.out.items()})
        for name, one in called.items()
    }


def _or_null(schema: Schema) -> Schema:
    declared = schema.get("type")
    if isinstance(declared, str) and declared != "null":
        return {**schema, "type": [declared, "null"]}
    if "enum" in schema and None not in schema["enum"]:
        return {**schema, "enum": [*schema["enum"], None]}
    return schema
