"""Every check of a document, in one call."""

from collections.abc import Mapping

from midwatch.base.units import EpochMs
from midwatch.runbook.cel.schema import Schema
from midwatch.runbook.errors import TemplateInCommandError
from midwatch.runbook.graph import Graph, graph_of, inputs_schema, out_schema
from midwatch.runbook.lint.approvals import approval_findings
from midwatch.runbook.lint.branches import branch_findings
from midwatch.runbook.lint.expressions import expression_findings
from midwatch.runbook.lint.links import link_findings, rehearsal_findings
from midwatch.runbook.lint.loops import loop_findings
from midwatch.runbook.lint.order import order_findings
from midwatch.runbook.lint.secrets import secret_findings
from midwatch.runbook.lint.tables import table_findings
from midwatch.runbook.lint.tests import test_findings
from midwatch.runbook.model import Kind, Runbook
from midwatch.runbook.source import Finding, Severity

TEMPLATE = "{{"


def lint_document(
    runbook: Runbook, outs: Mapping[str, Schema] | None = None, *, now_ms: EpochMs | None = None
) -> list[Finding]:
    """Return what is wrong with a runbook beyond its syntax, in the order of checks.

    Args:
        runbook: as parsed; a document without a header has no findings but secrets, as warnings.
        outs: output schemas of tasks that declare none themselves, from their tools' manifests.
        now_ms: what day it is, to tell how old the last rehearsal is; None leaves that out.
    """
    findings = [*secret_findings(runbook), *link_findings(runbook)]
    if now_ms is not None:
        findings.extend(rehearsal_findings(runbook, now_ms))
    if runbook.header is None:
        return findings
    graph = graph_of(runbook)
    known = outs_of(graph, outs or {})
    inputs = inputs_schema(runbook.header)
    findings.extend(order_findings(runbook, graph))
    findings.extend(approval_findings(runbook, graph))
    findings.extend(_templates(runbook))
    findings.extend(loop_findings(runbook, graph, known, inputs))
    findings.extend(expression_findings(runbook, graph, known, inputs))
    findings.extend(table_findings(runbook.source, graph, known, inputs))
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings.extend(branch_findings(runbook.source, graph, known, inputs))
    findings.extend(test_findings(runbook, graph, known))
    return findings


def outs_of(graph: Graph, outs: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return the output schema of each task: its own, else the one given; empty where nothing is known."""
    return {name: out_schema(task) or outs.get(name, {}) for name, task in graph.tasks.items()}


def _templates(runbook: Runbook) -> list[Finding]:
    found: list[Finding] = []
    for task in runbook.tasks:
        at = -1 if task.text is None or task.kind is not Kind.COMMAND else task.text.value.find(TEMPLATE)
        if at >= 0 and task.text is not None:
            sentence = f"the command of task {task.name.value} holds `{TEMPLATE}`"
            found.append(
                runbook.source.finding(
                    TemplateInCommandError, sentence, _offset(runbook, task.text.span.start, at)
                )
            )
    return found


def _offset(runbook: Runbook, start: int, at: int) -> int:
    found = runbook.source.text.find(TEMPLATE, start)
    return found if found >= 0 else start + at
