"""Names and order: duplicate and unknown tasks, circles, undo tasks, joins, what runs at the end."""

from collections.abc import Iterable

from midwatch.runbook.cel.types import did_you_mean
from midwatch.runbook.errors import (
    CycleError,
    DuplicateTaskError,
    FinallyError,
    JoinError,
    StructureError,
    TestBlockError,
    UnknownTaskError,
    UnreachableTaskError,
)
from midwatch.runbook.graph import Graph, routes_of
from midwatch.runbook.model import FAIL_WORDS, WAIT_WORDS, At, Kind, Runbook, Task
from midwatch.runbook.source import Finding, Source

RESERVED = ("inputs", "args", "probe", "event", *FAIL_WORDS, *WAIT_WORDS)
_OF_FINALLY = (Kind.COMMAND, Kind.NOTIFY, Kind.MANUAL, Kind.CALL)


def order_findings(runbook: Runbook, graph: Graph) -> list[Finding]:
    """Return what is wrong with names and order."""
    source = runbook.source
    return [
        *_duplicates(runbook),
        *(finding for task in runbook.tasks for finding in _unknown(source, graph, task)),
        *_cycles(source, graph),
        *(finding for task in runbook.tasks for finding in _undo(source, graph, task)),
        *(finding for task in runbook.tasks for finding in _finally(source, graph, task)),
        *(finding for task in runbook.tasks for finding in _joined(source, task)),
    ]


def references(task: Task) -> Iterable[tuple[str, At[str]]]:
    """Yield each name of another task that a task gives, with the key that it stands under."""
    yield from (("needs", need) for need in task.needs)
    if task.ask is not None:
        yield from (("actions", action) for action in task.ask.actions)
    ask, hand, wait = task.ask, task.hand, task.wait
    late = wait.on_timeout if wait else hand.on_timeout if hand else ask.on_timeout if ask else None
    routes = (("on_timeout", late), ("on_deny", ask.on_deny if ask else None), ("on_fail", task.on_fail))
    yield from ((key, at) for key, at in routes if at is not None and at in routes_of(task))
    if wait is not None and wait.probe is not None:
        yield "probe", wait.probe
    if task.undo is not None:
        yield "undo", task.undo
    for key, probe in (("precondition", task.precondition), ("verify", task.verify)):
        if probe is not None:
            yield f"{key}.probe", probe.probe


def _duplicates(runbook: Runbook) -> Iterable[Finding]:
    first: dict[str, int] = {}
    for task in runbook.tasks:
        name, start = task.name.value, task.name.span.start
        if name in first:
            line = runbook.source.line_column(first[name])[0]
            sentence = f"there are two tasks `{name}`"
            yield runbook.source.finding(DuplicateTaskError, sentence, start, task=name, first_line=line)
        elif name in RESERVED:
            sentence = f"a task can't be called `{name}`: expressions use that name"
            yield runbook.source.finding(StructureError, sentence, start, hint="Choose another name.")
        first.setdefault(name, start)


def _unknown(source: Source, graph: Graph, task: Task) -> Iterable[Finding]:
    for key, at in references(task):
        if at.value not in graph.tasks and at.value not in graph.lost:
            sentence = f"`{key}:` of task {task.name.value} names `{at.value}`, which is no task"
            yield source.finding(
                UnknownTaskError,
                sentence,
                at.span.start,
                hint=did_you_mean(at.value, graph.tasks),
                tasks=", ".join(graph.tasks),
            )


def _cycles(source: Source, graph: Graph) -> Iterable[Finding]:
    for cycle in graph.cycles():
        task = graph.tasks[cycle[0]]
        place = next(need for need in task.needs if need.value == cycle[1])
        path = " → ".join(cycle)
        yield source.finding(CycleError, f"tasks wait for each other: {path}", place.span.start, cycle=path)


def _undo(source: Source, graph: Graph, task: Task) -> Iterable[Finding]:
    if not graph.is_undo(task):
        for need in task.needs:
            other = graph.tasks.get(need.value)
            if other is not None and graph.is_undo(other):
                sentence = f"task {task.name.value} needs {need.value}, which only takes an effect back"
                hint = "Take it out of `needs:`; undo tasks run on their own only to take an effect back."
                yield source.finding(StructureError, sentence, need.span.start, hint=hint)
        return
    if task.needs or task.when:
        place = task.needs[0].span if task.needs else task.name.span
        hint = "Take `needs:` and `when:` out; it runs when its task is taken back."
        yield source.finding(
            StructureError, f"undo task {task.name.value} waits for something", place.start, hint=hint
        )
    undos = [one.undo.value for one in graph.tasks.values() if one.undo is not None]
    if (
        task.name.value not in graph.undone_by
        and not graph.lost
        and all(undo in graph.tasks for undo in undos)
    ):
        hint = f"Name it in `undo: {task.name.value}` of the task that it takes back."
        sentence = f"undo task {task.name.value} takes nothing back"
        yield source.finding(UnreachableTaskError, sentence, task.name.span.start, hint=hint)
    if task.kind is not Kind.COMMAND:
        hint = "An undo is a `kind: command`."
        yield source.finding(
            StructureError, f"undo task {task.name.value} is no command", task.name.span.start, hint=hint
        )


def _finally(source: Source, graph: Graph, task: Task) -> Iterable[Finding]:
    name = task.name.value
    for need in task.needs:
        other = graph.tasks.get(need.value)
        if other is not None and (other.finally_at is None) is not (task.finally_at is None):
            hint = "A task of `finally:` runs when all else is done: it needs only others of `finally:`."
            sentence = f"task {name} needs {need.value}, and only one of them is `finally: true`"
            yield source.finding(FinallyError, sentence, need.span.start, hint=hint)
    for route in routes_of(task):
        other = graph.tasks.get(route.value)
        if other is not None and other.finally_at is not None:
            hint = "It runs by itself at the end, whatever happened."
            sentence = f"task {name} hands over to {route.value}, which is `finally: true`"
            yield source.finding(FinallyError, sentence, route.span.start, hint=hint)
    if task.finally_at is not None and (task.kind not in _OF_FINALLY or graph.is_undo(task)):
        hint = f"Of `finally:` may be: {', '.join(_OF_FINALLY)}; no undo task."
        sentence = f"task {name} can't be `finally: true`"
        yield source.finding(FinallyError, sentence, task.finally_at.start, hint=hint)
    elif task.finally_at is not None and task.ends:
        hint = "How the run ends is settled before; take `ends:` out."
        sentence = f"task {name} is `finally: true` and says how the run ends"
        yield source.finding(FinallyError, sentence, next(iter(task.ends.values())).span.start, hint=hint)


def _joined(source: Source, task: Task) -> Iterable[Finding]:
    if task.join.isdecimal() and int(task.join) > len(task.needs):
        sentence = f"task {task.name.value} joins {task.join} of {len(task.needs)} needs"
        yield source.finding(JoinError, sentence, task.join_at.start, needs=len(task.needs))


def unknown_tasks(
    names: Iterable[tuple[str, At[object]]], source: Source, graph: Graph, what: str
) -> Iterable[Finding]:
    """Yield a finding for each name that is no task, in a scenario."""
    for name, at in names:
        if name not in graph.tasks and name not in graph.lost:
            hint = f"{did_you_mean(name, graph.tasks)}Tasks: {', '.join(graph.tasks)}."
            yield source.finding(
                TestBlockError, f"{what} names `{name}`, which is no task", at.span.start, hint=hint
            )
