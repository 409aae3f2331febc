"""The syntax tree of a CEL expression, read from the library's own serialised form.

The library keeps its tree to itself but serialises it as `cel.expr.ParsedExpr`; the reader below
knows the few fields of that message and needs no protobuf runtime.

Source: https://github.com/google/cel-spec, `proto/cel/expr/syntax.proto`.
"""

import dataclasses
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

FUNCTIONS: Mapping[str, frozenset[str]] = {
    "base64": frozenset({"decode", "encode"}),
    "math": frozenset(
        {"abs", "bitAnd", "bitNot", "bitOr", "bitShiftLeft", "bitShiftRight", "bitXor", "ceil", "floor"}
        | {"isFinite", "isInf", "isNaN", "round", "sign", "sqrt", "trunc"}
    ),
    "optional": frozenset({"none", "of", "ofNonZeroValue"}),
    "strings": frozenset({"quote"}),
}
"""Functions whose names have a prefix; the parser takes the prefix for a name that is read."""

_PARSED_EXPR = b"type.googleapis.com/cel.expr.ParsedExpr"
Fields = dict[int, list[int | bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Const:
    """A literal. `value` is a Python value; bytes stay bytes."""

    value: object
    at: int = 0
    raw: bytes = dataclasses.field(default=b"", repr=False, compare=False)
    is_uint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ident:
    """A name."""

    name: str
    at: int = 0
    raw: bytes = dataclasses.field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """`operand.field`, or `has(operand.field)`."""

    operand: "Node"
    field: str
    at: int = 0
    raw: bytes = dataclasses.field(default=b"", repr=False, compare=False)
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function, a method (its target is the first argument) or an operator such as `_>_`."""

    function: str
    args: tuple["Node", ...]
    at: int = 0
    raw: bytes = dataclasses.field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """`[a, b]`."""

    items: tuple["Node", ...]
    at: int = 0
    raw: bytes = dataclasses.field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Struct:
    """`{key: value}`."""

    entries: tuple[tuple["Node | str", "Node"], ...]
    at: int = 0
    raw: bytes = dataclasses.field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comprehension:
    """What `all`, `exists`, `exists_one`, `filter` and `map` become."""

    variable: str
    over: "Node"
    accumulator: str
    start: "Node"
    condition: "Node"
    step: "Node"
    result: "Node"
    at: int = 0
    raw: bytes = dataclasses.field(default=b"", repr=False, compare=False)


"""Each node has its place `at` in the source, and `raw`: its own part of the serialised tree."""
Node = Const | Ident | Select | Call | Array | Struct | Comprehension

UNUSED = "#unused"
"""The variable of a loop that is none: `cel.bind(name, value, …)` gives a name to a value."""
NOTHING = Const(value=None)


def tree_from(serialized: bytes) -> Node:
    """Return the tree in the bytes of `Expression.serialize()` of an expression that was only parsed."""
    envelope = _fields(serialized)
    parsed = _fields(_bytes(envelope, 2))
    return _Reader(positions=_positions(_fields(_bytes(parsed, 3)))).node(_bytes(parsed, 2))


def serialized(raw: bytes) -> bytes:
    """Return what the library makes a program of, from the `raw` of one part of a tree."""
    return _field(1, _PARSED_EXPR) + _field(2, _field(2, raw))


def children(node: Node) -> Iterator[Node]:
    """Yield the parts of a node, in the order in which they are written or evaluated."""
    match node:
        case Select():
            yield node.operand
        case Call():
            yield from node.args
        case Array():
            yield from node.items
        case Struct():
            for key, value in node.entries:
                if not isinstance(key, str):
                    yield key
                yield value
        case Comprehension():
            yield from (node.over, node.start, node.condition, node.step, node.result)
        case Const() | Ident():
            return


def _field(number: int, data: bytes) -> bytes:
    size, head = len(data), bytes([number << 3 | 2])
    while size > 0x7F:  # noqa: PLR2004 - the wire format's seven bits
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + bytes([size]) + data


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the wire format's continuation bit
            return value, at
        shift += 7


def _fields(data: bytes) -> Fields:
    """Return each field number's values, in order of appearance."""
    found: Fields = {}
    at = 0
    value: int | bytes
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
            case 2:
                size, at = _varint(data, at)
                value, at = data[at : at + size], at + size
            case 1:
                value, at = data[at : at + 8], at + 8
            case kind:
                raise AssertionError(f"wire type {kind} in a CEL tree")
        found.setdefault(tag >> 3, []).append(value)
    return found


def _bytes(fields: Mapping[int, list[int | bytes]], number: int) -> bytes:
    value = fields.get(number, [b""])[0]
    assert isinstance(value, bytes)
    return value


def _integer(fields: Mapping[int, list[int | bytes]], number: int) -> int:
    value = fields.get(number, [0])[0]
    assert isinstance(value, int)
    return value


def _text(fields: Mapping[int, list[int | bytes]], number: int) -> str:
    return _bytes(fields, number).decode()


def _positions(source_info: Fields) -> dict[int, int]:
    entries = [_fields(entry) for entry in source_info.get(4, []) if isinstance(entry, bytes)]
    return {_integer(entry, 1): _integer(entry, 2) for entry in entries}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    positions: Mapping[int, int] = dataclasses.field(default_factory=dict)

    def node(self, data: bytes) -> Node:
        fields = _fields(data)
        at = self.positions.get(_integer(fields, 2), 0)
        for number in (3, 4, 5, 6, 7, 8, 9):
            if number in fields:
                return replace(self._kind(number, _fields(_bytes(fields, number)), at), raw=data)
        return NOTHING

    def _kind(self, number: int, body: Fields, at: int) -> Node:
        match number:
            case 3:
                return _const(body, at)
            case 4:
                return Ident(name=_text(body, 1).removeprefix("."), at=at)
            case 5:
                return Select(
                    operand=self.node(_bytes(body, 1)),
                    field=_text(body, 2),
                    at=at,
                    is_test=bool(_integer(body, 3)),
                )
            case 6:
                target, function = self._nodes(body, 1), _text(body, 2)
                match target:
                    case (Ident(name=name),) if function in FUNCTIONS.get(name, ()):
                        target, function = (), f"{name}.{function}"
                return Call(function=function, args=target + self._nodes(body, 3), at=at)
            case 7:
                return Array(items=self._nodes(body, 1), at=at)
            case 8:
                entries = [_fields(entry) for entry in body.get(2, []) if isinstance(entry, bytes)]
                return Struct(entries=tuple(self._entry(entry) for entry in entries), at=at)
            case _:
                return self._comprehension(body, at)

    def _nodes(self, body: Fields, number: int) -> tuple[Node, ...]:
        return tuple(self.node(item) for item in body.get(number, []) if isinstance(item, bytes))

    def _entry(self, entry: Fields) -> tuple[Node | str, Node]:
        key: Node | str = self.node(_bytes(entry, 3)) if 3 in entry else _text(entry, 2)  # noqa: PLR2004
        return key, self.node(_bytes(entry, 4))

    def _comprehension(self, body: Fields, at: int) -> Comprehension:
        return Comprehension(
            variable=_text(body, 1),
            over=self.node(_bytes(body, 2)),
            accumulator=_text(body, 3),
            start=self.node(_bytes(body, 4)),
            condition=self.node(_bytes(body, 5)),
            step=self.node(_bytes(body, 6)),
            result=self.node(_bytes(body, 7)),
            at=at,
        )


def _const(body: Fields, at: int) -> Const:
    for number, values in body.items():
        value = values[0]
        match number:
            case 2:
                return Const(value=bool(value), at=at)
            case 3 if isinstance(value, int):
                return Const(value=value - (1 << 64) if value >> 63 else value, at=at)
            case 4:
                return Const(value=value, at=at, is_uint=True)
            case 5 if isinstance(value, bytes):
                return Const(value=struct.unpack("<d", value)[0], at=at)
            case 6 if isinstance(value, bytes):
                return Const(value=value.decode(), at=at)
            case 7:
                return Const(value=value, at=at)
            case _:
                break
    return Const(value=None, at=at)
