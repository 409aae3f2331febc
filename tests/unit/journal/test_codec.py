import json
from dataclasses import replace

import pytest

from midwatch.base.canonical import canonical
from midwatch.base.errors import NotCanonicalError
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
)
from midwatch.journal.events import Envelope, Erased
from midwatch.journal.run_events import ApprovalAsked, JsonObject, TaskStarted, TaskSucceeded
from midwatch.journal.upcast import UnknownEventError
from unit.journal.made_journal import RUNG

ADA = Principal("person:ada")
ASKED = ApprovalAsked(
    approval="a-1",
    task="confirm",
    bundle="sha256:0",
    keys=["r-1/t/0/0/0"],
    actions=["sha256:1"],
    requirement={"people": 1},
    ladder=[RUNG],
    expires_ms=5,
    card="blob:0",
    policy="sha256:2",
    question="Übernehmen?\u2028",
)
ENVELOPE = Envelope(
    stream=StreamId("run/r-1"),
    n=1,
    prev="0" * 64,
    type="task.started",
    type_v=1,
    at_ms=EpochMs(1_800_000_000_000),
    cause=None,
    payload_commit="a" * 64,
)


def test_the_bytes_of_a_payload_are_final() -> None:
    data = encode_payload(TaskStarted(task="confirm", attempt=1), ADA)
    assert data == b'{"actor":"person:ada","data":{"attempt":1,"iteration":0,"task":"confirm"}}'


def test_a_payload_comes_back_with_what_is_nested_in_it() -> None:
    data = encode_payload(ASKED, ADA)
    assert decode_payload("approval.asked", 1, data) == (ADA, ASKED)


def test_every_registered_type_has_one_name_and_begins_at_version_one() -> None:
    assert all(name == kind.TYPE and kind.VERSION >= 1 for name, kind in REGISTRY.items())
    assert "erased" not in REGISTRY


def test_a_payload_with_a_wrong_kind_of_value_is_never_written() -> None:
    with pytest.raises(PayloadRefusedError, match=r"data\.task") as caught:
        encode_payload(replace(TaskStarted(task="a", attempt=1), task=1), ADA)  # type: ignore[arg-type]
    assert caught.value.code == "MW202"


def test_a_boolean_is_no_number_and_a_number_no_boolean() -> None:
    with pytest.raises(PayloadRefusedError, match="attempt"):
        encode_payload(TaskStarted(task="a", attempt=True), ADA)


def test_a_float_in_an_output_is_refused_by_name() -> None:
    with pytest.raises(NotCanonicalError, match="float"):
        encode_payload(TaskSucceeded(task="a", attempt=1, out={"share": 0.5}), ADA)


def test_a_class_that_is_not_registered_is_never_written() -> None:
    with pytest.raises(UnknownEventError, match="Erased"):
        encode_payload(Erased(), ADA)


@pytest.mark.parametrize(
    "data",
    [
        b'{"actor":"a","data":{"attempt":1,"iteration":0,"task":"t","more":1}}',
        b'{"actor":"a","data":{"attempt":1,"iteration":0,"task":"t"},"more":1}',
        b'{"actor":"a","data":{"iteration":0,"task":"t"}}',
        b'{"actor":"a","data":{"attempt":"1","iteration":0,"task":"t"}}',
        b'{"data":{"attempt":1,"iteration":0,"task":"t"}}',
        b"[]",
        b"",
        b"\xff",
    ],
)
def test_unknown_and_missing_fields_and_other_kinds_are_refused(data: bytes) -> None:
    with pytest.raises(PayloadRefusedError):
        decode_payload("task.started", 1, data)


def test_an_unknown_field_is_refused_inside_a_nested_dataclass_too() -> None:
    data = encode_payload(ASKED, ADA).replace(b'"ask":"oncall"', b'"ask":"oncall","more":1')
    with pytest.raises(PayloadRefusedError, match="more"):
        decode_payload("approval.asked", 1, data)


def test_an_unknown_type_says_upgrade() -> None:
    with pytest.raises(UnknownEventError) as caught:
        decode_payload("task.dreamt", 1, b"{}")
    assert caught.value.code == "MW201"
    assert "pip install --upgrade midwatch" in caught.value.help


def test_a_version_from_the_future_says_upgrade() -> None:
    with pytest.raises(UnknownEventError, match="version 2"):
        decode_payload("task.started", 2, encode_payload(TaskStarted(task="a", attempt=1), ADA))


def test_an_old_version_is_brought_up_step_by_step() -> None:
    def add_attempt(data: JsonObject) -> JsonObject:
        return {**data, "attempt": 1}

    def rename(data: JsonObject) -> JsonObject:
        return {"task": data["name"], "attempt": data["attempt"]}

    steps = {("task.started", -1): add_attempt, ("task.started", 0): rename}
    old = b'{"actor":"person:ada","data":{"name":"confirm"}}'
    assert decode_payload("task.started", -1, old, upcasters=steps) == (
        ADA,
        TaskStarted(task="confirm", attempt=1),
    )


def test_a_gap_among_the_upcasters_is_an_error() -> None:
    with pytest.raises(UnknownEventError, match="nothing leads from version 0"):
        decode_payload("task.started", 0, b'{"actor":"a","data":{}}')


def test_an_old_payload_that_is_not_an_object_is_refused() -> None:
    with pytest.raises(PayloadRefusedError):
        decode_payload("task.started", 0, b'{"actor":"a","data":[]}')


def test_the_bytes_of_a_leaf_are_final() -> None:
    assert encode_leaf(ENVELOPE).decode() == (
        '{"at_ms":1800000000000,"cause":null,"n":1,"payload_commit":"' + "a" * 64 + '",'
        '"prev":"' + "0" * 64 + '","stream":"run/r-1","type":"task.started","type_v":1,"v":1}'
    )


def test_a_leaf_is_canonical_json_and_comes_back() -> None:
    envelope = replace(ENVELOPE, cause="run/r-0#7")
    leaf = encode_leaf(envelope)
    assert canonical(json.loads(leaf)) == leaf
    assert decode_leaf(leaf) == envelope


@pytest.mark.parametrize(
    "envelope",
    [
        replace(ENVELOPE, stream=StreamId('a"b')),
        replace(ENVELOPE, stream=StreamId("a b")),
        replace(ENVELOPE, stream=StreamId("a|b")),
        replace(ENVELOPE, stream=StreamId("a#1")),
        replace(ENVELOPE, stream=StreamId("ä")),
        replace(ENVELOPE, stream=StreamId("")),
        replace(ENVELOPE, cause="a\\b"),
        replace(ENVELOPE, n=0),
        replace(ENVELOPE, n=2**53),
        replace(ENVELOPE, at_ms=EpochMs(-1)),
        replace(ENVELOPE, prev="0" * 63),
        replace(ENVELOPE, payload_commit="A" * 64),
        replace(ENVELOPE, type="Task"),
        replace(ENVELOPE, type_v=0),
    ],
)
def test_what_no_leaf_can_hold_is_refused_when_written(envelope: Envelope) -> None:
    with pytest.raises(LeafRefusedError) as caught:
        encode_leaf(envelope)
    assert caught.value.code == "MW204"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"at_ms"', b'{ "at_ms"'),
        (b'"n":1', b'"n":01'),
        (b'"n":1', b'"n":1.0'),
        (b'"n":1', b'"n":true'),
        (b'"cause":null,', b""),
        (b'"cause":null', b'"cause":""'),
        (b'"v":1}', b'"v":1,"w":1}'),
        (b'"v":1}', b'"v":2}'),
        (b'"v":1}', b'"v":1}\n'),
        (b"run/r-1", b"run/r\\u002d1"),
        (b"run/r-1", b"run/r-\xc3\xa4"),
        (b'"type_v":1,"v":1', b'"v":1,"type_v":1'),
        (b'"n":1', b'"n":1,"n":1'),
        (b'"n":1', '"n":\u0661'.encode()),
    ],
)
def test_any_other_spelling_of_a_leaf_is_refused_when_read(old: bytes, new: bytes) -> None:
    leaf = encode_leaf(ENVELOPE).replace(old, new)
    with pytest.raises(LeafRefusedError):
        decode_leaf(leaf)
