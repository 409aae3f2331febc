"""The cases of cel-spec that need no protobuf message: what they say, put to the library and to us."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]  # has stubs but no py.typed in 0.1.3

from midwatch.runbook.cel.library import environment
from midwatch.runbook.errors import ExpressionError, ExpressionTooCostlyError
from midwatch.runbook.expr import evaluate

Typed = Sequence[Any]
"""A value of the suite with its type: `["int", "123"]`, `["list", […]]`, `["error"]`."""
JSON_TYPES = {"null", "bool", "string", "int", "uint", "double"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One expression and what it gives."""

    name: str
    expr: str
    bindings: Mapping[str, Typed]
    expected: Typed


def cases_in(path: Path) -> list[Case]:
    """Return the cases of the suite that need no protobuf message, by file, section, name and number."""
    found: dict[str, Case] = {}
    for record in json.loads(path.read_text(encoding="utf-8")):
        if not record["proto"]:
            name = f"{record['file']}/{record['sec']}/{record['name']}"
            same = sum(1 for other in found if other.partition("#")[0] == name)
            name = f"{name}#{same + 1}" if same else name
            found[name] = Case(
                name=name, expr=record["expr"], bindings=record["bind"], expected=record["exp"]
            )
    return list(found.values())


# ---------------------------------------------------------------------------------- the library alone


def passes_alone(case: Case) -> bool:
    """Return whether the library, called directly, gives what the suite expects."""
    data = {name: plain(value) for name, value in case.bindings.items()}
    try:
        value = environment().compile(case.expr, disable_check=True).eval(data=data)
        return _is(value, case.expected)
    except (RuntimeError, TypeError):
        return expects_error(case)


def _is(value: cel.Value, expected: Typed) -> bool:
    kind = value.type().name().partition("<")[0].partition("(")[0].lower()
    if kind != expected[0]:
        return False
    inner = value.value()
    match kind:
        case "error":
            return True
        case "list":
            return len(inner) == len(expected[1]) and all(map(_is, inner, expected[1]))
        case "map":
            wanted = [(plain(key), item) for key, item in expected[1]]
            return len(inner) == len(wanted) and all(
                any(same(key, other) and _is(found, item) for other, found in inner.items())
                for key, item in wanted
            )
        case "bytes":
            return bool(bytes(inner) == plain(expected))
        case _:
            return same(inner, plain(expected))


# ------------------------------------------------------------------------------------------------ ours


def passes_here(case: Case) -> bool:
    """Return whether our evaluation gives what the suite expects.

    A value that is no JSON (bytes, infinity, a map with numbers as keys) can't leave our evaluation: it is
    compared inside of it, as `(expr) == value`.
    """
    scope = nested(case.bindings)
    try:
        if case.expected[0] == "error":
            evaluate(case.expr, scope)
            return False
        if not is_json(case.expected):
            is_so = "({0}) != ({0})" if is_nan(case.expected) else f"({{0}}) == {written(case.expected)}"
            return evaluate(is_so.format(case.expr), scope) is True
        if case.expected[0] == "uint" and evaluate(f"type({case.expr}) == uint", scope) is not True:
            return False
        return same(evaluate(case.expr, scope), plain(case.expected))
    except ExpressionTooCostlyError:
        return False  # refused: not computed, and no error of the expression's own
    except ExpressionError:
        return expects_error(case)


def expects_error(case: Case) -> bool:
    return bool(case.expected[0] == "error")


def nested(bindings: Mapping[str, Typed]) -> dict[str, Any]:
    """Return what an expression sees: `a.b` is the field `b` of `a`, as outputs of tasks are."""
    scope: dict[str, Any] = {}
    for name in sorted(bindings, key=len):
        *above, last = name.split(".")
        place = scope
        for part in above:
            place = place.setdefault(part, {})
        place[last] = plain(bindings[name])
    return scope


def is_json(typed: Typed) -> bool:
    match typed[0]:
        case "double":
            return math.isfinite(float(typed[1]))
        case "list":
            return all(map(is_json, typed[1]))
        case "map":
            return all(key[0] == "string" and is_json(value) for key, value in typed[1])
        case kind:
            return kind in JSON_TYPES


def is_nan(typed: Typed) -> bool:
    return typed[0] == "double" and math.isnan(float(typed[1]))


# ---------------------------------------------------------------------------------------------- values


def plain(typed: Typed) -> Any:
    """Return a value of the suite as Python has it."""
    match typed[0]:
        case "null":
            return None
        case "int" | "uint":
            return int(typed[1])
        case "double":
            return float(typed[1])
        case "bytes":
            return bytes.fromhex(typed[1])
        case "list":
            return [plain(item) for item in typed[1]]
        case "map":
            return {plain(key): plain(value) for key, value in typed[1]}
        case _:
            return typed[1]


def same(one: Any, other: Any) -> bool:
    """Return whether two plain values are the same, types too: 1 is neither 1.0 nor true."""
    if type(one) is not type(other):
        return False
    match one:
        case list():
            return len(one) == len(other) and all(map(same, one, other))
        case dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case float() if math.isnan(one):
            return math.isnan(other)
        case _:
            return bool(one == other)


def written(typed: Typed) -> str:
    """Return a value as CEL spells it."""
    match typed[0]:
        case "null":
            return "null"
        case "bool":
            return "true" if typed[1] else "false"
        case "uint":
            return f"{typed[1]}u"
        case "double":
            value = float(typed[1])
            return repr(value) if math.isfinite(value) else f"({'-' if value < 0 else ''}1.0 / 0.0)"
        case "bytes":
            return 'b"' + "".join(f"\\x{byte:02x}" for byte in bytes.fromhex(typed[1])) + '"'
        case "string":
            return json.dumps(typed[1], ensure_ascii=False)
        case "list":
            return f"[{', '.join(map(written, typed[1]))}]"
        case "map":
            return f"{{{', '.join(f'{written(key)}: {written(value)}' for key, value in typed[1])}}}"
        case _:
            return str(typed[1])
