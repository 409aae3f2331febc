"""Folding in place comes to the same as one state after the other, and nobody sees a state change."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.base.ids import EffectKey, RunId, TaskName
from midwatch.base.units import EpochMs
from midwatch.effects.ledger import EffectStatus, LedgerOrderError
from midwatch.journal.run_events import EffectConfirmed, EffectProposed, TaskRouted, TaskStarted
from midwatch.run.evolve import Fold, evolve, fact, fold
from midwatch.run.state import RunState
from unit.insight.made_run import RUN, RUNS

UNTIMED = settings(deadline=None)
"""A busy machine is no failure."""

EMPTY = RunState(run=RunId(RUN))
AT = EpochMs(1)


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_fold_is_one_state_after_the_other(name: str) -> None:
    state = EMPTY
    for number, event in enumerate(RUNS[name]().events, 1):
        state = evolve(state, event)
        assert fold(RunId(RUN), RUNS[name]().events[:number]) == state
        assert state.n == number


@UNTIMED
@given(st.sampled_from(sorted(RUNS)), st.sets(st.integers(0, 60)))
def test_a_state_that_was_given_away_never_changes(name: str, looks: set[int]) -> None:
    folding = Fold(EMPTY)
    seen: list[tuple[RunState, RunState]] = []
    for number, event in enumerate(RUNS[name]().events):
        folding.add(event)
        if number in looks:
            state = folding.state()
            seen.append((state, copy.deepcopy(state)))
    assert all(state == as_it_was for state, as_it_was in seen)
    assert folding.state() == fold(RunId(RUN), RUNS[name]().events)


@pytest.mark.parametrize("name", sorted(RUNS))
def test_what_a_fact_is_not_about_stays_the_same_object(name: str) -> None:
    before = EMPTY
    for event in RUNS[name]().events:
        after = evolve(before, event)
        about = {getattr(event.payload, field, "") for field in ("key", "about", "task", "by", "approval")}
        for key, effect in before.effects.items():
            assert key in about or after.effects[key] is effect
        for task, known in before.tasks.items():
            assert task in about or after.tasks[task] is known
        for approval, asked in before.approvals.items():
            assert approval in about or after.approvals[approval] is asked
        before = after


def test_a_forbidden_step_leaves_the_state_before_it_whole() -> None:
    proposed = EffectProposed(key="k", task="t", tool="x", action="a", sealed={})
    before = fact(EMPTY, proposed, 1, AT, "system:test")
    with pytest.raises(LedgerOrderError):
        fact(before, EffectConfirmed(key="k", out={}), 2, AT, "system:test")
    assert before.effects[EffectKey("k")].status is EffectStatus.PROPOSED
    assert before.n == 1


def test_an_effect_that_nobody_proposed_is_no_effect() -> None:
    with pytest.raises(KeyError):
        fact(EMPTY, EffectConfirmed(key="k", out={}), 1, AT, "system:test")


def test_the_task_that_routes_is_followed_and_the_other_knows_by_whom() -> None:
    state = fact(EMPTY, TaskStarted(task="a", attempt=1), 1, AT, "system:test")
    state = fact(state, TaskRouted(task="b", by="a", because="it failed"), 2, AT, "system:test")
    assert state.task(TaskName("a")).followed
    assert state.task(TaskName("b")).routed_by == "a"
    assert not state.task(TaskName("b")).followed
