"""An export says what it kept exactly; what it kept is found again after an import of the export."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.exchange.export.document import parts_of
from midwatch.exchange.export.skill import skill_name
from midwatch.exchange.export.targets import Target, export, file_name
from midwatch.exchange.formats import import_document
from midwatch.exchange.imported import Wish
from midwatch.exchange.playbooks.cacao_check import check_cacao
from midwatch.exchange.report import Fate, Report, leaf_count
from midwatch.exchange.tree import Node, read_tree
from midwatch.runbook.model import Runbook
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.source import HIDDEN
from midwatch.runbook.write import Document, SectionText, TaskText, document_text
from midwatch.runbook.yaml import Scalar

ROOT = Path(__file__).parents[2]
NOW = "2026-11-27T00:00:00.000Z"
KNOWN = [
    ROOT / "examples/pg-connections.runbook.md",
    ROOT / "src/midwatch/shipped/runbooks/purge.runbook.md",
    ROOT / "src/midwatch/shipped/runbooks/rounds.runbook.md",
]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda text: text.strip() != "" and not HIDDEN.search(text)
)


def read(text: str) -> Runbook:
    runbook, _ = parse_runbook(text.encode(), name="x.md")
    return runbook


def leaves(node: Node) -> list[Node]:
    below = [*(value for _, value in node.entries()), *node.items()]
    return [found for child in below for found in leaves(child)] if below else [node]


def squeezed(text: str) -> str:
    """Return a text without blanks and marks that formats put around it."""
    return re.sub(r"[\s\\`>#|\"']+", "", text).replace("&amp;", "&")


def exact_texts(runbook: Runbook, report: Report) -> list[str]:
    """Return the texts of the parts that the report says were carried exactly."""
    root = parts_of(runbook).root
    exact = [item.pointer for item in report.items if item.fate is Fate.EXACTLY]
    others = [item.pointer for item in report.items if item.fate is not Fate.EXACTLY]
    return [
        leaf.tree.value
        for leaf in leaves(root)
        if isinstance(leaf.tree, Scalar)
        and isinstance(leaf.tree.value, str)
        and owner(leaf.pointer, exact) > owner(leaf.pointer, others)
    ]


def owner(pointer: str, owners: list[str]) -> int:
    return max((len(one) for one in owners if pointer == one or pointer.startswith(f"{one}/")), default=-1)


def assert_kept(runbook: Runbook, target: Target) -> None:
    text, report = export(runbook, target, now=NOW)
    assert sum(map(report.parts, Fate)) == leaf_count(parts_of(runbook).root.tree)
    again = import_document(text.encode(), name=file_name("x", target), wish=Wish())
    kept = squeezed(again.text)
    for wanted in exact_texts(runbook, report):
        assert squeezed(wanted) in kept, (target, wanted)


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.name)
@pytest.mark.parametrize("target", [Target.SKILL, Target.MARKDOWN, Target.CACAO])
def test_what_our_own_runbooks_keep_exactly_comes_back(path: Path, target: Target) -> None:
    assert_kept(read(path.read_text()), target)


@pytest.mark.parametrize("path", KNOWN, ids=lambda path: path.name)
def test_our_own_runbooks_are_workflows_that_can_be_read(path: Path) -> None:
    runbook = read(path.read_text())
    text, _ = export(runbook, Target.OPEN_WORKFLOW, now=NOW)
    root = read_tree(text.encode(), name="x.yaml")

    assert len(list(root.get("do").items())) == len(runbook.tasks)  # type: ignore[union-attr]


@given(title=TEXT, prose=TEXT, command=TEXT, step=TEXT)
@settings(max_examples=80, deadline=None)
def test_what_any_runbook_keeps_exactly_comes_back(title: str, prose: str, command: str, step: str) -> None:
    document = Document(
        title=title,
        header={
            "id": "x",
            "version": "1.2.3",
            "owner": "team:a",
            "mode": "approve",
            "tools": ["command.read"],
        },
        parts=(
            SectionText(title="Meaning", prose=prose),
            TaskText(title=step, block={"task": "look", "kind": "manual"}, prose=prose),
            TaskText(
                title=step,
                block={"task": "run", "kind": "command", "tool": "command.read", "needs": ["look"]},
                command=f"ls {command}",
            ),
        ),
    )
    runbook = read(document_text(document))
    for target in Target:
        assert_kept(runbook, target)


def test_a_playbook_that_is_exported_is_valid_and_the_same_each_time() -> None:
    runbook = read(KNOWN[0].read_text())
    text, _ = export(runbook, Target.CACAO, now=NOW)

    check_cacao(read_tree(text.encode(), name="x.json"))
    assert export(runbook, Target.CACAO, now=NOW)[0] == text


@given(st.text(max_size=100))
def test_the_name_of_a_skill_is_one_that_skills_may_have(text: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", skill_name(text))
    assert len(skill_name(text)) <= 64


def test_a_skill_has_a_name_a_description_and_stops_where_people_are_asked() -> None:
    text, _ = export(read(KNOWN[0].read_text()), Target.SKILL, now=NOW)
    matter = read_tree(text.split("---\n")[1].encode(), name="x.yaml")

    assert matter.at("name") == "pg-connections-exhausted"
    assert 0 < len(matter.at("description")) <= 1024
    assert "STOP. Ask" in text
