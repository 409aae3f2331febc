"""From the name of a runbook to its plan, with the tools of this house."""

from pathlib import Path
from typing import TYPE_CHECKING

from midwatch.cli.errors import FileInTheWayError, RunbookUnknownError
from midwatch.plan.check import check_executable
from midwatch.plan.compile import Compiled, refuse
from midwatch.plan.tools import Manifests

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened
    from midwatch.wiring.settings import Config


def plan_named(opened: "Opened", name: str) -> Compiled:
    """Return the plan of a runbook, and of those that it calls: a path, or a name of the house or Midwatch.

    Raises:
        RunbookUnknownError: MW944; RunbookRefusedError: MW192, when it has errors.
    """
    from midwatch.wiring.places import RUNBOOK_SUFFIX, runbook_file, runbook_files

    path = runbook_file(opened.config, name)
    if path is None:
        known = sorted({each.name.removesuffix(RUNBOOK_SUFFIX) for each in runbook_files(opened.config)})
        raise RunbookUnknownError(f"there is no runbook {name!r}", known=", ".join(known))
    return plan_of_file(opened, path)


def shipped_plan(opened: "Opened", name: str) -> Compiled:
    """Return the plan of a runbook as it ships with Midwatch, whatever the own folders hold."""
    from midwatch.wiring.places import shipped_runbook

    return plan_of_file(opened, shipped_runbook(name))


def plan_of_file(opened: "Opened", path: Path) -> Compiled:
    """Return the plan of a file, one that this release can run.

    Raises:
        FileInTheWayError: MW946; RunbookRefusedError: MW192, when it has errors;
        NotExecutableError: MW190, when it asks for more than this release can do.
    """
    compiled = compiled_of_file(opened.config, path, opened.house.tools.manifests)
    for plan in (compiled.plan, *compiled.callees.values()):
        check_executable(plan)
    return compiled


def compiled_of_file(config: "Config", path: Path, manifests: Manifests) -> Compiled:
    """Return the plan of a file, and those of all runbooks that it calls.

    Raises:
        FileInTheWayError: MW946; RunbookRefusedError: MW192, when it has errors.
    """
    from midwatch.wiring.lint import lint_file

    report = lint_file(config, path, read_file(path), manifests)
    if report.compiled is None:
        refuse(str(path), list(report.findings))
        raise RunbookUnknownError(f"{path} has no tasks, so there is nothing to run", known="rounds")
    return report.compiled


def read_file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        FileInTheWayError: MW946, when it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileInTheWayError(f"{path} can't be read: {error.strerror}", path=str(path)) from error
