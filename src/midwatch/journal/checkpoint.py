"""Signed heads of the log, and the witness that remembers them elsewhere.

A checkpoint says how long the log is and what its Merkle root is; the note around it is signed with
Ed25519. Whoever keeps one outside finds a truncated and a rebuilt log.

Source: C2SP signed-note, C2SP tlog-checkpoint.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from midwatch.base.canonical import canonical
from midwatch.base.errors import MidwatchError
from midwatch.base.units import EpochMs
from midwatch.journal.merkle import HASH_BYTES

_ED25519 = b"\x01"
_PUBLIC_KEY_BYTES = 32
_LINES = 3
_KEY_ID_BYTES = 4
_WITNESS_VERSION = 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,14}")
_NAME = re.compile(r"[!-*,-~]{1,200}")


class CheckpointRefusedError(MidwatchError):
    """A checkpoint's note is malformed, or not signed by the key of this log."""

    code = "MW210"
    fix = "Run `midwatch audit verify`: it names the first broken entry. Restore the database from a backup."


class WitnessRefusedError(MidwatchError):
    """A witness file can't be read: it isn't one, or it was changed."""

    code = "MW211"
    fix = "Give a file that `midwatch audit witness FILE` wrote, unchanged; keep it on another machine."


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of a log: its name, how many leaves it has, and the Merkle root over them."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A checkpoint that a witness keeps, with the key that signed it."""

    checkpoint: Checkpoint
    verifier: str
    note: str
    at_ms: EpochMs


def _key_id(name: str, public_key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_BYTES]


_public = lru_cache(maxsize=16)(Ed25519PublicKey.from_public_bytes)


def verifier_key(origin: str, public_key: bytes) -> str:
    """Return the text by which others know the log's key: name, key id (hex), algorithm and key (base64).

    Source: C2SP signed-note, verifier keys.
    """
    encoded = base64.b64encode(_ED25519 + public_key).decode()
    return f"{origin}+{_key_id(origin, public_key).hex()}+{encoded}"


def parse_verifier_key(verifier: str) -> tuple[str, bytes]:
    """Return the origin and the 32 bytes of the Ed25519 key that a verifier key names.

    Raises:
        CheckpointRefusedError: MW210, when it is malformed or of another algorithm.
    """
    origin, _, rest = verifier.partition("+")
    key_id, _, encoded = rest.partition("+")
    key = _from_base64(encoded)
    is_key = key is not None and key[:1] == _ED25519 and len(key) == 1 + _PUBLIC_KEY_BYTES
    if key is not None and is_key and _NAME.fullmatch(origin) and key_id == _key_id(origin, key[1:]).hex():
        return origin, key[1:]
    raise CheckpointRefusedError(f"{verifier!r} isn't the verifier key of an Ed25519 signer")


def _from_base64(text: str) -> bytes | None:
    """Return the bytes, or None unless the text is their one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def checkpoint_body(checkpoint: Checkpoint) -> str:
    """Return the text that is signed: origin, size and root (base64), a line each."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, *, public_key: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Return the signed note of a checkpoint.

    `sign` returns the Ed25519 signature of the log's own key, whose public part is `public_key`.
    """
    body = checkpoint_body(checkpoint)
    signature = _key_id(checkpoint.origin, public_key) + sign(body.encode())
    return f"{body}\n— {checkpoint.origin} {base64.b64encode(signature).decode()}\n"


def parse_checkpoint(note: str) -> Checkpoint:
    """Return what a note says, *without* looking at its signatures.

    Raises:
        CheckpointRefusedError: MW210, when the note is malformed or has other lines.
    """
    body, blank, _ = note.partition("\n\n")
    lines = body.split("\n")
    if blank and len(lines) == _LINES and _NAME.fullmatch(lines[0]) and _SIZE.fullmatch(lines[1]):
        root = _from_base64(lines[2])
        if root is not None and len(root) == HASH_BYTES:
            return Checkpoint(origin=lines[0], size=int(lines[1]), root=root)
    raise CheckpointRefusedError("the note isn't a checkpoint: origin, size and root on a line each")


def open_checkpoint(note: str, verifier: str) -> Checkpoint:
    """Return what a note says, once its one signature by the verifier's key was checked.

    Lines of other signers (cosignatures of witnesses) may stand beside it and aren't looked at.

    Raises:
        CheckpointRefusedError: MW210, when the note is malformed, of another log, or not so signed.
    """
    origin, public_key = parse_verifier_key(verifier)
    checkpoint = parse_checkpoint(note)
    if checkpoint.origin != origin:
        raise CheckpointRefusedError(f"the checkpoint is of {checkpoint.origin}, not of {origin}")
    body, _, tail = note.partition("\n\n")
    *lines, end = tail.split("\n")
    ours = [line.removeprefix(f"— {origin} ") for line in lines if line.startswith(f"— {origin} ")]
    whole = end == "" and len(ours) == 1 and all(line.startswith("— ") for line in lines)
    signature = _from_base64(ours[0]) if whole else None
    if signature is not None and signature[:_KEY_ID_BYTES] == _key_id(origin, public_key):
        with suppress(InvalidSignature):
            _public(public_key).verify(signature[_KEY_ID_BYTES:], f"{body}\n".encode())
            return checkpoint
    raise CheckpointRefusedError(f"the checkpoint of size {checkpoint.size} isn't signed by {origin}")


def witness_line(note: str, *, verifier: str, at_ms: EpochMs) -> str:
    """Return the line of JSON, with its newline, that goes at the end of a witness file.

    Raises:
        CheckpointRefusedError: MW210, when the note isn't a checkpoint signed by `verifier`.
    """
    open_checkpoint(note, verifier)
    line = {"midwatch_witness": _WITNESS_VERSION, "at_ms": at_ms, "verifier": verifier, "note": note}
    return canonical(line).decode() + "\n"


def remembered_in(lines: Iterable[str]) -> tuple[Remembered, ...]:
    """Return the checkpoints that a witness file holds, in its order.

    Raises:
        WitnessRefusedError: MW211, naming the first line that isn't a signed checkpoint, or an empty file.
    """
    found = []
    for number, line in enumerate(lines, 1):
        try:
            held = json.loads(line)
            if held["midwatch_witness"] != _WITNESS_VERSION:
                raise WitnessRefusedError(
                    f"line {number} of the witness file has an unknown version", line=number
                )
            checkpoint = open_checkpoint(held["note"], held["verifier"])
            found.append(
                Remembered(
                    checkpoint=checkpoint,
                    verifier=held["verifier"],
                    note=held["note"],
                    at_ms=EpochMs(int(held["at_ms"])),
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError, CheckpointRefusedError) as error:
            raise WitnessRefusedError(
                f"line {number} of the witness file isn't a signed checkpoint", line=number
            ) from error
    if not found:
        raise WitnessRefusedError("the witness file is empty")
    return tuple(found)
