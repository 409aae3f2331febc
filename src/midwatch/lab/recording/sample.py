"""The simplest value that fits a JSON Schema: what stands in the place of a personal or secret one."""

from collections.abc import Mapping
from typing import Any

_PLAIN: Mapping[str, Any] = {
    "string": "sample",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "array": [],
    "object": {},
    "null": None,
}


def sample_of(schema: Mapping[str, Any]) -> Any:
    """Return a value of a schema, the same one each time; "sample" where the schema says nothing."""
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    match kind:
        case "object":
            fields: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
            return {name: sample_of(below) for name, below in fields.items()}
        case "array":
            return [sample_of(schema.get("items", {}))] * int(schema.get("minItems", 0))
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        case "string":
            text = "sample"
            text += "x" * max(0, int(schema.get("minLength", 0)) - len(text))
            return text[: int(schema.get("maxLength", len(text)))]
        case _:
            return _PLAIN.get(kind, "sample")


def alike(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a sample with the shape of a value: as many items of a list, the same fields."""
    if isinstance(value, Mapping):
        fields: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
        return {name: alike(part, fields.get(name, {})) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [alike(part, schema.get("items", {})) for part in value]
    if schema:
        return sample_of(schema)
    match value:
        case bool() | int() | float() | None:
            return type(value)() if value is not None else None
        case _:
            return "sample"
