"""The 68 examples of Open Workflow: each becomes a runbook, and every part of it is accounted for."""

from pathlib import Path

import pytest

from midwatch.adapters.tools.manifests import load_manifest, load_manifests
from midwatch.exchange.formats import import_document
from midwatch.exchange.imported import Wish
from midwatch.exchange.report import UNREAD, Fate, leaf_count
from midwatch.exchange.tree import read_tree
from midwatch.plan.review import lint_text
from suites.vectors import vectors

EXAMPLES = sorted(vectors("open-workflow/examples").glob("*.yaml"))
FLAGGED = {"MW183", "MW184"}
"""An action that nothing verifies, and one that nothing takes back: for a person to mend."""
SECRETS = {"call-mcp.yaml": "MW119"}
"""An example that holds a token, or what looks like one."""


def test_there_are_sixty_eight() -> None:
    assert len(EXAMPLES) == 68


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_becomes_a_runbook_whose_actions_are_flagged(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    found = import_document(data, name=path.name, wish=Wish())
    manifests = load_manifests()
    for name, text in found.files.items():
        (tmp_path / name).write_text(text)
        manifest = load_manifest(tmp_path / name)
        manifests[manifest.tool] = manifest
    report = lint_text(found.text.encode(), name=path.name, manifests=manifests)

    codes = {one.code for one in report.errors}
    assert codes <= FLAGGED | {SECRETS.get(path.name, "")}, [one.sentence for one in report.errors]
    writes = "effect: write" in found.text
    assert (codes & FLAGGED == FLAGGED) is writes
    total = sum(found.report.parts(fate) for fate in Fate)
    assert total == leaf_count(read_tree(data, name=path.name).tree)
    assert not [item.pointer for item in found.report.items if item.how == UNREAD]
