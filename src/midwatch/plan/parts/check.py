"""The second opinion on loops, waits, calls, notices and hands: rules read from the plan alone."""

from collections.abc import Iterable, Mapping

from midwatch.base.ids import TaskName
from midwatch.plan.model import (
    OnFail,
    Plan,
    PlanHand,
    PlanLoop,
    PlanNotice,
    PlanTask,
    PlanWait,
    TaskKind,
    WaitFor,
)

TIMES_MAX = 1_000
PARALLEL_MAX = 32
CONTINUE = "continue"
_FAIL_WORDS = frozenset(OnFail)
_LOOPED = frozenset(TaskKind) - {TaskKind.APPROVAL, TaskKind.WAIT}
_AT_THE_END = frozenset({TaskKind.COMMAND, TaskKind.NOTIFY, TaskKind.MANUAL, TaskKind.CALL})


def named_by(task: PlanTask) -> Iterable[TaskName]:
    """Yield the tasks that the newer parts of a task name."""
    if task.wait is not None and task.wait.probe is not None:
        yield task.wait.probe
    if task.wait is not None and task.wait.on_timeout not in ("", CONTINUE):
        yield TaskName(task.wait.on_timeout)
    if task.hand is not None and task.hand.on_timeout is not None:
        yield task.hand.on_timeout
    if task.on_fail and task.on_fail not in _FAIL_WORDS:
        yield TaskName(task.on_fail)


def part_problems(plan: Plan, task: PlanTask, tasks: Mapping[TaskName, PlanTask]) -> Iterable[str]:
    """Yield the rules that the parts of a task break; every name in them is a task's."""
    yield from _kind(task)
    if task.loop is not None:
        yield from _loop(task, task.loop)
    if task.wait is not None:
        yield from _wait(task, task.wait, tasks)
    if task.notice is not None:
        yield from _notice(task, task.notice)
    if task.hand is not None:
        yield from _hand(task, task.hand)
    retry = task.retry
    if retry.attempts_max < 0 or retry.backoff_ms < 0 or retry.backoff_ms_max < 0:
        yield f"task {task.name} has a negative retry"
    if task.join not in ("all", "any") and not (
        task.join.isdecimal() and 1 <= int(task.join) <= len(task.needs)
    ):
        yield f"task {task.name} joins by {task.join!r}"
    yield from _finally(plan, task, tasks)


def _kind(task: PlanTask) -> Iterable[str]:
    parts = {
        TaskKind.WAIT: task.wait,
        TaskKind.CALL: task.callee,
        TaskKind.NOTIFY: task.notice,
        TaskKind.MANUAL: task.hand,
    }
    for kind, part in parts.items():
        may_have = kind is task.kind or (kind is TaskKind.MANUAL and task.kind is TaskKind.AGENT)
        if part is not None and not may_have:
            yield f"task {task.name} is of several kinds"
        if part is None and kind is task.kind:
            yield f"task {task.name} is of kind {task.kind} but has nothing to do"
    if task.timeout_ms < 0:
        yield f"task {task.name} has a negative time"


def _loop(task: PlanTask, loop: PlanLoop) -> Iterable[str]:
    if task.kind not in _LOOPED or task.is_undo:
        yield f"task {task.name} can't have a loop"
    if bool(loop.each) is bool(loop.until):
        yield f"task {task.name} has a loop over items and rounds, or over neither"
    if not 1 <= loop.times_max <= TIMES_MAX:
        yield f"task {task.name} has no limit of items or rounds"
    if not 1 <= loop.parallel <= PARALLEL_MAX or loop.every_ms < 0:
        yield f"task {task.name} has a loop out of bounds"


def _wait(task: PlanTask, wait: PlanWait, tasks: Mapping[TaskName, PlanTask]) -> Iterable[str]:
    given = {
        WaitFor.TIME: bool(wait.for_ms) is not bool(wait.at),
        WaitFor.EVENT: bool(wait.event),
        WaitFor.PROBE: wait.probe is not None and bool(wait.holds),
    }
    if not given[wait.kind]:
        yield f"task {task.name} doesn't say what it waits for"
    if wait.kind is not WaitFor.TIME and wait.within_ms <= 0:
        yield f"task {task.name} may wait for ever"
    if wait.kind is WaitFor.PROBE and wait.every_ms <= 0:
        yield f"task {task.name} probes without a pause"
    if wait.probe is not None:
        probe = tasks[wait.probe]
        if probe.call is None or probe.call.effect != "read" or probe.loop is not None:
            yield f"task {task.name} is probed by {wait.probe}, which doesn't only read once"


def _notice(task: PlanTask, notice: PlanNotice) -> Iterable[str]:
    tells = bool(notice.to) and bool(notice.message)
    if tells is (notice.emit is not None):
        yield f"task {task.name} tells people and emits, or does neither"


def _hand(task: PlanTask, hand: PlanHand) -> Iterable[str]:
    if task.kind is TaskKind.MANUAL and not hand.ladder:
        yield f"task {task.name} is given to nobody"
    if any(rung.within_ms <= 0 for rung in hand.ladder):
        yield f"task {task.name} is given to somebody for no time"


def _finally(plan: Plan, task: PlanTask, tasks: Mapping[TaskName, PlanTask]) -> Iterable[str]:
    for need in task.needs:
        if tasks[need].is_finally is not task.is_finally:
            yield f"task {task.name} needs {need}, and only one of them runs at the end"
    if task.is_finally and (task.kind not in _AT_THE_END or task.is_undo or task.is_routed or task.ends):
        yield f"task {task.name} can't run at the end"
    if task.on_fail == OnFail.UNDO and task.undo is None:
        above = _above(task, tasks)
        if not any(tasks[name].undo is not None for name in above):
            yield f"task {task.name} is to be undone but has no undo"
    if task.is_routed and not any(task.name in (*named_by(one), *_asked(one)) for one in plan.tasks):
        yield f"task {task.name} is said to be handed over to, and nothing does that"


def _asked(task: PlanTask) -> Iterable[TaskName]:
    if task.approval is not None:
        yield from filter(None, (task.approval.on_timeout, task.approval.on_deny))


def _above(task: PlanTask, tasks: Mapping[TaskName, PlanTask]) -> set[TaskName]:
    found: set[TaskName] = set()
    waiting = list(task.needs)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(tasks[name].needs)
    return found
