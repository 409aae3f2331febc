import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from midwatch.base.units import EpochMs
from midwatch.journal.checkpoint import (
    Checkpoint,
    CheckpointRefusedError,
    WitnessRefusedError,
    open_checkpoint,
    parse_checkpoint,
    parse_verifier_key,
    remembered_in,
    sign_checkpoint,
    verifier_key,
    witness_line,
)
from unit.journal.made_journal import ORIGIN, PUBLIC_KEY, SIGNER, VERIFIER

HEAD = Checkpoint(origin=ORIGIN, size=7, root=bytes(range(32)))
NOTE = sign_checkpoint(HEAD, public_key=PUBLIC_KEY, sign=SIGNER.sign)
NOW = EpochMs(1_800_000_000_000)


def test_the_verifier_key_of_the_go_documentation_is_read_and_written() -> None:
    known = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    name, key = parse_verifier_key(known)
    assert name == "PeterNeumann"
    assert verifier_key(name, key) == known


def test_a_key_signs_as_the_go_documentation_says() -> None:
    seed = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    signer = Ed25519PrivateKey.from_private_bytes(seed)
    text = (
        b"If you think cryptography is the answer to your problem,\n"
        b"then you don't know what your problem is.\n"
    )
    signature = base64.b64decode(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert signature[:4].hex() == verifier_key("PeterNeumann", signer.public_key().public_bytes_raw())[13:21]
    assert signature[4:] == signer.sign(text)


def test_a_note_has_the_lines_of_the_standard() -> None:
    lines = NOTE.split("\n")
    assert lines[:4] == [ORIGIN, "7", base64.b64encode(bytes(range(32))).decode(), ""]
    assert lines[4].startswith(f"— {ORIGIN} ")
    assert lines[5:] == [""]


def test_a_signed_note_opens() -> None:
    assert open_checkpoint(NOTE, VERIFIER) == parse_checkpoint(NOTE) == HEAD


def test_cosignatures_of_others_may_stand_beside() -> None:
    assert open_checkpoint(f"{NOTE}— witness.example/w1 jWbPPwAAAABk\n", VERIFIER) == HEAD


def test_any_flipped_bit_of_a_note_is_refused() -> None:
    data = NOTE.encode()
    for at in range(len(data)):
        for bit in range(8):
            flipped = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            with pytest.raises(CheckpointRefusedError) as caught:
                open_checkpoint(flipped.decode("utf-8", "replace"), VERIFIER)
            assert caught.value.code == "MW210"


@pytest.mark.parametrize(
    "note",
    [
        "",
        NOTE.removesuffix("\n"),
        NOTE + "\n",
        NOTE + "and more\n",
        NOTE.replace("\n7\n", "\n07\n"),
        NOTE.replace("\n7\n", "\n-7\n"),
        NOTE.replace("\n\n", "\nextension\n\n"),
        NOTE.split("\n\n", maxsplit=1)[0] + "\n\n",
        NOTE + NOTE.split("\n\n", maxsplit=1)[1],
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(CheckpointRefusedError):
        open_checkpoint(note, VERIFIER)


def test_a_note_of_another_key_or_name_is_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    other_key = other.public_key().public_bytes_raw()
    with pytest.raises(CheckpointRefusedError):
        open_checkpoint(sign_checkpoint(HEAD, public_key=other_key, sign=other.sign), VERIFIER)
    with pytest.raises(CheckpointRefusedError):
        open_checkpoint(sign_checkpoint(HEAD, public_key=PUBLIC_KEY, sign=other.sign), VERIFIER)
    with pytest.raises(CheckpointRefusedError, match=r"not of midwatch/other"):
        open_checkpoint(NOTE, verifier_key("midwatch/other", PUBLIC_KEY))


@pytest.mark.parametrize(
    "verifier",
    ["", "a", "a+b", VERIFIER[:-2], VERIFIER.replace("midwatch", "midwitch"), f"{VERIFIER}+", "a+b+?"],
)
def test_what_is_no_verifier_key_is_refused(verifier: str) -> None:
    with pytest.raises(CheckpointRefusedError, match="verifier key"):
        open_checkpoint(NOTE, verifier)


def test_a_witness_remembers_what_it_was_given() -> None:
    line = witness_line(NOTE, verifier=VERIFIER, at_ms=NOW)
    (memory,) = remembered_in([line])
    assert (memory.checkpoint, memory.verifier, memory.note, memory.at_ms) == (HEAD, VERIFIER, NOTE, NOW)


def test_a_witness_does_not_remember_what_is_not_signed() -> None:
    with pytest.raises(CheckpointRefusedError):
        witness_line(NOTE.replace("\n7\n", "\n8\n"), verifier=VERIFIER, at_ms=NOW)


LINE = witness_line(NOTE, verifier=VERIFIER, at_ms=NOW)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["[]"],
        ["7"],
        ["{}"],
        [LINE, LINE[:-10]],
        [LINE.replace('"midwatch_witness":1', '"midwatch_witness":2')],
        [LINE.replace("\\n7\\n", "\\n8\\n")],
        [LINE.replace('"at_ms":1800000000000', '"at_ms":null')],
        [LINE.replace('"note":"', '"note":7,"x":"')],
    ],
)
def test_a_witness_file_that_was_changed_is_refused(lines: list[str]) -> None:
    with pytest.raises(WitnessRefusedError) as caught:
        remembered_in(lines)
    assert caught.value.code == "MW211"
