"""Is the journal whole? One pass over all events, from their hashed bytes alone.

Rule 1: nothing stored is believed: hashes, columns, positions, tiles and roots are computed again.
Rule 2: the first thing that is broken is named, once per stream, tile and checkpoint.
Rule 3: what nobody outside remembers isn't protected from who owns the disk: see `Remembered`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Principal
from midwatch.base.units import EpochMs
from midwatch.journal.chain import ERASED_ACTOR, GENESIS
from midwatch.journal.checkpoint import Remembered, open_checkpoint
from midwatch.journal.codec import Groups, decode_payload, match_leaf
from midwatch.journal.events import Erased, Payload, StoredEvent
from midwatch.journal.merkle import TILE_WIDTH
from midwatch.journal.recount import Claim, Finding, Findings, Recount
from midwatch.journal.sealing import SALT_BYTES, revealed

__all__ = ["Finding", "KeyOf", "Verified", "Visit", "verify_journal"]

KeyOf = Callable[[str], bytes | None]
"""Subject to its key; None where it was destroyed."""

Decode = Callable[[str, int, bytes], tuple[Principal, Payload]]
"""Type, version and bytes of a payload to actor and payload; raises what `codec.decode_payload` raises."""

Visit = Callable[[StoredEvent, Principal, Payload], None]
"""Takes each event that is whole, in the order of its stream, with its actor and its payload."""


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
    events: Iterable[StoredEvent],
    *,
    tiles: Iterable[tuple[int, int, bytes]],
    checkpoints: Iterable[tuple[int, str]],
    verifier: str,
    remembered: Iterable[Remembered] = (),
    key_of: KeyOf | None = None,
    visit: Visit | None = None,
    decode: Decode = decode_payload,
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
        decode: reads payloads; `codec.outline_payload` where no decision and no sealed action is looked at.
    """
    found = Findings()
    claims, count, last = _claims(checkpoints, remembered, verifier, found)
    log = Recount(tiles, claims, found)
    streams = _Streams(key_of=key_of, visit=visit, decode=decode, found=found)
    total = 0
    left = iter(events)
    while page := list(islice(left, TILE_WIDTH)):
        total += len(page)
        hashes = [sha256(b"\x00" + stored.leaf).digest() for stored in page]
        streams.add(page, hashes)
        log.add(page, hashes)
    root = log.finish()
    if log.size > last:
        found.add(f"position {last}", f"no checkpoint covers the {log.size - last} events from here on")
    return Verified(
        events=total,
        sealed=log.size,
        unsealed_since_ms=log.waiting_since_ms,
        erased=streams.erased,
        heads=streams.heads,
        root=root,
        checkpoints=count,
        findings=tuple(found.kept.values()),
    )


_Breaks = dict[str, tuple[StoredEvent, str]]
"""Stream to the first event of it that isn't whole, and why, among those of one page."""


class _Streams:
    """The chains of all streams, link by link.

    A page goes through one step after the other as a whole: a step that took turns with the others for each
    event would find its code gone from the processor's cache, and cost twice as much on a busy machine.
    """

    def __init__(self, *, key_of: KeyOf | None, visit: Visit | None, decode: Decode, found: Findings) -> None:
        self.heads: dict[str, tuple[int, str]] = {}
        self.erased = 0
        self._key_of = key_of
        self._visit = visit
        self._decode = decode
        self._found = found
        self._broken: set[str] = set()
        self._keys: dict[str, bytes | None] = {}

    def add(self, page: Sequence[StoredEvent], hashes: Sequence[bytes]) -> None:
        """Take the next events, each the next of its stream, whose leaves have these hashes."""
        breaks: _Breaks = {}
        linked = self._linked(page, hashes, breaks)
        if self._key_of is not None:
            read = self._read(self._opened(linked, self._key_of, breaks), breaks)
            if self._visit is not None:
                for stored, actor, payload in read:
                    self._visit(stored, actor, payload)
        for stored, wrong in sorted(breaks.values(), key=lambda found: page.index(found[0])):
            self._broken.add(stored.stream)
            self._found.add(stored.ref, wrong)

    def _linked(
        self, page: Sequence[StoredEvent], hashes: Sequence[bytes], breaks: _Breaks
    ) -> list[tuple[StoredEvent, Groups]]:
        """Return the events that follow from those before them, each with what its leaf spells."""
        heads, broken = self.heads, self._broken
        linked = []
        for stored, hashed in zip(page, hashes, strict=True):
            _, _, stream, n, event_type, at_ms, leaf, leaf_hash, _, _ = stored
            if stream in broken or stream in breaks:
                continue
            head_n, head_hash = head = heads.get(stream, _NO_HEAD)
            found = match_leaf(leaf.decode("ascii", "replace"))
            if found is None:
                breaks[stream] = stored, "its leaf isn't a canonical envelope"
                continue
            leaf_at, _, leaf_n, _, leaf_prev, leaf_stream, leaf_type, _ = groups = found.groups()
            if (
                hashed != leaf_hash
                or leaf_stream != stream
                or leaf_type != event_type
                or int(leaf_n) != n
                or int(leaf_at) != at_ms
                or n != head_n + 1
                or leaf_prev != head_hash
            ):
                breaks[stream] = stored, _wrong_of(stored, hashed, groups, head)
                continue
            heads[stream] = n, hashed.hex()
            linked.append((stored, groups))
        return linked

    def _opened(
        self, linked: list[tuple[StoredEvent, Groups]], key_of: KeyOf, breaks: _Breaks
    ) -> list[tuple[StoredEvent, Groups, bytes | None]]:
        """Return the events whose payloads are those that their leaves commit to, with their bytes."""
        keys = self._keys
        shut: set[str] = set()
        opened: list[tuple[StoredEvent, Groups, bytes | None]] = []
        for stored, groups in linked:
            if stored.stream in shut:
                continue
            try:
                if stored.subject not in keys:
                    keys[stored.subject] = key_of(stored.subject)
                key = keys[stored.subject]
                if key is None:
                    self.erased += 1
                    opened.append((stored, groups, None))
                else:
                    opened.append((stored, groups, revealed(stored, key, groups[3])[SALT_BYTES:]))
            except MidwatchError as error:
                shut.add(stored.stream)
                self._break(stored, error, breaks)
        return opened

    def _read(
        self, opened: list[tuple[StoredEvent, Groups, bytes | None]], breaks: _Breaks
    ) -> list[tuple[StoredEvent, Principal, Payload]]:
        """Return the events whose payloads can be read, with actor and payload."""
        decode = self._decode
        unread: set[str] = set()
        read: list[tuple[StoredEvent, Principal, Payload]] = []
        for stored, groups, data in opened:
            if stored.stream in unread:
                continue
            try:
                actor, payload = (
                    (ERASED_ACTOR, _ERASED) if data is None else decode(groups[6], int(groups[7]), data)
                )
            except MidwatchError as error:
                unread.add(stored.stream)
                self._break(stored, error, breaks)
            else:
                read.append((stored, actor, payload))
        return read

    def _break(self, stored: StoredEvent, error: MidwatchError, breaks: _Breaks) -> None:
        """Let the stream end here, and not at a later event that an earlier step stopped at."""
        breaks[stored.stream] = stored, error.sentence
        self.heads[stored.stream] = stored.n, stored.leaf_hash.hex()


_NO_HEAD = (0, GENESIS)
_ERASED: Payload = Erased()


def _wrong_of(stored: StoredEvent, hashed: bytes, groups: Groups, head: tuple[int, str]) -> str:
    """Return what is wrong with an event that doesn't fit its own columns or this head of its stream."""
    head_n, head_hash = head
    if hashed != stored.leaf_hash:
        return "the column leaf_hash isn't the hash of its leaf"
    at_ms, _, n, _, prev, stream, event_type, _ = groups
    if stream != stored.stream:
        return f"the column stream differs from its leaf, which says {stream}"
    if int(n) != stored.n:
        return f"the column n differs from its leaf, which says {n}"
    if event_type != stored.type:
        return f"the column type differs from its leaf, which says {event_type}"
    if int(at_ms) != stored.at_ms:
        return f"the column at_ms differs from its leaf, which says {at_ms}"
    if stored.n > head_n + 1:
        return f"before it, {stored.n - head_n - 1} events are missing, from {stored.stream}#{head_n + 1} on"
    if stored.n <= head_n:
        return f"it comes after {stored.stream}#{head_n}: it is there twice, or out of order"
    if prev != head_hash:
        return f"it doesn't follow from the event before it, {stored.stream}#{head_n}"
    raise AssertionError("an event that breaks its stream breaks it in some way")
