"""What a failure leads to: another task, an undo of what was done, people, or nothing."""

from midwatch.base.ids import EffectKey, TaskName
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import TaskRouted, UndoRequested
from midwatch.plan.model import OnFail, Plan, PlanTask
from midwatch.run.commands import Command, Hand, Settle
from midwatch.run.dataflow import continues
from midwatch.run.doing.hands import ESCALATION
from midwatch.run.doing.settling import is_stopped
from midwatch.run.effecting import World
from midwatch.run.errors import HandTimeoutError, WaitTimeoutError
from midwatch.run.state import SETTLED, RunState, TaskStatus

_HAPPENED = {EffectStatus.CONFIRMED, EffectStatus.VERIFIED, EffectStatus.UNVERIFIED}


def after_failure(plan: Plan, state: RunState, task: PlanTask, world: World) -> Settle | tuple[Command, ...]:
    """Return what follows once from a task that failed for good."""
    known = state.task(task.name)
    if known.followed or is_stopped(state, task) or continues(task, known.code):
        return ()
    to, because = _leads_to(state, task)
    match to:
        case "":
            return ()
        case OnFail.UNDO:
            return _taken_back(plan, state, task)
        case OnFail.ESCALATE:
            return _escalated(state, task, world)
        case _:
            if state.task(TaskName(to)).status in SETTLED:
                return ()
            return Settle(facts=(TaskRouted(task=to, by=task.name, because=because),), cause_n=known.n)


def _leads_to(state: RunState, task: PlanTask) -> tuple[str, str]:
    """Return the task or the word that a failure leads to, and which key of the runbook says so."""
    code = state.task(task.name).code
    if task.approval is not None:
        name = state.asks.get(task.name)
        status = "" if name is None else state.approvals[name].status
        if status == "denied":
            return task.approval.on_deny or "", "on_deny"
        if status == "expired":
            return task.approval.on_timeout or "", "on_timeout"
    if task.wait is not None and code == WaitTimeoutError.code and task.wait.on_timeout:
        return task.wait.on_timeout, "on_timeout"
    if task.hand is not None and code == HandTimeoutError.code:
        return task.hand.on_timeout or "", "on_timeout"
    return task.on_fail, "on_fail"


def _taken_back(plan: Plan, state: RunState, task: PlanTask) -> Settle | tuple[Command, ...]:
    """Ask once that what the task did is taken back; where it can't be, all that was done above it."""
    if task.undo is not None:
        keys = _done_by(plan, state, frozenset({task.name}))
        why = "its task failed after it took place"
    else:
        keys = _done_by(plan, state, above(plan, task) | {task.name})
        why = f"`{task.name}` failed below it"
    if not keys:
        return ()
    return Settle(facts=(UndoRequested(keys=list(keys), why=why),), cause_n=state.task(task.name).n)


def _done_by(plan: Plan, state: RunState, names: frozenset[TaskName]) -> tuple[EffectKey, ...]:
    """Return what these tasks did, the newest first, as far as nobody asked yet that it be taken back."""
    asked = frozenset(state.undo_keys)
    return tuple(
        key
        for key in reversed(state.effects)
        if key not in asked
        and state.effects[key].task in names
        and state.effects[key].status in _HAPPENED
        and plan.task(state.effects[key].task).undo is not None
    )


def may_lead_to(state: RunState, task: PlanTask, name: TaskName) -> bool:
    """Return whether a failure of a task leads, or may come to lead, to another one."""
    known = state.task(task.name)
    if known.status is TaskStatus.FAILED:
        return not known.followed and _leads_to(state, task)[0] == name
    return known.status not in SETTLED and name in _routes(task)


def _routes(task: PlanTask) -> frozenset[str]:
    found = {task.on_fail}
    if task.approval is not None:
        found |= {task.approval.on_deny or "", task.approval.on_timeout or ""}
    if task.wait is not None:
        found.add(task.wait.on_timeout)
    if task.hand is not None:
        found.add(task.hand.on_timeout or "")
    return frozenset(found)


def above(plan: Plan, task: PlanTask) -> frozenset[TaskName]:
    """Return every task that a task needs, and that these need."""
    found: set[TaskName] = set()
    waiting = list(task.needs)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(plan.task(name).needs)
    return frozenset(found)


def stop_undoes(plan: Plan, state: RunState) -> tuple[EffectKey, ...]:
    """Return what is taken back, the newest first, when a person stops a run."""
    return _done_by(plan, state, frozenset(task.name for task in plan.tasks))


def _escalated(state: RunState, task: PlanTask, world: World) -> tuple[Command, ...]:
    place = (task.name, 0)
    if state.hand_of(place, escalation=True) is not None or place in world.flight.tasks:
        return ()
    known = state.task(task.name)
    return (Hand(place=place, attempt=known.attempt, purpose=ESCALATION, cause_n=known.n),)
