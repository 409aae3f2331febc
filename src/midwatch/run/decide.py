"""Every choice about a run's progress is made in this file.

    decide(plan, state, world) -> commands

Rule 1: the same plan, state and world give the same commands; there is no clock and no chance here.
Rule 2: `Settle` commands come alone, one at a time, until the facts that follow by rule are recorded.
Rule 3: nothing is dispatched whose effect is not `asked` with an approval, `allowed`, or repeatable.
Rule 4: a run ends when nothing of it is runnable, waiting or in doubt.
"""

from dataclasses import dataclass
from typing import assert_never

from midwatch.base.canonical import frozen_value
from midwatch.base.ids import EffectKey, TaskName
from midwatch.base.units import EpochMs
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import (
    EffectUndone,
    RunEnded,
    RunEvent,
    TaskFailed,
    TaskRouted,
    TaskSkipped,
    TaskSucceeded,
    UndoRequested,
)
from midwatch.plan.model import Plan, PlanTask, TaskKind
from midwatch.plan.table import decide_table
from midwatch.run.asking import decide_approvals
from midwatch.run.commands import CallRead, Command, Prepare, Settle, Wait
from midwatch.run.dataflow import applies, cause_of, is_acting, key_of, scope_of, undo_pair
from midwatch.run.effecting import UNDER_WAY, Flight, decide_effect, orphaned
from midwatch.run.ending import outcome_of
from midwatch.run.state import SETTLED, RunState, TaskStatus
from midwatch.runbook.errors import ExpressionError, NoRowError, TableOverlapError

_DONE = frozenset({TaskStatus.SUCCEEDED, TaskStatus.SKIPPED})
"""Nothing follows from these by themselves; a failure may still be routed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What `decide` may know besides plan and state."""

    now_ms: EpochMs
    flight: Flight
    """What this drive has under way, and which workers are surely dead."""


def decide(plan: Plan, state: RunState, world: World) -> tuple[Command, ...]:
    """Return what to do now: one `Settle`, or all that can go on at once, with the next moment to look again.

    An empty answer means: nothing to do until somebody answers, or the run is over.
    """
    if state.started is None:
        return ()
    settled = orphaned(state, world.flight, world.now_ms)
    if settled is not None:
        return (settled,)
    approvals = decide_approvals(plan, state, world.now_ms)
    if isinstance(approvals, Settle):
        return (approvals,)
    if state.outcome:
        return _undo(plan, state, world, approvals)
    return _progress(plan, state, world, approvals)


def _progress(plan: Plan, state: RunState, world: World, waits: tuple[Wait, ...]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for task in plan.tasks:
        known = state.tasks.get(task.name)
        if task.is_undo or (known is not None and known.status in _DONE):
            continue  # most tasks, most of the time
        if known is None and task.needs and task.needs[0] not in state.tasks and state.cancel_why is None:
            continue  # most of the others: what they need is not known of either
        step = _task(plan, state, task, world)
        if isinstance(step, Settle):
            return (step,)
        commands.extend(step)
    undo = _undo(plan, state, world, ())
    if undo and isinstance(undo[0], Settle):
        return undo
    commands.extend(undo)
    if _is_over(plan, state, world, commands, waits):
        outcome, why = outcome_of(plan, state)
        end = RunEnded(outcome=outcome, why=why, cost_micro_usd=state.cost_micro_usd)
        return (Settle(facts=(end,), cause_n=state.n),)
    return (*commands, *waits)


def _is_over(
    plan: Plan, state: RunState, world: World, commands: list[Command], waits: tuple[Wait, ...]
) -> bool:
    if commands or waits or world.flight.tasks or world.flight.effects or state.open_approvals:
        return False
    if any(effect.status is EffectStatus.IN_DOUBT for effect in state.effects.values()) or state.undoing:
        return False
    if state.cancel_why is not None:
        return True
    return all(_is_settled(state, task) for task in plan.tasks if not task.is_undo)


def _is_settled(state: RunState, task: PlanTask) -> bool:
    known = state.task(task.name)
    if known.status in SETTLED:
        return True
    return task.is_routed and known.routed_by is None and not task.needs


def _task(plan: Plan, state: RunState, task: PlanTask, world: World) -> Settle | tuple[Command, ...]:
    known = state.task(task.name)
    if known.status is TaskStatus.FAILED:
        return _after_failure(state, task)
    if known.status in SETTLED or task.name in world.flight.tasks:
        return ()
    if known.status is TaskStatus.RETRYING:
        if state.cancel_why is not None and not _is_under_way(state, task):
            return _skip(state, task, "the run was cancelled")
        if known.retry_at_ms is not None and world.now_ms < known.retry_at_ms:
            return (Wait(until_ms=known.retry_at_ms),)
        return _begin(plan, state, task, world)
    if known.status is TaskStatus.STARTED:
        return _go_on(plan, state, task, world)
    return _consider(plan, state, task, world)


def _consider(plan: Plan, state: RunState, task: PlanTask, world: World) -> Settle | tuple[Command, ...]:
    """Decide on a task of which nothing is known yet, or that was only routed to."""
    if state.cancel_why is not None:
        return _skip(state, task, "the run was cancelled")
    if state.task(task.name).routed_by is not None:
        return _begin(plan, state, task, world)
    needs = [state.task(need) for need in task.needs]
    if any(need.status not in SETTLED for need in needs):
        return ()
    if task.is_routed and not task.needs:
        return ()
    succeeded = sum(need.status is TaskStatus.SUCCEEDED for need in needs)
    if needs and (succeeded == 0 if task.join == "any" else succeeded < len(needs)):
        missing = next(n for n in task.needs if state.task(n).status is not TaskStatus.SUCCEEDED)
        return _skip(state, task, f"`{missing}`, which it needs, {_fate(state, missing)}")
    try:
        if not applies(task, scope_of(state)):
            return _skip(state, task, f"its condition does not hold: {task.when}")
    except ExpressionError as error:
        return _fail(state, task, error.code, error.sentence)
    return _begin(plan, state, task, world)


def _fate(state: RunState, name: TaskName) -> str:
    known = state.task(name)
    return "failed" if known.status is TaskStatus.FAILED else "was skipped"


def _skip(state: RunState, task: PlanTask, why: str) -> Settle:
    return Settle(facts=(TaskSkipped(task=task.name, why=why),), cause_n=cause_of(state, task))


def _fail(state: RunState, task: PlanTask, code: str, why: str) -> Settle:
    return Settle(
        facts=(TaskFailed(task=task.name, attempt=state.attempt_of(task.name), code=code, why=why),),
        cause_n=cause_of(state, task),
    )


def _begin(plan: Plan, state: RunState, task: PlanTask, world: World) -> Settle | tuple[Command, ...]:
    """Decide what a ready task does first."""
    match task.kind:
        case TaskKind.DECISION:
            return _table(state, task)
        case TaskKind.APPROVAL:
            return _ask(plan, state, task)
        case TaskKind.COMMAND:
            if is_acting(task):
                return decide_effect(state, task, world.flight, world.now_ms)
            return (_read(state, task),)
        case TaskKind.AGENT | TaskKind.MANUAL | TaskKind.WAIT | TaskKind.CALL | TaskKind.NOTIFY:
            return _fail(state, task, "MW605", f"this release can't run a task of kind `{task.kind}`")
        case _:
            assert_never(task.kind)


def _read(state: RunState, task: PlanTask) -> CallRead:
    attempt = state.task(task.name).attempt + 1
    return CallRead(task=task.name, attempt=attempt, cause_n=cause_of(state, task))


def _go_on(plan: Plan, state: RunState, task: PlanTask, world: World) -> Settle | tuple[Command, ...]:
    """Decide on a task that was started: an approval that asked, or an effect under way."""
    if task.kind is TaskKind.APPROVAL:
        return ()  # decide_approvals settles it
    if is_acting(task):
        if state.cancel_why is not None and not _is_under_way(state, task):
            return _skip(state, task, "the run was cancelled")
        return decide_effect(state, task, world.flight, world.now_ms)
    return _begin(plan, state, task, world)


def _is_under_way(state: RunState, task: PlanTask) -> bool:
    """Return whether the task has an effect that is seen through, even in a run that was cancelled."""
    effect = state.effects.get(key_of(state, task.name))
    return effect is not None and effect.status in UNDER_WAY


def _table(state: RunState, task: PlanTask) -> Settle:
    assert task.table is not None, "a decision without a table passes no check"
    try:
        verdict = decide_table(task.table, scope_of(state))
    except (ExpressionError, NoRowError, TableOverlapError) as error:
        return _fail(state, task, error.code, error.sentence)
    out = frozen_value(verdict.out)
    done = TaskSucceeded(task=task.name, attempt=1, out=out, matched=list(verdict.matched))
    return Settle(facts=(done,), cause_n=cause_of(state, task))


def _ask(plan: Plan, state: RunState, task: PlanTask) -> Settle | tuple[Command, ...]:
    assert task.approval is not None, "an approval task without a question passes no check"
    scope = scope_of(state)
    try:
        wanted = tuple(name for name in task.approval.actions if applies(plan.task(name), scope))
    except ExpressionError as error:
        return _fail(state, task, error.code, error.sentence)
    if not wanted:
        return _skip(state, task, "none of its actions applies")
    return (Prepare(asking=task.name, tasks=wanted, cause_n=cause_of(state, task)),)


def _after_failure(state: RunState, task: PlanTask) -> Settle | tuple[Command, ...]:
    """Route a failure once: to the task that is named for it; an undo was asked for with the failure."""
    known = state.task(task.name)
    if known.followed or state.cancel_why is not None:
        return ()
    to: str = task.on_fail
    because = "on_fail"
    if task.approval is not None:
        asked = next((a for a in reversed(tuple(state.approvals.values())) if a.task == task.name), None)
        if asked is not None and asked.status in {"denied", "expired"}:
            because = "on_deny" if asked.status == "denied" else "on_timeout"
            to = (task.approval.on_deny if because == "on_deny" else task.approval.on_timeout) or ""
    if to == "undo":
        return _taken_back(state, task)
    if not to or state.task(TaskName(to)).status in SETTLED:
        return ()
    return Settle(facts=(TaskRouted(task=to, by=task.name, because=because),), cause_n=known.n)


def _taken_back(state: RunState, task: PlanTask) -> Settle | tuple[Command, ...]:
    """Ask once that an effect is taken back that took place although its task failed."""
    effect = state.effects.get(key_of(state, task.name))
    if effect is None or effect.key in state.undo_keys or task.undo is None:
        return ()
    if effect.status not in {EffectStatus.CONFIRMED, EffectStatus.UNVERIFIED}:
        return ()
    wish = UndoRequested(keys=[effect.key], why="its task failed after it took place")
    return Settle(facts=(wish,), cause_n=state.task(task.name).n)


def _undo(plan: Plan, state: RunState, world: World, waits: tuple[Wait, ...]) -> tuple[Command, ...]:
    """Decide on the effects that are to be taken back: one after the other, the newest first."""
    pair = undo_pair(plan, state)
    if pair is None:
        return waits
    key, task = pair
    if task.name in world.flight.tasks:
        return waits
    step = _undo_step(state, key, task, world)
    return (step,) if isinstance(step, Settle) else (*step, *waits)


def _undo_step(state: RunState, key: EffectKey, task: PlanTask, world: World) -> Settle | tuple[Command, ...]:
    by_key = key_of(state, task.name)
    effect = state.effects[key]
    known = state.task(task.name)

    def undone(status: str, why: str) -> Settle:
        fact: RunEvent = EffectUndone(key=key, status=status, by_key=by_key, why=why)
        return Settle(facts=(fact,), cause_n=max(state.undo_n, known.n))

    if effect.status is not EffectStatus.UNDOING:
        return undone("undoing", "asked for")
    if known.n > effect.n:
        if known.status is TaskStatus.SUCCEEDED:
            return undone("undone", "")
        if known.status in {TaskStatus.FAILED, TaskStatus.SKIPPED}:
            return undone("undo_failed", known.why)
    if any(
        other.undone_by == by_key and other.status is EffectStatus.UNDONE for other in state.effects.values()
    ):
        return undone("undo_failed", f"`{task.name}` took another effect back already, and is not done twice")
    if (
        known.status is TaskStatus.RETRYING
        and known.retry_at_ms is not None
        and world.now_ms < known.retry_at_ms
    ):
        return (Wait(until_ms=known.retry_at_ms),)
    return decide_effect(state, task, world.flight, world.now_ms)
