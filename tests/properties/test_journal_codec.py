"""Round trips of leaves and payloads, whatever is in them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.base.canonical import INTEGER_MAX, canonical
from midwatch.base.ids import Principal, StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.codec import (
    REGISTRY,
    LeafRefusedError,
    PayloadRefusedError,
    decode_leaf,
    decode_payload,
    encode_leaf,
    encode_payload,
    outline_payload,
)
from midwatch.journal.events import Envelope, Payload
from midwatch.journal.run_events import EffectJudged, EffectProposed, EffectRead, JsonObject, TaskSucceeded

UNTIMED = settings(deadline=None)
"""A busy machine is no failure."""


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
NAMES = st.text(VISIBLE.filter(lambda char: char not in '"#\\|'), min_size=1, max_size=200)
CAUSES = st.none() | st.text(VISIBLE.filter(lambda char: char not in '"\\'), min_size=1, max_size=250)
HASHES = st.binary(min_size=32, max_size=32).map(bytes.hex)
ENVELOPES = st.builds(
    Envelope,
    stream=NAMES.map(StreamId),
    n=st.integers(1, 10**15 - 1),
    prev=HASHES,
    type=st.sampled_from(sorted(REGISTRY)),
    type_v=st.integers(1, 9_999),
    at_ms=st.integers(0, 10**15 - 1).map(EpochMs),
    cause=CAUSES,
    payload_commit=HASHES,
)


@UNTIMED
@given(ENVELOPES)
def test_a_leaf_is_canonical_and_comes_back(envelope: Envelope) -> None:
    leaf = encode_leaf(envelope)
    assert canonical(json.loads(leaf)) == leaf
    assert decode_leaf(leaf) == envelope


@UNTIMED
@given(ENVELOPES, st.binary(), st.integers(0, 10_000))
def test_what_decodes_encodes_to_the_same_bytes(envelope: Envelope, noise: bytes, at: int) -> None:
    leaf = encode_leaf(envelope)
    at %= len(leaf)
    changed = leaf[:at] + noise + leaf[at + 1 :]
    try:
        decoded = decode_leaf(changed)
    except LeafRefusedError:
        return
    assert encode_leaf(decoded) == changed


@UNTIMED
@given(st.dictionaries(TEXT, JSON, max_size=5), TEXT)
def test_a_payload_comes_back_and_is_canonical(out: JsonObject, actor: str) -> None:
    payload = TaskSucceeded(task="read", attempt=1, out=out, matched=[1, 2])
    data = encode_payload(payload, Principal(actor))
    assert canonical(json.loads(data)) == data
    assert decode_payload("task.succeeded", 1, data) == (actor, payload)


OBJECTS = st.dictionaries(st.sampled_from(["effect", "target"]) | TEXT, JSON, max_size=4)
WITH_RECORDS: st.SearchStrategy[Payload] = (
    st.builds(
        EffectRead,
        key=TEXT,
        task=TEXT,
        tool=TEXT,
        action=TEXT,
        sealed=OBJECTS,
        decision=OBJECTS,
        ok=st.booleans(),
        started_ms=st.integers(0, INTEGER_MAX),
        duration_ms=st.integers(0, INTEGER_MAX),
        out=OBJECTS,
        holds=st.none() | st.booleans(),
    )
    | st.builds(EffectProposed, key=TEXT, task=TEXT, tool=TEXT, action=TEXT, sealed=OBJECTS)
    | st.builds(EffectJudged, key=TEXT, action=TEXT, outcome=TEXT, decision=OBJECTS)
    | st.builds(TaskSucceeded, task=TEXT, attempt=st.integers(1, 9), out=OBJECTS)
)


def _cut_down(payload: Payload) -> Payload:
    kept: dict[str, Any] = {}
    if isinstance(payload, EffectRead | EffectProposed):
        sealed = payload.sealed
        kept["sealed"] = {name: sealed[name] for name in ("effect", "target") if name in sealed}
    if isinstance(payload, EffectRead | EffectJudged):
        kept["decision"] = {}
    return replace(payload, **kept)  # type: ignore[type-var] # every payload is a dataclass


def _same_answer(event_type: str, data: bytes) -> None:
    """Decoding and outlining take the same bytes, and refuse the same bytes at the same place."""
    read, outlined = (_answer(decode, event_type, data) for decode in (decode_payload, outline_payload))
    if isinstance(read, tuple):
        actor, payload = read
        assert outlined == (actor, _cut_down(payload))
    else:
        assert outlined == read


def _answer(
    decode: Callable[[str, int, bytes], tuple[Principal, Payload]], event_type: str, data: bytes
) -> tuple[Principal, Payload] | Mapping[str, object]:
    try:
        return decode(event_type, 1, data)
    except PayloadRefusedError as error:
        return error.facts


@UNTIMED
@given(WITH_RECORDS)
def test_an_outline_is_the_payload_without_its_records(payload: Payload) -> None:
    _same_answer(payload.TYPE, encode_payload(payload, Principal("agent:x")))


@UNTIMED
@given(WITH_RECORDS, st.binary(max_size=6), st.integers(0, 10_000))
def test_an_outline_refuses_the_changed_bytes_that_decoding_refuses(
    payload: Payload, noise: bytes, at: int
) -> None:
    data = encode_payload(payload, Principal("agent:x"))
    at %= len(data)
    _same_answer(payload.TYPE, data[:at] + noise + data[at + 1 :])


@UNTIMED
@given(WITH_RECORDS, st.data())
def test_an_outline_refuses_the_changed_fields_that_decoding_refuses(
    payload: Payload, data: st.DataObject
) -> None:
    wire = json.loads(encode_payload(payload, Principal("agent:x")))
    name = data.draw(st.sampled_from([*wire["data"], "unheard_of"]))
    if data.draw(st.booleans()):
        wire["data"].pop(name, None)
    else:
        wire["data"][name] = data.draw(JSON | st.floats(allow_nan=False, allow_infinity=False))
    _same_answer(payload.TYPE, json.dumps(wire).encode())


def test_every_record_in_a_registered_event_has_its_outline() -> None:
    """A field that is renamed would be read as a whole again, and nobody would notice."""
    with_records = {
        kind.TYPE
        for kind in REGISTRY.values()
        if {"sealed", "decision"} & kind.__dataclass_fields__.keys()  # type: ignore[attr-defined] # as above
    }
    assert with_records == {"effect.read", "effect.proposed", "effect.judged"}
