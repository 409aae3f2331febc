"""A document with everything that it calls, checked: what comes before a plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from midwatch.base.errors import MidwatchError
from midwatch.base.units import EpochMs
from midwatch.plan.compile import Compiled, build, refuse
from midwatch.plan.errors import CalleeCycleError, CalleeError
from midwatch.plan.parts.callees import CALLS_MAX, DEPTH_MAX, Called, called_outs
from midwatch.plan.parts.calls import call_findings
from midwatch.plan.parts.reach import Reach, reach_findings
from midwatch.plan.parts.secrets import secret_use_findings
from midwatch.plan.tools import Manifests, outs_with, tool_findings
from midwatch.runbook.graph import graph_of
from midwatch.runbook.lint.document import lint_document
from midwatch.runbook.model import Runbook, Task
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.source import Finding, Found, Severity, beside

_FILE_MARKS = ("/", ".md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A runbook, what is wrong with it, and what it calls."""

    runbook: Runbook
    findings: tuple[Finding, ...]
    called: Mapping[str, Called] = field(default_factory=dict)
    """Name of each call task to the runbook that it calls; without those that can't be called."""

    @property
    def has_errors(self) -> bool:
        """Whether something keeps it from running."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def compile_plan(runbook: Runbook, manifests: Manifests) -> Compiled:
    """Return the plan of a runbook that was parsed without errors, and those of what it calls.

    Raises:
        RunbookRefusedError: MW192, with the first error's sentence, place and excerpt.
    """
    checked = check_runbook(runbook, manifests)
    refuse(runbook.source.name, list(checked.findings))
    return build(runbook, manifests, checked.called)


def check_runbook(
    runbook: Runbook, manifests: Manifests, *, now_ms: EpochMs | None = None, reach: Reach | None = None
) -> Checked:
    """Return what keeps a runbook from being compiled, and warnings: its own, the tools' and its callees'.

    Args:
        runbook: as parsed.
        manifests: every declared tool.
        now_ms: the moment for rotations and rehearsals; None leaves both out.
        reach: who can be asked; None leaves that out.
    """
    checked = _Checker(manifests, now_ms).check(runbook, (runbook.source.name,))
    if reach is None or now_ms is None:
        return checked
    return replace(checked, findings=(*checked.findings, *reach_findings(runbook, reach, now_ms)))


class _Checker:
    """Checks a runbook and, each file once, the runbooks that it calls."""

    def __init__(self, manifests: Manifests, now_ms: EpochMs | None = None) -> None:
        self._manifests = manifests
        self._now_ms = now_ms
        self._known: dict[str, tuple[Called | None, str]] = {}

    def check(self, runbook: Runbook, chain: tuple[str, ...]) -> Checked:
        findings: list[Finding] = []
        called: dict[str, Called] = {}
        graph = graph_of(runbook)
        for task in graph.tasks.values() if runbook.header else ():
            if task.callee is not None:
                one = self._called(runbook, task, chain, findings)
                if one is not None:
                    called[task.name.value] = one
        count = sum(one.calls for one in called.values())
        if count > CALLS_MAX:
            sentence = f"the runbook leads to {count} calls, one inside of the other"
            findings.append(
                runbook.source.finding(CalleeError, sentence, 0, hint=f"At most {CALLS_MAX} are followed.")
            )
            called = {}
        outs = outs_with(graph, self._manifests, called_outs(called))
        findings.extend(lint_document(runbook, outs, now_ms=self._now_ms))
        if runbook.header is not None:
            findings.extend(tool_findings(runbook, self._manifests, called_outs(called)))
            findings.extend(call_findings(runbook, graph, outs, called))
            findings.extend(secret_use_findings(runbook, graph, self._manifests, called))
        return Checked(runbook=runbook, findings=tuple(findings), called=called)

    def _called(
        self, runbook: Runbook, task: Task, chain: tuple[str, ...], findings: list[Finding]
    ) -> Called | None:
        assert task.callee is not None
        at = task.callee.runbook

        def report(kind: type[MidwatchError], sentence: str, **facts: str) -> None:
            findings.append(runbook.source.finding(kind, sentence, at.span.start, **facts))

        try:
            found = _found(runbook, task)
        except MidwatchError as error:
            report(CalleeError, f"`{at.value}` can't be called: {error.sentence}", hint=error.help)
            return None
        if found is None:
            hint = "Name a file beside this one, such as `./other.runbook.md`, or the id of a known runbook."
            report(CalleeError, f"`{at.value}` can't be called: there is no such runbook", hint=hint)
            return None
        names = (*chain, found.name)
        if found.name in chain or len(chain) > DEPTH_MAX:
            why = "leads back to itself" if found.name in chain else f"goes deeper than {DEPTH_MAX}"
            report(CalleeCycleError, f"the call of `{at.value}` {why}: {' → '.join(names)}")
            return None
        if found.name not in self._known:
            self._known[found.name] = self._read(found, names)
        one, fault = self._known[found.name]
        if one is None:
            report(CalleeError, f"`{at.value}` can't be called: {fault}", hint=f"Lint {found.name} itself. ")
        return one

    def _read(self, found: Found, chain: tuple[str, ...]) -> tuple[Called | None, str]:
        try:
            runbook, faults = parse_runbook(
                found.data, name=found.name, library=found.library, path=found.path
            )
        except MidwatchError as error:
            return None, error.sentence
        checked = self.check(runbook, chain)
        errors = [one for one in (*faults, *checked.findings) if one.severity is Severity.ERROR]
        if errors:
            return None, f"{errors[0].code} at {errors[0].place}: {errors[0].sentence}"
        if runbook.header is None or not runbook.tasks:
            return None, "it has no header or no task"
        graph = graph_of(runbook)
        one = Called(
            runbook=runbook,
            header=runbook.header,
            outs=outs_with(graph, self._manifests, called_outs(checked.called)),
            below=checked.called,
        )
        return replace(one, calls=1 + sum(each.calls for each in one.below.values())), ""


def _found(runbook: Runbook, task: Task) -> Found | None:
    """Return the file of the runbook that a task calls.

    Raises:
        IncludeError: MW139, the file can't be read.
    """
    library, source = runbook.library, runbook.source
    if library is None or task.callee is None:
        return None
    reference, offset = task.callee.runbook.value, task.callee.runbook.span.start
    if not any(mark in reference for mark in _FILE_MARKS):
        return library.find(reference)
    path = beside(source.part(offset).path, reference)
    if not path:
        return None
    name = source.name.removesuffix(source.path) + path
    return Found(name=name, path=path, data=library.read(path), library=library)
