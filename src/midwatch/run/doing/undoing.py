"""Choices about what is to be taken back: one effect after the other, the newest first."""

from midwatch.base.ids import EffectKey
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import EffectUndone, RunEvent
from midwatch.plan.model import Plan, PlanTask
from midwatch.run.commands import Command, Settle, Wait
from midwatch.run.dataflow import key_of, undo_pair
from midwatch.run.effecting import World, decide_effect
from midwatch.run.state import RunState, TaskStatus


def decide_undo(plan: Plan, state: RunState, world: World) -> Settle | tuple[Command, ...]:
    """Return what is done next to take something back; nothing where nobody wants that."""
    pair = undo_pair(plan, state)
    if pair is None:
        return ()
    key, task = pair
    if (task.name, state.effects[key].iteration) in world.flight.tasks:
        return ()
    return _step(state, key, task, world)


def _step(state: RunState, key: EffectKey, task: PlanTask, world: World) -> Settle | tuple[Command, ...]:
    effect = state.effects[key]
    by_key = key_of(state, task.name, effect.iteration)
    known = state.task(task.name, effect.iteration)

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
    again_ms = known.retry_at_ms if known.status is TaskStatus.RETRYING else None
    if again_ms is not None and world.now_ms < again_ms:
        return (Wait(until_ms=again_ms),)
    return decide_effect(state, task, effect.iteration, world)
