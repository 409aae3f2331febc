"""The wire form of plans."""

import json
from typing import Any

import pytest

from midwatch.base.canonical import digest_of
from midwatch.plan.codec import plan_bytes, plan_digest, plan_from
from midwatch.plan.errors import PlanUnreadableError
from midwatch.plan.model import Plan
from unit.plan.documents import GOOD, report_on


def good() -> Plan:
    plan = report_on(GOOD).plan
    assert plan is not None
    return plan


def test_a_plan_comes_back_as_it_went() -> None:
    plan = good()
    assert plan_from(plan_bytes(plan)) == plan
    assert plan_digest(plan) == digest_of(plan_bytes(plan)) == report_on(GOOD).plan_digest


def test_the_bytes_are_canonical_json_without_floats() -> None:
    record = json.loads(plan_bytes(good()), parse_float=pytest.fail)
    assert record["semantics"] == 1
    assert record["tasks"][0]["call"]["labels"] == {"text": "trusted/public", "bound": "operator/internal"}


def changed(change: Any) -> bytes:
    record = json.loads(plan_bytes(good()))
    change(record)
    return json.dumps(record).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        changed(lambda record: record.update(semantics=99)),
        changed(lambda record: record.update(semantics="1")),
        changed(lambda record: record.pop("runbook")),
        changed(lambda record: record.update(more=1)),
        changed(lambda record: record.update(mode="yolo")),
        changed(lambda record: record.update(title=7)),
        changed(lambda record: record.update(tasks={})),
        changed(lambda record: record["tasks"][0].update(guard="holy/internal")),
        changed(lambda record: record["tasks"][0].update(is_undo=1)),
        changed(lambda record: record["tasks"][0]["call"].update(args=[])),
        changed(lambda record: record["tasks"][1]["table"]["rows"].append([["-"]])),
        changed(lambda record: record["tasks"][1]["table"].update(rows=[1])),
        changed(lambda record: record.update(budget=None)),
    ],
)
def test_what_is_no_plan_is_refused(data: bytes) -> None:
    with pytest.raises(PlanUnreadableError) as caught:
        plan_from(data)
    assert caught.value.code == "MW191"


def test_a_field_that_an_older_release_did_not_know_gets_its_default() -> None:
    def forget(record: dict[str, Any]) -> None:
        for task in record["tasks"]:
            del task["sla_ms"]
            del task["ends"]

    plan = plan_from(changed(forget))
    assert all(task.ends == {} for task in plan.tasks)
