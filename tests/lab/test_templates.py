"""Every template, written by `midwatch new` and played where it lies, with the manifests beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from midwatch.cli.commands.testing.gather import Document, gather
from midwatch.cli.wall import run
from midwatch.plan.ahead.worst import worst_case
from midwatch.plan.model import PlanTask
from midwatch.run.state import TaskStatus
from midwatch.wiring.settings import settings
from midwatch.wiring.templates import templates


@pytest.fixture(scope="module", params=[template.name for template in templates()])
def document(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Document:
    """Return a template as its author finds it, with all its scenarios played."""
    folder = tmp_path_factory.mktemp(request.param)
    file = folder / "runbooks" / f"{request.param}.runbook.md"
    assert run(["new", request.param, "-o", str(file), "--tools", str(file.parent / "tools")]) == 0
    written = gather(settings(_nothing_set(folder)), file)
    assert [finding.sentence for finding in written.errors] == []
    for scenario in written.scenarios:
        written.play(scenario)
    return written


def test_every_scenario_of_a_template_goes_as_it_says(document: Document) -> None:
    assert document.played
    assert [finding.sentence for one in document.played for finding in one.findings] == []


def test_the_scenarios_of_a_template_reach_every_task_branch_and_row(document: Document) -> None:
    assert document.cover is not None
    assert [part.name for part in document.cover.missed()] == []


def test_a_template_is_played_with_a_yes_a_no_and_nobody_answering(document: Document) -> None:
    answers = [at.value for scenario in document.scenarios for at in scenario.case.answers.values()]
    assert {"approve", "deny", "timeout"} <= {word for answer in answers for word in _words(answer)}


def test_what_a_template_can_undo_is_taken_back_and_no_way_back_fails(document: Document) -> None:
    seen = [one.seen for one in document.played if one.seen]
    failed = {name for one in seen for name in one.with_status(TaskStatus.FAILED)}
    assert {name for one in seen for name in one.undone} == {
        task.name for task in _tasks(document) if task.undo
    }
    assert not failed & {task.name for task in _tasks(document) if task.is_undo}


def test_a_template_has_the_tool_calls_that_it_may_need_at_most(document: Document) -> None:
    assert document.playbook is not None
    worst = worst_case(document.playbook.compiled)
    assert worst.load.tool_calls == worst.capped.tool_calls


def _nothing_set(folder: Path) -> Path:
    config = folder / "midwatch.toml"
    config.write_text("")
    return config


def _tasks(document: Document) -> tuple[PlanTask, ...]:
    assert document.playbook is not None
    return document.playbook.plan.tasks


def _words(answer: str | Mapping[str, Any]) -> list[str]:
    return [answer] if isinstance(answer, str) else list(answer)
