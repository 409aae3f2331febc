"""What a run does next: every choice about its progress is made here, and in the modules that this one asks.

    decide(plan, state, world) -> commands

Rule 1: the same plan, state and world give the same commands; there is no clock and no chance here.
Rule 2: `Settle` commands come alone, one at a time, until the facts that follow by rule are recorded.
Rule 3: nothing is dispatched whose effect is not `asked` with an approval, `allowed`, or repeatable.
Rule 4: a run ends when nothing of it is runnable, waiting or in doubt; its `finally` tasks come last,
        after what is taken back.
"""

from collections.abc import Iterable

from midwatch.base.canonical import frozen_value
from midwatch.base.ids import TaskName
from midwatch.journal.run_events import RunEnded, UndoRequested
from midwatch.plan.model import OnStop, Plan, PlanTask
from midwatch.run.asking import decide_approvals
from midwatch.run.commands import Command, Settle, Wait
from midwatch.run.doing.failures import stop_undoes
from midwatch.run.doing.hands import decide_hands
from midwatch.run.doing.settling import is_stopped
from midwatch.run.doing.steps import decide_task, held_back
from midwatch.run.doing.undoing import decide_undo
from midwatch.run.effecting import World, orphaned
from midwatch.run.ending import outcome_of, values_of
from midwatch.run.state import SETTLED, RunState, TaskStatus

__all__ = ["World", "decide"]

_DONE = frozenset({TaskStatus.SUCCEEDED, TaskStatus.SKIPPED})
"""Nothing follows from these by themselves; a failure may still be routed."""


def decide(plan: Plan, state: RunState, world: World) -> tuple[Command, ...]:
    """Return what to do now: one `Settle`, or all that can go on at once, with the next moment to look again.

    An empty answer means: nothing to do until somebody answers, or the run is over.
    """
    if state.started is None:
        return ()
    settled = orphaned(state, world.flight, world.now_ms)
    if settled is not None:
        return (settled,)
    waits: list[Wait] = []
    for people in (decide_approvals(plan, state, world.now_ms), decide_hands(plan, state, world.now_ms)):
        if isinstance(people, Settle):
            return (people,)
        waits.extend(people)
    undo = decide_undo(plan, state, world)
    if state.outcome:
        return (undo,) if isinstance(undo, Settle) else (*undo, *waits)
    return _progress(plan, state, world, undo, waits)


def _progress(
    plan: Plan, state: RunState, world: World, undo: Settle | tuple[Command, ...], waits: list[Wait]
) -> tuple[Command, ...]:
    step = _each(plan, state, world, (task for task in plan.tasks if not task.is_finally))
    if isinstance(step, Settle):
        return (step,)
    if isinstance(undo, Settle):
        return (undo,)
    commands = [*step, *undo]
    if commands or not _is_idle(plan, state, world):
        return (*commands, *waits)
    held = None if waits else held_back(plan, state)
    if held is not None:
        return (held,)
    wish = _stop_undoes(plan, state)
    if wish is not None:
        return (wish,)
    last = _each(plan, state, world, (task for task in plan.tasks if task.is_finally))
    if isinstance(last, Settle):
        return (last,)
    if last or waits or world.flight.tasks or _is_open(state):
        return (*last, *waits)
    if not all(_is_settled(state, task) for task in plan.tasks if not task.is_undo):
        return ()
    outcome, why = outcome_of(plan, state)
    end = RunEnded(
        outcome=outcome,
        why=why,
        out=frozen_value(values_of(plan, state)),
        cost_micro_usd=state.cost_micro_usd,
    )
    return (Settle(facts=(end,), cause_n=state.n),)


def _each(
    plan: Plan, state: RunState, world: World, tasks: Iterable[PlanTask]
) -> Settle | tuple[Command, ...]:
    """Return what these tasks do next, all together."""
    commands: list[Command] = []
    for task in tasks:
        known = state.tasks.get(task.name)
        if task.is_undo or (known is not None and known.status in _DONE):
            continue  # most tasks, most of the time
        if known is None and task.needs and task.needs[0] not in state.tasks and not is_stopped(state, task):
            continue  # most of the others: what they need is not known of either
        step = decide_task(plan, state, task, world)
        if isinstance(step, Settle):
            return step
        commands.extend(step)
    return tuple(commands)


def _is_idle(plan: Plan, state: RunState, world: World) -> bool:
    """Return whether nothing is under way or open but what the `finally` tasks do."""
    if state.undoing:
        return False
    busy: set[TaskName] = {place[0] for place in world.flight.tasks}
    busy |= {state.effects[key].task for key in (*world.flight.effects, *state.sent, *state.doubted)}
    busy |= {asked.task for asked in state.open_approvals}
    busy |= {state.hands[hand].place[0] for hand in state.open_hands}
    busy |= {state.children[child].place[0] for child in state.live_children}
    return all(plan.task(name).is_finally for name in busy)


def _is_open(state: RunState) -> bool:
    return bool(state.questions or state.open_hands or state.live_children or state.sent or state.doubted)


def _is_settled(state: RunState, task: PlanTask) -> bool:
    known = state.task(task.name)
    if known.status in SETTLED:
        return True
    return task.is_routed and known.routed_by is None and not task.needs


def _stop_undoes(plan: Plan, state: RunState) -> Settle | None:
    """Return the wish to take back what was done, once a person stopped the run and all is seen through."""
    if state.cancel_why is None or state.cancel_leave or plan.on_stop is OnStop.LEAVE:
        return None
    keys = stop_undoes(plan, state)
    if not keys:
        return None
    wish = UndoRequested(keys=list(keys), why=f"stopped: {state.cancel_why}", by=state.cancel_by)
    return Settle(facts=(wish,), cause_n=state.n)
