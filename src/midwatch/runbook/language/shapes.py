"""What may stand behind a key, as a word for people and a JSON Schema for machines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.base.classes import EffectClass, Mode, Outcome

NAME_PATTERN = "^[a-z][a-z0-9_]{0,62}$"
ID_PATTERN = "^[a-z0-9][a-z0-9._-]{0,99}$"
ASKED_PATTERN = "^(?:team|oncall|person|manager):[a-z0-9][a-z0-9._-]{0,99}$"
DURATION_PATTERN = r"^(?=\d)(?:\d{1,6}d)?(?:\d{1,6}h)?(?:\d{1,6}m)?(?:\d{1,8}s)?(?:\d{1,10}ms)?$"
TEXT_CHARACTERS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a value looks like."""

    word: str
    """How the reference calls it."""
    schema: Mapping[str, Any]
    """JSON Schema 2020-12; `$ref` names a block of the same table."""
    block: str = ""
    """The block whose keys it holds, by itself or as the items of a list."""
    block_of_values: str = ""
    """The block whose keys the values of a mapping hold, its own keys being the author's."""


def text_of(word: str, **more: Any) -> Shape:
    """Return the shape of a scalar that is read as text."""
    return Shape(word=word, schema={"type": ["string", "number", "boolean"], **more})


def word_of(*words: str) -> Shape:
    """Return the shape of one of some words."""
    return Shape(word=" · ".join(f"`{word}`" for word in words), schema={"enum": list(words)})


def integer_of(low: int, high: int) -> Shape:
    """Return the shape of a whole number within limits."""
    return Shape(
        word=f"whole number, {low} to {high}", schema={"type": "integer", "minimum": low, "maximum": high}
    )


def list_of(shape: Shape, word: str) -> Shape:
    """Return the shape of a list."""
    return Shape(
        word=f"list of {word}", schema={"type": "array", "items": dict(shape.schema)}, block=shape.block
    )


def map_of(shape: Shape, word: str, *, pattern: str = "") -> Shape:
    """Return the shape of a mapping whose keys are names of the author's own."""
    schema: dict[str, Any] = {"type": "object", "additionalProperties": dict(shape.schema)}
    if pattern:
        schema["propertyNames"] = {"pattern": pattern}
    return Shape(word=word, schema=schema, block_of_values=shape.block)


def block_of(name: str) -> Shape:
    """Return the shape of a mapping with the keys of a block of the table."""
    return Shape(word=f"[{name}](#{name})", schema={"$ref": f"#/$defs/{name}"}, block=name)


def either(word: str, *shapes: Shape) -> Shape:
    """Return the shape of a value that has one of several shapes."""
    block = next((shape.block for shape in shapes if shape.block), "")
    return Shape(word=word, schema={"anyOf": [dict(shape.schema) for shape in shapes]}, block=block)


TEXT = text_of("text")
CEL = text_of("[CEL](#expressions)")
CONDITION = text_of("CEL condition")
MESSAGE = text_of("text with `{{ CEL }}`")
FLAG = Shape(word="`true` or `false`", schema={"type": "boolean"})
ANY = Shape(word="any value", schema={})
NAME = Shape(word="name", schema={"type": "string", "pattern": NAME_PATTERN})
TASK = Shape(word="task", schema={"type": "string", "pattern": NAME_PATTERN})
ID = Shape(word="id", schema={"type": ["string", "number"], "pattern": ID_PATTERN})
ASKED = Shape(word="person, team, rotation or manager", schema={"type": "string", "pattern": ASKED_PATTERN})
DURATION = Shape(word="duration", schema={"type": "string", "pattern": DURATION_PATTERN})
USD = Shape(
    word="US dollars",
    schema={"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d{1,6})?$"}]},
)
MODE = word_of(*(mode.value for mode in Mode))
EFFECT = word_of(*(effect.value for effect in EffectClass))
OUTCOME = word_of(*(outcome.value for outcome in Outcome))
ENDINGS = word_of(*(outcome.value for outcome in Outcome if outcome is not Outcome.CANCELLED))
SCHEMA = Shape(word="JSON Schema", schema={"type": "object"})
SCHEMAS = map_of(SCHEMA, "field → JSON Schema", pattern=NAME_PATTERN)
ARGUMENTS = map_of(ANY, "argument → CEL or value")
TASKS = list_of(TASK, "tasks")
TURN_PATTERN = NAME_PATTERN.removesuffix("$") + r"(\[[1-9][0-9]*\])?$"
TURNS = list_of(
    Shape(word="task, or `task[2]`", schema={"type": "string", "pattern": TURN_PATTERN}),
    "tasks, of a loop its turns as `task[2]`",
)
TEXTS = list_of(TEXT, "texts")
ASKED_LIST = list_of(ASKED, "whom to ask")
