"""What a person does to a run besides answering: take back, cancel, settle a doubt."""

from collections.abc import Sequence

from midwatch.app.drive.session import load_plan, load_state
from midwatch.app.house import House
from midwatch.app.write import Write, append_to_run
from midwatch.base.ids import EffectKey, Principal, RunId
from midwatch.effects.ledger import EffectStatus
from midwatch.insight.words import utc_words
from midwatch.journal.run_events import CancelRequested, EffectConfirmed, EffectFailed, UndoRequested
from midwatch.plan.model import Plan
from midwatch.run.dataflow import undoable
from midwatch.run.errors import DoubtEarlyError, PersonDeniesError, RunUnknownError, UndoImpossibleError
from midwatch.run.state import EffectState, RunState


def request_undo(house: House, run: RunId, *, by: Principal, why: str = "") -> tuple[EffectKey, ...]:
    """Ask that every effect of a run that can be taken back is, the newest first; return which.

    Raises:
        UndoImpossibleError: MW612, when there is none.
    """
    keys: Sequence[EffectKey] = ()

    def decide(state: RunState) -> Write:
        nonlocal keys
        if state.started is None:
            raise RunUnknownError(f"there is no run {run}", run=run)
        keys = undoable(load_plan(house, state.started.plan), state)
        if not keys:
            raise UndoImpossibleError(f"nothing of {run} can be taken back", run=run)
        return Write(facts=[UndoRequested(keys=list(keys), why=why)], cause_n=state.n, actor=by)

    append_to_run(house, run, decide)
    return tuple(keys)


def request_cancel(house: House, run: RunId, *, by: Principal, why: str, leave: bool = False) -> None:
    """Ask that a run begins nothing more; then what it did is taken back, as far as it can be.

    With `leave`, or where the runbook says so, what was done stays until it is taken back.
    """

    def decide(state: RunState) -> Write:
        if state.outcome or state.cancel_why is not None:
            return Write(facts=[], cause_n=state.n, actor=by)
        return Write(facts=[CancelRequested(why=why, leave=leave)], cause_n=state.n, actor=by)

    append_to_run(house, run, decide)


def settle_doubt(house: House, key: EffectKey, *, happened: bool, by: Principal, why: str) -> None:
    """Say as a person whether an effect in doubt took place.

    Raises:
        RunUnknownError: MW611, when no effect in doubt has that key.
        DoubtEarlyError: MW617, while whoever sent it may still carry it out.
    """
    run = RunId(key.partition("/")[0])

    def decide(state: RunState) -> Write:
        effect = state.effects.get(key)
        if effect is None or effect.status is not EffectStatus.IN_DOUBT:
            raise RunUnknownError(f"no effect in doubt has the key {key}", key=key)
        if house.clock.now_ms() < effect.settle_after_ms:
            raise _early(effect)
        if happened:
            return Write(facts=[EffectConfirmed(key=key, out={}, by=by)], cause_n=effect.n, actor=by)
        said = why or "a person said that it did not happen"
        failed = EffectFailed(key=key, code=PersonDeniesError.code, why=said, by=by)
        return Write(facts=[failed], cause_n=effect.n, actor=by)

    append_to_run(house, run, decide)


def _early(effect: EffectState) -> DoubtEarlyError:
    """Return the refusal to hear what became of a call that a frozen worker may still carry out."""
    at = utc_words(effect.settle_after_ms)
    sentence = f"{effect.key} may still happen until {at}: {effect.why}"
    return DoubtEarlyError(sentence, key=effect.key, after=at, after_ms=effect.settle_after_ms)


def loaded(house: House, run: RunId) -> tuple[Plan, RunState]:
    """Return a run's plan and newest state.

    Raises:
        RunUnknownError: MW611, when there is no such run.
    """
    state, _ = load_state(house, run)
    if state.started is None:
        raise RunUnknownError(f"there is no run {run}", run=run)
    return load_plan(house, state.started.plan), state
