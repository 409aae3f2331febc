"""Is the journal whole? One pass over all events, from their hashed bytes alone.

Rule 1: nothing stored is believed: hashes, columns, positions, tiles and roots are computed again.
Rule 2: the first thing that is broken is named, once per stream, tile and checkpoint.
Rule 3: what nobody outside remembers isn't protected from who owns the disk: see `Remembered`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from midwatch.base.errors import MidwatchError
from midwatch.base.units import EpochMs
from midwatch.journal.chain import ERASED_ACTOR, GENESIS, event_of
from midwatch.journal.checkpoint import Remembered, open_checkpoint
from midwatch.journal.codec import envelope_of, match_leaf
from midwatch.journal.events import Entry, Envelope, Erased, Event
from midwatch.journal.recount import Claim, Finding, Findings, Recount

__all__ = ["Finding", "KeyOf", "Stored", "Verified", "Visit", "verify_journal"]

KeyOf = Callable[[str], bytes | None]
"""Subject to its key; None where it was destroyed."""

Visit = Callable[[Event, int | None], None]
"""Takes each event that is whole, in the order of its stream, with its position in the log."""


class Stored(Protocol):
    """An entry as the store gives it back, with its position in the log: None until sealed."""

    @property
    def entry(self) -> Entry:
        """The stored event."""
        ...

    @property
    def position(self) -> int | None:
        """Its number in the global log, from 0."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What one pass saw."""

    events: int
    sealed: int
    """How many of the events are in the Merkle log; the others wait for the sequencer."""
    unsealed_since_ms: EpochMs | None
    """When the oldest event that waits for the sequencer was written; more than a lag's worth is odd."""
    erased: int
    """How many payloads are gone with their subject's key."""
    heads: Mapping[str, tuple[int, str]]
    """Number and leaf hash (hex) of the last event of each stream."""
    root: bytes
    """Merkle root over the sealed events."""
    checkpoints: int
    findings: tuple[Finding, ...]
    """What is broken: events first, then the log, in the order in which it was met; empty when whole."""


def _claims(
    checkpoints: Iterable[tuple[int, str]], remembered: Iterable[Remembered], verifier: str, found: Findings
) -> tuple[list[Claim], int, int]:
    """Return what signed notes say, how many checkpoints there are, and the size of the last one."""
    claims, count, last = [], 0, 0
    for size, note in checkpoints:
        count, last = count + 1, size
        place = f"checkpoint {size}"
        try:
            checkpoint = open_checkpoint(note, verifier)
        except MidwatchError as error:
            found.add(place, error.sentence)
            continue
        if checkpoint.size != size:
            found.add(place, f"the column size differs from its note, which says {checkpoint.size}")
        denial = f"its root isn't that of the first {checkpoint.size} events"
        claims.append(Claim(size=checkpoint.size, root=checkpoint.root, place=place, denial=denial))
    for memory in remembered:
        head = memory.checkpoint
        place = f"witness {head.size}"
        if memory.verifier != verifier:
            found.add(place, f"it remembers the log {memory.verifier}, and this is {verifier}")
        denial = f"the first {head.size} events aren't those that the witness remembers: the log was rebuilt"
        claims.append(Claim(size=head.size, root=head.root, place=place, denial=denial))
    return claims, count, last


def verify_journal(
    events: Iterable[Stored],
    *,
    tiles: Iterable[tuple[int, int, bytes]],
    checkpoints: Iterable[tuple[int, str]],
    verifier: str,
    remembered: Iterable[Remembered] = (),
    key_of: KeyOf | None = None,
    visit: Visit | None = None,
) -> Verified:
    """Return what one pass finds: hashes, links, columns, positions, tiles, roots, signatures.

    With `key_of`, each payload is opened, checked against its commitment and decoded too, and handed to
    `visit`. Without, payloads aren't looked at.

    Args:
        events: every stored event; those of one stream in its order.
        tiles: every stored tile: level, index, hashes.
        checkpoints: the size column and the note of each, smallest first.
        verifier: the verifier key of this log (`checkpoint.verifier_key`).
        remembered: what witnesses outside remember.
        key_of: returns a subject's key; what it raises as `MidwatchError` becomes a finding.
        visit: takes each whole event; after the first finding in a stream, no more of that stream.
    """
    found = Findings()
    claims, count, last = _claims(checkpoints, remembered, verifier, found)
    log = Recount(tiles, claims, found)
    streams = _Streams(key_of=key_of, visit=visit, found=found)
    total = 0
    unsealed_since_ms: EpochMs | None = None
    for stored in events:
        total += 1
        entry, position = stored.entry, stored.position
        hashed = sha256(b"\x00" + entry.leaf).digest()
        streams.add(entry, hashed, position)
        if position is not None:
            log.add(position, entry, hashed)
        elif unsealed_since_ms is None or entry.at_ms < unsealed_since_ms:
            unsealed_since_ms = entry.at_ms
    root = log.finish()
    if log.size > last:
        found.add(f"position {last}", f"no checkpoint covers the {log.size - last} events from here on")
    return Verified(
        events=total,
        sealed=log.size,
        unsealed_since_ms=unsealed_since_ms,
        erased=streams.erased,
        heads=streams.heads,
        root=root,
        checkpoints=count,
        findings=tuple(found.kept.values()),
    )


class _Streams:
    """The chains of all streams, link by link."""

    def __init__(self, *, key_of: KeyOf | None, visit: Visit | None, found: Findings) -> None:
        self.heads: dict[str, tuple[int, str]] = {}
        self.erased = 0
        self._key_of = key_of
        self._visit = visit
        self._found = found
        self._broken: set[str] = set()
        self._keys: dict[str, bytes | None] = {}

    def add(self, entry: Entry, hashed: bytes, position: int | None) -> None:
        """Take the next event of its stream, whose leaf has this hash."""
        stream = entry.stream
        if stream in self._broken:
            return
        head_n, head_hash = self.heads.get(stream, _NO_HEAD)
        found = match_leaf(entry.leaf.decode("ascii", "replace"))
        groups = found.groups() if found else None
        wrong = _wrong_of(entry, hashed, groups, head_n, head_hash)
        if wrong is None and groups is not None:
            self.heads[stream] = entry.n, hashed.hex()
            if self._key_of is not None:
                wrong = self._open(entry, envelope_of(groups), self._key_of, position)
        if wrong is not None:
            self._broken.add(stream)
            self._found.add(f"{stream}#{entry.n}", wrong)

    def _open(self, entry: Entry, envelope: Envelope, key_of: KeyOf, position: int | None) -> str | None:
        """Decode the event and hand it on; return what is wrong with it, or None."""
        try:
            if entry.subject not in self._keys:
                self._keys[entry.subject] = key_of(entry.subject)
            key = self._keys[entry.subject]
            if key is None:
                self.erased += 1
                event = Event(envelope=envelope, actor=ERASED_ACTOR, payload=Erased())
            else:
                event = event_of(entry, envelope, key)
        except MidwatchError as error:
            return error.sentence
        if self._visit is not None:
            self._visit(event, position)
        return None


_NO_HEAD = (0, GENESIS)


def _wrong_of(
    entry: Entry, hashed: bytes, groups: tuple[str, ...] | None, head_n: int, head_hash: str
) -> str | None:
    """Return what is wrong with an event behind this head of its stream, or None."""
    if groups is None:
        return "its leaf isn't a canonical envelope"
    if hashed != entry.leaf_hash:
        return "the column leaf_hash isn't the hash of its leaf"
    at_ms, _, n, _, prev, stream, event_type, _ = groups
    if stream != entry.stream:
        return f"the column stream differs from its leaf, which says {stream}"
    if int(n) != entry.n:
        return f"the column n differs from its leaf, which says {n}"
    if event_type != entry.type:
        return f"the column type differs from its leaf, which says {event_type}"
    if int(at_ms) != entry.at_ms:
        return f"the column at_ms differs from its leaf, which says {at_ms}"
    if entry.n > head_n + 1:
        return f"before it, {entry.n - head_n - 1} events are missing, from {entry.stream}#{head_n + 1} on"
    if entry.n <= head_n:
        return f"it comes after {entry.stream}#{head_n}: it is there twice, or out of order"
    if prev != head_hash:
        return f"it doesn't follow from the event before it, {entry.stream}#{head_n}"
    return None
