"""How a run ends: the gravest thing that was said. Part of `decide`."""

from typing import Any

from midwatch.base.classes import Outcome
from midwatch.effects.ledger import HAPPENED
from midwatch.plan.model import Plan, PlanTask
from midwatch.run.dataflow import passes, scope_of
from midwatch.run.errors import DeniedError, NobodyAnsweredError
from midwatch.run.state import RunState, TaskStatus
from midwatch.runbook.errors import ExpressionError
from midwatch.runbook.expr import evaluate, evaluate_bool

_GRAVITY = (Outcome.NO_ACTION, Outcome.RESOLVED, Outcome.ESCALATED, Outcome.FAILED)


def outcome_of(plan: Plan, state: RunState) -> tuple[Outcome, str]:
    """Return the outcome of a run in which nothing is left to do, and one sentence why.

    A failure that some task took over counts as what that task says; `resolved` is never said while a
    failure stands open. Without any word from a task: `resolved` when something was changed, else
    `no_action`.
    """
    if state.cancel_why is not None:
        return Outcome.CANCELLED, state.cancel_why
    said: list[tuple[Outcome, str]] = []
    for task in plan.tasks:
        said.extend(_said(plan, state, task))
    if said:
        return max(said, key=lambda word: _GRAVITY.index(word[0]))
    if any(effect.status in HAPPENED for effect in state.effects.values()):
        return Outcome.RESOLVED, "every effect holds"
    return Outcome.NO_ACTION, "there was nothing to do"


def values_of(plan: Plan, state: RunState) -> dict[str, Any]:
    """Return the declared outputs of the run; None for one that can't be read."""
    scope = scope_of(plan, state)
    values: dict[str, Any] = {}
    for name, source in plan.values.items():
        try:
            values[name] = evaluate(source, scope)
        except ExpressionError:
            values[name] = None
    return values


def _said(plan: Plan, state: RunState, task: PlanTask) -> list[tuple[Outcome, str]]:
    known = state.task(task.name)
    if task.is_undo:
        return []
    if known.status is TaskStatus.FAILED and not known.followed and not passes(task, known):
        handed = state.hand_of((task.name, 0), escalation=True)
        if handed is not None:
            return [(Outcome.ESCALATED, f"`{task.name}` failed, and was handed on: {known.why}")]
        return [_failed(task, known.code, known.why)]
    if known.status is not TaskStatus.SUCCEEDED:
        return []
    scope = scope_of(plan, state)
    said = []
    for outcome, condition in task.ends.items():
        try:
            if evaluate_bool(condition, scope):
                said.append((Outcome(outcome), f"`{task.name}` says so"))
        except ExpressionError as error:
            said.append((Outcome.FAILED, f"`{task.name}`: {error.sentence}"))
    return said


def _failed(task: PlanTask, code: str, why: str) -> tuple[Outcome, str]:
    if code == DeniedError.code:
        return Outcome.NO_ACTION, f"denied: {why}" if why else "denied"
    if code == NobodyAnsweredError.code:
        return Outcome.ESCALATED, why
    return Outcome.FAILED, f"`{task.name}` failed with {code}: {why}"
