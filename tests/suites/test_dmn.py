"""The DMN TCK, compliance level 2: its decision tables, through our document, parser, plan and driver."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from midwatch.base.canonical import thawed_value
from midwatch.base.ids import RunId
from midwatch.base.units import EpochMs
from midwatch.journal.run_events import RunStarted, TaskSucceeded
from midwatch.plan.codec import plan_bytes, plan_from
from midwatch.plan.model import Plan
from midwatch.plan.review import lint_text
from midwatch.run.commands import Settle
from midwatch.run.decide import World, decide
from midwatch.run.effecting import Flight
from midwatch.run.state import RunState
from midwatch.runbook.expr import coerce, validate
from suites.dmn import Case, TableDocument, cases_of, tables_of
from suites.vectors import vectors

SUITE = vectors("dmn/TestCases/compliance-level-2")

NOT_ABOUT_TABLES = {
    "0001-input-data-string": "a literal expression: texts are put together",
    "0002-input-data-number": "a literal expression: a product",
    "0003-input-data-string-allowed-values": "a literal expression over an input with allowed values",
    "0008-LX-arithmetic": "a literal expression with a power",
    "0009-invocation-arithmetic": "an invocation of a business knowledge model",
    "0100-feel-constants": "literal expressions: true and false",
    "0101-feel-constants": "literal expressions: numbers",
    "0102-feel-constants": "literal expressions: texts",
    "0105-feel-math": "literal expressions: arithmetic of FEEL",
    "0106-feel-ternary-logic": "literal expressions: and, or with three values",
    "0107-feel-ternary-logic-not": "a literal expression: not with three values",
}
"""Models without any decision table, with what they hold; each of their cases is about that alone."""
TABLE_CASES = 51

MODELS = sorted(SUITE.glob("*/*.dmn"))
TABLES = {model.stem: tables_of(model) for model in MODELS}
CASES = [
    (model, case, decision)
    for model in MODELS
    if TABLES[model.stem]
    for path in sorted(model.parent.glob("*-test-*.xml"))
    for case in cases_of(path)
    for decision in case.results
]


def test_every_model_holds_tables_or_says_why_not() -> None:
    assert len(MODELS) == 28
    assert {name for name, tables in TABLES.items() if not tables} == NOT_ABOUT_TABLES.keys()
    assert {decision for model, _, decision in CASES if decision not in TABLES[model.stem]} == set()
    assert len(CASES) == TABLE_CASES


def test_every_hit_policy_and_aggregate_but_one_is_met() -> None:
    texts = [document.text for tables in TABLES.values() for document in tables.values()]
    said = {line for text in texts for line in text.splitlines() if line.startswith(("hit:", "aggregate:"))}
    policies = ("unique", "first", "any", "priority", "rule-order", "output-order", "collect")
    assert said == {
        *(f"hit: {word}" for word in policies),
        *(f"aggregate: {w}" for w in ("sum", "min", "count")),
    }


@pytest.mark.parametrize(
    "document",
    [document for tables in TABLES.values() for document in tables.values()],
    ids=[name for name, tables in TABLES.items() for _ in tables],
)
def test_the_tables_of_the_suite_have_no_fault_but_gaps(document: TableDocument) -> None:
    report = lint_text(document.text.encode(), name="table.md", manifests={})
    assert report.plan is not None, [finding.sentence for finding in report.findings]
    assert {finding.code for finding in report.findings} <= {"MW154", "MW155"}
    assert plan_from(plan_bytes(report.plan)) == report.plan


@pytest.mark.parametrize(
    ("model", "case", "decision"), CASES, ids=[f"{model.stem}-{case.name}" for model, case, _ in CASES]
)
def test_a_case_of_the_suite(model: Path, case: Case, decision: str) -> None:
    document = TABLES[model.stem][decision]
    assert as_expected(document, decided(document, case)) == case.results[decision]


def decided(document: TableDocument, case: Case) -> dict[str, Any]:
    """Return what the driver's own rule makes of a run that was started with the inputs of a case."""
    report = lint_text(document.text.encode(), name="table.md", manifests={})
    assert report.plan is not None
    inputs = {
        document.inputs[name]: plain(value) for name, value in case.inputs.items() if name in document.inputs
    }
    given = coerce(report.plan.inputs, inputs)
    validate(report.plan.inputs, given, what="the inputs")
    state = RunState(run=RunId("r"), n=1, started=started(report.plan), inputs=given)
    world = World(now_ms=EpochMs(0), flight=Flight())
    (command,) = decide(report.plan, state, world)
    assert isinstance(command, Settle)
    (fact,) = command.facts
    assert isinstance(fact, TaskSucceeded), fact
    out: dict[str, Any] = thawed_value(fact.out)
    validate(report.plan.tasks[0].out, out, what="the output")
    return out


def as_expected(document: TableDocument, out: dict[str, Any]) -> Any:
    """Return an output as the suite tells it: with the model's names, numbers as decimals."""
    rows = out["rows"] if out.keys() == {"rows"} else [out]
    told = [
        {name: exact(row[ours]) for name, ours in document.outputs.items()}
        if not document.has_one_value
        else exact(next(iter(row.values())))
        for row in rows
    ]
    return told if out.keys() == {"rows"} else told[0]


def exact(value: Any) -> Any:
    return Decimal(repr(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def plain(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def started(plan: Plan) -> RunStarted:
    return RunStarted(
        run="r",
        plan=plan.program,
        runbook=plan.runbook,
        document=plan.document,
        title=plan.title,
        inputs={},
        mode="observe",
        profile="solo",
        initiator="person:kim",
    )
