"""JSON Schema where the language touches it: fields, their CEL types, and values made to fit.

The only place that knows the validator.
"""

import difflib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs

from midwatch.base.canonical import canonical, frozen_value, thawed_value
from midwatch.runbook.errors import ValueMismatchError

Schema = Mapping[str, Any]

DEPTH_MAX = 32
ONE_OF = "one_of"
"""Our own keyword: the value is an item of the list that an expression gives (`one_of: measure.apps`)."""
_CACHE_SIZE = 512
_OF_SCHEMAS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_WITH_SCHEMA = frozenset(
    {"items", "prefixItems", "contains", "additionalProperties", "propertyNames", "unevaluatedItems"}
    | {"unevaluatedProperties", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"}
)
_KEYWORDS = (
    _OF_SCHEMAS
    | _WITH_SCHEMA
    | {
        "type",
        "enum",
        "const",
        "default",
        "title",
        "description",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
    }
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType", "contentSchema"}
    | {"minItems", "maxItems", "uniqueItems", "minContains", "maxContains"}
    | {"minProperties", "maxProperties", "required", "dependentRequired"}
    | {ONE_OF}
)
_OF_PYTHON = ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (type(None), "null"))


def type_of(schema: Schema) -> str:
    """Return the JSON type that values of the schema have, or an empty text where there may be several."""
    declared = schema.get("type")
    if isinstance(declared, str):
        return declared
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    examples = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(examples, list) and examples:
        types = {_type_of_value(example) for example in examples}
        return types.pop() if len(types) == 1 else ""
    return ""


def properties_of(schema: Schema) -> Mapping[str, Schema]:
    """Return the declared fields of an object, empty where none are declared."""
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def is_closed(schema: Schema) -> bool:
    """Return whether a field that is not declared is a mistake rather than a surprise."""
    return "properties" in schema and schema.get("additionalProperties", False) is False


def items_of(schema: Schema) -> Schema:
    """Return the schema of the items of an array, empty where it is not declared."""
    items = schema.get("items")
    return items if isinstance(items, Mapping) else {}


def object_of(fields: Mapping[str, Schema], *, optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the schema of an object with exactly these fields."""
    return {
        "type": "object",
        "properties": {name: dict(schema) for name, schema in fields.items()},
        "required": [name for name in fields if name not in optional],
        "additionalProperties": False,
    }


def coerce(schema: Schema, value: Any) -> Any:
    """Return `value` with the numbers that its schema wants: 97 for `number` is 97.0, 3.0 for `integer` is 3.

    CEL tells int from double, JSON doesn't. What doesn't fit is returned as it is, for `validate` to say.
    """
    match value:
        case bool() | None | str():
            return value
        case int() if type_of(schema) == "number":
            return float(value)
        case float() if type_of(schema) == "integer" and value.is_integer():
            return int(value)
        case Mapping():
            properties = properties_of(schema)
            other = schema.get("additionalProperties")
            rest = other if isinstance(other, Mapping) else {}
            return {name: coerce(properties.get(name, rest), item) for name, item in value.items()}
        case list() | tuple():
            items = items_of(schema)
            return [coerce(items, item) for item in value]
        case _:
            return value


def validate(schema: Schema, value: Any, *, what: str) -> None:
    """Check a value against its schema.

    Args:
        schema: checked before by `schema_fault`.
        value: plain JSON.
        what: names the value in the error, e.g. "the output of measure".

    Raises:
        ValueMismatchError: MW147, with the path of the first thing that doesn't fit.
    """
    error = next(_validator_of(_Same(schema)).iter_errors(value), None)
    if error is not None:
        path = ".".join(str(part) for part in error.instance_path)
        where = f" at `{path}`" if path else ""
        raise ValueMismatchError(f"{what} doesn't fit its schema{where}: {error.message}", path=path)


def schema_fault(schema: Any) -> str:
    """Return what keeps `schema` from being a JSON Schema that stands on its own, or an empty text.

    `$ref` and its kin are refused: the validator would follow an address to the network, and what is
    reviewed would not be all that counts.
    """
    if not isinstance(schema, Mapping):
        return "it is not a mapping"
    fault = _unknown_keyword(schema, 0)
    if fault:
        return fault
    try:
        jsonschema_rs.meta.validate(dict(schema))
        _compiled(schema)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        return str(getattr(error, "message", error)).splitlines()[0]
    return ""


def _unknown_keyword(schema: Any, depth: int) -> str:
    """Return what is wrong with the keywords of a schema and those below it: a typo would check nothing."""
    if depth > DEPTH_MAX:
        return f"it is nested deeper than {DEPTH_MAX} levels"
    if not isinstance(schema, Mapping):
        return ""
    below: list[Any] = []
    for key, value in schema.items():
        if str(key).startswith("$"):
            return f"`{key}` is not allowed: write the schema out"
        if key not in _KEYWORDS and not str(key).startswith("x-"):
            near = difflib.get_close_matches(str(key), _KEYWORDS, n=1, cutoff=0.6)
            return f"unknown keyword `{key}`" + (f"; did you mean `{near[0]}`?" if near else "")
        if key in _OF_SCHEMAS and isinstance(value, Mapping):
            below.extend(value.values())
        elif key in _WITH_SCHEMA:
            below.extend(value if isinstance(value, list) else [value])
    return next(filter(None, (_unknown_keyword(item, depth + 1) for item in below)), "")


def _compiled(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    # Patterns by a linear-time engine, and nothing is ever fetched.
    return jsonschema_rs.Draft202012Validator(
        dict(schema), pattern_options=jsonschema_rs.RegexOptions(), retriever=_refuse
    )


def _refuse(address: str) -> Any:
    raise KeyError(address)


class _Same:
    """A schema that is known again by being the same object: plans and manifests are never changed."""

    __slots__ = ("schema",)

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def __hash__(self) -> int:
        return id(self.schema)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.schema is self.schema


@lru_cache(maxsize=_CACHE_SIZE)
def _validator_of(same: _Same) -> jsonschema_rs.Draft202012Validator:
    return _validator(canonical(frozen_value(dict(same.schema))))


@lru_cache(maxsize=_CACHE_SIZE)
def _validator(schema: bytes) -> jsonschema_rs.Draft202012Validator:
    return _compiled(thawed_value(json.loads(schema)))


def _type_of_value(value: Any) -> str:
    return next(
        (name for kind, name in _OF_PYTHON if isinstance(value, kind)),
        "array" if isinstance(value, list) else "object",
    )
