"""Approvals: complete, safe when nobody answers, and about something that acts."""

from collections.abc import Iterable

from midwatch.base.classes import EffectClass
from midwatch.runbook.errors import ApprovalActionsError, ApprovalIncompleteError, TimeoutActsError
from midwatch.runbook.graph import Graph
from midwatch.runbook.model import Ask, At, Kind, Runbook, Task
from midwatch.runbook.source import Finding, Severity, Source


def approval_findings(runbook: Runbook, graph: Graph) -> list[Finding]:
    """Return what is wrong with the approvals of a runbook."""
    has_ladder = runbook.header is not None and bool(runbook.header.ladder)
    return [
        finding
        for task in runbook.tasks
        if task.ask is not None
        for check in (
            _incomplete(runbook, task, task.ask, has_ladder=has_ladder),
            _silence(runbook.source, graph, task, task.ask),
            _actions(runbook.source, graph, task, task.ask),
        )
        for finding in check
    ]


def acts(task: Task) -> bool:
    """Return whether a task says that it acts; the manifest of its tool has the last word."""
    return task.kind is Kind.COMMAND and (
        task.undo is not None or (task.effect is not None and task.effect.value is not EffectClass.READ)
    )


def acting_after(graph: Graph, target: str, acting: frozenset[str]) -> str:
    """Return a task that acts at or below `target` before anybody is asked again, or an empty text."""
    waiting, seen = [target], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in graph.tasks:
            continue
        seen.add(name)
        if name in acting:
            return name
        if graph.tasks[name].kind is not Kind.APPROVAL:
            waiting.extend(
                below for below in graph.tasks if any(need.value == name for need in graph.tasks[below].needs)
            )
    return ""


def _incomplete(runbook: Runbook, task: Task, ask: Ask, *, has_ladder: bool) -> Iterable[Finding]:
    lacks: list[tuple[str, str, str]] = []
    if not ask.approvers and not has_ladder:
        lacks.append(("approvers", 'approvers: ["team:dba"]', "says nobody who may answer"))
    if task.sla_ms is None and (ask.approvers or not has_ladder):
        lacks.append(("sla", "sla: 10m", "doesn't say how long each of them has"))
    if ask.on_timeout is None:
        lacks.append(("on_timeout", "on_timeout: hand_over", "doesn't say what happens when nobody answers"))
    if not ask.actions:
        lacks.append(("actions", "actions: [free]", "doesn't say what it is about"))
    for key, example, why in lacks:
        sentence = f"approval {task.name.value} {why}"
        yield runbook.source.finding(
            ApprovalIncompleteError, sentence, task.name.span.start, key=key, example=example
        )
    rungs_ms = [task.sla_ms or 0] * len(ask.approvers) if ask.approvers else _header_rungs(runbook)
    if ask.expires_ms is not None and ask.expires_ms < sum(rungs_ms):
        sentence = f"approval {task.name.value} expires before everybody was asked"
        yield runbook.source.finding(
            ApprovalIncompleteError,
            sentence,
            task.name.span.start,
            Severity.WARNING,
            key="expires",
            example=f"expires: {sum(rungs_ms) // 60_000 + 1}m",
        )


def _header_rungs(runbook: Runbook) -> list[int]:
    return [rung.within_ms for rung in runbook.header.ladder] if runbook.header else []


def _silence(source: Source, graph: Graph, task: Task, ask: Ask) -> Iterable[Finding]:
    acting = frozenset(name for name, other in graph.tasks.items() if acts(other))
    routes: tuple[tuple[str, At[str] | None], ...] = (
        ("on_timeout", ask.on_timeout),
        ("on_deny", ask.on_deny),
    )
    for key, at in routes:
        found = acting_after(graph, at.value, acting) if at is not None else ""
        if at is not None and found:
            sentence = f"`{key}:` of approval {task.name.value} leads to {found}, which acts"
            yield source.finding(TimeoutActsError, sentence, at.span.start)


def _actions(source: Source, graph: Graph, task: Task, ask: Ask) -> Iterable[Finding]:
    for action in ask.actions:
        other = graph.tasks.get(action.value)
        if other is None:
            continue
        if other.kind is not Kind.COMMAND:
            sentence = f"approval {task.name.value} asks for {action.value}, which is no command"
        elif task.name.value not in graph.above[action.value]:
            sentence = f"approval {task.name.value} asks for {action.value}, which doesn't wait for it"
        else:
            continue
        yield source.finding(ApprovalActionsError, sentence, action.span.start)
