"""Telling one task: how it ended, what it did or asked or decided, and why it ran or did not."""

from midwatch.insight.causes.approval import tell_approval
from midwatch.insight.causes.effect import tell_effect
from midwatch.insight.causes.ran import (
    is_acting,
    is_reading,
    tell_ran,
    tell_settled,
    tell_skipped,
    tell_waiting,
)
from midwatch.insight.causes.reading import tell_decision, tell_failures, tell_reading, tell_start
from midwatch.insight.history import every, last
from midwatch.insight.kinds import tell_kinds
from midwatch.insight.telling import Telling
from midwatch.journal.run_events import ApprovalAsked, EffectProposed, TaskRouted, TaskSkipped, TaskStarted
from midwatch.plan.model import PlanTask, TaskKind


def tell_task(telling: Telling, name: str, depth: int) -> None:
    """Tell one task, back to the start of the run."""
    task = telling.task(name)
    events = telling.history.tasks.get(name, ())
    if task is not None and last(events, TaskSkipped) is not None:
        tell_skipped(telling, name, depth)
        _tell_doing(telling, task, depth + 1)
        tell_start(telling)
        return
    if task is not None and not any(not isinstance(event.payload, TaskRouted) for event in events):
        tell_waiting(telling, task, depth)
        tell_start(telling)
        return
    started = last(events, TaskStarted)
    if started is not None and events[-1] == started[0]:
        telling.say(depth, started[0], "{task:code} is under way.", task=name)
    if task is None or not _tell_doing(telling, task, depth):
        tell_settled(telling, name, depth)
    tell_failures(telling, name, depth)
    tell_ran(telling, name, depth + 1)


def _tell_doing(telling: Telling, task: PlanTask, depth: int) -> bool:
    """Tell what is particular to the kind of the task; return whether that was anything."""
    before = len(telling.sentences)
    if is_acting(task):
        keys = [
            proposed.key for _, proposed in every(telling.history.tasks.get(task.name, ()), EffectProposed)
        ]
        for key in dict.fromkeys(reversed(keys)):
            tell_effect(telling, key, depth)
    elif is_reading(task):
        tell_reading(telling, task.name, depth)
    elif task.kind is TaskKind.APPROVAL:
        tell_settled(telling, task.name, depth)
        for _, asked in reversed(every(telling.history.events, ApprovalAsked)):
            if asked.task == task.name:
                tell_approval(telling, asked.approval, depth)
    elif task.kind is TaskKind.DECISION:
        tell_settled(telling, task.name, depth)
        tell_decision(telling, task, depth)
    else:
        tell_settled(telling, task.name, depth)
    tell_kinds(telling, telling.history.tasks.get(task.name, ()), depth + 1)
    return len(telling.sentences) > before
