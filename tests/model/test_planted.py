"""Planted bugs: the model finds each of them, as it would if it came about by itself."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from midwatch.adapters import memory
from midwatch.adapters.memory_tables import Tables, judge
from midwatch.app import answer
from midwatch.app import hand_in as handing
from midwatch.app.drive import bench, recheck
from midwatch.app.drive import judge as judging
from midwatch.app.drive.bench import Bench, Prepared, Weighed, weigh
from midwatch.app.drive.judge import Case, facts_of, is_good
from midwatch.app.drive.session import Session
from midwatch.app.house import House, InForce
from midwatch.approvals.answer import Entitlement
from midwatch.approvals.people import person_principal
from midwatch.journal import chain
from midwatch.journal.codec import encode_leaf
from midwatch.journal.events import Envelope
from midwatch.journal.run_events import ApprovalConsumed, EffectDispatched
from midwatch.policy.decision import Decision, Verdict
from midwatch.policy.facts import Facts
from midwatch.ports.store import Change, Head, StreamMovedError
from midwatch.run import decide as deciding
from midwatch.run import effecting
from midwatch.run.doing import loops
from midwatch.run.state import EffectState, LoopState
from support.machine import WatchMachine

EXAMPLES_MAX = 800
Plant = Callable[[pytest.MonkeyPatch], None]


def approval_skipped(plant: pytest.MonkeyPatch) -> None:
    """What the gate wants to ask about goes without asking."""

    def lax(house: House, force: InForce, case: Case) -> Decision:
        decision = judging.judge(house, force, case)
        asked = decision.outcome is Verdict.ASKED
        return replace(decision, outcome=Verdict.ALLOWED, requirement=None) if asked else decision

    plant.setattr(bench, "judge", lax)


def approval_not_used_up(plant: pytest.MonkeyPatch) -> None:
    """An approval is good for any number of dispatches."""
    real = recheck._dispatched

    def lax(house_bench: Bench, effect: EffectState, one: Weighed) -> Prepared:
        prepared = real(house_bench, effect, one)
        facts = tuple(fact for fact in prepared.segment.facts if not isinstance(fact, ApprovalConsumed))
        return replace(prepared, segment=replace(prepared.segment, facts=facts))

    plant.setattr(recheck, "_dispatched", lax)


def approval_never_expires(plant: pytest.MonkeyPatch) -> None:
    """A yes counts for ever."""
    plant.setattr(
        judging, "is_good", lambda state, asked, key, action, _: is_good(state, asked, key, action, 0)
    )


def anybody_answers(plant: pytest.MonkeyPatch) -> None:
    """Nobody looks whether the policy lets this person answer."""
    plant.setattr(answer, "_entitlement", lambda *_: Entitlement(allowed=True, rule="", says=""))


def intent_after_effect(plant: pytest.MonkeyPatch) -> None:
    """The tool is called first, and what was meant is written with what came of it."""
    real = Session.flush

    def late(session: Session, **how: Any) -> bool:
        facts = [fact for segment in session._segments for fact in segment.facts]
        if isinstance(facts[-1] if facts else None, EffectDispatched):
            return True
        return real(session, **how)

    plant.setattr(Session, "flush", late)


def hash_without_sequence(plant: pytest.MonkeyPatch) -> None:
    """The number of an event is not under its hash, and nobody misses it when reading."""

    def numberless(envelope: Envelope) -> bytes:
        return encode_leaf(replace(envelope, n=1))

    plant.setattr(chain, "encode_leaf", numberless)
    plant.setattr(chain, "column_that_differs", lambda *_: None)


def fencing_ignored(plant: pytest.MonkeyPatch) -> None:
    """Whoever thinks that a run is its own writes to it."""

    def lax(tables: Tables, change: Change) -> None:
        judge(tables, replace(change, owner=None, claim=None))

    plant.setattr(memory, "judge", lax)


def unsafe_repeated(plant: pytest.MonkeyPatch) -> None:
    """Every call in doubt is simply sent again."""
    plant.setattr(effecting, "may_repeat", lambda _: True)


def outcome_twice(plant: pytest.MonkeyPatch) -> None:
    """What was read is recorded although another drive has read and recorded it meanwhile."""
    real = Session.flush

    def stubborn(session: Session, **how: Any) -> bool:
        try:
            return real(session, **how)
        except StreamMovedError:
            session._rebase(session._reload())
            return False

    plant.setattr(Session, "flush", stubborn)


def precondition_not_rechecked(plant: pytest.MonkeyPatch) -> None:
    """What held when the card was made is taken to hold for ever."""
    plant.setattr(recheck, "check_precondition", lambda *_: ((), None, True))


def digest_not_compared(plant: pytest.MonkeyPatch) -> None:
    """What is sent goes under the name of what was sealed, whatever it is by now."""

    def blind(house_bench: Bench, task: Any, action: Any, **more: Any) -> Weighed:
        known = house_bench.state.effects.get(action.key)
        if known is not None:
            object.__setattr__(action, "digest", known.action)
        return weigh(house_bench, task, action, **more)

    plant.setattr(recheck, "weigh", blind)


def halt_ignored(plant: pytest.MonkeyPatch) -> None:
    """The gate does not hear of a halt."""

    def deaf(house: House, force: InForce, case: Case) -> Facts:
        return replace(facts_of(house, force, case), halted=False)

    plant.setattr(judging, "facts_of", deaf)


def stale_judgement_used(plant: pytest.MonkeyPatch) -> None:
    """A judgement stays good when the policy changes before the commit."""
    real = Session._change

    def lax(session: Session, **how: Any) -> tuple[Change, Head]:
        change, head = real(session, **how)
        return replace(change, facts_version=None), head

    plant.setattr(Session, "_change", lax)


def anybody_hands_in(plant: pytest.MonkeyPatch) -> None:
    """Nobody looks whether somebody was ever asked to do it."""
    everybody = frozenset(person_principal(name) for name in ("ada", "grace", "eve"))
    plant.setattr(handing, "entitled", lambda *_: everybody)


def anything_handed_in(plant: pytest.MonkeyPatch) -> None:
    """What is handed in is not held against what is wanted."""
    plant.setattr(handing, "validate", lambda *_, **__: None)


def last_item_forgotten(plant: pytest.MonkeyPatch) -> None:
    """A loop ends one item too early."""
    real = loops._next

    def short(loop: LoopState, active: frozenset[int], parallel: int) -> list[int]:
        return [number for number in real(loop, active, parallel) if number < len(loop.items)]

    plant.setattr(loops, "_next", short)


def stop_leaves_what_was_done(plant: pytest.MonkeyPatch) -> None:
    """Who stops a run is left with half of it done."""
    plant.setattr(deciding, "stop_undoes", lambda *_: ())


PLANTED: dict[Plant, int] = {
    approval_skipped: 5000,
    approval_not_used_up: 5000,
    approval_never_expires: 6014,
    anybody_answers: 6001,
    intent_after_effect: 5000,
    hash_without_sequence: 5000,
    fencing_ignored: 6001,
    unsafe_repeated: 6015,
    outcome_twice: 7016,
    precondition_not_rechecked: 5000,
    digest_not_compared: 6000,
    halt_ignored: 6006,
    stale_judgement_used: 6011,
    anybody_hands_in: 5000,
    anything_handed_in: 5012,
    last_item_forgotten: 5000,
    stop_leaves_what_was_done: 5000,
}
"""Each with a seed that finds it soon; any other finds it too, within some hundred examples."""


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(bug: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    bug(monkeypatch)

    class Machine(WatchMachine):
        """With a seed of its own."""

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            seed(PLANTED[bug])(Machine),
            settings=settings(
                max_examples=EXAMPLES_MAX,
                stateful_step_count=40,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
