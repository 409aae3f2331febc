"""CACAO playbooks with known verdicts: valid ones become runbooks, the others one error with its place."""

from pathlib import Path

import pytest

from midwatch.exchange.errors import ForeignInvalidError
from midwatch.exchange.formats import import_document
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.report import Fate, leaf_count
from midwatch.exchange.tree import read_tree
from midwatch.plan.review import lint_text
from suites.vectors import vectors

SUITE = vectors("cacao")
INVALID = {
    "changed-playbook.json": ("31:17", "is a mapping of ids to steps"),
    "infinite_playbook.json": ("91:57", "leads back to itself"),
    "invalid_email_playbook.json": ("49:30", "is no e-mail address"),
    "invalid_playbook.json": ("29:59", "its type is `invalid`"),
    "missing_step_playbook.json": ("82:30", "there is no step `end--6b23c237-ade8-4d00-9aa1-75999738d558`"),
}
"""Place and words of the one thing that is wrong: verdicts of the suite's own project."""
PLAYBOOKS = sorted([*SUITE.glob("examples/*.json"), *SUITE.glob("test/playbooks/*.json")])


def imported(path: Path) -> Imported:
    return import_document(path.read_bytes(), name=path.name, wish=Wish())


def test_there_are_thirteen() -> None:
    assert len(PLAYBOOKS) == 13
    assert INVALID.keys() <= {path.name for path in PLAYBOOKS}


@pytest.mark.parametrize(
    "path", [path for path in PLAYBOOKS if path.name in INVALID], ids=lambda path: path.name
)
def test_an_invalid_one_is_refused_in_one_sentence_with_its_place(path: Path) -> None:
    place, words = INVALID[path.name]

    with pytest.raises(ForeignInvalidError) as caught:
        imported(path)

    assert caught.value.place == f"{path.name}:{place}"
    assert words in caught.value.sentence


@pytest.mark.parametrize(
    "path", [path for path in PLAYBOOKS if path.name not in INVALID], ids=lambda path: path.name
)
def test_a_valid_one_becomes_a_runbook_that_a_person_can_follow(path: Path) -> None:
    found = imported(path)
    report = lint_text(found.text.encode(), name=path.name, manifests={})

    assert [one.sentence for one in report.errors] == []
    assert report.plan is not None
    workflow = read_tree(path.read_bytes(), name="x").get("workflow")
    assert workflow is not None
    given = [step.get("commands") for _, step in workflow.entries()]
    commands = sum(len(list(one.items())) for one in given if one is not None)
    assert sum(task.kind == "manual" for task in report.plan.tasks) >= commands
    total = sum(found.report.parts(fate) for fate in Fate)
    assert total == leaf_count(read_tree(path.read_bytes(), name="x").tree)


def test_a_password_stays_where_it_is() -> None:
    for path in PLAYBOOKS:
        if path.name not in INVALID:
            text = imported(path).text
            assert "super-secure-password" not in text
            assert "Password1234!" not in text
