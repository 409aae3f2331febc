"""Checking an expression against the declared outputs, before anything runs.

Two readers look at it. The first walks the tree along the JSON Schemas, so that a typo in a field
name is found at any depth, inside of `all` and `map` too. The second is the library's own checker,
which is given each declared field as a typed name and finds what can't be compared or added.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cel_expr_python import cel  # type: ignore[import-untyped]  # has stubs but no py.typed in 0.1.3

from midwatch.runbook.cel.evaluation import parsed
from midwatch.runbook.cel.library import environment
from midwatch.runbook.cel.schema import Schema, is_closed, items_of, properties_of, type_of
from midwatch.runbook.cel.syntax import (
    UNUSED,
    Array,
    Call,
    Comprehension,
    Const,
    Ident,
    Node,
    Select,
    Struct,
    children,
)
from midwatch.runbook.errors import ExpressionError, ExpressionTypeError, UnknownNameError

TypeScope = Mapping[str, Schema]
"""Root name to the JSON Schema of its value."""

FIELDS_DEPTH_MAX = 4
_CACHE_SIZE = 256
_REPORT = re.compile(r"ERROR: <input>:(?P<line>-?\d+):(?P<column>-?\d+): (?P<sentence>.*)")
_HAS = re.compile(r"(?<![\w.])has\(([^()]+)\)")
_APPLIED = re.compile(r"found no matching overload for '(?P<function>[^']*)' applied to '(?P<types>[^']*)'")
_SCHEMAS: Mapping[str, Schema] = {
    "BOOL": {"type": "boolean"},
    "DOUBLE": {"type": "number"},
    "INT": {"type": "integer"},
    "NULL": {"type": "null"},
    "STRING": {"type": "string"},
    "UINT": {"type": "integer"},
}
_OPERATORS = {"_>_", "_>=_", "_<_", "_<=_", "_==_", "_!=_", "_+_", "_-_", "_*_", "_/_"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CelType:
    """What an expression gives."""

    name: str
    """CEL's name in lower case: `bool`, `int`, `double`, `string`, `list`, `map`, `null`, `dyn`."""
    schema: Schema = field(default_factory=dict)
    """As much of a JSON Schema as is known of its value."""


def check(source: str, types: TypeScope) -> CelType:
    """Return the type of an expression over declared names.

    An unused name of `types` costs nothing. An object whose fields are declared has no others.

    Raises:
        ExpressionError: MW140 (not CEL), MW141 (types don't fit), MW142 (a name is not declared),
            MW143 (beyond a limit); the fact `offset` is where in the source.
    """
    expression = parsed(source)
    known = _Walk(source=source).schema_of(expression.tree, types)
    try:
        program = _environment(_declarations(types, expression.roots)).compile(_without_tests(source))
    except RuntimeError as error:
        raise _type_error(source, str(error), expression.tree) from None
    name = program.return_type().name()
    plain = name.partition("<")[0].partition("(")[0]
    return CelType(
        name=plain.lower(), schema=known or _SCHEMAS.get(plain, {"type": "array"} if plain == "LIST" else {})
    )


def _without_tests(source: str) -> str:
    """Return the expression with each `has(…)` as a plain `true` of the same length.

    The library takes `has(a.b)` for the value of the name `a.b` where that is declared.
    """
    return _HAS.sub(lambda found: f"(true{' ' * (len(found[1]) - 1)})", source)


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return "Did you mean `x`? " for the nearest of some words, or an empty text."""
    near = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`? " if near else ""


# ------------------------------------------------------------------------------- along the schemas


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    source: str

    def schema_of(self, node: Node, scope: TypeScope) -> Schema:
        """Return what is known of the node's value; an empty schema means nothing is."""
        match node:
            case Ident(name=name):
                if name not in scope:
                    raise self._unknown(name, name, scope, node.at)
                return scope[name]
            case Select():
                return self._field(node.operand, node.field, node, scope)
            case Call(function="_[_]", args=(operand, Const(value=str(name)))):
                return self._field(operand, name, node, scope)
            case Call(function="_?._" | "_[?_]", args=(operand, Const(value=str(name)))):
                self._field(operand, name, node, scope)
                return {}
            case Call(function="_[_]", args=(operand, index)):
                self.schema_of(index, scope)
                over = self.schema_of(operand, scope)
                return items_of(over) if type_of(over) == "array" else _extra(over)
            case Comprehension():
                return self._loop(node, scope)
            case Const(value=value) if isinstance(value, str):
                return {"type": "string", "const": value}
            case Call(function="_==_" | "_!=_", args=(left, right)):
                self._compared(self.schema_of(left, scope), self.schema_of(right, scope), node.at)
                return {}
            case Struct(entries=entries):
                fields = {
                    key.value: self.schema_of(value, scope)
                    for key, value in entries
                    if isinstance(key, Const) and isinstance(key.value, str)
                }
                return (
                    {"type": "object", "properties": fields}
                    if len(fields) == len(entries)
                    else {"type": "object"}
                )
            case Array(items=items):
                schemas = [self.schema_of(item, scope) for item in items]
                same = schemas and all(schema == schemas[0] for schema in schemas)
                return {"type": "array", "items": schemas[0]} if same else {"type": "array"}
            case Call(function="_?_:_", args=(condition, yes, no)):
                self.schema_of(condition, scope)
                first, second = self.schema_of(yes, scope), self.schema_of(no, scope)
                return first if first == second else {}
            case _:
                for child in children(node):
                    self.schema_of(child, scope)
                return {}

    def _compared(self, left: Schema, right: Schema, at: int) -> None:
        """Refuse a comparison with a word that the other side can never be."""
        for one, other in ((left, right), (right, left)):
            allowed, word = one.get("enum"), other.get("const")
            if isinstance(allowed, list) and isinstance(word, str) and word not in allowed:
                words = [str(item) for item in allowed]
                hint = f"{did_you_mean(word, words)}Possible: {', '.join(words)}."
                raise ExpressionTypeError(
                    f"in `{self.source}`, nothing is ever `{word}`", source=self.source, hint=hint, offset=at
                )

    def _field(self, operand: Node, name: str, node: Node, scope: TypeScope) -> Schema:
        above = self.schema_of(operand, scope)
        properties = properties_of(above)
        if name in properties:
            return properties[name]
        if is_closed(above):
            path = f"{_written(operand)}.{name}"
            raise self._unknown(name, path, properties, node.at)
        return _extra(above)

    def _loop(self, node: Comprehension, scope: TypeScope) -> Schema:
        over = self.schema_of(node.over, scope)
        item: Schema = items_of(over) if type_of(over) != "object" else {"type": "string"}
        start = self.schema_of(node.start, scope)
        if node.variable == UNUSED:
            return self.schema_of(node.result, {**scope, node.accumulator: start})
        inner = {**scope, node.variable: item, node.accumulator: {}}
        self.schema_of(node.condition, inner)
        self.schema_of(node.step, inner)
        self.schema_of(node.result, inner)
        if isinstance(node.start, Array):
            return {"type": "array", "items": self._collected(node, inner)}
        return (
            {"type": "boolean"}
            if isinstance(node.start, Const) and isinstance(node.start.value, bool)
            else start
        )

    def _collected(self, node: Comprehension, inner: TypeScope) -> Schema:
        """Return the schema of the items that `map` and `filter` collect: `@result + [item]`."""
        match node.step:
            case Call(function="_+_", args=(_, Array(items=(one,)))):
                return self.schema_of(one, inner)
            case Call(function="_?_:_", args=(_, Call(function="_+_", args=(_, Array(items=(one,)))), _)):
                return self.schema_of(one, inner)
            case _:
                return {}

    def _unknown(self, name: str, path: str, known: Iterable[str], at: int) -> ExpressionError:
        words = sorted(word for word in known if not word.startswith("@"))
        return UnknownNameError(
            f"the expression `{self.source}` reads `{path}`, which nothing declares",
            source=self.source,
            name=path,
            hint=did_you_mean(name, words),
            known=", ".join(words) or "nothing",
            offset=at,
        )


def _extra(schema: Schema) -> Schema:
    extra = schema.get("additionalProperties")
    return extra if isinstance(extra, Mapping) else {}


def _written(node: Node) -> str:
    match node:
        case Ident(name=name):
            return name
        case Select(operand=operand, field=name):
            return f"{_written(operand)}.{name}"
        case Call(function="_[_]", args=(operand, _)):
            return f"{_written(operand)}[…]"
        case _:
            return "…"


# ---------------------------------------------------------------------------- the library's checker


def _declarations(types: TypeScope, roots: Iterable[str]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for root in roots:
        _declare(root, types[root], 0, found)
    return tuple(sorted(found.items()))


def _declare(path: str, schema: Schema, depth: int, found: dict[str, str]) -> None:
    found[path] = _signature(schema)
    if type_of(schema) == "object" and depth < FIELDS_DEPTH_MAX:
        for name, below in properties_of(schema).items():
            if name.isidentifier():
                _declare(f"{path}.{name}", below, depth + 1, found)


def _signature(schema: Schema) -> str:
    match type_of(schema):
        case "array":
            return f"list({_signature(items_of(schema))})"
        case "object":
            return "map(string, dyn)"
        case "boolean":
            return "bool"
        case "integer":
            return "int"
        case "number":
            return "double"
        case "string":
            return "string"
        case _:
            return "dyn"


@lru_cache(maxsize=_CACHE_SIZE)
def _environment(declarations: tuple[tuple[str, str], ...]) -> Any:
    return environment({name: _cel_type(signature) for name, signature in declarations})


def _cel_type(signature: str) -> cel.Type:
    if signature.startswith("list("):
        return cel.Type.List(_cel_type(signature[5:-1]))
    if signature.startswith("map("):
        return cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    return cel.Type(signature)


def _type_error(source: str, report: str, tree: Node) -> ExpressionError:
    found = _REPORT.search(report)
    sentence = found["sentence"].removesuffix(" [INVALID_ARGUMENT]") if found else report
    offset = max(0, int(found["column"]) - 1) if found else 0
    applied = _APPLIED.search(sentence)
    if applied:
        return _mismatch(source, offset, applied["function"], applied["types"].strip("()").split(", "), tree)
    name = re.search(r"undeclared reference to '([^']*)'", sentence)
    if name:
        return UnknownNameError(
            f"the expression `{source}` uses `{name[1]}`, which CEL doesn't know",
            source=source,
            name=name[1],
            hint="",
            known="the standard functions of CEL",
            offset=offset,
        )
    return ExpressionTypeError(
        f"the parts of `{source}` don't fit: {sentence}",
        source=source,
        hint="Compare values of one type.",
        offset=offset,
    )


def _mismatch(source: str, offset: int, function: str, types: list[str], tree: Node) -> ExpressionError:
    written = function.replace("_", "") if function in _OPERATORS else function
    hint = "Compare and combine values of one type; `double(…)`, `int(…)` and `string(…)` convert."
    if sorted(types) == ["double", "int"]:
        literal = _integer_literal(tree, offset)
        fix = (
            f"write {literal}.0 instead of {literal}"
            if literal is not None
            else "convert one side: `double(…)`"
        )
        hint = f"CEL doesn't mix whole numbers with fractions: {fix}."
    return ExpressionTypeError(
        f"in `{source}`, `{written}` can't be applied to {' and '.join(types)}",
        source=source,
        hint=hint,
        offset=offset,
    )


def _integer_literal(node: Node, offset: int) -> int | None:
    """Return the whole number that the operator at `offset` is applied to, if it is written out."""
    if isinstance(node, Call) and node.at == offset:
        for arg in node.args:
            if isinstance(arg, Const) and isinstance(arg.value, int) and not isinstance(arg.value, bool):
                return arg.value
    return next(
        filter(
            lambda found: found is not None, (_integer_literal(child, offset) for child in children(node))
        ),
        None,
    )
