"""The runbooks that ship: no finding, and every value in them fits what the tools declare."""

from importlib.resources import files
from pathlib import Path

import jsonschema_rs
import pytest

from midwatch.adapters.tools.manifests import load_manifests
from midwatch.base.classes import EffectClass
from midwatch.base.ids import ToolName
from midwatch.runbook.lint.document import lint_document
from midwatch.runbook.model import Level, Runbook
from midwatch.runbook.parse import parse_runbook

FOLDER = Path(str(files("midwatch"))) / "shipped/runbooks"
NAMES = ("rounds", "purge")
MANIFESTS = load_manifests()


def parsed(name: str) -> Runbook:
    runbook, findings = parse_runbook((FOLDER / f"{name}.runbook.md").read_bytes(), name=name)
    assert findings == []
    return runbook


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_runbook_has_no_finding(name: str) -> None:
    runbook = parsed(name)
    outs = {task.name.value: MANIFESTS[ToolName(task.tool.value)].out for task in runbook.tasks if task.tool}
    assert lint_document(runbook, outs) == []
    assert runbook.level is Level.L3


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_runbook_grants_exactly_what_it_uses(name: str) -> None:
    runbook = parsed(name)
    assert runbook.header is not None
    granted = {tool.value for tool in runbook.header.tools}
    assert granted == {task.tool.value for task in runbook.tasks if task.tool}


@pytest.mark.parametrize("name", NAMES)
def test_mocks_are_what_the_tools_would_say(name: str) -> None:
    runbook = parsed(name)
    for case in runbook.tests:
        for mocked, at in case.mocks.items():
            task = runbook.task(mocked)
            assert task is not None
            assert task.tool is not None
            schema = dict(MANIFESTS[ToolName(task.tool.value)].out)
            for value in at.value if isinstance(at.value, list) else [at.value]:
                jsonschema_rs.validate(schema, value)


def test_what_acts_asserts_its_effect_and_is_looked_at_again() -> None:
    for name in NAMES:
        for task in parsed(name).tasks:
            if task.tool is None:
                continue
            effect = MANIFESTS[ToolName(task.tool.value)].effect
            assert (task.effect.value if task.effect else EffectClass.READ) is effect
            assert (task.verify is not None) is (effect is not EffectClass.READ)
            assert (task.undo is not None or task.is_undo) is (effect is EffectClass.WRITE)


def test_each_reading_says_how_a_person_would_take_it() -> None:
    readings = [task for task in parsed("rounds").tasks if task.tool and task.tool.value.startswith("host.")]
    assert len(readings) == 11
    assert all("By hand: `" in task.prose.replace("\n", " ") for task in readings)
    assert all(not task.needs for task in readings)
