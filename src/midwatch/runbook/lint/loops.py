"""Loops, fan-outs and waits: each has a limit that can be told before it runs."""

from collections.abc import Iterable, Mapping

from midwatch.base.errors import MidwatchError
from midwatch.runbook.cel.schema import Schema
from midwatch.runbook.cel.types import check
from midwatch.runbook.errors import LoopError, NobodyToDoItError, NoLimitError
from midwatch.runbook.graph import INDEX, PREVIOUS, Graph, base_types
from midwatch.runbook.lint.order import RESERVED
from midwatch.runbook.model import Kind, Loop, Runbook, Task
from midwatch.runbook.source import Finding, Severity, Source

_ONCE = (Kind.APPROVAL, Kind.WAIT)
_FOREACH_ONLY = (Kind.DECISION,)


def loop_findings(
    runbook: Runbook, graph: Graph, outs: Mapping[str, Schema], inputs: Schema
) -> list[Finding]:
    """Return what is wrong with loops, waits and the hands that tasks are given to."""
    source = runbook.source
    found: list[Finding] = []
    for task in graph.tasks.values():
        if task.loop is not None:
            found.extend(_shape(source, graph, task, task.loop))
            found.extend(_limit(source, task, task.loop, items_max(graph, task, outs, inputs)))
        found.extend(_wait(source, task))
        found.extend(_hand(runbook, task))
    return found


def items_max(graph: Graph, task: Task, outs: Mapping[str, Schema], inputs: Schema) -> int | None:
    """Return how many items the list of a `foreach:` has at most by its schema, or None."""
    if task.loop is None or task.loop.each is None:
        return None
    try:
        schema = check(task.loop.each.value, base_types(graph, task, outs, inputs)).schema
    except MidwatchError:
        return None
    limit = schema.get("maxItems")
    return limit if isinstance(limit, int) else None


def _shape(source: Source, graph: Graph, task: Task, loop: Loop) -> Iterable[Finding]:
    name = task.name.value
    if task.kind in _ONCE:
        hint = "Take `foreach:` and `until:` out."
        yield source.finding(
            LoopError, f"task {name} is of kind `{task.kind}` and has a loop", loop.span.start, hint=hint
        )
        return
    if loop.each is not None and loop.until is not None:
        hint = "Keep one of them: `foreach:` runs for each item, `until:` runs again and again."
        sentence = f"task {name} has `foreach:` and `until:`"
        yield source.finding(LoopError, sentence, loop.until.span.start, hint=hint)
    elif loop.until is not None and task.kind in _FOREACH_ONLY:
        hint = "A table gives the same row for the same values: put the reading into the loop."
        sentence = f"decision {name} has `until:`"
        yield source.finding(LoopError, sentence, loop.until.span.start, hint=hint)
    if graph.is_undo(task):
        hint = "Take the loop out: an undo runs once for each effect, with that effect's `item` and `index`."
        yield source.finding(LoopError, f"undo task {name} has a loop", loop.span.start, hint=hint)
    taken = {*RESERVED, INDEX, PREVIOUS, *graph.tasks}
    if loop.each is not None and loop.item in taken:
        span = loop.name.span if loop.name else loop.each.span
        hint = "Choose another name with `as:`."
        sentence = f"task {name} calls its item `{loop.item}`, which means something else"
        yield source.finding(LoopError, sentence, span.start, hint=hint)
    for word in (INDEX, PREVIOUS):
        if loop.each is not None and word in graph.tasks:
            hint = f"Rename the task `{word}`."
            sentence = f"`{word}` in task {name} would mean the loop's and the task of that name"
            yield source.finding(LoopError, sentence, loop.each.span.start, hint=hint)


def _limit(source: Source, task: Task, loop: Loop, known: int | None) -> Iterable[Finding]:
    if task.kind in _ONCE or loop.times_max is not None:
        return
    name, at = task.name.value, loop.span.start
    if loop.each is None:
        sentence = f"task {name} is repeated, and nothing says how often at most"
        yield source.finding(NoLimitError, sentence, at, key="max", example="max: 20")
    elif known is None:
        sentence = f"task {name} runs for each item of a list that nothing limits"
        yield source.finding(NoLimitError, sentence, at, key="max", example="max: 20")


def _wait(source: Source, task: Task) -> Iterable[Finding]:
    wait = task.wait
    subject = None if wait is None else wait.event or wait.probe
    if wait is not None and subject is not None and wait.within_ms is None:
        sentence = f"task {task.name.value} may wait for ever"
        yield source.finding(NoLimitError, sentence, subject.span.start, key="within", example="within: 30m")


def _hand(runbook: Runbook, task: Task) -> Iterable[Finding]:
    hand = task.hand
    if hand is None or hand.ladder:
        return
    name, source = task.name.value, runbook.source
    if hand.asked and task.sla_ms is None:
        sentence = f"task {name} doesn't say how long each of them has"
        yield source.finding(NoLimitError, sentence, hand.asked[0].span.start, key="sla", example="sla: 10m")
    elif not hand.asked and not (runbook.header and runbook.header.ladder):
        severity = Severity.ERROR if task.kind is Kind.MANUAL else Severity.WARNING
        who = "is done by a person" if task.kind is Kind.MANUAL else "is done by a person where no model is"
        sentence = f"task {name} {who}, and nobody is named"
        yield source.finding(NobodyToDoItError, sentence, task.name.span.start, severity)
