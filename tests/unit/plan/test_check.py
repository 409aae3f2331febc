"""The second opinion: planted faults that the compiler would never let through."""

from dataclasses import replace
from typing import Any

import pytest

from midwatch.base.classes import EffectClass
from midwatch.base.ids import TaskName, ToolName
from midwatch.base.units import DurationMs
from midwatch.plan import check
from midwatch.plan.check import check_executable, check_plan, ensure_plan
from midwatch.plan.errors import NotExecutableError, PlanBrokenError
from midwatch.plan.model import HitPolicy, Plan, PlanProbe, PlanRetry, PlanTable, TaskKind
from unit.plan.documents import GOOD, report_on


def good() -> Plan:
    plan = report_on(GOOD).plan
    assert plan is not None
    return plan


def with_task(name: str, **changes: Any) -> Plan:
    plan = good()
    return replace(
        plan, tasks=tuple(replace(task, **changes) if task.name == name else task for task in plan.tasks)
    )


def with_call(name: str, **changes: Any) -> Plan:
    call = good().task(TaskName(name)).call
    assert call is not None
    return with_task(name, call=replace(call, **changes))


def with_approval(**changes: Any) -> Plan:
    approval = good().task(TaskName("ask")).approval
    assert approval is not None
    return with_task("ask", approval=replace(approval, **changes))


TABLE = PlanTable(
    hit=HitPolicy.FIRST, inputs=("measure.used_pct",), outputs=("next",), rows=((("< 80%",), ("done",)),)
)

BROKEN = {
    "is no task": with_task("decide", needs=(TaskName("nobody"),)),
    "in a circle": with_task("measure", needs=(TaskName("decide"),)),
    "one name": replace(good(), tasks=(*good().tasks, good().tasks[0])),
    "no task": replace(good(), tasks=()),
    "nothing to do": with_task("decide", table=None),
    "of several kinds": with_task("decide", call=good().task(TaskName("measure")).call),
    "joins by": with_task("decide", join="some"),
    "negative retry": with_task("measure", retry=PlanRetry(attempts_max=-1)),
    "which is no outcome": with_task("move", ends={"fine": "true"}),
    "no test in": with_task("decide", table=TABLE),
    "lacks rows": with_task("decide", table=replace(TABLE, rows=())),
    "another length": with_task("decide", table=replace(TABLE, rows=((("-", "-"), ("done",)),))),
    "not what its table gives": with_task("decide", out={"type": "object", "properties": {"other": {}}}),
    "not above it": with_task("ask", when="move.moved == []"),
    "wrong expression": with_task("ask", when="1 +"),
    "not granted": replace(good(), tools=(ToolName("disk.read"),)),
    "argument twice": with_call("move", literals={"paths": []}),
    "without labels": with_call("move", labels={}),
    "has no time": with_call("move", timeout_ms=DurationMs(0)),
    "doesn't only read": with_task("move", verify=PlanProbe(probe=TaskName("drop"), holds="true")),
    "acts without verify": with_task("move", verify=None),
    "writes without undo": with_task("move", undo=None, on_fail=""),
    "without an approval": with_approval(actions=(TaskName("move"),)),
    "asks nobody": with_approval(ladder=()),
    "never stands open": with_approval(expires_ms=DurationMs(0)),
    "when nobody answers": with_approval(on_timeout=None),
    "no command below it": with_approval(actions=(TaskName("drop"), TaskName("measure"))),
    "which acts, when nobody says yes": with_approval(on_deny=TaskName("move")),
    "that nothing names": with_task("put_back", is_undo=False),
    "the ordinary graph": with_task("put_back", needs=(TaskName("measure"),)),
    "changes nothing": with_call("put_back", effect=EffectClass.READ),
    "has no undo": with_task("drop", on_fail="undo"),
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_planted_fault_is_named(sentence: str) -> None:
    problems = check_plan(BROKEN[sentence])
    assert any(sentence in problem for problem in problems), problems
    with pytest.raises(PlanBrokenError) as caught:
        ensure_plan(BROKEN[sentence])
    assert caught.value.code == "MW189"


def test_a_compiled_plan_has_no_fault() -> None:
    assert check_plan(good()) == []
    ensure_plan(good())


def test_a_way_around_the_approval_is_found() -> None:
    plan = with_task("drop", needs=(TaskName("ask"), TaskName("decide")), join="any")
    assert any("without an approval" in problem for problem in check_plan(plan))


def test_kinds_that_a_release_does_not_run_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = with_task("leave", kind=TaskKind.MANUAL, table=None)
    check_executable(plan)
    monkeypatch.setattr(check, "EXECUTABLE", check.EXECUTABLE - {TaskKind.MANUAL})
    with pytest.raises(NotExecutableError, match="leave") as caught:
        check_executable(plan)
    assert caught.value.code == "MW190"
