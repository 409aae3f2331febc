"""Decisions as documents: what their keys and cells come to in the plan, and what lint says of mistakes."""

import json
from dataclasses import replace
from typing import Any

import pytest

from midwatch.plan.check import check_plan
from midwatch.plan.codec import plan_bytes, plan_from
from midwatch.plan.model import Aggregate, HitPolicy, Plan, PlanTable
from midwatch.plan.review import LintReport, lint_text

HEAD = """\
---
runbook: v1
id: fees
title: Fees
version: "1"
owner: team:ops
mode: observe
inputs: {n: {type: number}, on: {type: boolean}, word: {enum: [a, b]}}
tools: []
---

# Fees

## Task: Decide

```yaml
task: decide
kind: decision
"""


def document(keys: str, *rows: str, after: str = "") -> str:
    width = rows[0].count("|") - 1
    table = [rows[0], "|---" * width + "|", *rows[1:]]
    return f"{HEAD}{keys}\n```\n\n" + "\n".join(table) + f"\n{after}"


def following(condition: str) -> str:
    """Return one more decision, which reads the first."""
    return (
        "\n## Task: Then\n\n```yaml\ntask: then\nkind: decision\nneeds: [decide]\n"
        "out: {x: {type: string}}\n```\n\n"
        f"| {condition} | x |\n|---|---|\n| - | y |\n"
    )


def report_on(text: str) -> LintReport:
    return lint_text(text.encode(), name="fees.md", manifests={})


def compiled(text: str) -> Plan:
    report = report_on(text)
    assert report.findings == ()
    assert report.plan is not None
    assert plan_from(plan_bytes(report.plan)) == report.plan
    return report.plan


def table_of(plan: Plan) -> PlanTable:
    table = plan.tasks[0].table
    assert table is not None
    return table


FEE_ROWS = ("| inputs.n | fee |", "| >= 1 | 0.1 |", "| >= 2 | 0.2 |")


@pytest.mark.parametrize("written", ["sum", '"+"'])
def test_an_aggregate_with_a_default(written: str) -> None:
    keys = (
        f"hit: collect\naggregate: {written}\nout: {{fee: {{type: number, maximum: 1}}}}\ndefault: {{fee: 0}}"
    )
    plan = compiled(document(keys, *FEE_ROWS, after=following("decide.fee > 0.2")))
    table = table_of(plan)
    assert (table.hit, table.aggregate, table.default) == (HitPolicy.COLLECT, Aggregate.SUM, {"fee": 0.0})
    assert plan.tasks[0].out["properties"] == {"fee": {"type": "number"}}, "a sum may be more than its parts"


def test_a_count_is_a_whole_number_whatever_is_counted() -> None:
    keys = "hit: collect\naggregate: count\nout: {word: {type: string}}"
    plan = compiled(document(keys, "| inputs.n | word |", "| > 1 | x |", after=following("decide.word == 2")))
    assert plan.tasks[0].out["properties"]["word"]["type"] == "integer"


@pytest.mark.parametrize("hit", ["rule-order", "output-order", "collect"])
def test_lists_of_rows_are_typed(hit: str) -> None:
    keys = f"hit: {hit}\nout: {{next: {{enum: [drop, done]}}}}"
    rows = ("| inputs.n | next |", "| > 1 | drop |", "| - | done |")
    compiled(document(keys, *rows, after=following('decide.rows.exists(r, r.next == "drop")')))
    (finding,) = report_on(
        document(keys, *rows, after=following('decide.rows.exists(r, r.nxt == "drop")'))
    ).findings
    assert finding.code == "MW142"
    assert "Did you mean `next`?" in finding.fix


@pytest.mark.parametrize("hit", ["unique", "first", "any", "priority"])
def test_a_typo_in_the_name_of_an_output_is_found_where_it_is_read_and_where_it_heads_a_column(
    hit: str,
) -> None:
    keys = f"hit: {hit}\nout: {{next: {{enum: [drop, done]}}}}"
    rows = ("| inputs.n | next |", "| > 1 | drop |", "| <= 1 | done |")
    (finding,) = report_on(document(keys, *rows, after=following('decide.nxt == "drop"'))).findings
    assert (finding.code, "Did you mean `next`?" in finding.fix) == ("MW142", True)
    (finding,) = report_on(document(keys, "| inputs.n | nxt |", *rows[1:])).findings
    assert (finding.code, "Did you mean `nxt`?" in finding.fix) == ("MW150", True)
    (finding,) = report_on(document(keys, *rows, after=following('decide.next == "dorp"'))).findings
    assert (finding.code, "Did you mean `drop`?" in finding.fix) == ("MW141", True)


def test_importance_is_the_order_of_the_enum_or_of_values() -> None:
    rows = ("| inputs.n | next | why |", "| > 1 | drop | x |", "| - | done | y |")
    by_enum = document("hit: priority\nout: {next: {enum: [drop, done]}, why: {type: string}}", *rows)
    assert table_of(compiled(by_enum)).priorities == {"next": ("drop", "done")}
    keys = "hit: output-order\nvalues: {why: [y, x]}\nout: {next: {enum: [drop, done]}, why: {type: string}}"
    found = table_of(compiled(document(keys, *rows))).priorities
    assert found == {"why": ("y", "x"), "next": ("drop", "done")}


OUT = "out: {fee: {type: number}}"


@pytest.mark.parametrize(
    ("keys", "code", "at"),
    [
        (f"hit: collect\naggregate: total\n{OUT}", "MW151", "total"),
        (f"hit: collect\naggregate: mean\n{OUT}", "MW151", "mean"),
        (f"hit: priority\n{OUT}", "MW151", "priority"),
        (f"hit: priority\nvalues: {{fee: [0.1]}}\n{OUT}", "MW156", "0.2 |"),
        (f"hit: priority\nvalues: {{fee: [0.1, 0.2, x]}}\n{OUT}", "MW156", "[0.1, 0.2, x]"),
        (f"hit: priority\nvalues: {{fe: [0.1, 0.2], fee: [0.1, 0.2]}}\n{OUT}", "MW156", "[0.1, 0.2], fee"),
        (f"hit: priority\nvalues: {{fee: 0.1}}\n{OUT}", "MW115", "0.1}"),
        (f"hit: collect\ndefault: 0.1\n{OUT}", "MW115", "0.1\n"),
        ("hit: collect\naggregate: sum\nout: {fee: {}}", "MW151", "sum"),
        ("hit: collect\naggregate: max\nout: {fee: {}}", "MW151", "max"),
    ],
)
def test_keys_that_dont_go_together_are_named_at_their_place(keys: str, code: str, at: str) -> None:
    text = document(keys, *FEE_ROWS)
    finding = next(one for one in report_on(text).errors if one.code == code)
    lines = text.splitlines()
    assert lines[finding.line - 1][finding.column - 1 :].startswith(at.rstrip("\n"))


def test_an_aggregate_takes_one_output() -> None:
    keys = "hit: collect\naggregate: sum\nout: {fee: {type: number}, tax: {type: number}}"
    (finding,) = report_on(document(keys, "| inputs.n | fee | tax |", "| - | 1 | 2 |")).findings
    assert finding.code == "MW151"
    assert "2 outputs" in finding.sentence


@pytest.mark.parametrize(
    ("schema", "cell", "value"),
    [
        ("{type: number}", "3", 3.0),
        ("{type: integer}", "3.0", 3),
        ("{type: integer}", "-9007199254740991", -(2**53 - 1)),
        ("{type: string}", "3", "3"),
        ("{type: string}", '"say \\\\"so\\\\""', 'say "so"'),
        ("{type: boolean}", "true", True),
        ("{type: [string, 'null']}", "null", None),
        ("{type: array, items: {type: number}}", "[1, 2.5]", [1.0, 2.5]),
        ("{type: object}", '{"a": 1}', {"a": 1}),
    ],
)
def test_an_output_has_the_type_that_is_declared(schema: str, cell: str, value: Any) -> None:
    text = document(f"hit: first\nout: {{x: {schema}}}", "| inputs.n | x |", f"| - | {cell} |")
    ((_, (found,)),) = table_of(compiled(text)).rows
    assert json.dumps(found) == json.dumps(value)


@pytest.mark.parametrize(
    ("schema", "cell"),
    [
        ("{type: number}", "much"),
        ("{type: number}", "0.12345678901234567890"),
        ("{type: number}", "9007199254740993"),
        ("{type: integer}", "2.5"),
        ("{type: boolean}", "yes"),
        ("{type: number}", '"3"'),
        ("{type: array}", "[1, 2"),
        ("{type: number, maximum: 5}", "6"),
    ],
)
def test_a_cell_of_another_type_is_shown_at_its_place(schema: str, cell: str) -> None:
    text = document(f"hit: first\nout: {{x: {schema}}}", "| inputs.n | x |", f"| - | {cell} |")
    (finding,) = report_on(text).findings
    assert finding.code == "MW156"
    assert text.splitlines()[finding.line - 1][finding.column - 1 :] == f"{cell} |"


@pytest.mark.parametrize(("column", "cell"), [("n", "a"), ("n", "true"), ("on", "1"), ("word", "c")])
def test_a_test_of_another_type_is_shown_at_its_place(column: str, cell: str) -> None:
    text = document(f"hit: unique\n{OUT}", f"| inputs.{column} | fee |", f"| {cell} | 1 |")
    (finding,) = report_on(text).findings
    assert finding.code == "MW153"
    assert text.splitlines()[finding.line - 1][finding.column - 1 :] == f"{cell} | 1 |"


def test_a_broken_table_in_a_plan_is_found_again() -> None:
    keys = "hit: priority\nout: {next: {enum: [drop, done]}}"
    plan = compiled(document(keys, "| inputs.n | next |", "| > 1 | drop |", "| - | done |"))
    broken: list[dict[str, Any]] = [
        {"aggregate": Aggregate.COUNT},
        {"hit": HitPolicy.COLLECT},
        {"default": {"nxt": "drop"}},
        {"priorities": {}},
        {"priorities": {"next": ("drop",)}},
    ]
    assert check_plan(plan) == []
    for change in broken:
        task = replace(plan.tasks[0], table=replace(table_of(plan), **change))
        assert check_plan(replace(plan, tasks=(task,))), change
