"""What one task does next, at one of its iterations: begin, go on, try again."""

from typing import assert_never

from midwatch.plan.model import Plan, PlanTask, TaskKind
from midwatch.plan.table import decide_table
from midwatch.run.commands import CallRead, Command, Prepare, Settle, Tell, Wait
from midwatch.run.dataflow import applies, cause_of, is_acting, key_of, passes, scope_at, scope_of
from midwatch.run.doing.calls import decide_call
from midwatch.run.doing.failures import above, after_failure, may_lead_to
from midwatch.run.doing.hands import decide_hand
from midwatch.run.doing.loops import begin_loop, decide_loop
from midwatch.run.doing.settling import STOPPED, fail, is_stopped, skip, succeed
from midwatch.run.doing.waits import decide_wait
from midwatch.run.effecting import UNDER_WAY, World, decide_effect
from midwatch.run.state import SETTLED, Place, RunState, TaskStatus
from midwatch.runbook.errors import ExpressionError, NoRowError, TableOverlapError

Step = Settle | tuple[Command, ...]


def decide_task(plan: Plan, state: RunState, task: PlanTask, world: World) -> Step:
    """Return what a task does next."""
    known = state.task(task.name)
    if known.status is TaskStatus.FAILED:
        return after_failure(plan, state, task, world)
    if known.status in SETTLED or (task.name, 0) in world.flight.tasks:
        return ()
    if known.status is None:
        return _consider(plan, state, task, world)
    return _work(plan, state, task, world)


def _consider(plan: Plan, state: RunState, task: PlanTask, world: World) -> Step:
    """Decide on a task of which nothing is known yet, or that was only routed to."""
    if is_stopped(state, task):
        return skip(state, task, STOPPED)
    if state.task(task.name).routed_by is not None:
        return _work(plan, state, task, world)
    if any(state.task(need).status not in SETTLED for need in task.needs):
        return ()
    if task.is_routed and not task.needs:
        return ()
    if task.needs and not task.is_finally:
        missing = [name for name in task.needs if not passes(plan.task(name), state.task(name))]
        if len(task.needs) - len(missing) < wanted_of(task):
            if may_be_led_to(plan, state, task):
                return ()
            return skip(state, task, f"`{missing[0]}`, which it needs, {_fate(state, task, missing[0])}")
    try:
        if not applies(task, scope_of(plan, state)):
            if may_be_led_to(plan, state, task):
                return ()
            return skip(state, task, f"its condition does not hold: {task.when}")
    except ExpressionError as error:
        return fail(state, task, error)
    return _work(plan, state, task, world)


def may_be_led_to(plan: Plan, state: RunState, task: PlanTask) -> bool:
    """Return whether another task's failure may still lead to this one, which then runs in spite of itself.

    A task that itself waits for this one is no reason to wait for it.
    """
    if not task.is_routed or is_stopped(state, task):
        return False
    return any(
        may_lead_to(state, other, task.name) and task.name not in above(plan, other) for other in plan.tasks
    )


def held_back(plan: Plan, state: RunState) -> Settle | None:
    """Return that a task is skipped which waits for a failure to lead to it, once nothing else goes on.

    Only tasks whose failures lead to each other's needs in a circle come to this.
    """
    for task in plan.tasks:
        known = state.task(task.name)
        is_held = known.status is None and known.routed_by is None and may_be_led_to(plan, state, task)
        if is_held and task.needs and all(state.task(need).status in SETTLED for need in task.needs):
            return skip(state, task, f"its condition does not hold: {task.when}")
    return None


def wanted_of(task: PlanTask) -> int:
    """Return how many of the tasks that it needs must have succeeded."""
    if task.join == "all":
        return len(task.needs)
    return min(1, len(task.needs)) if task.join == "any" else int(task.join)


def _fate(state: RunState, task: PlanTask, name: str) -> str:
    known = next(state.task(need) for need in task.needs if need == name)
    return "failed" if known.status is TaskStatus.FAILED else "was skipped"


def _work(plan: Plan, state: RunState, task: PlanTask, world: World) -> Step:
    if task.loop is not None:
        return decide_loop(
            plan, state, task, world, lambda iteration: decide_at(plan, state, (task.name, iteration), world)
        )
    return decide_at(plan, state, (task.name, 0), world)


def decide_at(plan: Plan, state: RunState, place: Place, world: World) -> Step:
    """Return what one iteration does next; 0 is a task that has no loop."""
    name, iteration = place
    task, known = plan.task(name), state.task(name, iteration)
    if known.status in SETTLED or place in world.flight.tasks:
        return ()
    if is_stopped(state, task) and _can_stop(state, task, iteration):
        return skip(state, task, STOPPED, iteration)
    again_ms = known.retry_at_ms if known.status is TaskStatus.RETRYING else None
    if again_ms is not None and world.now_ms < again_ms:
        return (Wait(until_ms=again_ms),)
    return _do(plan, state, task, iteration, world)


def _can_stop(state: RunState, task: PlanTask, iteration: int) -> bool:
    """Return whether nothing of it has to be seen through, in a run that was stopped."""
    if state.task(task.name, iteration).status is TaskStatus.STARTED and task.kind in _SEEN_THROUGH:
        return False
    if not is_acting(task):
        return True
    effect = state.effects.get(key_of(state, task.name, iteration))
    return effect is None or effect.status not in UNDER_WAY


_SEEN_THROUGH = {TaskKind.APPROVAL, TaskKind.MANUAL, TaskKind.AGENT, TaskKind.CALL}
"""What has something open that is closed first."""


def _do(plan: Plan, state: RunState, task: PlanTask, iteration: int, world: World) -> Step:
    known = state.task(task.name, iteration)
    match task.kind:
        case TaskKind.DECISION:
            return _table(plan, state, task, iteration)
        case TaskKind.APPROVAL:
            if known.status is TaskStatus.STARTED:
                return ()  # decide_approvals settles it
            return _ask(plan, state, task)
        case TaskKind.COMMAND:
            if is_acting(task):
                return decide_effect(state, task, iteration, world)
            cause_n = cause_of(state, task, iteration)
            attempt = known.attempt + 1
            return (CallRead(task=task.name, attempt=attempt, cause_n=cause_n, iteration=iteration),)
        case TaskKind.MANUAL | TaskKind.AGENT:
            return decide_hand(state, task, iteration, world)
        case TaskKind.WAIT:
            return decide_wait(plan, state, task, world)
        case TaskKind.CALL:
            return decide_call(state, task, iteration, world)
        case TaskKind.NOTIFY:
            place = (task.name, iteration)
            cause_n = cause_of(state, task, iteration)
            return (Tell(place=place, attempt=known.attempt + 1, cause_n=cause_n),)
        case _:
            assert_never(task.kind)


def _table(plan: Plan, state: RunState, task: PlanTask, iteration: int) -> Settle:
    assert task.table is not None, "a decision without a table passes no check"
    try:
        verdict = decide_table(task.table, scope_at(plan, state, (task.name, iteration)))
    except (ExpressionError, NoRowError, TableOverlapError) as error:
        return fail(state, task, error, iteration)
    return succeed(state, task, verdict.out, iteration, matched=verdict.matched)


def _ask(plan: Plan, state: RunState, task: PlanTask) -> Step:
    """Ask ahead for the actions that apply: one for each item of those that are loops."""
    assert task.approval is not None, "an approval task without a question passes no check"
    scope = scope_of(plan, state)
    try:
        wanted = [plan.task(name) for name in task.approval.actions if applies(plan.task(name), scope)]
    except ExpressionError as error:
        return fail(state, task, error)
    places: list[Place] = []
    for action in wanted:
        if state.task(action.name).status in SETTLED:
            continue
        if action.loop is None:
            places.append((action.name, 0))
            continue
        loop = state.loops.get(action.name)
        if loop is None:
            return begin_loop(plan, state, action)
        places.extend((action.name, number) for number in range(1, len(loop.items) + 1))
    if not places:
        return skip(state, task, "none of its actions applies")
    return (Prepare(asking=task.name, tasks=tuple(places), cause_n=cause_of(state, task)),)
