"""Is the journal whole, and do the tables say what it says?"""

from collections.abc import Iterator
from dataclasses import dataclass

from midwatch.app.folding import Folding, key_of
from midwatch.app.house import House
from midwatch.base.canonical import digest_of
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Digest, StreamId
from midwatch.journal.chain import open_entry
from midwatch.journal.checkpoint import Remembered, verifier_key
from midwatch.journal.codec import outline_payload
from midwatch.journal.events import Event, StoredEvent
from midwatch.journal.sealing import unseal_blob
from midwatch.journal.verify import Finding, Verified, verify_journal
from midwatch.ports.rows import Row
from midwatch.ports.store import RunFilter, Store

PAGE = 500
"""Events in memory at a time: few, so that the collector finds little to look at."""
ROWS_MAX = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What one audit found."""

    journal: Verified
    runs: int
    rows: int
    """How many rows of tables were compared with the journal."""
    findings: tuple[Finding, ...]
    """What is broken, the journal's first; empty when all is whole."""


def audit(house: House, *, remembered: tuple[Remembered, ...] = (), hashes_only: bool = False) -> Audit:
    """Check every event, link, tile, checkpoint and signature; then every row against the journal.

    Args:
        remembered: what witnesses outside remember; without one, a cut tail or a rebuilt chain that was
            signed with a stolen key can't be told.
        hashes_only: leaves payloads and tables alone.
    """
    store = house.store
    folding = Folding({stream: head.n for stream, head in store.heads().items()})
    verified = verify_journal(
        _stored(house, payloads=not hashes_only),
        tiles=store.tiles(),
        checkpoints=store.checkpoints(),
        verifier=verifier_key(house.keys.origin, house.keys.public_key),
        remembered=remembered,
        key_of=None if hashes_only else lambda subject: house.keys.subject_key(subject, create=False),
        visit=folding.visit,
        decode=outline_payload,
    )
    findings = list(verified.findings)
    rows = 0
    if not hashes_only:
        folding.finish(lambda stream: _events(house, stream))
        findings.extend(folding.broken)
        rows, differences = _compared(house, folding)
        findings.extend(differences)
        findings.extend(_contents(house, folding))
    findings.extend(_heads(house, verified))
    return Audit(journal=verified, runs=folding.runs, rows=rows, findings=tuple(findings))


def _stored(house: House, *, payloads: bool) -> Iterator[StoredEvent]:
    after = 0
    while page := house.store.stored_events(after_row=after, limit=PAGE, payloads=payloads):
        yield from page
        after = page[-1].row


def _events(house: House, stream: StreamId) -> Iterator[Event]:
    for entry in house.store.entries(stream):
        yield open_entry(entry, house.keys.subject_key(entry.subject, create=False))


def _heads(house: House, verified: Verified) -> Iterator[Finding]:
    heads = house.store.heads()
    for stream, head in sorted(heads.items()):
        if verified.heads.get(stream) != (head.n, head.hash):
            yield Finding(place=f"streams {stream}", sentence="its head is not the last event of the stream")
    for missing in sorted(verified.heads.keys() - heads.keys()):
        yield Finding(place=f"streams {missing}", sentence="it has events, and no head")


def _compared(house: House, folding: Folding) -> tuple[int, list[Finding]]:
    """Return how many rows were compared, and each that differs, is missing or stands alone."""
    store = house.store
    expected = dict(folding.rows)
    rows = 0
    findings = []
    for row in _rows(store):
        rows += 1
        key = key_of(row)
        meant = expected.pop(key, None)
        if meant != row and row.run not in folding.left_out:
            findings.append((key, _difference(meant, row)))
    findings.extend((key, _difference(meant, None)) for key, meant in expected.items())
    return rows, [Finding(place=" ".join(key), sentence=sentence) for key, sentence in sorted(findings)]


def _rows(store: Store) -> Iterator[Row]:
    for run in store.run_rows(RunFilter(limit=ROWS_MAX)):
        yield run
        yield from store.task_rows(run.run)
        yield from store.effect_rows(run.run)
    yield from store.approval_rows()
    yield from store.hand_rows()
    yield from store.notice_rows(limit=ROWS_MAX)


def _difference(expected: Row | None, found: Row | None) -> str:
    if found is None:
        return "the journal has it, and the table does not"
    if expected is None:
        return "the table has it, and the journal does not"
    for name in expected.__dataclass_fields__:
        if getattr(expected, name) != getattr(found, name):
            return f"the column {name} differs from the journal"
    raise AssertionError("two rows that differ differ in a column")


def _contents(house: House, folding: Folding) -> Iterator[Finding]:
    """Check what the journal names by a digest or an address: plans, and the cards as they were shown."""
    for plan in sorted(folding.plans):
        stored = house.store.plan(Digest(plan))
        if stored is None or digest_of(stored) != plan:
            yield Finding(place=f"plans {plan}", sentence="the plan is missing, or not the one that ran")
    for address, place in sorted(folding.cards.items()):
        blob = house.store.blob(address)
        key = house.keys.subject_key(blob.subject, create=False) if blob is not None else None
        try:
            if blob is None:
                yield Finding(place=place, sentence=f"its card {address} is missing")
            elif key is not None:
                unseal_blob(address, blob.sealed, key=key)
        except MidwatchError as error:
            yield Finding(place=place, sentence=error.sentence)
