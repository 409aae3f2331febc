"""Payloads and blobs under their subject's key.

A leaf commits to its payload through a salt, so a guess can't be tested against the log, and the
salt is sealed together with the payload: destroying the key erases both and no proof changes.
"""

import hashlib
import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from midwatch.base.errors import MidwatchError
from midwatch.journal.codec import decode_leaf
from midwatch.journal.events import Entry, StoredEvent

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
BLOB_PREFIX = "blob:"
_CIPHERS_MAX = 256


class SealBrokenError(MidwatchError):
    """A sealed payload doesn't open under its subject's key: changed, moved, or another's key."""

    code = "MW205"
    fix = "Run `midwatch audit verify`: it names the first broken entry. Restore the database from a backup."


class CommitBrokenError(MidwatchError):
    """A payload isn't the one that its hashed leaf commits to."""

    code = "MW206"
    fix = "Run `midwatch audit verify`: it names the first broken entry. Restore the database from a backup."


class BlobBrokenError(MidwatchError):
    """A blob doesn't open under its subject's key, or isn't what its address names."""

    code = "MW207"
    fix = "Run `midwatch audit verify`. Restore the database from a backup."


@lru_cache(maxsize=_CIPHERS_MAX)
def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise AssertionError(f"a sealing key has {KEY_BYTES} bytes")
    return AESGCM(key)


def seal(
    payload: bytes, *, salt: bytes, nonce: bytes, key: bytes, stream: str, n: int, subject: str
) -> tuple[str, bytes]:
    """Return the payload's commitment (hex) and the sealed bytes.

    The commitment is SHA-256 of salt and payload. Sealed are nonce, and AES-256-GCM of salt and
    payload with `stream|n|subject` as associated data, so no sealed payload fits another event.

    Args:
        salt: 16 fresh random bytes.
        nonce: 12 fresh random bytes, never used twice under one key.
    """
    if len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES:
        raise AssertionError(f"salt and nonce have {SALT_BYTES} and {NONCE_BYTES} bytes")
    salted = salt + payload
    return (
        hashlib.sha256(salted).hexdigest(),
        nonce + _cipher(key).encrypt(nonce, salted, f"{stream}|{n}|{subject}".encode()),
    )


def revealed(entry: Entry | StoredEvent, key: bytes, payload_commit: str) -> bytes:
    """Return salt and payload of an entry, as one byte string that hashes to `payload_commit`.

    Raises:
        SealBrokenError: MW205, when bytes, place, subject or key aren't those of the sealing.
        CommitBrokenError: MW206, when what was sealed isn't what the leaf commits to.
    """
    sealed = entry.sealed
    try:
        salted = _cipher(key).decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], f"{entry.stream}|{entry.n}|{entry.subject}".encode()
        )
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError(
            f"the payload of {entry.stream}#{entry.n} doesn't open under the key of {entry.subject}",
            stream=entry.stream,
            n=entry.n,
        ) from error
    if len(salted) < SALT_BYTES or hashlib.sha256(salted).hexdigest() != payload_commit:
        raise CommitBrokenError(
            f"the payload of {entry.stream}#{entry.n} isn't the one its leaf commits to",
            stream=entry.stream,
            n=entry.n,
        )
    return salted


def unseal(entry: Entry, key: bytes) -> bytes:
    """Return the payload's bytes of an entry, checked against its place and its leaf.

    Raises:
        LeafRefusedError: MW204, when the leaf can't be read.
        SealBrokenError: MW205; CommitBrokenError: MW206: see `revealed`.
    """
    return revealed(entry, key, decode_leaf(entry.leaf).payload_commit)[SALT_BYTES:]


def blob_address(key: bytes, content: bytes) -> str:
    """Return `blob:` and HMAC-SHA256 (hex) of the content under the subject's key.

    The same content has one address per subject, and nobody without the key can test a guess.
    """
    return BLOB_PREFIX + hmac.digest(key, content, "sha256").hex()


def seal_blob(content: bytes, *, nonce: bytes, key: bytes) -> tuple[str, bytes]:
    """Return a blob's address and its sealed bytes: nonce, and AES-256-GCM bound to the address."""
    if len(nonce) != NONCE_BYTES:
        raise AssertionError(f"a nonce has {NONCE_BYTES} bytes")
    address = blob_address(key, content)
    return address, nonce + _cipher(key).encrypt(nonce, content, address.encode())


def unseal_blob(address: str, sealed: bytes, *, key: bytes) -> bytes:
    """Return the content of a blob, checked against its address.

    Raises:
        BlobBrokenError: MW207, when bytes, address or key don't belong together.
    """
    try:
        content = _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], address.encode())
    except (InvalidTag, ValueError) as error:
        raise BlobBrokenError(
            f"the blob {address} doesn't open under its subject's key", address=address
        ) from error
    if not hmac.compare_digest(blob_address(key, content), address):
        raise BlobBrokenError(f"the blob {address} has other content than its address names", address=address)
    return content
