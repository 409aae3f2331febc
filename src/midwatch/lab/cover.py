"""What of a document its scenarios exercise: tasks, branches, rows of tables, rules of the policy.

A branch is a `when` that held, one that did not, or a route that a failure took: `on_fail`, `on_deny`,
`on_timeout`. Of the policy only the rules count that decided something; they are not part of the total,
since no runbook is there to exercise a policy.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.journal.run_events import (
    EffectJudged,
    EffectRead,
    TaskFailed,
    TaskRouted,
    TaskSucceeded,
)
from midwatch.lab.play import Played
from midwatch.lab.seen import skipped_by_condition
from midwatch.lab.stage import Playbook
from midwatch.plan.model import OnFail, PlanTask, TaskKind
from midwatch.run.errors import HandTimeoutError, WaitTimeoutError
from midwatch.runbook.model import Task

TASK, BRANCH, ROW, RULE = "task", "branch", "row", "rule"
KINDS = (TASK, BRANCH, ROW, RULE)
COUNTED = (TASK, BRANCH, ROW)
"""What the total is made of."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Part:
    """One thing that scenarios can exercise."""

    kind: str
    name: str
    """For people: `measure`, `ask on_deny → hand_over`, `decide row 2`, a rule's id."""
    place: str = ""
    """`file:line:column`; empty for a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was exercised, and what was not."""

    parts: tuple[Part, ...]
    """All, in the order of the document."""
    hit: frozenset[tuple[str, str]]
    """(kind, name) of those that were exercised."""

    def missed(self, kinds: Iterable[str] = COUNTED) -> tuple[Part, ...]:
        """Return what was not exercised, in the order of the document."""
        return tuple(
            part for part in self.parts if part.kind in kinds and (part.kind, part.name) not in self.hit
        )

    def count(self, kinds: Iterable[str] = COUNTED) -> tuple[int, int]:
        """Return how many were exercised, of how many."""
        wanted = [part for part in self.parts if part.kind in kinds]
        return sum((part.kind, part.name) in self.hit for part in wanted), len(wanted)

    def percent(self, kinds: Iterable[str] = COUNTED) -> float:
        """Return the share that was exercised, in percent; 100 where there is nothing."""
        hit, total = self.count(kinds)
        return 100.0 * hit / total if total else 100.0

    def as_record(self) -> Mapping[str, Any]:
        """Return the coverage as plain JSON."""
        return {
            "percent": round(self.percent(), 1),
            **{f"{kind}s": {"hit": self.count([kind])[0], "all": self.count([kind])[1]} for kind in KINDS},
            "missed": [
                {"kind": part.kind, "name": part.name, "place": part.place} for part in self.missed(KINDS)
            ],
        }


def coverage(playbook: Playbook, plays: Iterable[Played]) -> Coverage:
    """Return what the played scenarios exercise of their document and policy."""
    tasks: dict[str, PlanTask] = {task.name: task for task in playbook.plan.tasks}
    hit: set[tuple[str, str]] = set()
    for played in plays:
        if played.seen is not None:
            hit.update(_exercised(tasks, played))
    parts = (*_parts(playbook), *(Part(kind=RULE, name=name) for name in _rules_of_the_gate(playbook)))
    return Coverage(parts=parts, hit=frozenset(hit))


def _rules_of_the_gate(playbook: Playbook) -> Iterator[str]:
    """Yield the rules that judge tool calls; those about answers leave no record that could be counted."""
    for name in playbook.rules.rules:
        if name != "answers" and not name.startswith("answer."):
            yield name


# -------------------------------------------------------------------------------------- what there is


def _parts(playbook: Playbook) -> Iterator[Part]:
    written = {task.name.value: task for task in playbook.runbook.tasks}
    source = playbook.runbook.source
    for task in playbook.plan.tasks:
        block = written[task.name]
        place = source.place(block.name.span.start)
        yield Part(kind=TASK, name=task.name, place=place)
        for name in _branches(task):
            yield Part(kind=BRANCH, name=name, place=place)
        if task.table is not None:
            for number in range(1, len(task.table.rows) + 1):
                yield Part(
                    kind=ROW, name=_row(task.name, number), place=_row_place(playbook, block, number, place)
                )
            if task.table.default is not None:
                yield Part(kind=ROW, name=_row(task.name, 0), place=place)


def _branches(task: PlanTask) -> Iterator[str]:
    if task.when:
        yield f"{task.name} when holds"
        yield f"{task.name} when fails"
    for because, to in _routes(task):
        yield _route(task.name, because, to)


def _routes(task: PlanTask) -> Iterator[tuple[str, str]]:
    if task.approval is not None:
        if task.approval.on_deny is not None:
            yield "on_deny", task.approval.on_deny
        if task.approval.on_timeout is not None:
            yield "on_timeout", task.approval.on_timeout
    if task.wait is not None and task.wait.on_timeout:
        yield "on_timeout", task.wait.on_timeout
    if task.hand is not None and task.hand.on_timeout is not None:
        yield "on_timeout", task.hand.on_timeout
    if task.on_fail:
        yield "on_fail", task.on_fail


def _route(task: str, because: str, to: str) -> str:
    return f"{task} {because} → {to}"


def _row(task: str, number: int) -> str:
    return f"{task} row {number}" if number else f"{task} default"


def _row_place(playbook: Playbook, block: Task, number: int, place: str) -> str:
    if block.table is None or number > len(block.table.rows):
        return place
    source = playbook.runbook.source
    cells = block.table.rows[number - 1]
    return source.place(cells[0].span.start) if cells else place


# --------------------------------------------------------------------------------- what was exercised


def _exercised(tasks: Mapping[str, PlanTask], played: Played) -> Iterator[tuple[str, str]]:
    seen = played.seen
    assert seen is not None, "only a run that was started exercises anything"
    routed = {name for name, known in seen.state.tasks.items() if known.routed_by is not None}
    begun = {str(name) for name, _ in seen.begun}
    for name in begun | {event.task for event in _starts(played) if tasks[event.task].is_undo}:
        yield TASK, name
        if tasks[name].when and name not in routed:
            yield BRANCH, f"{name} when holds"
    for event in played.events:
        fact = event.payload
        match fact:
            case TaskRouted():
                yield BRANCH, _route(fact.by, fact.because, fact.task)
            case TaskFailed(retry_at_ms=None, iteration=0):
                yield from _word_routes(tasks[fact.task], fact.code)
            case TaskSucceeded() if tasks[fact.task].kind is TaskKind.DECISION:
                for number in fact.matched or [0]:
                    yield ROW, _row(fact.task, number)
            case EffectJudged() | EffectRead():
                for reason in fact.decision.get("reasons", ()):
                    yield RULE, reason
            case _:
                if skipped_by_condition(event):
                    yield BRANCH, f"{getattr(fact, 'task', '')} when fails"


def _starts(played: Played) -> Iterator[TaskSucceeded | TaskFailed]:
    for event in played.events:
        if isinstance(event.payload, TaskSucceeded | TaskFailed):
            yield event.payload


def _word_routes(task: PlanTask, code: str) -> Iterator[tuple[str, str]]:
    """Yield the routes that are words: they leave no `task.routed` behind."""
    timed_out = code in {WaitTimeoutError.code, HandTimeoutError.code}
    if task.wait is not None and timed_out and task.wait.on_timeout == OnFail.CONTINUE:
        yield BRANCH, _route(task.name, "on_timeout", task.wait.on_timeout)
    elif task.on_fail in set(OnFail):
        yield BRANCH, _route(task.name, "on_fail", task.on_fail)
