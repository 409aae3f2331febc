"""What an event is: the envelope that is hashed for good, and the payload it commits to.

The envelope is the leaf of the Merkle log. It holds no personal data and no hash of any without a
salt: the payload (with the actor in it) lies beside it, sealed under its subject's key, so that
destroying that key erases the payload and leaves every proof valid.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from midwatch.base.ids import Principal, StreamId
from midwatch.base.units import EpochMs

ENVELOPE_VERSION = 1


class Payload(Protocol):
    """One kind of fact: a frozen dataclass of wire types only."""

    TYPE: ClassVar[str]
    VERSION: ClassVar[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A fact that is about to be appended: no number, no hash yet."""

    payload: Payload
    actor: Principal
    cause: str | None = None
    """`stream#n` of the event that led to this one; None for a beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The part of an event that is hashed: the leaf is its canonical JSON."""

    stream: StreamId
    n: int
    """1 for the first event of a stream, then one more each."""
    prev: str
    """Leaf hash (hex) of the event before it in the stream; 64 zeros for the first."""
    type: str
    type_v: int
    at_ms: EpochMs
    cause: str | None
    payload_commit: str
    """SHA-256 (hex) of the 16 bytes of salt and the payload's bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact of the journal, decoded and at the newest version of its type."""

    envelope: Envelope
    actor: Principal
    payload: Any
    """The dataclass registered for the type, or `Erased` where the subject's key is gone."""

    @property
    def ref(self) -> str:
        """`stream#n`, how other events name this one as their cause."""
        return f"{self.envelope.stream}#{self.envelope.n}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Stands for a payload whose subject's key was destroyed."""

    TYPE: ClassVar[str] = "erased"
    VERSION: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event as it is stored: the hashed bytes, and the sealed payload beside them."""

    stream: StreamId
    n: int
    type: str
    at_ms: EpochMs
    leaf: bytes
    leaf_hash: bytes
    """SHA-256 of 0x00 and the leaf (RFC 9162 section 2.1.1): link of the chain and of the Merkle tree."""
    subject: str
    """Whose key seals the payload, e.g. `tenant/local`."""
    sealed: bytes
    """Nonce, and AES-256-GCM of salt and payload with `stream|n|subject` as associated data."""


class StoredEvent(NamedTuple):
    """An entry as the store gives it back: a tuple, since verifying a journal takes one per event."""

    row: int
    """Its place in the order of commits."""
    position: int | None
    """Its number in the global log, from 0; None until it is sealed."""
    stream: StreamId
    n: int
    type: str
    at_ms: EpochMs
    leaf: bytes
    leaf_hash: bytes
    subject: str
    sealed: bytes

    @property
    def ref(self) -> str:
        """`stream#n`, how other events name this one as their cause."""
        return f"{self.stream}#{self.n}"

    @property
    def entry(self) -> Entry:
        """The event alone."""
        return Entry(
            stream=self.stream,
            n=self.n,
            type=self.type,
            at_ms=self.at_ms,
            leaf=self.leaf,
            leaf_hash=self.leaf_hash,
            subject=self.subject,
            sealed=self.sealed,
        )

    @classmethod
    def of(cls, entry: Entry, *, row: int, position: int | None) -> "StoredEvent":
        """Return the entry as it would come back from that row."""
        return cls(
            row=row,
            position=position,
            stream=entry.stream,
            n=entry.n,
            type=entry.type,
            at_ms=entry.at_ms,
            leaf=entry.leaf,
            leaf_hash=entry.leaf_hash,
            subject=entry.subject,
            sealed=entry.sealed,
        )
