"""The shapes of what a scenario says, as JSON Schemas."""

from typing import Any

from midwatch.runbook.cel.schema import Schema, validate
from midwatch.runbook.errors import ValueMismatchError

TASK_LISTS = ("path", "undone", "skipped", "failed")
NUMBERS = ("effects", "asks", "rungs", "notified")
_DURATION = {
    "type": "string",
    "pattern": r"^(\d{1,6}d)?(\d{1,6}h)?(\d{1,6}m)?(\d{1,8}s)?(\d{1,10}ms)?$",
    "minLength": 2,
}
_TEXT = {"type": "string", "minLength": 1}
_TIMES = {"type": "integer", "minimum": 1, "maximum": 1000}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


FAILURE: Schema = _object({"fail": _TEXT}, {"why": _TEXT, "times": _TIMES, "then": {"type": "object"}})
"""A mock that fails, and what comes after so many times."""
SIGNAL: Schema = _object({}, {"data": {"type": "object"}, "after": _DURATION})
"""An event that arrives."""
ANSWER: Schema = {
    "anyOf": [
        {"const": "timeout"},
        _object({"approve": _TEXT}, {"after": _DURATION, "why": _TEXT}),
        _object({"deny": _TEXT}, {"after": _DURATION, "why": _TEXT}),
        _object({"late": _TEXT}, {"after": _DURATION}),
    ]
}
"""What a person says, or that nobody does."""
FAULTS: dict[str, Schema] = {
    "crash": _object({"crash": {"enum": ["before", "after"]}, "task": _TEXT}),
    "fail": _object({"fail": _TEXT}, {"times": _TIMES, "code": _TEXT, "why": _TEXT}),
    "silent": _object({"silent": _TEXT}, {"times": _TIMES}),
    "stop": _object({"stop": _DURATION}),
}
"""What goes wrong, by the key that says so."""


def fault_of(schema: Schema, value: object) -> str:
    """Return why a value has not the shape, or an empty text."""
    try:
        validate(schema, value, what="it")
    except ValueMismatchError as error:
        return error.sentence.removeprefix("it doesn't fit its schema").removeprefix(": ")
    return ""
