"""A second opinion on any plan: the rules that every plan keeps, read from the plan alone.

Written apart from the compiler, so that a mistake there is found here; a plan from the store is
checked the same way.
"""

from collections.abc import Iterable

from midwatch.base.classes import EffectClass, Outcome
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import TaskName
from midwatch.plan.errors import NotExecutableError, PlanBrokenError
from midwatch.plan.model import (
    HitPolicy,
    OnFail,
    Plan,
    PlanApproval,
    PlanTable,
    PlanTask,
    PlanTool,
    TaskKind,
)
from midwatch.plan.parts.check import named_by, part_problems
from midwatch.plan.table import BY_PRIORITY, gives_list
from midwatch.runbook.expr import free_names
from midwatch.runbook.graph import needed
from midwatch.runbook.unary import unary_test

EXECUTABLE = frozenset(TaskKind)
"""The kinds that this release can run."""
PARTS_EXECUTABLE: frozenset[str] = frozenset(
    {
        "`foreach:`",
        "`until:`",
        "`finally:`",
        f"`on_fail: {OnFail.ESCALATE}`",
        f"`on_fail: {OnFail.CONTINUE}`",
        "`on_fail: undo` without an undo",
        "`join:` with a number",
    }
)
"""Those of `newer_parts` that this release can run."""
_KNOWN_ROOTS = frozenset({"inputs"})
_PROBE_ROOTS = frozenset({"args", "probe"})


def check_plan(plan: Plan) -> list[str]:
    """Return the rules that a plan breaks, as sentences; none for every plan that was compiled."""
    checker = _Checker(plan)
    return list(checker.problems())


def ensure_plan(plan: Plan) -> None:
    """Do nothing for a plan that keeps all rules.

    Raises:
        PlanBrokenError: MW189, with the first rule that it breaks.
    """
    problems = check_plan(plan)
    if problems:
        raise PlanBrokenError(
            f"the plan of {plan.runbook} is broken: {problems[0]}",
            runbook=plan.runbook,
            problems=len(problems),
        )


def check_executable(plan: Plan) -> None:
    """Do nothing for a plan that this release can run.

    Raises:
        NotExecutableError: MW190, naming the first task of another kind, or that asks for more.
    """
    for task in plan.tasks:
        why = why_not_executable(task)
        if why:
            raise NotExecutableError(why, task=task.name, kind=task.kind.value)


def why_not_executable(task: PlanTask) -> str:
    """Return what of a task this release can't run, as a sentence, or an empty text."""
    if task.kind not in EXECUTABLE:
        return f"task {task.name} is of kind `{task.kind}`, which this release can't run"
    parts = [part for part in newer_parts(task) if part not in PARTS_EXECUTABLE]
    return f"task {task.name} has {parts[0]}, which this release can't run" if parts else ""


def newer_parts(task: PlanTask) -> Iterable[str]:
    """Yield what a task asks for that a release may lack, as it is written in a runbook."""
    if task.loop is not None:
        yield "`foreach:`" if task.loop.each else "`until:`"
    if task.is_finally:
        yield "`finally:`"
    if task.on_fail in (OnFail.ESCALATE, OnFail.CONTINUE):
        yield f"`on_fail: {task.on_fail}`"
    if task.on_fail == OnFail.UNDO and task.undo is None:
        yield "`on_fail: undo` without an undo"
    if task.join not in ("all", "any"):
        yield "`join:` with a number"


class _Checker:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tasks = {task.name: task for task in plan.tasks}

    def problems(self) -> Iterable[str]:
        if len(self._tasks) != len(self._plan.tasks):
            yield "two tasks have one name"
            return
        if not self._plan.tasks:
            yield "it has no task"
        if self._plan.values.keys() != self._plan.out.get("properties", {}).keys():
            yield "its outputs and their values don't match"
        unknown = [problem for task in self._plan.tasks for problem in self._names(task)]
        if unknown:
            yield from unknown
            return
        if self._has_circle():
            yield "tasks wait for each other in a circle"
            return
        for task in self._plan.tasks:
            yield from self._shape(task)
            yield from part_problems(self._plan, task, self._tasks)
            yield from self._expressions(task)
            if task.call is not None:
                yield from self._call(task, task.call)
            if task.approval is not None:
                yield from self._approval(task, task.approval)
            yield from self._undo(task)

    # ---------------------------------------------------------------------------------------- graph

    def _names(self, task: PlanTask) -> Iterable[str]:
        named: list[TaskName] = [*task.needs]
        if task.approval is not None:
            named.extend(task.approval.actions)
            named.extend(
                name for name in (task.approval.on_timeout, task.approval.on_deny) if name is not None
            )
        named.extend(probe.probe for probe in (task.precondition, task.verify) if probe is not None)
        if task.undo is not None:
            named.append(task.undo)
        named.extend(named_by(task))
        for name in named:
            if name not in self._tasks:
                yield f"task {task.name} names {name}, which is no task"

    def _has_circle(self) -> bool:
        waiting = {task.name: set(task.needs) for task in self._plan.tasks}
        while waiting:
            free = [name for name, needs in waiting.items() if not needs & waiting.keys()]
            if not free:
                return True
            for name in free:
                del waiting[name]
        return False

    def _above(self, task: PlanTask) -> set[TaskName]:
        found: set[TaskName] = set()
        waiting = list(task.needs)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(self._tasks[name].needs)
        return found

    def _leads_to_action(self, start: TaskName) -> TaskName | None:
        """Return a task that acts from `start` on, before anybody is asked again."""
        found: set[TaskName] = set()
        waiting = [start]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            if self._acts(self._tasks[name]):
                return name
            if self._tasks[name].kind is not TaskKind.APPROVAL:
                waiting.extend(task.name for task in self._plan.tasks if name in task.needs)
        return None

    @staticmethod
    def _acts(task: PlanTask) -> bool:
        return task.call is not None and task.call.effect is not EffectClass.READ

    # ---------------------------------------------------------------------------------------- tasks

    def _shape(self, task: PlanTask) -> Iterable[str]:
        parts = {
            TaskKind.COMMAND: task.call is not None,
            TaskKind.DECISION: task.table is not None,
            TaskKind.APPROVAL: task.approval is not None,
        }
        if not parts.get(task.kind, True):
            yield f"task {task.name} is of kind {task.kind} but has nothing to do"
        if sum(part is not None for part in (task.call, task.table, task.approval)) > 1:
            yield f"task {task.name} is of several kinds"
        for outcome in task.ends:
            if outcome not in list(Outcome):
                yield f"task {task.name} ends as {outcome!r}, which is no outcome"
        if task.table is not None:
            yield from self._table(task)

    def _table(self, task: PlanTask) -> Iterable[str]:
        table = task.table
        assert table is not None
        if not table.rows or not table.inputs or not table.outputs:
            yield f"the table of {task.name} lacks rows or columns"
        for tests, values in table.rows:
            if len(tests) != len(table.inputs) or len(values) != len(table.outputs):
                yield f"the table of {task.name} has a row of another length"
            for test in tests:
                try:
                    unary_test(test)
                except ValueError as error:
                    yield f"the table of {task.name} has no test in {test!r}: {error}"
        if table.aggregate is not None and (table.hit is not HitPolicy.COLLECT or len(table.outputs) != 1):
            yield f"the table of {task.name} aggregates what can't be"
        if table.default is not None and set(table.default) != set(table.outputs):
            yield f"the table of {task.name} has a default of other outputs"
        if table.hit in BY_PRIORITY:
            yield from self._ranks(task.name, table)
        fields = task.out.get("properties", {})
        if set(fields) != ({"rows"} if gives_list(table) else set(table.outputs)):
            yield f"the output of {task.name} is not what its table gives"

    @staticmethod
    def _ranks(name: TaskName, table: PlanTable) -> Iterable[str]:
        if not table.priorities.keys() & set(table.outputs):
            yield f"the table of {name} has no order of outputs"
        for _, values in table.rows:
            for output, value in zip(table.outputs, values, strict=False):
                if value not in table.priorities.get(output, (value,)):
                    yield f"the table of {name} gives {output} a value without a place in the order"

    def _expressions(self, task: PlanTask) -> Iterable[str]:
        before = {str(name) for name in self._above(task)} | _KNOWN_ROOTS
        if task.is_finally:
            before |= {str(one.name) for one in self._plan.tasks if not one.is_finally}
        undone = [one for one in self._plan.tasks if one.undo == task.name]
        if undone:
            above = set.intersection(*({*self._above(one), one.name} for one in undone))
            before |= {str(name) for name in above}
        inside = before.union(*(self._item_names(one) for one in (task, *undone)))
        own = {str(task.name)}
        sources: list[tuple[str, set[str]]] = [(task.when, before)]
        sources.extend((source, before | own) for source in task.ends.values())
        sources.extend((source, inside) for source in self._inner(task))
        if task.loop is not None:
            sources.extend(((task.loop.each, before), (task.loop.until, before | own)))
        if task.wait is not None:
            sources.extend(((task.wait.where, inside | {"event"}), (task.wait.holds, inside | {"probe"})))
        probes = (probe for probe in (task.precondition, task.verify) if probe is not None)
        sources.extend((probe.holds, set(_PROBE_ROOTS)) for probe in probes)
        for source, readable in sources:
            if source:
                yield from self._reads(task, source, readable)

    @staticmethod
    def _item_names(task: PlanTask) -> set[str]:
        if task.loop is None or not task.loop.each:
            return set()
        return {task.loop.name, "index", *(["previous"] if task.loop.parallel == 1 else [])}

    @staticmethod
    def _inner(task: PlanTask) -> Iterable[str]:
        """Yield the expressions of a task that are evaluated for each item."""
        if task.call is not None:
            yield from (*task.call.args.values(), *task.call.bind.values())
        if task.table is not None:
            yield from task.table.inputs
        if task.callee is not None:
            yield from task.callee.inputs.values()
        if task.notice is not None and task.notice.emit is not None:
            yield from task.notice.emit.data.values()
        if task.wait is not None:
            yield task.wait.at

    def _reads(self, task: PlanTask, source: str, readable: set[str]) -> Iterable[str]:
        try:
            roots = {name.partition(".")[0] for name in free_names(source)}
        except MidwatchError as error:
            yield f"task {task.name} has a wrong expression: {error.sentence}"
            return
        for root in sorted(roots - readable):
            yield f"task {task.name} reads {root}, which is not above it"

    def _call(self, task: PlanTask, call: PlanTool) -> Iterable[str]:
        given = {*call.args, *call.literals, *((call.bound_argument,) if call.bind else ())}
        if call.tool not in self._plan.tools:
            yield f"task {task.name} calls {call.tool}, which is not granted"
        if len(given) != len(call.args) + len(call.literals) + bool(call.bind):
            yield f"task {task.name} gives an argument twice"
        if given != set(call.labels):
            yield f"task {task.name} has arguments without labels"
        if call.timeout_ms <= 0:
            yield f"task {task.name} has no time"
        for probe in (task.precondition, task.verify):
            if probe is not None:
                other = self._tasks[probe.probe]
                if other.call is None or self._acts(other) or other.loop is not None:
                    yield f"task {task.name} is probed by {probe.probe}, which doesn't only read"
        if not self._acts(task):
            return
        if task.verify is None:
            yield f"task {task.name} acts without verify"
        if call.effect is EffectClass.WRITE and task.undo is None and not task.is_undo:
            yield f"task {task.name} writes without undo"
        if call.effect is EffectClass.IRREVERSIBLE and not self._is_asked_for(task):
            yield f"task {task.name} is irreversible without an approval above that names it"

    def _is_asked_for(self, task: PlanTask) -> bool:
        """Return whether the task can't be reached once the approvals that name it are taken away."""
        closed = {
            one.name
            for one in self._plan.tasks
            if one.approval is not None and task.name in one.approval.actions
        }
        open_: set[TaskName] = set()
        changed = True
        while changed:
            changed = False
            for one in self._plan.tasks:
                if one.name in open_ or one.name in closed:
                    continue
                if sum(need in open_ for need in one.needs) >= needed(one.join, len(one.needs)):
                    open_.add(one.name)
                    changed = True
        return task.name not in open_

    def _approval(self, task: PlanTask, approval: PlanApproval) -> Iterable[str]:
        if not approval.ladder or any(rung.within_ms <= 0 for rung in approval.ladder):
            yield f"approval {task.name} asks nobody, or for no time"
        if approval.expires_ms <= 0:
            yield f"approval {task.name} never stands open"
        if approval.on_timeout is None:
            yield f"approval {task.name} doesn't say what happens when nobody answers"
        for action in approval.actions:
            if self._tasks[action].call is None or task.name not in self._above(self._tasks[action]):
                yield f"approval {task.name} asks for {action}, which is no command below it"
        for name in (approval.on_timeout, approval.on_deny):
            found = None if name is None else self._leads_to_action(name)
            if found is not None:
                yield f"approval {task.name} leads to {found}, which acts, when nobody says yes"

    def _undo(self, task: PlanTask) -> Iterable[str]:
        is_named = any(one.undo == task.name for one in self._plan.tasks)
        if task.is_undo is not is_named:
            yield f"task {task.name} is an undo task that nothing names, or is named without being one"
        if task.is_undo and (
            task.needs
            or task.when
            or task.undo is not None
            or any(task.name in one.needs for one in self._plan.tasks)
        ):
            yield f"undo task {task.name} is part of the ordinary graph"
        if task.is_undo and not self._acts(task):
            yield f"undo task {task.name} changes nothing"
