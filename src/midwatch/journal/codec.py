"""Events to bytes and back.

Rule 1: bytes once written are read for ever; versions are added, never changed.
Rule 2: an event is read from the hashed bytes alone; columns beside them are indexes.
Rule 3: a leaf has one spelling. `_LEAF` is that spelling: what it doesn't match is refused, so no two
different byte strings mean the same envelope.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import SchemaValidator, core_schema

from midwatch.base.canonical import canonical
from midwatch.base.errors import MidwatchError, NotCanonicalError
from midwatch.base.ids import Principal, StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.change_events import CHANGE_EVENTS
from midwatch.journal.events import ENVELOPE_VERSION, Envelope, Payload
from midwatch.journal.run_events import RUN_EVENTS, JsonObject
from midwatch.journal.upcast import UPCASTERS, UnknownEventError, Upcasters, upcast

REGISTRY: Mapping[str, type[Payload]] = MappingProxyType(
    {kind.TYPE: kind for kind in (*RUN_EVENTS, *CHANGE_EVENTS)}
)
"""Each known type of event with its dataclass."""

_LEAF = re.compile(
    r'\{"at_ms":(0|[1-9][0-9]{0,14}),'
    r'"cause":(null|"[!#-\[\]-~]{1,250}"),'
    r'"n":([1-9][0-9]{0,14}),'
    r'"payload_commit":"([0-9a-f]{64})",'
    r'"prev":"([0-9a-f]{64})",'
    r'"stream":"([!$-\[\]-{}~]{1,200})",'
    r'"type":"([a-z][a-z0-9_.]{0,63})",'
    r'"type_v":([1-9][0-9]{0,3}),'
    rf'"v":{ENVELOPE_VERSION}\}}'
)
Groups = tuple[str | Any, ...]
match_leaf = _LEAF.fullmatch
"""Match a leaf's text; groups: at_ms, cause (with quotes), n, payload_commit, prev, stream, type, type_v."""


class PayloadRefusedError(MidwatchError):
    """A payload doesn't have the fields, or the kinds of values, that its type of event has."""

    code = "MW202"
    fix = "Run `midwatch audit verify`: it names the first broken entry. If all is whole, report a bug."


class LeafRefusedError(MidwatchError):
    """The hashed bytes of an event aren't the one canonical spelling of an envelope."""

    code = "MW204"
    fix = "Run `midwatch audit verify`: it names the first broken entry. Restore the database from a backup."


Data = TypeVar("Data")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Wire(Generic[Data]):
    """The payload's bytes, as JSON has them."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, cache_strings="keys")
    actor: Principal
    data: Data


_OUTLINES = MappingProxyType({"sealed": ("effect", "target"), "decision": ()})
"""Fields that hold an object, and what `outline_payload` keeps of it."""


def _outline(schema: Any) -> Any:
    """Return the schema with objects cut down to their outlines: it takes what it took, and keeps less."""
    match schema:
        case {"type": "dataclass-field", "name": name, "schema": {"type": "dict"}} if name in _OUTLINES:
            kept = {
                key: core_schema.typed_dict_field(core_schema.any_schema(), required=False)
                for key in _OUTLINES[name]
            }
            return {**schema, "schema": core_schema.typed_dict_schema(kept, extra_behavior="ignore")}
        case dict():
            return {key: _outline(inner) for key, inner in schema.items()}
        case list():
            return [_outline(inner) for inner in schema]
        case _:
            return schema


@cache
def _reads_outline(kind: type[object]) -> Callable[[bytes], Any]:
    schema = TypeAdapter(_Wire[kind]).core_schema  # type: ignore[valid-type]
    return SchemaValidator(_outline(schema)).validate_json


@cache
def _reads(kind: type[object]) -> Callable[[bytes], Any]:
    validator = cast(SchemaValidator, TypeAdapter(_Wire[kind]).validator)  # type: ignore[valid-type]
    return validator.validate_json


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _as_wire(value: object) -> Any:
    if isinstance(value, list | tuple):
        return [_as_wire(item) for item in value]
    if dataclasses.is_dataclass(value):
        names = _field_names(type(value))  # type: ignore[arg-type] # mypy takes a class for unhashable
        return {name: _as_wire(getattr(value, name)) for name in names}
    return value


def encode_payload(payload: Payload, actor: Principal) -> bytes:
    """Return the canonical JSON of `{"actor": …, "data": {…}}`.

    It is checked against the payload's own type first: what can't be read back is never written.

    Raises:
        UnknownEventError: MW201, when the payload's class isn't registered.
        PayloadRefusedError: MW202, when a field's value isn't of its type.
        NotCanonicalError: MW203, for floats (see `frozen_value`), big integers, lone surrogates.
    """
    kind = type(payload)
    if REGISTRY.get(kind.TYPE) is not kind:
        raise UnknownEventError(
            f"{kind.__name__} is not a registered event", type=kind.TYPE, version=kind.VERSION
        )
    data = canonical({"actor": actor, "data": _as_wire(payload)})
    _wire_from(kind, kind.TYPE, data)
    return data


def decode_payload(
    event_type: str, type_v: int, data: bytes, *, upcasters: Upcasters = UPCASTERS
) -> tuple[Principal, Payload]:
    """Return the actor and the payload, at the newest version of its type.

    Raises:
        UnknownEventError: MW201, for a type or a version that this Midwatch doesn't know.
        PayloadRefusedError: MW202, for unknown or missing fields and wrong kinds of values.
    """
    kind = REGISTRY.get(event_type)
    if kind is None:
        raise UnknownEventError(f"{event_type} is not a known event", type=event_type, version=type_v)
    if type_v != kind.VERSION:
        old: _Wire[JsonObject] = _wire_from(dict[str, Any], event_type, data)
        newest = upcast(event_type, type_v, old.data, newest=kind.VERSION, upcasters=upcasters)
        data = canonical({"actor": old.actor, "data": newest})
    wire = _wire_from(kind, event_type, data)
    return wire.actor, wire.data


def outline_payload(event_type: str, type_v: int, data: bytes) -> tuple[Principal, Payload]:
    """Return the same as `decode_payload`, but of sealed actions and decisions the outline only.

    It refuses what that refuses, for the same reasons. Decisions are most of a journal's bytes, and who
    looks at what became of an effect has no use for them.

    Raises:
        UnknownEventError: MW201; PayloadRefusedError: MW202: see `decode_payload`.
    """
    kind = REGISTRY.get(event_type)
    if kind is None or type_v != kind.VERSION:
        return decode_payload(event_type, type_v, data)
    try:
        wire = _reads_outline(kind)(data)
    except ValidationError as error:
        raise _refused(event_type, error) from error
    return wire.actor, wire.data


def _wire_from(kind: type[Data], event_type: str, data: bytes) -> _Wire[Data]:
    try:
        return _reads(kind)(data)  # type: ignore[no-any-return,arg-type] # mypy takes a class for unhashable
    except ValidationError as error:
        raise _refused(event_type, error) from error


def _refused(event_type: str, error: ValidationError) -> PayloadRefusedError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    return PayloadRefusedError(
        f"the payload of {event_type} is refused at {place}: {first['msg']}", type=event_type, field=place
    )


def encode_leaf(envelope: Envelope) -> bytes:
    """Return the leaf: the canonical JSON of the envelope, the only bytes that are hashed.

    Raises:
        LeafRefusedError: MW204, when a field holds what no leaf can (see `_LEAF`), e.g. a blank in a stream.
    """
    cause = "null" if envelope.cause is None else f'"{envelope.cause}"'
    text = (
        f'{{"at_ms":{envelope.at_ms},"cause":{cause},"n":{envelope.n},'
        f'"payload_commit":"{envelope.payload_commit}","prev":"{envelope.prev}","stream":"{envelope.stream}",'
        f'"type":"{envelope.type}","type_v":{envelope.type_v},"v":{ENVELOPE_VERSION}}}'
    )
    if match_leaf(text) is None:
        raise LeafRefusedError(
            f"event {envelope.n} of stream {envelope.stream!r} has a field that no leaf can hold",
            stream=envelope.stream,
            n=envelope.n,
        )
    return text.encode("ascii")


def decode_leaf(leaf: bytes) -> Envelope:
    """Return the envelope that the bytes spell; encoding it again gives the same bytes.

    Raises:
        LeafRefusedError: MW204, for anything but the canonical spelling of a known envelope version.
    """
    try:
        found = match_leaf(leaf.decode("ascii"))
    except UnicodeDecodeError as error:
        raise LeafRefusedError("the leaf holds bytes beyond ASCII") from error
    if found is None:
        raise LeafRefusedError(f"the leaf isn't a canonical envelope of version {ENVELOPE_VERSION}")
    return _envelope_of(found.groups())


def _envelope_of(groups: Groups) -> Envelope:
    at_ms, cause, n, payload_commit, prev, stream, event_type, type_v = groups
    return Envelope(
        stream=StreamId(stream),
        n=int(n),
        prev=prev,
        type=event_type,
        type_v=int(type_v),
        at_ms=EpochMs(int(at_ms)),
        cause=None if cause == "null" else cause[1:-1],
        payload_commit=payload_commit,
    )


__all__ = [
    "REGISTRY",
    "Groups",
    "LeafRefusedError",
    "NotCanonicalError",
    "PayloadRefusedError",
    "decode_leaf",
    "decode_payload",
    "encode_leaf",
    "encode_payload",
    "match_leaf",
    "outline_payload",
]
