"""Every example and every runbook that ships is linted, planned and played."""

from pathlib import Path

import pytest

from midwatch.cli.commands.testing.gather import Document, gather
from midwatch.plan.ahead.outlook import outlook
from midwatch.wiring.lint import lint_file
from midwatch.wiring.manifests import manifests
from support.scenarios import EXAMPLE_FILES, SHIPPED_FILES, house

FILES = (*EXAMPLE_FILES, *SHIPPED_FILES)


def name(path: Path) -> str:
    return path.name.removesuffix(".runbook.md")


def play_all(path: Path) -> Document:
    document = gather(house(), path)
    for scenario in document.scenarios:
        document.play(scenario)
    return document


def test_there_are_ten_examples() -> None:
    assert len(EXAMPLE_FILES) >= 10


@pytest.mark.parametrize("path", FILES, ids=name)
def test_lint_finds_no_error_and_calls_it_level_3(path: Path) -> None:
    report = lint_file(house(), path, path.read_bytes(), manifests(house()))
    assert [finding.sentence for finding in report.errors] == []
    assert report.level == 3, report.next_level_needs


@pytest.mark.parametrize("path", FILES, ids=name)
def test_what_it_may_do_at_most_is_known(path: Path) -> None:
    declared = manifests(house())
    assert outlook(lint_file(house(), path, path.read_bytes(), declared), declared) is not None


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_scenario_goes_as_it_says(path: Path) -> None:
    document = play_all(path)
    assert document.played
    assert [finding.sentence for one in document.played for finding in one.findings] == []


@pytest.mark.parametrize("path", EXAMPLE_FILES, ids=name)
def test_an_example_is_played_on_every_branch_with_a_no_and_with_nobody_answering(path: Path) -> None:
    document = play_all(path)
    assert document.cover is not None
    assert [part.name for part in document.cover.missed()] == []
    assert len(document.scenarios) >= 3
    said = [
        word
        for scenario in document.scenarios
        for at in scenario.case.answers.values()
        for word in ([at.value] if isinstance(at.value, str) else at.value)
    ]
    assert "deny" in said
    assert {"timeout", "late"} & set(said) or any(
        known.code == "MW622"
        for one in document.played
        if one.seen
        for known in one.seen.state.tasks.values()
    )
