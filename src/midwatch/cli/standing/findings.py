"""Findings: the rows of decision tables that say how grave something is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.cli.screen import Screen, Styled, padded
from midwatch.cli.standing.readings import evidence
from midwatch.plan.model import Plan, PlanTask, TaskKind
from midwatch.run.state import RunState, TaskStatus

_GRAVITY = ("critical", "warning", "info")
_STYLE = {"critical": "red", "warning": "yellow", "info": "blue"}
_WIDTH = 9
_NAME = re.compile(r"\b([a-z][a-z0-9_]*)\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One finding, and the readings it rests on."""

    severity: str
    finding: str
    remedy: str
    task: str
    row: int
    """Number of the table's row, from 1."""
    readings: tuple[str, ...]
    """Names of the tasks that its row looks at."""


def found_in(plan: Plan, state: RunState) -> tuple[Found, ...]:
    """Return every finding of a run, the gravest first."""
    found = [
        one
        for task in plan.tasks
        if task.kind is TaskKind.DECISION and state.task(task.name).status is TaskStatus.SUCCEEDED
        for one in _of_task(plan, state, task)
    ]
    return tuple(sorted(found, key=lambda one: _GRAVITY.index(one.severity)))


def _of_task(plan: Plan, state: RunState, task: PlanTask) -> list[Found]:
    known = state.task(task.name)
    rows = known.out.get("rows", [known.out])
    return [
        Found(
            severity=values["severity"],
            finding=values["finding"],
            remedy=str(values.get("remedy", "")),
            task=task.name,
            row=number,
            readings=_readings(plan, task, number),
        )
        for number, values in zip(known.matched, rows, strict=False)
        if isinstance(values, Mapping) and values.get("severity") in _GRAVITY and "finding" in values
    ]


def _readings(plan: Plan, task: PlanTask, number: int) -> tuple[str, ...]:
    """Return the tasks that the matched row looks at: those of its columns that are not `-`."""
    if task.table is None:
        return ()
    tests, _ = task.table.rows[number - 1]
    sources = " ".join(
        source for source, test in zip(task.table.inputs, tests, strict=True) if test.strip() != "-"
    )
    known = {other.name for other in plan.tasks}
    return tuple(dict.fromkeys(name for name in _NAME.findall(sources) if name in known))


def show_findings(screen: Screen, plan: Plan, state: RunState) -> None:
    """Write the findings with what they rest on; a line when there is none."""
    found = found_in(plan, state)
    screen.line()
    if not found:
        screen.line("Findings: none.")
        return
    screen.line(Styled("Findings", "bold"))
    for one in found:
        screen.line("  ", Styled(padded(one.severity, _WIDTH), _STYLE[one.severity]), " ", one.finding)
        for name in one.readings:
            for line in _evidence(plan, state, name):
                screen.line(" " * (_WIDTH + 3), Styled(line, "dim"))


def _evidence(plan: Plan, state: RunState, name: str) -> tuple[str, ...]:
    task = next(task for task in plan.tasks if task.name == name)
    if task.call is None:
        return ()
    return evidence(task.call.tool, state.task(task.name).out)


def as_records(found: tuple[Found, ...]) -> list[dict[str, Any]]:
    """Return findings for machines."""
    return [
        {
            "severity": one.severity,
            "finding": one.finding,
            "remedy": one.remedy,
            "task": one.task,
            "row": one.row,
            "readings": list(one.readings),
        }
        for one in found
    ]
