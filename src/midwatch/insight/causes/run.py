"""Telling a whole run: how it ended, what it did, and where nothing was done, why not."""

from midwatch.effects.ledger import HAPPENED, EffectStatus
from midwatch.insight.causes.approval import tell_approval
from midwatch.insight.causes.effect import tell_effect
from midwatch.insight.causes.ran import is_acting, tell_because, tell_settled, tell_skipped, tell_waiting
from midwatch.insight.causes.reading import tell_decision, tell_failures, tell_reading, tell_start
from midwatch.insight.history import every, last, standing
from midwatch.insight.kinds import tell_kinds
from midwatch.insight.telling import Telling
from midwatch.journal.run_events import (
    ApprovalAsked,
    CancelRequested,
    EffectProposed,
    RunEnded,
    TaskFailed,
    TaskSkipped,
)
from midwatch.plan.model import PlanTask, TaskKind

_MAYBE = HAPPENED | {EffectStatus.DISPATCHED, EffectStatus.IN_DOUBT}
"""Where something was or may have been changed."""


def tell_run(telling: Telling, depth: int) -> None:
    """Tell the run: its end, its effects, what was not done, its findings, and how it began."""
    _tell_end(telling, depth)
    keys = [proposed.key for _, proposed in every(telling.history.events, EffectProposed)]
    for key in dict.fromkeys(reversed(keys)):
        tell_effect(telling, key, depth)
    acting = [task for task in telling.plan.tasks if is_acting(task) and not task.is_undo]
    for task in acting:
        _tell_not_done(telling, task, depth)
    if not acting:
        telling.say(depth, None, "{title:says} has no task that acts.", title=telling.plan.title)
    for task in telling.plan.tasks:
        _tell_rest(telling, task, depth + 1)
    tell_start(telling)


def _tell_end(telling: Telling, depth: int) -> None:
    ended = last(telling.history.events, RunEnded)
    if ended is None:
        newest = telling.history.events[-1] if telling.history.events else None
        telling.say(depth, newest, "The run {run} has not ended.", run=telling.history.run)
    else:
        event, payload = ended
        words = "The run {run} ended as {outcome:code}: {why:says}. It cost {cost:usd}."
        telling.say(
            depth,
            event,
            words,
            run=telling.history.run,
            outcome=payload.outcome,
            why=payload.why,
            cost=payload.cost_micro_usd,
        )
    for event, cancel in reversed(every(telling.history.events, CancelRequested)):
        words = "{actor} asked that the run stop"
        words += ": {why:says}." if cancel.why else "."
        telling.say(depth, event, words, actor=event.actor, why=cancel.why)
    happened = [key for key, events in telling.history.effects.items() if _may_have(events)]
    if not happened:
        telling.say(depth, None, "Nothing was changed.")


def _may_have(events: tuple[object, ...]) -> bool:
    found = standing(events)  # type: ignore[arg-type]  # narrowed by the caller
    return found is not None and found[0] in _MAYBE


def _tell_not_done(telling: Telling, task: PlanTask, depth: int) -> None:
    """Tell of an acting task that never came to an action why it did not."""
    events = telling.history.tasks.get(task.name, ())
    if last(events, EffectProposed) is not None:
        return
    if last(events, TaskSkipped) is not None:
        tell_skipped(telling, task.name, depth)
    elif last(events, TaskFailed) is not None:
        tell_failures(telling, task.name, depth)
    else:
        tell_waiting(telling, task, depth)


def _tell_rest(telling: Telling, task: PlanTask, depth: int) -> None:
    """Tell what no effect led to: open questions, decisions, readings, failures."""
    name = task.name
    tell_kinds(telling, telling.history.tasks.get(name, ()), depth)
    if task.kind is TaskKind.APPROVAL:
        for _, asked in reversed(every(telling.history.events, ApprovalAsked)):
            tell_approval(telling, asked.approval, depth)
        tell_skipped(telling, name, depth)
    elif task.kind is TaskKind.DECISION and telling.begin(f"source:{name}"):
        tell_skipped(telling, name, depth)
        if _ran(telling, name) and (task.when or task.is_routed):
            tell_because(telling, task, depth)
        tell_decision(telling, task, depth)
    elif not is_acting(task) and telling.begin(f"source:{name}"):
        tell_reading(telling, name, depth + 1)
        tell_failures(telling, name, depth + 1)
    elif is_acting(task) and last(telling.history.tasks.get(name, ()), EffectProposed) is not None:
        tell_settled(telling, name, depth)


def _ran(telling: Telling, name: str) -> bool:
    events = telling.history.tasks.get(name, ())
    return bool(events) and last(events, TaskSkipped) is None
