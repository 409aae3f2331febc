"""A plugin of pytest: each scenario of a `*.runbook.md` is a test of its own.

It does nothing until asked: `--midwatch`, or `midwatch = true` in pytest's configuration. All else is
imported then, so that a suite that merely has Midwatch installed pays for this module alone.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from midwatch.cli.commands.testing.gather import Document
    from midwatch.lab.play import Played
    from midwatch.lab.scenario import Scenario
    from midwatch.runbook.source import Finding

_RUNBOOK = ".runbook.md"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("midwatch", "runbooks")
    group.addoption(
        "--midwatch", action="store_true", default=False, help="Play the scenarios of *.runbook.md files."
    )
    parser.addini("midwatch", "Play the scenarios of *.runbook.md files.", type="bool", default=False)
    parser.addini("midwatch_config", "Settings of Midwatch, relative to the rootdir.", default="")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "RunbookFile | None":
    """Collect a runbook, where that is asked for."""
    if not file_path.name.endswith(_RUNBOOK):
        return None
    config = parent.config
    if not (config.getoption("--midwatch") or config.getini("midwatch")):
        return None
    return RunbookFile.from_parent(parent, path=file_path)


class RunbookFile(pytest.File):
    """A runbook, with the files of scenarios beside it."""

    def collect(self) -> "Iterable[pytest.Item]":
        """Yield one item for each scenario, or one for what keeps the document from being played."""
        from midwatch.cli.commands.testing.gather import gather
        from midwatch.wiring.settings import settings

        given = str(self.config.getini("midwatch_config"))
        document = gather(settings(self.config.rootpath / given if given else None), self.path)
        if document.errors:
            yield LintItem.from_parent(self, name="lint", document=document)
        for scenario in document.scenarios:
            yield ScenarioItem.from_parent(self, name=scenario.name, document=document, scenario=scenario)


class ScenarioFailedError(Exception):
    """A scenario found something."""

    def __init__(self, findings: "Iterable[Finding]", played: "Played | None" = None) -> None:
        """Keep what was found."""
        super().__init__()
        self.findings = tuple(findings)
        self.played = played


class _Item(pytest.Item):
    def __init__(self, *, document: "Document", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.document = document

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any
    ) -> str | Any:
        """Return what a person reads: the findings, then the story of the run."""
        error = excinfo.value
        if not isinstance(error, ScenarioFailedError):
            return super().repr_failure(excinfo, *args, **kwargs)
        lines = [f"{one.place} {one.code} {one.sentence}\n{one.excerpt}" for one in error.findings]
        playbook = self.document.playbook
        if error.played is not None and playbook is not None:
            from midwatch.insight.narrate import story

            lines += ["", *(f"  {line.text}" for line in story(playbook.plan, error.played.events))]
        return "\n".join(lines)


class LintItem(_Item):
    """What keeps a document from being played."""

    def runtest(self) -> None:
        """Fail with the errors of lint."""
        raise ScenarioFailedError(self.document.errors)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where it stands."""
        return self.path, self.document.errors[0].line - 1, "lint"


class ScenarioItem(_Item):
    """One scenario."""

    def __init__(self, *, scenario: "Scenario", **kwargs: Any) -> None:
        """Play nothing yet."""
        super().__init__(**kwargs)
        self.scenario = scenario

    def runtest(self) -> None:
        """Play it."""
        played = self.document.play(self.scenario)
        if not played.ok:
            raise ScenarioFailedError(played.findings, played)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where it stands."""
        line, _ = self.scenario.source.line_column(self.scenario.case.span.start)
        return Path(self.scenario.source.name), line - 1, self.name
