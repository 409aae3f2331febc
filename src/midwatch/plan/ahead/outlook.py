"""All that is told of a plan before it runs: what `midwatch plan` shows."""

from dataclasses import dataclass

from midwatch.base.ids import Digest
from midwatch.plan.ahead.influence import Influences, influences
from midwatch.plan.ahead.worst import Worst, worst_case
from midwatch.plan.compile import Compiled
from midwatch.plan.model import PlanTask, TaskKind
from midwatch.plan.review import LintReport
from midwatch.plan.tools import Manifests


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What lies ahead of a runbook that is started."""

    name: str
    digest: Digest
    compiled: Compiled
    worst: Worst
    influences: Influences


def outlook(report: LintReport, manifests: Manifests) -> Outlook | None:
    """Return what a document's plan may do, or None where it has errors or nothing to run."""
    if report.compiled is None or report.checked is None or report.plan_digest is None:
        return None
    return Outlook(
        name=report.name,
        digest=report.plan_digest,
        compiled=report.compiled,
        worst=worst_case(report.compiled),
        influences=influences(report.checked, report.compiled.plan, manifests),
    )


def task_line(task: PlanTask) -> str:
    """Return what a task is and waits for, as one line: `free: command pg.end, write; after ask; when …`."""
    parts = [f"{task.kind}{_subject(task)}"]
    if task.loop is not None:
        over = f"for each of {task.loop.each}" if task.loop.each else f"until {task.loop.until}"
        parts.append(f"{over}, at most {task.loop.times_max}")
    if task.is_undo:
        parts.append("takes an effect back")
    if task.is_finally:
        parts.append("at the end")
    if task.needs:
        joined = {"all": ", ", "any": " or "}.get(task.join, ", ")
        number = f"{task.join} of " if task.join.isdecimal() else ""
        parts.append(f"after {number}{joined.join(task.needs)}")
    if task.when:
        parts.append(f"when {task.when}")
    parts.extend(f"{key}: {to}" for key, to in _routes(task))
    return "; ".join(parts)


def _subject(task: PlanTask) -> str:
    if task.call is not None:
        return f" {task.call.tool} ({task.call.effect})"
    if task.approval is not None:
        return f" of {', '.join(task.approval.actions)}"
    if task.callee is not None:
        return f" {task.callee.runbook}"
    if task.wait is not None:
        return f" for {task.wait.event or task.wait.probe or 'time'}"
    if task.kind is TaskKind.NOTIFY and task.notice is not None:
        return f" {', '.join(task.notice.to) or (task.notice.emit.type if task.notice.emit else '')}"
    return ""


def _routes(task: PlanTask) -> list[tuple[str, str]]:
    found = [("undo", task.undo or ""), ("on_fail", task.on_fail)]
    if task.approval is not None:
        found += [("on_deny", task.approval.on_deny or ""), ("on_timeout", task.approval.on_timeout or "")]
    late = task.wait.on_timeout if task.wait else task.hand.on_timeout if task.hand else ""
    return [(key, to) for key, to in (*found, ("on_timeout", late or "")) if to]
