"""Round trips of leaves and payloads, whatever is in them."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.base.canonical import INTEGER_MAX, canonical
from midwatch.base.ids import Principal, StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.codec import (
    REGISTRY,
    LeafRefusedError,
    decode_leaf,
    decode_payload,
    encode_leaf,
    encode_payload,
)
from midwatch.journal.events import Envelope
from midwatch.journal.run_events import JsonObject, TaskSucceeded

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
