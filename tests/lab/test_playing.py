"""What playing a scenario does, and what it says when something else came."""

from pathlib import Path
from typing import Any

import pytest

from midwatch.app.audit import audit
from midwatch.app.start import StartRequest, start_run
from midwatch.app.watch import seal_pending
from midwatch.cli.commands.testing.gather import gather
from midwatch.lab.crowd import TESTER, Crowd
from midwatch.lab.play import _go, play
from midwatch.lab.scenario import scenario_of
from midwatch.lab.stage import Stage
from support.scenarios import EXAMPLE_FILES, case_of, example, house, named, played

LAG = {"lag_s": 900, "writers": 3}
STILL = {"lag_s": 900, "writers": 0}
NOTE = {"note": "x"}
PAUSED: dict[str, Any] = {
    "given": {"replica": "db2"},
    "mocks": {
        "measure": [LAG, STILL, STILL, {"lag_s": 4, "writers": 0}],
        "pause": {"before": False},
        "go_on": {"before": True},
        "people": NOTE,
    },
    "answers": {"ask": {"approve": "oncall:dba", "after": "2m"}},
}
CAME: dict[str, Any] = {
    "path": ["measure", "decide", "ask", "pause", "catch_up", "report"],
    "ends": "resolved",
    "effects": 1,
    "asks": 1,
    "rungs": 1,
    "notified": 1,
    "undone": [],
    "failed": [],
    "skipped": ["people"],
    "outputs": {"measure": {"lag_s": 900}, "pause": {"before": False}},
}
OTHER: dict[str, Any] = {
    "path": ["measure", "decide", "pause"],
    "ends": "failed",
    "effects": 2,
    "asks": 0,
    "rungs": 3,
    "notified": 0,
    "undone": ["pause"],
    "failed": ["measure"],
    "skipped": ["pause"],
    "outputs": {"measure": {"lag_s": 901}},
}


def test_what_comes_true_is_no_finding() -> None:
    assert [one.sentence for one in played(example("replica-lag"), **PAUSED, expect=CAME).findings] == []


@pytest.mark.parametrize("key", OTHER)
def test_an_expectation_that_does_not_come_true_is_one_finding(key: str) -> None:
    found = played(example("replica-lag"), **PAUSED, expect={**CAME, key: OTHER[key]}).findings
    assert [one.code for one in found] == ["MW650"]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"pause": {"before": True}}, "the output of pause.before was to be true, and is false"),
        ({"pause": {"before": 0}}, "the output of pause.before was to be 0, and is false"),
        ({"pause": {"after": 1}}, "the output of pause.after was to be 1, and is not there"),
        ({"report": {"people": []}}, "the output of report.people was to be [], and is"),
        ({"report": {"people": {}}}, "the output of report.people was to be {}, and is"),
    ],
)
def test_an_output_is_compared_field_by_field(wanted: dict[str, Any], says: str) -> None:
    (found,) = played(example("replica-lag"), **PAUSED, expect={"outputs": wanted}).findings
    assert says in found.sentence


def test_the_first_step_that_differs_is_named() -> None:
    (found,) = played(
        example("replica-lag"), **PAUSED, expect={"path": ["measure", "decide", "people"]}
    ).findings
    assert "after decide was to come people, and came ask" in found.sentence


def test_a_difference_stands_where_the_expectation_stands(tmp_path: Path) -> None:
    text = (EXAMPLE_FILES[0].parent / "replica-lag.runbook.md").read_text()
    path = tmp_path / "replica-lag.runbook.md"
    path.write_text(text.replace("{path: [measure, decide, report], ends: no_action", "{ends: resolved"))
    document = gather(house(), path)
    (found,) = named(document, "it keeps up").findings
    line = path.read_text().splitlines()[found.line - 1]
    assert line[found.column - 1 :].startswith("resolved")
    assert found.place == f"{path}:{found.line}:{found.column}"


def test_the_same_scenario_gives_the_same_journal() -> None:
    document = example("agent-runaway-tools")
    assert document.playbook is not None
    for scenario in document.scenarios:
        one, other = play(document.playbook, scenario), play(document.playbook, scenario)
        assert one.events == other.events


def test_what_was_played_is_a_whole_journal_with_rows_that_follow_from_it() -> None:
    document = example("pg-connections")
    assert document.playbook is not None
    for scenario in document.scenarios:
        stage = Stage(playbook=document.playbook, scenario=scenario)
        request = StartRequest(plan=document.playbook.plan, inputs=scenario.case.given, initiator=TESTER)
        _go(stage, Crowd(stage=stage, run=start_run(stage.house, request)))
        seal_pending(stage.house)
        assert audit(stage.house).findings == ()


# ------------------------------------------------------------------------------ what is missing, or lost


def test_a_task_without_a_mock_is_named() -> None:
    found = played(example("replica-lag"), given={"replica": "db2"}, expect={"ends": "failed"}).findings
    assert [one.code for one in found] == ["MW652"]
    assert "measure" in found[0].sentence


def test_a_run_that_waits_for_ever_is_told_what_for() -> None:
    mocks = {"measure": {"lag_s": 900, "writers": 0}}
    found = played(example("replica-lag"), given={"replica": "db2"}, mocks=mocks).findings
    assert [one.code for one in found] == ["MW651"]
    assert "people waits for somebody to do it" in found[0].sentence


def test_an_answer_that_does_not_count_is_a_finding() -> None:
    answers = {"ask": {"approve": "team:dba", "after": "1m"}}
    parts = {**PAUSED, "answers": answers}
    found = played(example("replica-lag"), **parts, expect={"effects": 0}).findings
    assert [one.code for one in found] == ["MW653"]


def test_inputs_that_the_runbook_refuses_are_a_finding() -> None:
    found = played(example("replica-lag"), given={"replica": "?"}).findings
    assert [one.code for one in found] == ["MW654"]


def test_who_is_nobody_is_a_finding() -> None:
    parts = {**PAUSED, "answers": {"ask": {"approve": "team:nobody"}}}
    found = played(example("replica-lag"), **parts).findings
    assert [one.code for one in found] == ["MW658"]


# ------------------------------------------------------------------------------------------------- faults

FACTS = ("path", "ends", "effects", "asks", "undone", "failed")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("task", ["measure", "decide", "ask", "pause", "catch_up", "report"])
def test_a_driver_that_dies_at_a_task_changes_nothing(task: str, moment: str) -> None:
    expect = {key: CAME[key] for key in FACTS}
    done = played(
        example("replica-lag"),
        **{**PAUSED, "mocks": {**PAUSED["mocks"], "measure": STEADY}},
        expect=expect,
        faults=[{"crash": moment, "task": task}],
    )
    assert [one.sentence for one in done.findings] == []


STEADY = [LAG, *[STILL] * 6, {"lag_s": 4, "writers": 0}]
"""As long as it takes whoever reads once more because somebody died."""


def test_a_tool_that_fails_is_tried_again_as_often_as_the_runbook_says() -> None:
    faults = [{"fail": "measure", "times": 2, "code": "MW520"}]
    done = played(example("replica-lag"), **PAUSED, faults=faults, expect={"ends": "resolved"})
    assert done.ok
    faults = [{"fail": "measure", "times": 3, "code": "MW520"}]
    done = played(
        example("replica-lag"), **PAUSED, faults=faults, expect={"ends": "failed", "failed": ["measure"]}
    )
    assert done.ok


def test_a_call_that_nobody_saw_end_is_settled_by_reading_back() -> None:
    faults = [{"silent": "pause"}]
    parts = {**PAUSED, "mocks": {**PAUSED["mocks"], "measure": STEADY}}
    done = played(example("replica-lag"), **parts, faults=faults, expect={"ends": "resolved", "effects": 1})
    assert [one.sentence for one in done.findings] == []
    assert any(event.envelope.type == "effect.in_doubt" for event in done.events)


def test_hours_pass_in_no_time() -> None:
    done = played(
        example("data-export"),
        given={"export": "e-9"},
        mocks={"look": {"rows": 1, "personal": True, "wants": "x"}},
    )
    assert done.took_ms == 7 * 24 * 3_600_000


def test_a_mock_counts_its_calls_and_its_last_entry_repeats() -> None:
    source = example("replica-lag").playbook
    assert source is not None
    case = case_of(mocks={"measure": [{"fail": "MW520", "times": 2, "then": LAG}, STILL]})
    script = scenario_of(case, source.runbook.source).scripts["measure"]
    kinds = [type(script.at(index)).__name__ for index in range(5)]
    assert kinds == ["Fails", "Fails", "Gives", "Gives", "Gives"]
    assert [getattr(script.at(index), "out", None) for index in (2, 3, 4)] == [LAG, STILL, STILL]
