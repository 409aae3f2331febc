"""Is the journal whole, and do the tables say what it says?"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from midwatch.app.drive.project import changed_rows
from midwatch.app.house import House
from midwatch.base.canonical import digest_of
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Digest, RunId
from midwatch.journal.checkpoint import Remembered, verifier_key
from midwatch.journal.events import Erased, Event
from midwatch.journal.run_events import ApprovalAsked, RunStarted
from midwatch.journal.sealing import unseal_blob
from midwatch.journal.verify import Finding, Verified, verify_journal
from midwatch.ports.rows import ApprovalRow, EffectRow, HandRow, NoticeRow, Row, RunRow, TaskRow
from midwatch.ports.store import RunFilter, StoredEvent
from midwatch.run.evolve import evolve
from midwatch.run.state import RunState

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


@dataclass(slots=True)
class _Folding:
    """The states that the journal means, as far as it was read."""

    states: dict[RunId, RunState] = field(default_factory=dict)
    plans: set[str] = field(default_factory=set)
    cards: dict[str, str] = field(default_factory=dict)
    """Address of a card to the place of the event that names it."""
    broken: list[Finding] = field(default_factory=list)
    erased: set[RunId] = field(default_factory=set)

    def visit(self, event: Event, position: int | None) -> None:
        del position
        stream = event.envelope.stream
        if not stream.startswith("run/"):
            return
        run = RunId(stream.removeprefix("run/"))
        if run in self.erased:
            return
        if isinstance(event.payload, Erased):
            self.erased.add(run)
            return
        if isinstance(event.payload, RunStarted):
            self.plans.add(event.payload.plan)
        elif isinstance(event.payload, ApprovalAsked):
            self.cards[event.payload.card] = event.ref
        try:
            self.states[run] = evolve(self.states.get(run) or RunState(run=run), event)
        except (MidwatchError, KeyError) as error:
            self.broken.append(Finding(place=event.ref, sentence=f"can't follow what was before it: {error}"))
            self.erased.add(run)


def audit(house: House, *, remembered: tuple[Remembered, ...] = (), hashes_only: bool = False) -> Audit:
    """Check every event, link, tile, checkpoint and signature; then every row against the journal.

    Args:
        remembered: what witnesses outside remember; without one, a cut tail or a rebuilt chain that was
            signed with a stolen key can't be told.
        hashes_only: leaves payloads and tables alone.
    """
    store = house.store
    folding = _Folding()
    verified = verify_journal(
        _stored(house),
        tiles=store.tiles(),
        checkpoints=store.checkpoints(),
        verifier=verifier_key(house.keys.origin, house.keys.public_key),
        remembered=remembered,
        key_of=None if hashes_only else lambda subject: house.keys.subject_key(subject, create=False),
        visit=folding.visit,
    )
    findings = list(verified.findings)
    rows = 0
    if not hashes_only:
        findings.extend(folding.broken)
        rows, differences = _compared(house, folding)
        findings.extend(differences)
        findings.extend(_contents(house, folding))
    findings.extend(_heads(house, verified))
    return Audit(journal=verified, runs=len(folding.states), rows=rows, findings=tuple(findings))


def _stored(house: House) -> Iterator[StoredEvent]:
    after = 0
    while page := house.store.stored_events(after_row=after, limit=PAGE):
        for row, stored in page:
            after = row
            yield stored


def _heads(house: House, verified: Verified) -> Iterator[Finding]:
    for stream in house.store.streams():
        head = house.store.head(stream)
        if verified.heads.get(stream) != (head.n, head.hash):
            yield Finding(place=f"streams {stream}", sentence="its head is not the last event of the stream")
    for missing in sorted(verified.heads.keys() - set(house.store.streams())):
        yield Finding(place=f"streams {missing}", sentence="it has events, and no head")


def _compared(house: House, folding: _Folding) -> tuple[int, list[Finding]]:
    """Return how many rows were compared, and each that differs, is missing or stands alone."""
    store = house.store
    found: dict[tuple[str, ...], Row] = {}
    for run_row in store.run_rows(RunFilter(limit=ROWS_MAX)):
        found[_key(run_row)] = run_row
        rows: tuple[Row, ...] = (*store.task_rows(run_row.run), *store.effect_rows(run_row.run))
        found.update({_key(row): row for row in rows})
    for approval in store.approval_rows():
        found[_key(approval)] = approval
    found.update({_key(hand): hand for hand in store.hand_rows()})
    found.update({_key(notice): notice for notice in store.notice_rows(limit=ROWS_MAX)})
    expected: dict[tuple[str, ...], Row] = {}
    for state in folding.states.values():
        if state.run not in folding.erased:
            expected.update({_key(row): row for row in changed_rows(RunState(run=state.run), state)})
    findings = []
    for key in sorted(expected.keys() | found.keys()):
        if found.get(key) is not None and found[key].run in folding.erased:
            continue
        if expected.get(key) != found.get(key):
            findings.append(
                Finding(place=" ".join(key), sentence=_difference(expected.get(key), found.get(key)))
            )
    return len(found), findings


def _key(row: Row) -> tuple[str, ...]:
    match row:
        case RunRow():
            return ("runs", row.run)
        case TaskRow():
            return ("tasks", row.run, row.task, str(row.iteration))
        case EffectRow():
            return ("effects", row.key)
        case ApprovalRow():
            return ("approvals", row.approval)
        case HandRow():
            return ("hands", row.hand)
        case NoticeRow():
            return ("notices", row.run, str(row.n), row.person)


def _difference(expected: Row | None, found: Row | None) -> str:
    if found is None:
        return "the journal has it, and the table does not"
    if expected is None:
        return "the table has it, and the journal does not"
    for name in expected.__dataclass_fields__:
        if getattr(expected, name) != getattr(found, name):
            return f"the column {name} differs from the journal"
    raise AssertionError("two rows that differ differ in a column")


def _contents(house: House, folding: _Folding) -> Iterator[Finding]:
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
