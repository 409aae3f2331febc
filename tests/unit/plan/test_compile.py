"""What a plan says, compared with the document that it comes from."""

import pytest

from midwatch.base.classes import EffectClass, Mode
from midwatch.base.ids import TaskName, ToolName
from midwatch.base.units import DurationMs
from midwatch.plan.checked import compile_plan
from midwatch.plan.errors import RunbookRefusedError
from midwatch.plan.model import HitPolicy, Plan, PlanProbe, PlanRung
from midwatch.runbook.parse import parse_runbook
from unit.plan.documents import GOOD, MANIFESTS, NAME, report_on, spoilt


def plan_of(text: str = GOOD) -> Plan:
    runbook, findings = parse_runbook(text.encode(), name=NAME)
    assert findings == []
    return compile_plan(runbook, MANIFESTS).plan


def test_the_header() -> None:
    plan = plan_of()
    assert (plan.runbook, plan.version, plan.owner, plan.mode) == ("disk", "1.2.0", "team:ops", Mode.APPROVE)
    assert plan.tools == ("disk.read", "disk.move", "disk.back", "disk.drop")
    assert plan.budget.usd_micro == 500_000
    assert plan.budget.working_time_ms == 600_000
    assert plan.inputs["required"] == ["volume"]
    assert plan.inputs["properties"]["keep_days"]["default"] == 7
    assert plan.inputs["additionalProperties"] is False


def test_arguments_are_expressions_literals_text_and_bound_values() -> None:
    plan = plan_of()
    measure, move, drop = (plan.task(TaskName(name)).call for name in ("measure", "move", "drop"))
    assert measure is not None
    assert measure.literals == {"text": "df --output=pcent"}
    assert measure.bind == {"volume": "inputs.volume"}
    assert measure.bound_argument == "bound"
    assert move is not None
    assert move.args == {
        "paths": "measure.files.map(f, f.path)",
        "reason": "'little space'",
        "days": "inputs.keep_days",
    }
    assert move.target == "disk:{reason}"
    assert drop is not None
    assert drop.literals == {"force": False}
    assert drop.effect is EffectClass.IRREVERSIBLE


def test_a_task_never_gets_more_time_than_its_tool() -> None:
    assert plan_of().task(TaskName("measure")).call.timeout_ms == 5_000  # type: ignore[union-attr]  # a command
    assert plan_of(spoilt("timeout: 5s\n", "")).task(TaskName("measure")).call.timeout_ms == 10_000  # type: ignore[union-attr]  # a command
    assert plan_of(spoilt("timeout: 5s", "timeout: 50s")).task(TaskName("measure")).call.timeout_ms == 10_000  # type: ignore[union-attr]  # a command


def test_labels_follow_the_values() -> None:
    plan = plan_of()
    labels = {
        task.name: {name: str(label) for name, label in task.call.labels.items()}
        for task in plan.tasks
        if task.call
    }
    assert labels == {
        "measure": {"text": "trusted/public", "bound": "operator/internal"},
        "move": {"paths": "untrusted/personal", "reason": "trusted/public", "days": "operator/internal"},
        "put_back": {"moved": "tool/internal"},
        "drop": {"paths": "untrusted/personal", "force": "trusted/public"},
    }
    assert {task.name: str(task.guard) for task in plan.tasks} == {
        "measure": "trusted/public",
        "decide": "trusted/public",
        "ask": "tool/internal",
        "move": "tool/internal",
        "put_back": "trusted/public",
        "drop": "tool/internal",
        "leave": "trusted/public",
    }


def test_a_condition_on_an_untrusted_value_taints_what_it_guards_unless_declassified() -> None:
    text = (
        GOOD.replace("out:\n  used_pct", "out:\n  verdict: {enum: [yes, no]}\n  used_pct", 1)
        .replace(
            "| measure.used_pct | measure.state | next |", "| measure.files.size() | measure.state | next |"
        )
        .replace("used_pct: 12,", "verdict: yes, used_pct: 12,")
    )
    assert str(plan_of(text).task(TaskName("move")).guard) == "untrusted/personal"
    declassified = text.replace("out: {next", "declassify: [next]\nout: {next", 1)
    assert str(plan_of(declassified).task(TaskName("move")).guard) == "tool/personal"


def test_an_approvals_ladder_is_its_approvers_with_the_channels_of_the_header() -> None:
    approval = plan_of().task(TaskName("ask")).approval
    assert approval is not None
    assert approval.ladder == (
        PlanRung(ask="team:ops", within_ms=DurationMs(600_000)),
        PlanRung(ask="oncall:ops", within_ms=DurationMs(600_000), via=("chat",)),
    )
    assert approval.expires_ms == 3_600_000
    assert (approval.on_timeout, approval.on_deny) == ("leave", "leave")
    assert approval.actions == ("move", "drop")


def test_an_approval_without_approvers_takes_the_ladder_of_the_header() -> None:
    text = spoilt('approvers: ["team:ops", "oncall:ops"]\nsla: 10m\nexpires: 1h\n', "")
    approval = plan_of(text).task(TaskName("ask")).approval
    assert approval is not None
    assert approval.ladder == plan_of(text).ladder
    assert approval.expires_ms == 600_000


def test_tables_probes_routes_and_ends() -> None:
    plan = plan_of()
    decide, move, leave = (plan.task(TaskName(name)) for name in ("decide", "move", "leave"))
    assert decide.table is not None
    assert decide.table.hit is HitPolicy.FIRST
    assert decide.table.rows[1] == (("[80..95)", "full"), ("move",))
    assert decide.ends == {"no_action": 'decide.next == "done"'}
    assert move.ends == {"resolved": "true"}
    assert move.verify == PlanProbe(
        probe=TaskName("measure"),
        holds="probe.used_pct < 80.0",
        for_ms=DurationMs(10_000),
        within_ms=DurationMs(60_000),
    )
    assert (move.undo, move.on_fail) == ("put_back", "undo")
    assert leave.is_routed
    assert plan.task(TaskName("put_back")).is_undo
    assert not move.is_routed


def test_a_table_that_collects_gives_rows() -> None:
    text = spoilt("hit: first\nout: {next", "hit: rule-order\nout: {next")
    text = text.replace('ends: {no_action: decide.next == "done"}\n', "").replace(
        "decide.next", "decide.rows[0].next"
    )
    plan = plan_of(text.replace("| decide.rows[0].next | note      |", "| size(decide.rows) | note |"))
    decide = plan.task(TaskName("decide"))
    assert decide.table is not None
    assert decide.table.hit is HitPolicy.RULE_ORDER
    assert decide.out["properties"]["rows"]["items"]["required"] == ["next"]


def test_the_output_is_the_tools_unless_the_task_says_more() -> None:
    plan = plan_of()
    assert plan.task(TaskName("move")).out == MANIFESTS[ToolName("disk.move")].out
    measure = plan.task(TaskName("measure")).out
    assert measure["required"] == ["used_pct", "files", "state"]
    assert measure["additionalProperties"] is False


def test_a_runbook_with_errors_is_refused_with_the_place_of_the_first() -> None:
    runbook, _ = parse_runbook(spoilt("undo: put_back", "undo: put_bak").encode(), name=NAME)
    with pytest.raises(RunbookRefusedError) as caught:
        compile_plan(runbook, MANIFESTS)
    assert caught.value.code == "MW192"
    assert caught.value.place.startswith(NAME)
    assert caught.value.excerpt.endswith("^")


@pytest.mark.parametrize("text", ["# Only prose\n", "---\nrunbook: v1\nid: x\n---\n# X\n"])
def test_a_document_without_tasks_has_no_plan(text: str) -> None:
    runbook, _ = parse_runbook(text.encode(), name=NAME)
    with pytest.raises(RunbookRefusedError, match="has no"):
        compile_plan(runbook, MANIFESTS)


def test_what_an_author_wrote_for_people_is_kept() -> None:
    report = report_on(GOOD)
    assert report.plan is not None
    assert report.plan.task(TaskName("measure")).title == "Measure"
    assert report.plan.task(TaskName("measure")).prose == "Look once.\n\nAsk the file system:"
    assert (
        report.plan.task(TaskName("decide")).prose == "The first row that matches wins.\n\nBy how full it is:"
    )
