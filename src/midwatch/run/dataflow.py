"""How values move between tasks: scopes, arguments, targets. Values only, never text into commands."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.classes import EffectClass
from midwatch.base.ids import EffectKey, TaskName, effect_key
from midwatch.effects.ledger import EffectStatus
from midwatch.plan.model import OnFail, Plan, PlanTask
from midwatch.run.errors import WaitTimeoutError
from midwatch.run.state import EffectState, Place, RunState, TaskState, TaskStatus
from midwatch.runbook.expr import evaluate, evaluate_bool

_HOLE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_MESSAGE_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope(Mapping[str, Any]):
    """What expressions see: `inputs`, and each task's output under its name, `{}` where it did not succeed.

    Looked up and not copied: an expression reads few of the names of a long run.
    """

    plan: Plan
    state: RunState
    own: Mapping[str, Any] = field(default_factory=dict)
    """What only one iteration sees, or one undo; it hides other names."""

    def __getitem__(self, name: str) -> Any:
        """Return the value of a name, a `KeyError` where it has none."""
        if name in self.own:
            return self.own[name]
        if name == "inputs":
            return self.state.inputs
        known = self.state.tasks.get(TaskName(name))
        if known is not None:
            return known.out if known.status is TaskStatus.SUCCEEDED else {}
        if any(task.name == name for task in self.plan.tasks):
            return {}
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        """Yield every name that has a value."""
        yield from dict.fromkeys((*self.own, "inputs", *(task.name for task in self.plan.tasks)))

    def __len__(self) -> int:
        """Return how many names have a value."""
        return sum(1 for _ in self)

    def having(self, **more: Any) -> "Scope":
        """Return the scope with further names."""
        return Scope(plan=self.plan, state=self.state, own={**self.own, **more})


def scope_of(plan: Plan, state: RunState) -> Scope:
    """Return what expressions of a task as a whole see."""
    return Scope(plan=plan, state=state)


def scope_at(plan: Plan, state: RunState, place: Place) -> Scope:
    """Return what expressions see at one iteration; an undo task sees what the one that it takes back saw."""
    name, iteration = place
    task = plan.task(name)
    if not task.is_undo:
        return Scope(plan=plan, state=state, own=_of_iteration(task, state, iteration))
    undone = _undone_by(plan, state, place)
    if undone is None:
        return Scope(plan=plan, state=state)
    acted = plan.task(undone.task)
    own = {**_of_iteration(acted, state, iteration), str(acted.name): undone.out}
    return Scope(plan=plan, state=state, own=own)


def _undone_by(plan: Plan, state: RunState, place: Place) -> EffectState | None:
    """Return the effect that an undo task takes back at an iteration."""
    name, iteration = place
    keys = (key_of(state, task.name, iteration) for task in plan.tasks if task.undo == name)
    found = [state.effects[key] for key in keys if key in state.effects]
    wanted = [effect for effect in found if effect.key in state.undoing]
    return next(iter(wanted or found), None)


def _of_iteration(task: PlanTask, state: RunState, iteration: int) -> dict[str, Any]:
    """Return the names of one iteration: its item, its index from 0, and the output before it."""
    loop = state.loops.get(task.name)
    if task.loop is None or loop is None or not iteration:
        return {}
    own: dict[str, Any] = {"index": iteration - 1}
    if loop.items:
        own[task.loop.name] = loop.items[iteration - 1]
    if task.loop.parallel == 1:
        before = state.task(task.name, iteration - 1) if iteration > 1 else None
        is_there = before is not None and before.status is TaskStatus.SUCCEEDED
        own["previous"] = before.out if before is not None and is_there else {}
    return own


def applies(task: PlanTask, scope: Mapping[str, Any]) -> bool:
    """Return whether the task's `when` holds; a task without one always applies.

    Raises:
        ExpressionError: MW1xx, when it reads a field of a task that did not succeed.
    """
    return not task.when or evaluate_bool(task.when, scope)


def arguments(task: PlanTask, scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a command task's call.

    Raises:
        ExpressionError: MW1xx, when an expression can't be evaluated.
    """
    call = task.call
    if call is None:
        return {}
    values = dict(call.literals)
    values.update({name: evaluate(source, scope) for name, source in call.args.items()})
    if call.bind:
        values[call.bound_argument] = {name: evaluate(source, scope) for name, source in call.bind.items()}
    return values


def target_of(template: str, args: Mapping[str, Any]) -> str:
    """Return the resource that a call acts on: the manifest's template over the arguments."""
    return _HOLE.sub(lambda hole: _plain(args.get(hole[1], "")), template)


def message(template: str, scope: Mapping[str, Any]) -> str:
    """Return words for people, with each `{{ CEL }}` replaced by its value.

    Raises:
        ExpressionError: MW1xx, when an expression can't be evaluated.
    """
    return _MESSAGE_HOLE.sub(lambda hole: _plain(evaluate(hole[1].strip(), scope)), template)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def key_of(state: RunState, task: TaskName, iteration: int = 0) -> EffectKey:
    """Return the idempotency key of the one effect of a task's iteration."""
    return effect_key(state.run, task, iteration=iteration)


def cause_of(state: RunState, task: PlanTask, iteration: int = 0) -> int:
    """Return the number of the event that made a task ready: the latest of what it waited for."""
    known = state.task(task.name, iteration)
    routed = known.n if known.routed_by is not None or known.status is TaskStatus.RETRYING else 0
    undo = state.undo_n if task.is_undo else 0
    loop = state.loops.get(task.name) if iteration else None
    if loop is not None:
        return max(1, routed, undo, loop.n)
    stop = state.n if task.is_finally and not known.n else 0
    return max([1, routed, undo, stop, *(state.task(need).n for need in task.needs)])


def passes(task: PlanTask, known: TaskState) -> bool:
    """Return whether what needs the task goes on: it succeeded, or its failure is no matter."""
    if known.status is not TaskStatus.FAILED:
        return known.status is TaskStatus.SUCCEEDED
    return continues(task, known.code)


def continues(task: PlanTask, code: str) -> bool:
    """Return whether the runbook says that a failure with this code is no matter."""
    if task.wait is not None and code == WaitTimeoutError.code and task.wait.on_timeout:
        return task.wait.on_timeout == OnFail.CONTINUE
    return task.on_fail == OnFail.CONTINUE


def is_acting(task: PlanTask) -> bool:
    """Return whether the task calls a tool that may change something."""
    return task.call is not None and task.call.effect is not EffectClass.READ


def undo_pair(plan: Plan, state: RunState) -> tuple[EffectKey, PlanTask] | None:
    """Return the effect that is to be taken back next, with the task that does it."""
    if not state.undoing:
        return None
    key = state.undoing[0]
    undo = plan.task(state.effects[key].task).undo
    return None if undo is None else (key, plan.task(undo))


_TAKEN_BACK_FROM = frozenset(
    {
        EffectStatus.CONFIRMED,
        EffectStatus.VERIFIED,
        EffectStatus.UNVERIFIED,
        EffectStatus.UNDO_FAILED,
    }
)


def is_revocable(plan: Plan, effect: EffectState) -> bool:
    """Return whether some task takes the effect back."""
    return plan.task(effect.task).undo is not None


def undoable(plan: Plan, state: RunState) -> tuple[EffectKey, ...]:
    """Return the effects of a run that can be taken back, the newest first."""
    return tuple(
        key
        for key in reversed(state.effects)
        if state.effects[key].status in _TAKEN_BACK_FROM
        and plan.task(state.effects[key].task).undo is not None
    )
