"""Documents with scenarios, found and played as `midwatch test` does it."""

from pathlib import Path
from typing import Any

from midwatch.cli.commands.testing.gather import Document, gather
from midwatch.lab.play import Played, play
from midwatch.lab.scenario import scenario_of
from midwatch.runbook.model import At, TestCase
from midwatch.runbook.source import Span
from midwatch.wiring.settings import Config, settings

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
EXAMPLE_FILES = tuple(sorted(EXAMPLES.glob("*.runbook.md")))
SHIPPED_FILES = tuple(sorted((ROOT / "src/midwatch/shipped/runbooks").glob("*.runbook.md")))


def house() -> Config:
    """Return the settings of the examples: their tools, the shipped policy, nobody in particular."""
    return settings(EXAMPLES / "midwatch.toml")


def example(name: str) -> Document:
    return gather(house(), EXAMPLES / f"{name}.runbook.md")


def case_of(**parts: Any) -> TestCase:
    """Return a scenario that stands nowhere; its parts are plain values."""
    at = Span(0, 0)
    located: dict[str, Any] = {
        key: {name: At(value=value, span=at) for name, value in parts.pop(key, {}).items()}
        for key in ("mocks", "answers", "events", "expect")
    }
    faults = tuple(At(value=value, span=at) for value in parts.pop("faults", ()))
    given: dict[str, Any] = parts.pop("given", {})
    return TestCase(name="sample", given=given, span=at, faults=faults, **located, **parts)


def played(document: Document, **parts: Any) -> Played:
    """Play a scenario of these parts on a document."""
    assert document.playbook is not None, [finding.sentence for finding in document.errors]
    scenario = scenario_of(case_of(**parts), document.playbook.runbook.source)
    return play(document.playbook, scenario)


def named(document: Document, name: str) -> Played:
    """Play one of a document's own scenarios."""
    assert document.playbook is not None, [finding.sentence for finding in document.errors]
    return next(play(document.playbook, one) for one in document.scenarios if one.name == name)
