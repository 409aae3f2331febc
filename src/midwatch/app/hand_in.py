"""Handing in what was done by hand: one use case behind every surface.

Whether it counts is decided on the state of the transaction that records it. An attempt that is late,
repeated or not theirs to make is a fact too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch.app.drive.family.append import Write, append_to_run
from midwatch.app.errors import HandClosedError, HandMisfitError, HandNotYoursError
from midwatch.app.house import House
from midwatch.approvals.ladder import entitled, rung_at
from midwatch.approvals.people import person_principal
from midwatch.base.canonical import frozen_value
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import HandId, Principal, RunId
from midwatch.base.units import EpochMs, between
from midwatch.journal.run_events import HandDone, HandRefused
from midwatch.run.errors import RunUnknownError
from midwatch.run.state import HandState, RunState
from midwatch.runbook.errors import ValueMismatchError
from midwatch.runbook.expr import coerce, validate

SURFACES = Principal("system:surface")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandIn:
    """What somebody hands in, as a surface took it."""

    hand: HandId
    os_user: str
    """Who it is, as the surface knows it; looked up in `people.toml`."""
    surface: str
    out: Mapping[str, Any] = field(default_factory=dict)
    ok: bool = True
    """False where it could not be done."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What became of it."""

    run: RunId
    sentence: str
    repeated: bool
    """Whether the same person handed the same in before, so that nothing happened."""


def hand_in(house: House, given: HandIn) -> HandedIn:
    """Record what somebody did by hand, and let the run go on.

    Raises:
        RunUnknownError: MW611, when there is no such hand.
        UnknownPersonError: MW404; HandNotYoursError: MW636; HandClosedError: MW635;
        HandMisfitError: MW637. The attempt is recorded all the same.
    """
    row = house.store.hand_row(given.hand)
    if row is None:
        raise RunUnknownError(f"there is nothing to be done by hand under {given.hand}", hand=given.hand)
    found: HandDone | MidwatchError | None = None
    actor = SURFACES

    def weigh(state: RunState) -> Write:
        nonlocal found, actor
        hand = state.hands[given.hand]
        found, actor = None, SURFACES
        try:
            actor = house.in_force().people.person_of_os_user(given.os_user).principal
            if _is_repeated(hand, given, actor):
                return Write(facts=[], cause_n=hand.n, actor=actor)
            found = _done(house, state, hand, given, actor)
        except MidwatchError as error:
            found = error
        if isinstance(found, HandDone):
            return Write(facts=[found], cause_n=hand.n, actor=actor)
        assert isinstance(found, MidwatchError), "it counts, or there is a reason why not"
        return Write(facts=[_refused(given, actor, found)], cause_n=hand.n, actor=actor, drive=False)

    append_to_run(house, row.run, weigh)
    if isinstance(found, MidwatchError):
        raise found
    if found is None:
        return HandedIn(run=row.run, sentence=f"{actor} handed this in before", repeated=True)
    word = "handed in" if given.ok else "given up"
    return HandedIn(run=row.run, sentence=f"{given.hand} is {word} by {actor}", repeated=False)


def _is_repeated(hand: HandState, given: HandIn, who: Principal) -> bool:
    return (
        hand.by == who
        and hand.status == ("done" if given.ok else "failed")
        and (not given.ok or dict(hand.out) == coerce(hand.out_schema, dict(given.out)))
    )


def _done(house: House, state: RunState, hand: HandState, given: HandIn, who: Principal) -> HandDone:
    """Return that it counts; raises why it doesn't."""
    now_ms = house.clock.now_ms()
    if state.outcome or hand.status != "open":
        raise HandClosedError(f"{hand.hand} is {hand.status} already", hand=hand.hand)
    if who not in entitled(hand.ladder, now_ms):
        raise HandNotYoursError(f"{who} neither holds nor held {hand.hand}", hand=hand.hand)
    return HandDone(
        hand=hand.hand,
        ok=given.ok,
        by=who,
        surface=given.surface,
        latency_ms=between(hand.asked_ms, now_ms),
        out=frozen_value(_fitted(hand, given)) if given.ok else {},
        note=given.note,
    )


def _fitted(hand: HandState, given: HandIn) -> dict[str, Any]:
    fitted: dict[str, Any] = coerce(hand.out_schema, dict(given.out))
    if hand.out_schema:
        try:
            validate(hand.out_schema, fitted, what=f"what is handed in for {hand.hand}")
        except ValueMismatchError as error:
            raise HandMisfitError(error.sentence, hand=hand.hand) from error
    return fitted


def _refused(given: HandIn, who: Principal, error: MidwatchError) -> HandRefused:
    by = who if who != SURFACES else f"os_user:{given.os_user}"
    return HandRefused(hand=given.hand, by=by, surface=given.surface, code=error.code, why=error.sentence)


def holding(hand: HandState, now_ms: EpochMs) -> tuple[Principal, ...]:
    """Return who holds it now; all who ever held it once nobody's time is left."""
    index = rung_at(hand.ladder, now_ms)
    rungs = hand.ladder if index is None else (hand.ladder[index],)
    return tuple(dict.fromkeys(person_principal(person) for rung in rungs for person in rung.people))
