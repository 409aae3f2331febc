"""Files of scenarios beside a runbook: one `tests:` mapping of the same shape, as YAML."""

from dataclasses import replace

from midwatch.plan.checked import Checked
from midwatch.plan.parts.callees import called_outs
from midwatch.plan.tools import Manifests, outs_with
from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.blocks.tests import tests_of
from midwatch.runbook.errors import TestBlockError
from midwatch.runbook.graph import graph_of
from midwatch.runbook.lint.tests import test_findings
from midwatch.runbook.model import TestCase
from midwatch.runbook.source import Finding, Source, source_from
from midwatch.runbook.yaml import Block, Mapping, tree_of


def read_cases(
    data: bytes, *, name: str, checked: Checked, manifests: Manifests
) -> tuple[Source, tuple[TestCase, ...], tuple[Finding, ...]]:
    """Return the source, the scenarios and what is wrong with them, of a file beside a runbook.

    Raises:
        DocumentTooBigError: MW101; NotTextError: MW102, when the bytes are no text that can be read.
    """
    source = source_from(data, name=name)
    findings: list[Finding] = []
    tree, faults = tree_of(Block(text=source.text, line=0), source)
    findings.extend(faults)
    if not isinstance(tree, Mapping):
        if not findings:
            sentence = "the file has no `tests:`"
            findings.append(
                source.finding(TestBlockError, sentence, 0, hint="Begin with `tests:` and a list.")
            )
        return source, (), tuple(findings)
    cases = tests_of(Fields(source=source, tree=tree, findings=findings, what="the tests"))
    runbook = checked.runbook
    graph = graph_of(runbook)
    outs = outs_with(graph, manifests, called_outs(checked.called))
    findings.extend(test_findings(replace(runbook, source=source, tests=cases), graph, outs))
    return source, cases, tuple(findings)
