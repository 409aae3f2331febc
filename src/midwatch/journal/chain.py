"""The chain of one stream: each leaf holds the hash of the leaf before it.

Numbers and hashes come from the row that the writer has locked, so the chain adds no contention.
"""

import hashlib
from collections.abc import Callable, Iterable

from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Principal, StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.codec import decode_leaf, decode_payload, encode_leaf, encode_payload
from midwatch.journal.events import Draft, Entry, Envelope, Erased, Event
from midwatch.journal.sealing import NONCE_BYTES, SALT_BYTES, revealed, seal

GENESIS = "0" * 64
"""What the first event of a stream has for the hash of the one before it."""

ERASED_ACTOR = Principal("system:erased")
"""Stands for the actor of an erased payload."""


class ChainBrokenError(MidwatchError):
    """An entry's hash or index columns differ from its hashed bytes."""

    code = "MW208"
    fix = "Run `midwatch audit verify`: it names the first broken entry. Restore the database from a backup."


def leaf_hash(leaf: bytes) -> bytes:
    """Return SHA-256 of 0x00 and the leaf: 32 bytes.

    Source: RFC 9162 section 2.1.1.
    """
    return hashlib.sha256(b"\x00" + leaf).digest()


def extend(
    stream: StreamId,
    head_n: int,
    head_hash: str,
    drafts: Iterable[Draft],
    *,
    at_ms: EpochMs,
    subject: str,
    key: bytes,
    noise: Callable[[int], bytes],
) -> tuple[Entry, ...]:
    """Return the drafts as entries that follow the head of their stream.

    Args:
        head_n: number of the stream's last event, 0 for an empty stream.
        head_hash: its leaf hash (hex), `GENESIS` for an empty stream.
        subject: whose key seals the payloads.
        key: that key, 32 bytes.
        noise: returns so many fresh random bytes.

    Raises:
        PayloadRefusedError: MW202; NotCanonicalError: MW203; LeafRefusedError: MW204: see `codec`.
    """
    entries = []
    n, prev = head_n, head_hash
    for draft in drafts:
        n += 1
        fresh = noise(SALT_BYTES + NONCE_BYTES)
        commit, sealed = seal(
            encode_payload(draft.payload, draft.actor),
            salt=fresh[:SALT_BYTES],
            nonce=fresh[SALT_BYTES:],
            key=key,
            stream=stream,
            n=n,
            subject=subject,
        )
        leaf = _leaf(stream, n, prev, draft, at_ms=at_ms, payload_commit=commit)
        hashed = leaf_hash(leaf)
        prev = hashed.hex()
        entries.append(
            Entry(
                stream=stream,
                n=n,
                type=type(draft.payload).TYPE,
                at_ms=at_ms,
                leaf=leaf,
                leaf_hash=hashed,
                subject=subject,
                sealed=sealed,
            )
        )
    return tuple(entries)


def _leaf(stream: StreamId, n: int, prev: str, draft: Draft, *, at_ms: EpochMs, payload_commit: str) -> bytes:
    kind = type(draft.payload)
    return encode_leaf(
        Envelope(
            stream=stream,
            n=n,
            prev=prev,
            type=kind.TYPE,
            type_v=kind.VERSION,
            at_ms=at_ms,
            cause=draft.cause,
            payload_commit=payload_commit,
        )
    )


def open_entry(entry: Entry, key: bytes | None) -> Event:
    """Return the event that the entry's hashed bytes hold, checked against everything beside them.

    Without a key the payload is `Erased` and the actor `ERASED_ACTOR`. The link to the event before is
    checked where the whole stream is at hand: see `verify`.

    Raises:
        LeafRefusedError: MW204, when the leaf can't be read.
        ChainBrokenError: MW208, when the stored hash or a column differs from the leaf.
        SealBrokenError: MW205; CommitBrokenError: MW206, when the payload isn't the sealed one.
        UnknownEventError: MW201; PayloadRefusedError: MW202, when the payload can't be read.
    """
    if leaf_hash(entry.leaf) != entry.leaf_hash:
        raise ChainBrokenError(
            f"the stored hash of {entry.stream}#{entry.n} isn't that of its leaf",
            stream=entry.stream,
            n=entry.n,
        )
    envelope = decode_leaf(entry.leaf)
    wrong = column_that_differs(entry, envelope)
    if wrong is not None:
        raise ChainBrokenError(
            f"the column {wrong} of {entry.stream}#{entry.n} differs from its leaf",
            stream=entry.stream,
            n=entry.n,
        )
    if key is None:
        return Event(envelope=envelope, actor=ERASED_ACTOR, payload=Erased())
    payload = revealed(entry, key, envelope.payload_commit)[SALT_BYTES:]
    actor, fact = decode_payload(envelope.type, envelope.type_v, payload)
    return Event(envelope=envelope, actor=actor, payload=fact)


def column_that_differs(entry: Entry, envelope: Envelope) -> str | None:
    """Return the first index column of the entry that isn't what its leaf says, or None."""
    if entry.stream != envelope.stream:
        return "stream"
    if entry.n != envelope.n:
        return "n"
    if entry.type != envelope.type:
        return "type"
    if entry.at_ms != envelope.at_ms:
        return "at_ms"
    return None
