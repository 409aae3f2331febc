"""Telling where values come from: readings of the world, rows of tables, and the start of the run."""

from midwatch.insight.history import READING, every, inside, last
from midwatch.insight.scope import Seen, filled, seen
from midwatch.insight.telling import Telling
from midwatch.journal.events import Event
from midwatch.journal.run_events import EffectRead, TaskFailed, TaskSucceeded
from midwatch.plan.model import PlanTable, PlanTask

ANYTHING = "-"
"""The cell of a table that holds for any value."""
_UNTOLD_TESTS = frozenset({ANYTHING, "true", "false"})
"""Cells that say no more than the value beside them."""


def tell_reading(telling: Telling, task: str, depth: int) -> None:
    """Tell what a task read: which tool, on what, how long it took, and what it showed."""
    events = telling.history.tasks.get(task, ())
    done = last(events, TaskSucceeded)
    if done is not None:
        event, payload = done
        telling.say(depth, event, "{task:code} showed {out:pairs}.", task=task, out=payload.out)
    for event, read in reversed(every(events, EffectRead)):
        if read.purpose == READING:
            tell_call(telling, event, read, depth)


def tell_call(telling: Telling, event: Event, read: EffectRead, depth: int) -> None:
    """Tell one call of a tool that reads."""
    words = "{task:code} was read" if read.ok else "{task:code} could not be read"
    words += " with {tool:code}" if read.tool else ""
    args = inside(read.sealed, "args") or {}
    if args:
        words += " on {args:pairs}"
    words += ", in {duration_ms:span}" + ("" if read.ok else " (attempt {attempt})")
    rules = inside(read.decision, "reasons") or []
    if rules:
        words += "; the gate let it through by {rules:and}"
    telling.say(
        depth,
        event,
        words + ".",
        task=read.task,
        tool=read.tool,
        args=args,
        duration_ms=read.duration_ms,
        attempt=read.attempt,
        rules=rules,
    )


def tell_decision(telling: Telling, task: PlanTask, depth: int) -> tuple[str, ...]:
    """Tell which rows of a task's table matched, and on which values; return the tasks these come from."""
    events = telling.history.tasks.get(task.name, ())
    done = last(events, TaskSucceeded)
    table = task.table
    if done is None or table is None:
        return ()
    event, payload = done
    scope = telling.history.scope(before_n=event.envelope.n)
    columns = [seen(source, scope) for source in table.inputs]
    if not payload.matched:
        telling.say(depth, event, "No row of {task:code} matched.", task=task.name)
        for column in columns:
            _tell_cell(telling, event, column, ANYTHING, depth)
        return _roots(columns)
    roots: list[str] = []
    for number in payload.matched:
        roots.extend(_tell_row(telling, event, task, columns, number, depth=depth))
    return tuple(dict.fromkeys(roots))


def tested(table: PlanTable, number: int, columns: list[Seen]) -> list[tuple[Seen, str]]:
    """Return the columns that a row looks at, each with the row's test; none for a row that isn't there."""
    if not 1 <= number <= len(table.rows):
        return []
    return [
        (column, test)
        for column, test in zip(columns, table.rows[number - 1][0], strict=False)
        if test.strip() != ANYTHING
    ]


def _tell_row(
    telling: Telling, event: Event, task: PlanTask, columns: list[Seen], number: int, *, depth: int
) -> tuple[str, ...]:
    assert task.table is not None, "only a task with a table has rows"
    scope = telling.history.scope(before_n=event.envelope.n)
    cells = tested(task.table, number, columns)
    rows = task.table.rows
    outputs = rows[number - 1][1] if 1 <= number <= len(rows) else ()
    out = {
        name: filled(value, scope) if isinstance(value, str) else value
        for name, value in zip(task.table.outputs, outputs, strict=False)
    }
    words = "Row {row} of {task:code} matched"
    words += "" if cells else ", which takes anything that no row above it took"
    telling.say(depth, event, words + ": {out:pairs}.", row=number, task=task.name, out=out)
    for column, test in cells or [(column, ANYTHING) for column in columns]:
        _tell_cell(telling, event, column, test, depth)
    return _roots([column for column, _ in cells] or columns)


def _tell_cell(telling: Telling, event: Event, column: Seen, test: str, depth: int) -> None:
    names = column.names
    shown = "" if test in _UNTOLD_TESTS else ", which is {test:code}"
    if list(names) == [column.source]:
        words = "{names:pairs}" + shown + "."
        telling.say(depth, event, words, names=names, test=test)
        return
    words = "{column:code} was {value}" + shown
    words += ", with {names:pairs}." if names else "."
    telling.say(depth, event, words, column=column.source, value=column.value, test=test, names=names)


def _roots(columns: list[Seen]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(root for column in columns for root in column.roots))


def tell_failures(telling: Telling, task: str, depth: int) -> None:
    """Tell each attempt of a task that failed, the newest first."""
    for event, failed in reversed(every(telling.history.tasks.get(task, ()), TaskFailed)):
        words = "Attempt {attempt} of {task:code} failed: {why:says} ({code})"
        if failed.retry_at_ms is not None:
            words += "; another one was due at {retry_at_ms:utc}"
        telling.say(
            depth,
            event,
            words + ".",
            attempt=failed.attempt,
            task=task,
            why=failed.why,
            code=failed.code,
            retry_at_ms=failed.retry_at_ms,
        )


def tell_start(telling: Telling) -> None:
    """Tell who started the run, of which runbook, in which mode: the far end of every explanation."""
    if not telling.begin("start"):
        return
    started = telling.history.started
    if started is None:
        return
    event, payload = started
    depth = max((sentence.depth for sentence in telling.sentences), default=0)
    words = "{initiator} started the run {run}"
    words += " on {host}" if payload.host else ""
    words += ": {title:says} ({runbook:code}, document {document:short}, plan {plan:short})"
    words += ", in mode {mode:code} and profile {profile:code}"
    words += ", as practice" if payload.practice else ""
    words += ", with {inputs:pairs}" if payload.inputs else ""
    telling.say(
        depth,
        event,
        words + ".",
        initiator=payload.initiator,
        run=payload.run,
        host=payload.host,
        title=payload.title,
        runbook=payload.runbook,
        document=payload.document,
        plan=payload.plan,
        mode=payload.mode,
        profile=payload.profile,
        inputs=payload.inputs,
    )
