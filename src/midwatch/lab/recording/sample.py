"""The simplest value that fits a JSON Schema: what stands in the place of a personal or secret one."""

from collections.abc import Mapping
from typing import Any

from midwatch.runbook.errors import ValueMismatchError
from midwatch.runbook.expr import validate

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


class Disguise:
    """Samples in the place of values, the same one for the same value, so that what is compared stays so.

    Texts keep their shape (`/home/kim` becomes `/aaaa/aab`), numbers become small ones; words of an `enum`
    and booleans stay as they are.
    """

    def __init__(self) -> None:
        """Have seen nothing yet."""
        self._texts: dict[str, dict[str, str]] = {}
        """Shape to the texts that have it, each with its sample."""
        self._numbers: dict[float, int] = {}

    def of(self, value: Any, schema: Mapping[str, Any]) -> Any:
        """Return a sample with the shape of a value: as many items of a list, the same fields."""
        if isinstance(value, Mapping):
            fields: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
            return {name: self.of(part, fields.get(name, {})) for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(part, schema.get("items", {})) for part in value]
        if value is None or isinstance(value, bool) or "enum" in schema or "const" in schema:
            return value
        sample = self._text(value) if isinstance(value, str) else self._number(value, schema)
        return sample if _fits(schema, sample) else sample_of(schema)

    def _text(self, text: str) -> str:
        known = self._texts.setdefault(_shape(text), {})
        return known.setdefault(text, _numbered(_shape(text), len(known)))

    def _number(self, value: float, schema: Mapping[str, Any]) -> Any:
        number = self._numbers.setdefault(value, len(self._numbers))
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return type(value)(low + number)


def _shape(text: str) -> str:
    return "".join(
        "0" if char.isdigit() else "A" if char.isupper() else "a" if char.isalpha() else char for char in text
    )


def _numbered(shape: str, number: int) -> str:
    """Return the text of a shape that has a number: counted in its letters and digits, the last one first."""
    chars, left = list(shape), number
    for at in range(len(chars) - 1, -1, -1):
        size = {"0": 8, "A": 26, "a": 26}.get(chars[at], 1)
        left, step = divmod(left, size)
        chars[at] = chr(ord(chars[at]) + step)
    return "".join(chars)


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    try:
        validate(schema, value, what="the sample")
    except ValueMismatchError:
        return False
    return True
