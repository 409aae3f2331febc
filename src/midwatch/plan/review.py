"""Everything there is to say about a document, from its bytes: what `midwatch lint` shows."""

from dataclasses import dataclass
from typing import Any

from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Digest
from midwatch.base.units import EpochMs
from midwatch.plan.check import check_plan, why_not_executable
from midwatch.plan.checked import Checked, check_runbook
from midwatch.plan.codec import plan_digest
from midwatch.plan.compile import Compiled, build
from midwatch.plan.errors import NotExecutableError, PlanBrokenError
from midwatch.plan.model import Plan
from midwatch.plan.parts.reach import Reach
from midwatch.plan.tools import Manifests
from midwatch.runbook.model import Level, Runbook
from midwatch.runbook.parse import FINDINGS_MAX, parse_runbook
from midwatch.runbook.source import Finding, Library, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class LintReport:
    """What is to be said about one document."""

    name: str
    level: Level
    next_level_needs: tuple[str, ...]
    """What the next level lacks, as short phrases; empty at L3."""
    findings: tuple[Finding, ...]
    """In the order of the document; at most 100."""
    compiled: Compiled | None
    """Where there are no errors, and there is something to run: the plan, and those of what it calls."""
    plan_digest: Digest | None
    checked: Checked | None = None
    """The runbook with what it calls, where it could be read."""

    @property
    def plan(self) -> Plan | None:
        """The plan, where there are no errors and there is something to run."""
        return self.compiled.plan if self.compiled else None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep it from running."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    def as_record(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return {
            "name": self.name,
            "level": f"L{self.level.value}",
            "next_level_needs": list(self.next_level_needs),
            "errors": len(self.errors),
            "findings": [finding.as_record() for finding in self.findings],
            "plan": self.plan_digest,
            "program": self.plan.program if self.plan else None,
            "document": self.plan.document if self.plan else None,
        }


def lint_text(
    text: bytes,
    *,
    name: str,
    manifests: Manifests,
    library: Library | None = None,
    path: str = "",
    now_ms: EpochMs | None = None,
    reach: Reach | None = None,
) -> LintReport:
    """Return the report on a document; whatever the bytes are, it returns one.

    Args:
        text: the whole file.
        name: how places call it; usually its path.
        manifests: every declared tool.
        library: the files around it; without one, nothing can be included or called.
        path: of the file in the library; else the last part of its name.
        now_ms: the moment for rotations and rehearsals; None leaves both out.
        reach: who can be asked; None leaves that out.
    """
    try:
        runbook, findings = parse_runbook(text, name=name, library=library, path=path)
    except MidwatchError as error:
        return _unreadable(name, error)
    checked = check_runbook(runbook, manifests, now_ms=now_ms, reach=reach)
    findings = [*findings, *checked.findings]
    compiled: Compiled | None = None
    if runbook.header is not None and runbook.tasks and not _has_errors(findings):
        compiled = build(runbook, manifests, checked.called)
        findings.extend(_second_opinion(runbook, compiled))
    ordered = sorted(findings, key=lambda finding: finding.offset)
    kept = sorted(ordered, key=lambda finding: finding.severity is not Severity.ERROR)[:FINDINGS_MAX]
    has_plan = compiled is not None and not _has_errors(findings)
    return LintReport(
        name=name,
        level=_level(runbook, findings),
        next_level_needs=_needs(runbook, findings),
        findings=tuple(sorted(kept, key=lambda finding: finding.offset)),
        compiled=compiled if has_plan else None,
        plan_digest=plan_digest(compiled.plan) if compiled is not None and has_plan else None,
        checked=checked,
    )


def _has_errors(findings: list[Finding]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in findings)


def _level(runbook: Runbook, findings: list[Finding]) -> Level:
    return Level.L2 if runbook.level is Level.L3 and _has_errors(findings) else runbook.level


def _needs(runbook: Runbook, findings: list[Finding]) -> tuple[str, ...]:
    level = _level(runbook, findings)
    if level is Level.L3:
        return ()
    lacks = runbook.missing_for(Level(level + 1))
    return (*lacks, "no errors") if level is Level.L2 and _has_errors(findings) else lacks


def _second_opinion(runbook: Runbook, compiled: Compiled) -> list[Finding]:
    source = runbook.source
    plans = (compiled.plan, *compiled.callees.values())
    found = [source.finding(PlanBrokenError, problem, 0) for plan in plans for problem in check_plan(plan)]
    for task, planned in zip(runbook.tasks, compiled.plan.tasks, strict=True):
        why = why_not_executable(planned)
        if why:
            facts = {"task": task.name.value, "kind": task.kind.value}
            found.append(
                source.finding(NotExecutableError, why, task.name.span.start, Severity.INFO, **facts)
            )
    return found


def _unreadable(name: str, error: MidwatchError) -> LintReport:
    _, _, position = error.place.partition(f"{name}:")
    line, _, column = position.partition(":")
    finding = Finding(
        kind=type(error),
        sentence=error.sentence,
        severity=Severity.ERROR,
        line=int(line or 1),
        column=int(column or 1),
        place=error.place,
        excerpt=error.excerpt,
        fix=error.help,
    )
    return LintReport(
        name=name, level=Level.L0, next_level_needs=(), findings=(finding,), compiled=None, plan_digest=None
    )
