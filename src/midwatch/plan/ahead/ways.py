"""The ways through a plan: which tasks run together, as far as tables, conditions and answers decide.

A condition is decided where the rows of a decision decide it; else both of its values count, the same
text having the same value on one way. Tools are taken to work, but where a failure is handed over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from midwatch.base.errors import MidwatchError
from midwatch.base.ids import TaskName
from midwatch.plan.model import HitPolicy, Plan, PlanApproval, PlanTask
from midwatch.runbook.expr import evaluate, free_names
from midwatch.runbook.graph import needed

WAYS_MAX = 1_000
STEPS_MAX = 20_000
_MULTI_HIT = frozenset({HitPolicy.RULE_ORDER, HitPolicy.OUTPUT_ORDER, HitPolicy.COLLECT})
_RAN, _FAILED, _OFF = "ran", "failed", "off"

Way = frozenset[TaskName]
"""The tasks that run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The ways through a plan."""

    ways: tuple[Way, ...]
    is_complete: bool
    """Whether these are all; else there are more than `WAYS_MAX`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """What is settled on one way, up to now."""

    fates: Mapping[TaskName, str] = field(default_factory=dict)
    routed: frozenset[TaskName] = frozenset()
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)

    def settle(self, task: TaskName, fate: str) -> "_Walk":
        return replace(self, fates={**self.fates, task: fate})

    def route(self, to: str) -> "_Walk":
        return replace(self, routed=self.routed | {TaskName(to)}) if to else self


def ways_through(plan: Plan) -> Ways:
    """Return which tasks may run together, each set once, in the order in which they were found."""
    walker = _Walker(plan)
    found: dict[Way, None] = {}
    for way in walker.all():
        found.setdefault(way)
        if len(found) > WAYS_MAX or walker.steps > STEPS_MAX:
            return Ways(ways=tuple(found)[:WAYS_MAX], is_complete=False)
    return Ways(ways=tuple(found), is_complete=True)


class _Walker:
    def __init__(self, plan: Plan) -> None:
        self._tasks = {task.name: task for task in plan.tasks if not task.is_undo and not task.is_finally}
        self._last = frozenset(task.name for task in plan.tasks if task.is_finally)
        self._values: dict[tuple[str, str], bool | None] = {}
        self.steps = 0

    def all(self) -> Iterator[Way]:
        stack = [_Walk()]
        while stack and self.steps <= STEPS_MAX:
            walk = stack.pop()
            task = self._next(walk)
            if task is None:
                yield frozenset(name for name, fate in walk.fates.items() if fate != _OFF) | self._last
            else:
                stack.extend(reversed(list(self._steps(walk, task))))

    def _next(self, walk: _Walk) -> PlanTask | None:
        """Return a task about which something can be said now; one that is only handed over to comes last."""
        self.steps += 1
        for name, task in self._tasks.items():
            is_late = task.is_routed and not task.needs and name not in walk.routed
            if name not in walk.fates and not is_late and all(need in walk.fates for need in task.needs):
                return task
        return next((self._tasks[name] for name in walk.routed if name not in walk.fates), None)

    def _steps(self, walk: _Walk, task: PlanTask) -> Iterator[_Walk]:
        """Yield how a way goes on with a task."""
        if task.name in walk.routed:
            yield from self._run(walk, task)
            return
        succeeded = sum(walk.fates[need] == _RAN for need in task.needs)
        if succeeded < needed(task.join, len(task.needs)):
            yield walk.settle(task.name, _OFF)
            return
        for value in self._possible(walk, task):
            known = replace(walk, conditions={**walk.conditions, task.when: value}) if task.when else walk
            yield from self._run(known, task) if value else (known.settle(task.name, _OFF),)

    def _run(self, walk: _Walk, task: PlanTask) -> Iterator[_Walk]:
        ran = walk.settle(task.name, _RAN)
        if task.approval is not None:
            if not self._asks(walk, task.approval):
                yield walk.settle(task.name, _OFF)
                return
            yield ran
            routes = {task.approval.on_deny or "", task.approval.on_timeout or ""}
            for to in sorted(routes):
                yield self._handed(walk, task, to)
            return
        if task.table is not None and task.loop is None and task.table.hit not in _MULTI_HIT:
            rows = [dict(zip(task.table.outputs, values, strict=True)) for _, values in task.table.rows]
            if task.table.default is not None:
                rows.append(dict(task.table.default))
            for row in _once(rows):
                yield replace(ran, rows={**ran.rows, task.name: row})
        else:
            yield ran
        late = task.wait.on_timeout if task.wait else task.hand.on_timeout if task.hand else None
        for to in sorted({late or "", task.on_fail} - {"", "undo", "escalate", "continue"}):
            yield self._handed(walk, task, to)

    def _asks(self, walk: _Walk, approval: PlanApproval) -> bool:
        """Return whether one of the actions of an approval may apply; else nothing is asked."""
        conditions = [self._tasks[name].when for name in approval.actions if name in self._tasks]
        return not conditions or any(
            not when or (self._decided(walk, when) is not False and walk.conditions.get(when) is not False)
            for when in conditions
        )

    @staticmethod
    def _handed(walk: _Walk, task: PlanTask, to: str) -> _Walk:
        """Return the way on which a task failed; it ran as far as that, and hands over."""
        failed = walk.settle(task.name, _FAILED)
        if to and failed.fates.get(TaskName(to)) != _RAN:
            fates = {name: fate for name, fate in failed.fates.items() if name != to}
            return replace(failed, fates=fates).route(to)
        return failed

    def _possible(self, walk: _Walk, task: PlanTask) -> tuple[bool, ...]:
        if not task.when:
            return (True,)
        value = self._decided(walk, task.when)
        if value is None:
            value = walk.conditions.get(task.when)
        return (True, False) if value is None else (value,)

    def _decided(self, walk: _Walk, source: str) -> bool | None:
        """Return what a condition is on a way, or None where that hangs on what is read."""
        try:
            names = free_names(source)
        except MidwatchError:
            return None
        roots = {name.partition(".")[0] for name in names}
        known = {root: walk.rows[root] for root in roots if root in walk.rows}
        unknown = roots - known.keys()
        if unknown and ("has(" in source or unknown & names):
            return None
        key = (source, repr(sorted(known.items())))
        if key not in self._values:
            try:
                value = evaluate(source, {**{root: {} for root in unknown}, **known})
                self._values[key] = value if isinstance(value, bool) else None
            except MidwatchError:
                self._values[key] = None
        return self._values[key]


def _once(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        if row not in found:
            found.append(row)
    return found
