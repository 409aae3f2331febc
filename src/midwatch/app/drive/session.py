"""One drive's hold on one run: what is durable, what waits to be, and the commit between them.

Facts are buffered in segments and folded at once, so that decisions can go on; `flush` makes them
durable in one transaction. A segment with a guard stands on facts of the world (policy version,
leases): where these moved, it is dropped and decided anew, while outcomes that were seen stay.

Several commits may be under way, each on the one before: where one is refused, so are those behind
it, and what they held is decided on again as if it had not been sent.
"""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO

from midwatch.app.drive.project import changed_rows
from midwatch.app.errors import PlanMissingError
from midwatch.app.house import SUBJECT, House
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Digest, OwnerToken, Principal, RunId, run_stream
from midwatch.base.units import EpochMs
from midwatch.effects.ledger import LedgerOrderError
from midwatch.journal.chain import GENESIS, extend, open_entry
from midwatch.journal.events import Draft, Entry
from midwatch.journal.run_events import RunEvent
from midwatch.journal.sealing import NONCE_BYTES, SALT_BYTES
from midwatch.plan.codec import plan_from
from midwatch.plan.model import Plan
from midwatch.ports.rows import LeaseRow, TimerRow
from midwatch.ports.store import (
    Blob,
    Change,
    FactsMovedError,
    Head,
    LeaseHeldError,
    Receipt,
    StreamMovedError,
)
from midwatch.run.evolve import Fold, evolve, fact
from midwatch.run.state import RunState

DRIVER = Principal("system:driver")
AHEAD_MAX = 8
"""Commits that may be under way while a drive goes on."""
TRIES_MAX = 100
"""How often a stream may move while a run is given up."""
_EMPTY = Head(n=0, hash=GENESIS)
PLANS_MAX = 64
"""Plans that a process keeps decoded; they are immutable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a segment stands on."""

    facts_version: int
    leases: tuple[LeaseRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Facts that are appended together, each the cause of the next."""

    facts: tuple[RunEvent, ...]
    cause_n: int
    """Number of the event that led to the first; 0 for none."""
    actor: Principal = DRIVER
    guard: Guard | None = None
    freed: tuple[LeaseRow, ...] = ()
    blobs: tuple[Blob, ...] = ()
    at_ms: EpochMs = field(default=EpochMs(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """A commit under way, and what is true once it landed."""

    receipt: Receipt
    segments: list[Segment]
    state: RunState
    head: Head
    owned: bool


class Session:
    """A run, loaded: its plan, its durable state, and what is about to become durable."""

    def __init__(
        self, house: House, plan: Plan, state: RunState, *, head: Head, claim_over: OwnerToken | None
    ) -> None:
        self.house = house
        self.plan = plan
        self.run = state.run
        self.state = state
        """With everything that was added, durable or not."""
        self.head = head
        self._durable = state
        self._segments: list[Segment] = []
        self._token = OwnerToken(f"{house.worker}:{house.chance.token(8).hex()}")
        self._claim_over = claim_over
        self._owned = False
        self._sent: deque[_Sent] = deque()

    def add(self, segment: Segment) -> None:
        """Fold a segment into the state; `flush` makes it durable."""
        self.state = _folded(self.state, segment)
        self._segments.append(segment)

    def absorb(self, segment: Segment) -> None:
        """Add what a job found, unless it is no news any more: a person settled the doubt that was probed."""
        with suppress(LedgerOrderError):
            self.add(segment)

    @property
    def token(self) -> OwnerToken | None:
        """The token under which the run is this drive's; None while it is not."""
        return self._token if self._owned else None

    def held(self) -> OwnerToken | None:
        """Wait for the commit under way; return the token under which the run is this drive's, or None."""
        with suppress(MidwatchError):
            self._landed()
        return self.token

    def flush(self, *, park_until_ms: EpochMs | None = None, park: bool = False) -> bool:
        """Make every segment durable; with `park`, give the run up and set its timer.

        Returns:
            Whether everything that was added is durable. False where the world or the stream moved:
            the state is what it is now, and the caller decides again.

        Raises:
            FencedError: MW702, when another drive owns the run.
            StreamMovedError: MW701, when the stream moved before the run was this drive's: another may have
                done what this one was doing, so all is read and decided again.
            StoreFullError: MW706, when nothing can be written.
        """
        if not self._landed():
            return False
        if not self._segments and not (park and self._owned) and park_until_ms is None:
            return True
        self._send(park_until_ms=park_until_ms, park=park, awaited=True)
        return self._landed()

    def flush_soon(self) -> bool:
        """Begin to make every segment durable, and go on meanwhile; the next `flush` waits for it.

        For what nothing outside hangs on yet: a reading may be taken while those before it are committed.

        Returns:
            False where what was under way before met a moved world or stream: see `flush`.

        Raises:
            FencedError, StreamMovedError, StoreFullError: as `flush`.
        """
        while self._sent and (self._sent[0].receipt.is_over() or len(self._sent) >= AHEAD_MAX):
            if not self._first_landed():
                return False
        if self._segments:
            self._send(park_until_ms=None, park=False, awaited=False)
        return True

    def _send(self, *, park_until_ms: EpochMs | None, park: bool, awaited: bool) -> None:
        change, head = self._change(park_until_ms=park_until_ms, park=park)
        receipt = self.house.store.begin(change, awaited=awaited)
        self._sent.append(
            _Sent(receipt=receipt, segments=self._segments, state=self.state, head=head, owned=not park)
        )
        self._segments = []

    def _landed(self) -> bool:
        """Wait for every commit under way; return whether everything sent is durable."""
        while self._sent:
            if not self._first_landed():
                return False
        return True

    def _first_landed(self) -> bool:
        """Wait for the oldest commit under way; return whether what it held is durable."""
        sent = self._sent.popleft()
        try:
            sent.receipt.wait()
        except StreamMovedError:
            if not self._owned:
                raise
            self._take_back(sent)
            self._rebase(self._reload())
            return False
        except (FactsMovedError, LeaseHeldError):
            self._take_back(sent)
            self._rebase(self._durable)
            return False
        self.head = sent.head
        self._durable = sent.state
        self._owned = sent.owned
        if not sent.owned:
            self.house.known.put(self.run, self._durable, self.head)
        self.house.on_commit(self.run)
        return True

    def _take_back(self, refused: _Sent) -> None:
        """Put the segments of a refused commit before those that follow, and of the commits behind it."""
        segments = list(refused.segments)
        for sent in self._sent:
            try:
                sent.receipt.wait()
            except StreamMovedError:
                segments.extend(sent.segments)
            else:
                raise AssertionError("a commit landed on one that was refused")
        self._sent.clear()
        self._segments = segments + self._segments

    def _change(self, *, park_until_ms: EpochMs | None, park: bool) -> tuple[Change, Head]:
        """Return the change that makes every segment durable, and where the stream ends after it."""
        last = self._sent[-1] if self._sent else None
        before, known = (self.head, self._durable) if last is None else (last.head, last.state)
        owned = self._owned if last is None else last.owned
        entries = self._entries(before)
        head = Head(n=entries[-1].n, hash=entries[-1].leaf_hash.hex()) if entries else before
        guards = [segment.guard for segment in self._segments if segment.guard is not None]
        timer = None if park_until_ms is None else TimerRow(run=self.run, due_ms=park_until_ms)
        change = Change(
            stream=run_stream(self.run),
            expected=before,
            entries=entries,
            run=self.run,
            owner=self._token if owned else None,
            claim=None if owned else self._token,
            claim_over=self._claim_over,
            release=park,
            rows=changed_rows(known, self.state),
            timer=timer,
            clear_timer=park and timer is None,
            facts_version=min((guard.facts_version for guard in guards), default=None),
            leases_taken=tuple(lease for guard in guards for lease in guard.leases),
            leases_freed=tuple(lease for segment in self._segments for lease in segment.freed),
            blobs=tuple(blob for segment in self._segments for blob in segment.blobs),
        )
        return change, head

    def _entries(self, after: Head) -> tuple[Entry, ...]:
        house = self.house
        key = house.keys.subject_key(SUBJECT, create=False)
        assert key is not None, "the house's own key exists from its first event on"
        stream = run_stream(self.run)
        n, prev = after.n, after.hash
        # Drawn at once: each call of the system makes way for another thread.
        count = sum(len(segment.facts) for segment in self._segments)
        noise = BytesIO(house.chance.token(count * (SALT_BYTES + NONCE_BYTES))).read
        entries: list[Entry] = []
        for segment in self._segments:
            cause = f"{stream}#{segment.cause_n}" if segment.cause_n else None
            drafts = []
            for offset, payload in enumerate(segment.facts):
                drafts.append(Draft(payload=payload, actor=segment.actor, cause=cause))
                cause = f"{stream}#{n + offset + 1}"
            fresh = extend(
                stream,
                n,
                prev,
                drafts,
                at_ms=segment.at_ms,
                subject=SUBJECT,
                key=key,
                noise=noise,
            )
            entries.extend(fresh)
            if fresh:
                n, prev = fresh[-1].n, fresh[-1].leaf_hash.hex()
        return tuple(entries)

    def _reload(self) -> RunState:
        entries = self.house.store.entries(run_stream(self.run), after_n=self.head.n)
        key = self.house.keys.subject_key(SUBJECT, create=False)
        state = self._durable
        for entry in entries:
            state = evolve(state, open_entry(entry, key))
        if entries:
            self.head = Head(n=entries[-1].n, hash=entries[-1].leaf_hash.hex())
        return state

    def _rebase(self, durable: RunState) -> None:
        """Fold what was seen onto the state as it is now; what stood on a guard is decided anew."""
        seen = [segment for segment in self._segments if segment.guard is None and segment.actor != DRIVER]
        self._segments = []
        self._durable = self.state = durable
        for segment in seen:
            self.absorb(segment)


def _folded(state: RunState, segment: Segment) -> RunState:
    for payload in segment.facts:
        state = fact(state, payload, state.n + 1, segment.at_ms, segment.actor)
    return state


def give_up(house: House, run: RunId, token: OwnerToken | None, *, until_ms: EpochMs) -> None:
    """Let go of a run as it is on disk, to be driven again at a moment, by whichever process."""
    stream = run_stream(run)
    for _ in range(TRIES_MAX):
        change = Change(
            stream=stream,
            expected=house.store.head(stream),
            entries=(),
            run=run,
            owner=token,
            release=token is not None,
            timer=TimerRow(run=run, due_ms=until_ms),
        )
        with suppress(StreamMovedError):
            house.store.append(change)
            return


def load_state(house: House, run: RunId) -> tuple[RunState, Head]:
    """Return the folded state of a run and the end of its stream."""
    key = house.keys.subject_key(SUBJECT, create=False)
    known = house.known.get(run) if key is not None else None
    found = None if known is None else _followed(house, run, key, *known)
    if found is None:
        found = _followed(house, run, key, RunState(run=run), _EMPTY)
        assert found is not None, "every stream begins after nothing"
    if key is not None and found[1].n:
        house.known.put(run, *found)
    return found


def _followed(
    house: House, run: RunId, key: bytes | None, state: RunState, head: Head
) -> tuple[RunState, Head] | None:
    """Return a state with what came after it, or None where the stream does not go on from its head."""
    entries = house.store.entries(run_stream(run), after_n=head.n)
    if not entries:
        return (state, head) if not head.n or house.store.head(run_stream(run)) == head else None
    folding = Fold(state)
    for entry in entries:
        event = open_entry(entry, key)
        if entry is entries[0] and event.envelope.prev != head.hash:
            return None
        folding.add(event)
    return folding.state(), Head(n=entries[-1].n, hash=entries[-1].leaf_hash.hex())


def load_plan(house: House, plan: str) -> Plan:
    """Return a stored plan.

    Raises:
        PlanMissingError: MW613, when the database does not hold it.
    """
    stored = house.store.plan(Digest(plan))
    if stored is None:
        raise PlanMissingError(f"the plan {plan} is not in the database", plan=plan)
    return _decoded(stored)


@lru_cache(maxsize=PLANS_MAX)
def _decoded(stored: bytes) -> Plan:
    return plan_from(stored)
