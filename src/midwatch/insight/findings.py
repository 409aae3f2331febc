"""What a run found: the rows of decision tables that have a `severity` and a `finding`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.ids import TaskName
from midwatch.insight.causes.reading import tested
from midwatch.insight.history import History, history_of, last
from midwatch.insight.scope import filled, seen
from midwatch.insight.words import prose
from midwatch.journal.events import Event
from midwatch.journal.run_events import TaskSucceeded
from midwatch.plan.model import Plan, PlanTable, PlanTask

SEVERITIES = ("critical", "error", "warning", "notice", "info", "ok")
"""The gravest first; a word of a runbook's own comes right after `critical`."""
_COLUMNS = frozenset({"severity", "finding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding."""

    severity: str
    sentence: str
    """As the table says it, with each `{{ CEL }}` replaced by its value."""
    task: TaskName
    row: int
    """Number of the table's row, from 1."""
    ref: str
    """`stream#n` of the decision."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What the row looked at: each name with its value."""
    out: Mapping[str, Any] = field(default_factory=dict)
    """The row's other columns, e.g. who can help."""

    def as_record(self) -> dict[str, Any]:
        """Return the finding for machines."""
        return {
            "evidence": dict(self.evidence),
            "out": dict(self.out),
            "ref": self.ref,
            "row": self.row,
            "sentence": self.sentence,
            "severity": self.severity,
            "task": self.task,
        }


def findings(plan: Plan, events: Sequence[Event]) -> tuple[FindingView, ...]:
    """Return what was found so far, the gravest first, else in the order of plan and table.

    Args:
        plan: the one that the run is bound to.
        events: of one run, from its first on, in order; as many as there are.
    """
    history = history_of(events)
    found = [
        view
        for task in plan.tasks
        if task.table is not None and set(task.table.outputs) >= _COLUMNS
        for view in _of_task(history, task, task.table)
    ]
    return tuple(sorted(found, key=lambda view: gravity(view.severity)))


def gravity(severity: str) -> int:
    """Return the place of a severity in the order of gravity, 0 for the gravest."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 1


def _of_task(history: History, task: PlanTask, table: PlanTable) -> list[FindingView]:
    done = last(history.tasks.get(task.name, ()), TaskSucceeded)
    if done is None:
        return []
    event, payload = done
    scope = history.scope(before_n=event.envelope.n)
    columns = [seen(source, scope) for source in table.inputs]
    views = []
    for number in payload.matched:
        if not 1 <= number <= len(table.rows):
            continue
        out = dict(zip(table.outputs, table.rows[number - 1][1], strict=False))
        severity, finding = out.pop("severity"), out.pop("finding")
        if not isinstance(finding, str) or not finding:
            continue
        cells = tested(table, number, columns)
        evidence = {name: value for column, _ in cells for name, value in column.names.items()}
        views.append(
            FindingView(
                severity=str(severity),
                sentence=prose(filled(finding, scope)),
                task=task.name,
                row=number,
                ref=event.ref,
                evidence=evidence,
                out=out,
            )
        )
    return views
