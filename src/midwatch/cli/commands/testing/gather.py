"""From files to documents with their scenarios: of their own, and of the files beside them."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from midwatch.cli.errors import FileInTheWayError
from midwatch.lab.cover import Coverage, coverage
from midwatch.lab.files import read_cases
from midwatch.lab.play import Played, play
from midwatch.lab.scenario import Scenario, scenario_of
from midwatch.lab.stage import Playbook
from midwatch.runbook.source import Finding, Severity

if TYPE_CHECKING:
    from midwatch.wiring.settings import Config

RUNBOOK = ".runbook.md"
_BESIDE = re.compile(r"(?P<name>.+)\.tests\.ya?ml")
_FOLDER = "tests"


class Document:
    """A runbook with its scenarios, and what became of them."""

    def __init__(
        self,
        *,
        path: Path,
        playbook: Playbook | None,
        scenarios: tuple[Scenario, ...],
        errors: tuple[Finding, ...],
    ) -> None:
        """Have played nothing; `errors` keep it, or a file of scenarios, from being played."""
        self.path = path
        self.playbook = playbook
        """None where it has errors, or nothing to run."""
        self.scenarios = scenarios
        self.errors = errors
        self.played: list[Played] = []

    @property
    def cover(self) -> Coverage | None:
        """What the played scenarios exercise."""
        return None if self.playbook is None else coverage(self.playbook, self.played)

    def play(self, scenario: Scenario) -> Played:
        """Play one of its scenarios."""
        assert self.playbook is not None, "a document with errors has no scenarios to play"
        done = play(self.playbook, scenario)
        self.played.append(done)
        return done


def gather(config: "Config", path: Path) -> Document:
    """Return a document: of a runbook's file, or of a file of scenarios beside one.

    Raises:
        FileInTheWayError: MW946, a file can't be read, or has no runbook beside it.
        MidwatchError: MW3xx, MW413, MW5xx: policy, people and manifests of the house can't be read.
    """
    from midwatch.cli.standing.plans import read_file
    from midwatch.wiring.force import read_people, read_policy
    from midwatch.wiring.lint import lint_file
    from midwatch.wiring.manifests import manifests_for

    runbook = path if path.name.endswith(".md") else _runbook_of(path)
    beside = files_beside(runbook) if runbook == path else (path,)
    declared = manifests_for(config, runbook)
    report = lint_file(config, runbook, read_file(runbook), declared)
    if report.compiled is None or report.checked is None:
        return Document(path=runbook, playbook=None, scenarios=(), errors=report.errors)
    playbook = Playbook(
        runbook=report.checked.runbook,
        compiled=report.compiled,
        manifests=declared,
        rules=read_policy(config)[0],
        profile=config.profile,
        house_people=read_people(config)[0] if config.people is not None else None,
    )
    source = report.checked.runbook.source
    own = playbook.runbook.tests if runbook == path else ()
    scenarios = [scenario_of(case, source) for case in own]
    errors: list[Finding] = []
    for file in beside:
        source, cases, findings = read_cases(
            read_file(file), name=str(file), checked=report.checked, manifests=declared
        )
        wrong = [finding for finding in findings if finding.severity is Severity.ERROR]
        errors.extend(wrong)
        if not wrong:
            scenarios.extend(scenario_of(case, source) for case in cases)
    return Document(path=runbook, playbook=playbook, scenarios=tuple(scenarios), errors=tuple(errors))


def chosen(documents: Iterable[Document], wanted: str) -> list[tuple[Document, Scenario]]:
    """Return the scenarios whose name holds a text, whatever its case; all for an empty text."""
    low = wanted.lower()
    return [
        (document, scenario)
        for document in documents
        for scenario in document.scenarios
        if low in scenario.name.lower()
    ]


def files_beside(runbook: Path) -> tuple[Path, ...]:
    """Return the files of scenarios of a runbook: `NAME.tests.yaml` and `tests/NAME.*.yaml`."""
    name = _name_of(runbook)
    beside = [runbook.with_name(f"{name}.tests.{end}") for end in ("yaml", "yml")]
    below = [path for end in ("yaml", "yml") for path in _below(runbook.parent / _FOLDER, name, end)]
    return tuple(path for path in (*beside, *sorted(below)) if path.is_file())


def _below(folder: Path, name: str, end: str) -> Sequence[Path]:
    return [path for path in folder.glob(f"*.{end}") if path.name.startswith(f"{name}.")]


def _name_of(runbook: Path) -> str:
    return runbook.name.removesuffix(RUNBOOK).removesuffix(".md")


@lru_cache(maxsize=256)
def _runbook_of(path: Path) -> Path:
    """Return the runbook that a file of scenarios is about."""
    found = _BESIDE.fullmatch(path.name)
    if found is not None and (runbook := path.with_name(found["name"] + RUNBOOK)).exists():
        return runbook
    if path.parent.name == _FOLDER:
        known = path.parent.parent.glob(f"*{RUNBOOK}")
        for runbook in sorted(known, key=lambda each: -len(each.name)):
            if path.name.startswith(f"{_name_of(runbook)}."):
                return runbook
    raise FileInTheWayError(f"{path} is no runbook, and none lies beside it", path=str(path))
