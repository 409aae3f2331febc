"""How values move between tasks: scopes, arguments, targets. Values only, never text into commands."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.base.classes import EffectClass
from midwatch.base.ids import EffectKey, TaskName, effect_key
from midwatch.plan.model import Plan, PlanTask
from midwatch.run.state import RunState, TaskStatus
from midwatch.runbook.expr import evaluate, evaluate_bool

_HOLE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_MESSAGE_HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Scope(Mapping[str, Any]):
    """What expressions see: `inputs`, and each succeeded task's output under its name.

    Looked up and not copied: an expression reads few of the names of a long run.
    """

    state: RunState

    def __getitem__(self, name: str) -> Any:
        """Return the value of a name, a `KeyError` where it has none."""
        if name == "inputs":
            return self.state.inputs
        task = self.state.tasks[TaskName(name)]
        if task.status is not TaskStatus.SUCCEEDED:
            raise KeyError(name)
        return task.out

    def __iter__(self) -> Iterator[str]:
        """Yield every name that has a value."""
        yield "inputs"
        for name, task in self.state.tasks.items():
            if task.status is TaskStatus.SUCCEEDED:
                yield name

    def __len__(self) -> int:
        """Return how many names have a value."""
        return sum(1 for _ in self)


def scope_of(state: RunState) -> Scope:
    """Return what expressions see in a state."""
    return Scope(state)


def applies(task: PlanTask, scope: Mapping[str, Any]) -> bool:
    """Return whether the task's `when` holds; a task without one always applies.

    Raises:
        ExpressionError: MW1xx, when it reads the output of a task that was skipped.
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


def key_of(state: RunState, task: TaskName) -> EffectKey:
    """Return the idempotency key of a task's one effect."""
    return effect_key(state.run, task)


def cause_of(state: RunState, task: PlanTask) -> int:
    """Return the number of the event that made a task ready: the latest of what it waited for."""
    known = state.task(task.name)
    routed = known.n if known.routed_by is not None or known.status is TaskStatus.RETRYING else 0
    undo = state.undo_n if task.is_undo else 0
    return max([1, routed, undo, *(state.task(need).n for need in task.needs)])


def is_acting(task: PlanTask) -> bool:
    """Return whether the task calls a tool that may change something."""
    return task.call is not None and task.call.effect is not EffectClass.READ


def undo_pair(plan: Plan, state: RunState) -> tuple[EffectKey, PlanTask] | None:
    """Return the effect that is to be taken back next, with the task that does it."""
    undoing = state.undoing
    if not undoing:
        return None
    key = undoing[0]
    undo = plan.task(state.effects[key].task).undo
    return None if undo is None else (key, plan.task(undo))
