"""The JSON Schema of blocks, made from the table of keys.

It says what a block looks like; whether tasks, names and expressions fit together is lint's business.
"""

from collections.abc import Mapping
from typing import Any

from midwatch.runbook.language.keys import BLOCKS, Key
from midwatch.runbook.model import Kind

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ROOTS = ("header", "task", "tests", "include")
"""The blocks that stand in a document; the others stand inside of them."""
OWN_KEYS = "^x-"
OPEN_BLOCKS = frozenset({"output"})
"""Blocks that take other keys too: a JSON Schema has many."""


def json_schema(name: str = "all") -> dict[str, Any]:
    """Return the JSON Schema 2020-12 of a block.

    Args:
        name: `header`, `task`, `tests`, `include`; or `all` for any of them.
    """
    assert name == "all" or name in ROOTS
    root = (
        {"anyOf": [{"$ref": f"#/$defs/{each}"} for each in ROOTS]}
        if name == "all"
        else {"$ref": f"#/$defs/{name}"}
    )
    used = _used(ROOTS if name == "all" else (name,))
    title = "A block of a runbook" if name == "all" else f"The block `{name}` of a runbook"
    return {
        "$schema": DIALECT,
        "title": title,
        **root,
        "$defs": {each: _block(each) for each in BLOCKS if each in used},
    }


def _used(names: tuple[str, ...]) -> set[str]:
    used: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            shapes = [key.shape for key in BLOCKS[name].values()]
            waiting += filter(
                None, [*(one.block for one in shapes), *(one.block_of_values for one in shapes)]
            )
    return used


def _block(name: str) -> dict[str, Any]:
    keys = BLOCKS[name]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {key.name: _key(key) for key in keys.values()},
        "patternProperties": {OWN_KEYS: True},
        "additionalProperties": name in OPEN_BLOCKS,
    }
    required = [key.name for key in keys.values() if key.is_required]
    if required:
        schema["required"] = required
    if name == "task":
        schema["allOf"] = [_kind(kind, keys) for kind in Kind]
    return schema


def _key(key: Key) -> dict[str, Any]:
    """Return the schema of a key's value; a null counts as absent."""
    shape = dict(key.shape.schema)
    if not shape or key.is_required:
        return {"description": key.about, **shape}
    return {"description": key.about, "anyOf": [shape, {"type": "null"}]}


def _kind(kind: Kind, keys: Mapping[str, Key]) -> dict[str, Any]:
    """Return that a task of a kind has no key of another kind's."""
    foreign = [key.name for key in keys.values() if key.kinds and kind.value not in key.kinds]
    required = [key.name for key in keys.values() if kind.value in key.required_of]
    then: dict[str, Any] = {"properties": dict.fromkeys(foreign, False)}
    if required:
        then["required"] = required
    return {"if": {"properties": {"kind": {"const": kind.value}}, "required": ["kind"]}, "then": then}
