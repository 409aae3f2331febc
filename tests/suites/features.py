"""Reading the scenarios of the Open Workflow conformance kit: Gherkin, as far as the kit uses it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from midwatch.exchange.tree import read_tree

_QUOTED = re.compile(r"'([^']+)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a scenario, and the text below it."""

    words: str
    text: str = ""

    @property
    def value(self) -> Any:
        """What the text below says, as YAML."""
        return read_tree(self.text.encode(), name="step.yaml").value

    @property
    def quoted(self) -> list[str]:
        """The words in quotes."""
        return _QUOTED.findall(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario."""

    feature: str
    name: str
    definition: str
    input: Any = field(default_factory=dict)
    checks: tuple[Step, ...] = ()

    @property
    def id(self) -> str:
        """A short name for reports."""
        return f"{self.feature}: {self.name}"


def scenarios(folder: Path) -> list[Scenario]:
    """Return every scenario of a folder of features, in the order of its files."""
    return [found for path in sorted(folder.glob("*.feature")) for found in _scenarios(path)]


def _scenarios(path: Path) -> Iterator[Scenario]:
    for part in path.read_text().split("  Scenario: ")[1:]:
        name, _, body = part.partition("\n")
        steps = list(_steps(body.split("\n")))
        definition = next(step.text for step in steps if step.words.endswith("a workflow with definition:"))
        given = next((step for step in steps if step.words.endswith("the workflow input is:")), None)
        yield Scenario(
            feature=path.stem,
            name=name.strip(),
            definition=definition,
            input={} if given is None else given.value,
            checks=tuple(
                step for step in steps if "definition:" not in step.words and "input is:" not in step.words
            ),
        )


def _steps(lines: list[str]) -> Iterator[Step]:
    at = 0
    while at < len(lines):
        words = lines[at].strip()
        at += 1
        if not re.match(r"(Given|When|Then|And)\b", words):
            continue
        text: list[str] = []
        if at < len(lines) and lines[at].strip().startswith('"""'):
            margin = len(lines[at]) - len(lines[at].lstrip())
            at += 1
            while lines[at].strip() != '"""':
                text.append(lines[at][margin:])
                at += 1
            at += 1
        yield Step(words=words, text="\n".join(text) + "\n" if text else "")
