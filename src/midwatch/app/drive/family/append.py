"""Appending to a run from outside its drive: start, answer, undo, cancel, settle. One transaction each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from midwatch.app.drive.project import changed_rows
from midwatch.app.drive.session import load_state
from midwatch.app.house import SUBJECT, House
from midwatch.base.ids import Principal, RunId, run_stream
from midwatch.journal.chain import GENESIS, extend
from midwatch.journal.events import Draft
from midwatch.journal.run_events import RunEvent
from midwatch.ports.rows import TimerRow
from midwatch.ports.store import Blob, Change, FactsMovedError, Head, StreamMovedError
from midwatch.run.evolve import fact
from midwatch.run.state import RunState

EMPTY = Head(n=0, hash=GENESIS)
TRIES_MAX = 100
"""How often a stream may move under one write before something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Facts to append to a run, as decided on its newest state."""

    facts: Sequence[RunEvent]
    cause_n: int
    actor: Principal
    drive: bool = True
    facts_version: int | None = None
    blobs: tuple[Blob, ...] = field(default_factory=tuple)
    timer: TimerRow | None = None


def append_to_run(house: House, run: RunId, decide: Callable[[RunState], Write]) -> RunState:
    """Append what `decide` makes of the run's newest state; decide again where somebody was faster.

    Returns:
        The state with the new facts.

    Raises:
        MidwatchError: what `decide` refuses, and MW706 when nothing can be written.
    """
    for _ in range(TRIES_MAX):
        state, head = load_state(house, run)
        write = decide(state)
        if not write.facts:
            return state
        after, change = _change(house, state, head, write)
        last = change.entries[-1]
        try:
            house.store.append(change)
        except (StreamMovedError, FactsMovedError):
            continue
        house.known.put(run, after, Head(n=last.n, hash=last.leaf_hash.hex()))
        house.on_commit(run)
        return after
    raise StreamMovedError(f"the run {run} is too busy to be written to", run=run)


def _change(house: House, state: RunState, head: Head, write: Write) -> tuple[RunState, Change]:
    stream = run_stream(state.run)
    now_ms = house.clock.now_ms()
    key = house.keys.subject_key(SUBJECT, create=False)
    assert key is not None, "the house's own key exists from its first event on"
    cause = f"{stream}#{write.cause_n}" if write.cause_n else None
    drafts = []
    after = state
    for payload in write.facts:
        drafts.append(Draft(payload=payload, actor=write.actor, cause=cause))
        after = fact(after, payload, after.n + 1, now_ms, write.actor)
        cause = f"{stream}#{after.n}"
    entries = extend(
        stream, head.n, head.hash, drafts, at_ms=now_ms, subject=SUBJECT, key=key, noise=house.chance.token
    )
    change = Change(
        stream=stream,
        expected=head,
        entries=entries,
        run=state.run,
        rows=changed_rows(state, after),
        drive=write.drive,
        facts_version=write.facts_version,
        blobs=write.blobs,
        timer=write.timer,
        # The drive sets the timer anew; until then nothing but the drive is waited for.
        clear_timer=write.drive and write.timer is None,
    )
    return after, change
