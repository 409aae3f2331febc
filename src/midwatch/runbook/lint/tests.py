"""Scenarios: they name tasks, inputs and outcomes that the document has."""

from collections.abc import Iterable
from typing import Any

from midwatch.base.classes import Outcome
from midwatch.runbook.cel.schema import Schema, coerce, validate
from midwatch.runbook.cel.types import did_you_mean
from midwatch.runbook.errors import TestBlockError, ValueMismatchError
from midwatch.runbook.graph import Graph, inputs_schema, out_schema
from midwatch.runbook.lint.order import unknown_tasks
from midwatch.runbook.model import At, Kind, Runbook, TestCase
from midwatch.runbook.source import Finding

EXPECTATIONS = ("path", "ends", "effects", "asks", "rungs", "out")


def test_findings(runbook: Runbook, graph: Graph) -> list[Finding]:
    """Return what is wrong with the scenarios of a runbook."""
    findings: list[Finding] = []
    names: set[str] = set()
    for case in runbook.tests:
        if case.name in names:
            hint = "Give each scenario a name of its own."
            findings.append(
                runbook.source.finding(
                    TestBlockError, f"two tests are called `{case.name}`", case.span.start, hint=hint
                )
            )
        names.add(case.name)
        findings.extend(_case(runbook, graph, case))
    return findings


def _case(runbook: Runbook, graph: Graph, case: TestCase) -> Iterable[Finding]:
    source = runbook.source
    yield from unknown_tasks(case.mocks.items(), source, graph, f"`mocks:` of test `{case.name}`")
    yield from unknown_tasks(case.answers.items(), source, graph, f"`answers:` of test `{case.name}`")
    for key, at in case.expect.items():
        if key not in EXPECTATIONS and not key.startswith("x-"):
            hint = f"{did_you_mean(key, EXPECTATIONS)}Known: {', '.join(EXPECTATIONS)}."
            sentence = f"`expect:` of test `{case.name}` has the unknown key `{key}`"
            yield source.finding(TestBlockError, sentence, at.span.start, hint=hint)
    path = case.expect.get("path")
    if path is not None:
        tasks = path.value if isinstance(path.value, list) else [path.value]
        yield from unknown_tasks(
            ((str(task), path) for task in tasks), source, graph, f"`path:` of test `{case.name}`"
        )
    ends = case.expect.get("ends")
    if ends is not None and ends.value not in list(Outcome):
        hint = f"Write one of: {', '.join(Outcome)}."
        yield source.finding(
            TestBlockError, f"test `{case.name}` expects `ends: {ends.value}`", ends.span.start, hint=hint
        )
    yield from _values(runbook, graph, case)


def _values(runbook: Runbook, graph: Graph, case: TestCase) -> Iterable[Finding]:
    """Yield findings for given inputs and mocked outputs that don't fit their schemas."""
    given = At(value=case.given, span=case.span)
    yield from _fits(runbook, inputs_schema(runbook.header), given, f"`given:` of test `{case.name}`")
    for name, at in case.mocks.items():
        task = graph.tasks.get(name)
        if task is None or task.kind is Kind.APPROVAL:
            continue
        schema = out_schema(task)
        for value in at.value if isinstance(at.value, list) else [at.value]:
            if schema and isinstance(value, dict) and "fails" not in value:
                what = f"the mock of {name} in test `{case.name}`"
                yield from _fits(runbook, schema, At(value=value, span=at.span), what)


def _fits(runbook: Runbook, schema: Schema, at: At[Any], what: str) -> Iterable[Finding]:
    try:
        validate(schema, coerce(schema, at.value), what=what)
    except ValueMismatchError as error:
        hint = "Correct the value, or the schema that it should fit."
        yield runbook.source.finding(TestBlockError, error.sentence, at.span.start, hint=hint)
