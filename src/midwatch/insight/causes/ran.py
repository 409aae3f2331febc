"""Telling why a task ran or did not: its condition with the values it had, and where they came from."""

from collections.abc import Iterable, Mapping
from typing import Any

from midwatch.base.classes import EffectClass
from midwatch.insight.causes.approval import tell_approval
from midwatch.insight.causes.reading import tell_decision, tell_failures, tell_reading, tell_start
from midwatch.insight.history import last
from midwatch.insight.scope import false_parts, names_of, seen
from midwatch.insight.telling import Telling
from midwatch.journal.events import Event
from midwatch.journal.run_events import (
    ApprovalAsked,
    RunEnded,
    TaskFailed,
    TaskRouted,
    TaskSkipped,
    TaskSucceeded,
    UndoRequested,
)
from midwatch.plan.model import PlanTask, TaskKind


def is_acting(task: PlanTask) -> bool:
    """Return whether the task calls a tool that may change something."""
    return task.call is not None and task.call.effect is not EffectClass.READ


def is_reading(task: PlanTask) -> bool:
    """Return whether the task calls a tool that only reads."""
    return task.call is not None and task.call.effect is EffectClass.READ


def tell_ran(telling: Telling, name: str, depth: int) -> None:
    """Tell why a task ran, then where the values come from that it ran on, back to the start of the run."""
    _tell_ran(telling, name, depth)
    tell_start(telling)


def _tell_ran(telling: Telling, name: str, depth: int) -> None:
    task = telling.task(name)
    if task is None or not telling.begin(f"ran:{name}"):
        return
    events = telling.history.tasks.get(name, ())
    routed = last(events, TaskRouted)
    if task.is_undo and routed is None:
        for event, undo in _undos(telling):
            words = "{actor} wanted {keys:many effect} taken back, the newest first"
            words += ": {why:says}." if undo.why else "."
            telling.say(
                depth, event, words, actor=event.actor, keys=len(undo.keys), why=undo.why, of=undo.keys
            )
    else:
        tell_because(telling, task, depth)
    if task.call is not None:
        _tell_arguments(telling, task, depth)
    _follow(telling, task, depth + 1)


def tell_because(telling: Telling, task: PlanTask, depth: int) -> None:
    """Tell what made a task run: another one that led to it, its condition, or what it waited for."""
    events = telling.history.tasks.get(task.name, ())
    routed = last(events, TaskRouted)
    first = next((event for event in events if not isinstance(event.payload, TaskRouted)), None)
    if routed is not None:
        _tell_routed(telling, *routed, depth)
    elif first is not None:
        _tell_condition(telling, task, first, depth)


def _undos(telling: Telling) -> Iterable[tuple[Event, UndoRequested]]:
    return [
        (event, event.payload)
        for event in reversed(telling.history.events)
        if isinstance(event.payload, UndoRequested)
    ]


def _tell_routed(telling: Telling, event: Event, routed: TaskRouted, depth: int) -> None:
    telling.say(
        depth,
        event,
        "{task:code} ran whatever its condition says, because {by:code} names it in {because:code}.",
        task=routed.task,
        by=routed.by,
        because=routed.because,
    )
    tell_failures(telling, routed.by, depth + 1)
    asked = _question_of(telling, routed.by)
    if asked:
        tell_approval(telling, asked, depth + 1)


def _tell_condition(telling: Telling, task: PlanTask, first: Event, depth: int) -> None:
    scope = telling.history.scope(before_n=first.envelope.n)
    ran = "was due" if is_acting(task) else "ran"
    if task.when:
        found = seen(task.when, scope)
        words = f"{{task:code}} {ran} because {{when:code}}"
        words += ", with {names:pairs}." if found.names else "."
        telling.say(depth, first, words, task=task.name, when=task.when, names=found.names)
    elif task.needs:
        telling.say(
            depth, first, f"{{task:code}} {ran} after {{needs:and}}.", task=task.name, needs=task.needs
        )
    else:
        telling.say(depth, first, f"{{task:code}} {ran} at once: it waits for nothing.", task=task.name)


def _tell_arguments(telling: Telling, task: PlanTask, depth: int) -> None:
    assert task.call is not None, "only a task with a call has arguments"
    sources = {**task.call.args, **task.call.bind}
    if sources:
        telling.say(
            depth,
            None,
            "The arguments of {task:code} are {sources:sources}.",
            task=task.name,
            sources=sources,
        )


def _follow(telling: Telling, task: PlanTask, depth: int) -> None:
    """Tell what a task took its values from, then what it waited for."""
    call = task.call
    sources = [task.when, *(call.args.values() if call else ()), *(call.bind.values() if call else ())]
    roots = [name.partition(".")[0] for source in sources if source for name in names_of(source)]
    for root in dict.fromkeys(roots):
        _tell_source(telling, root, depth)
    for need in task.needs:
        needed = telling.task(need)
        if needed is not None and (not is_reading(needed) or not roots):
            _tell_source(telling, need, depth)


def _tell_source(telling: Telling, root: str, depth: int) -> None:
    task = telling.task(root)
    if task is None or not telling.begin(f"source:{root}"):
        return
    if is_reading(task):
        tell_reading(telling, root, depth)
    elif task.kind is TaskKind.DECISION:
        for further in tell_decision(telling, task, depth):
            _tell_source(telling, further, depth + 1)
        if task.when:
            _tell_ran(telling, root, depth + 1)
    else:
        tell_settled(telling, root, depth)
        if task.kind is TaskKind.APPROVAL:
            _tell_ran(telling, root, depth + 1)


def tell_settled(telling: Telling, name: str, depth: int) -> None:
    """Tell how a task ended, as far as it did; for one that asks, its question too."""
    _tell_settled(telling, name, depth)
    task = telling.task(name)
    asked = _question_of(telling, name) if task is not None and task.kind is TaskKind.APPROVAL else ""
    if asked:
        tell_approval(telling, asked, depth)


def _tell_settled(telling: Telling, name: str, depth: int) -> None:
    events = telling.history.tasks.get(name, ())
    for event in reversed(events):
        match event.payload:
            case TaskSucceeded(out=out):
                telling.say(depth, event, "{task:code} succeeded: {out:pairs}.", task=name, out=out)
                return
            case TaskFailed():
                tell_failures(telling, name, depth)
                return
            case TaskSkipped():
                tell_skipped(telling, name, depth)
                return
            case _:
                continue


def tell_skipped(telling: Telling, name: str, depth: int) -> None:
    """Tell why a task was skipped: which part of its condition was false, or what it needed in vain."""
    skipped = last(telling.history.tasks.get(name, ()), TaskSkipped)
    if skipped is None or not telling.begin(f"skipped:{name}"):
        return
    event, payload = skipped
    task = telling.task(name)
    scope = telling.history.scope(before_n=event.envelope.n)
    parts = (
        false_parts(task.when, scope) if task is not None and task.when in payload.why and task.when else ()
    )
    if parts:
        for part in parts:
            words = "{task:code} was skipped: {part:code} was false"
            words += ", with {names:pairs}." if part.names else "."
            telling.say(depth, event, words, task=name, part=part.source, names=part.names)
        for root in dict.fromkeys(root for part in parts for root in part.roots):
            _tell_source(telling, root, depth + 1)
        return
    telling.say(depth, event, "{task:code} was skipped: {why:says}.", task=name, why=payload.why)
    for need in _unmet(telling, task):
        tell_settled(telling, need, depth + 1)


def tell_waiting(telling: Telling, task: PlanTask, depth: int) -> None:
    """Tell why nothing is known of a task yet."""
    is_over = last(telling.history.events, RunEnded) is not None
    settled = TaskSucceeded | TaskFailed | TaskSkipped
    events = telling.history.tasks
    open_needs = [need for need in task.needs if not _any_of(events.get(need, ()), settled)]
    if task.is_undo:
        telling.say(
            depth,
            None,
            "{task:code} did not run: nobody asked for it; it takes effects back.",
            task=task.name,
        )
    elif open_needs:
        words = "{task:code} never began: it waited for {needs:and}." if is_over else ""
        words = words or "{task:code} has not begun: it waits for {needs:and}."
        telling.say(depth, None, words, task=task.name, needs=open_needs)
    elif task.is_routed and not task.needs:
        words = "{task:code} did not run: no other task led to it."
        telling.say(depth, None, words, task=task.name)
    else:
        words = "{task:code} never began." if is_over else "{task:code} has not begun."
        telling.say(depth, None, words, task=task.name)


def _any_of(events: Iterable[Event], kinds: Any) -> bool:
    return any(isinstance(event.payload, kinds) for event in events)


def _unmet(telling: Telling, task: PlanTask | None) -> list[str]:
    tasks: Mapping[str, tuple[Event, ...]] = telling.history.tasks
    needs = task.needs if task is not None else ()
    return [need for need in needs if not _any_of(tasks.get(need, ()), TaskSucceeded)]


def _question_of(telling: Telling, name: str) -> str:
    """Return the newest question that a task put, empty where it put none."""
    asked = [
        event.payload.approval
        for event in telling.history.events
        if isinstance(event.payload, ApprovalAsked) and event.payload.task == name
    ]
    return asked[-1] if asked else ""
