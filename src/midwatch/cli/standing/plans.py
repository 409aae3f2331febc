"""From the name of a runbook to its plan, with the tools of this house."""

from pathlib import Path
from typing import TYPE_CHECKING

from midwatch.cli.errors import FileInTheWayError, RunbookUnknownError
from midwatch.plan.compile import refuse
from midwatch.plan.model import Plan
from midwatch.plan.review import lint_text

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened


def plan_named(opened: "Opened", name: str) -> Plan:
    """Return the plan of a runbook: a path, or the name of one of the house's own or of Midwatch's.

    Raises:
        RunbookUnknownError: MW944; RunbookRefusedError: MW192, when it has errors.
    """
    from midwatch.wiring.places import RUNBOOK_SUFFIX, runbook_file, runbook_files

    path = runbook_file(opened.config, name)
    if path is None:
        known = sorted({each.name.removesuffix(RUNBOOK_SUFFIX) for each in runbook_files(opened.config)})
        raise RunbookUnknownError(f"there is no runbook {name!r}", known=", ".join(known))
    return plan_of_file(opened, path)


def shipped_plan(opened: "Opened", name: str) -> Plan:
    """Return the plan of a runbook as it ships with Midwatch, whatever the own folders hold."""
    from midwatch.wiring.places import shipped_runbook

    return plan_of_file(opened, shipped_runbook(name))


def plan_of_file(opened: "Opened", path: Path) -> Plan:
    """Return the plan of a file.

    Raises:
        FileInTheWayError: MW946; RunbookRefusedError: MW192, when it has errors.
    """
    report = lint_text(read_file(path), name=str(path), manifests=opened.house.tools.manifests)
    if report.plan is None:
        refuse(str(path), list(report.findings))
        raise RunbookUnknownError(f"{path} has no tasks, so there is nothing to run", known="rounds")
    return report.plan


def read_file(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        FileInTheWayError: MW946, when it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileInTheWayError(f"{path} can't be read: {error.strerror}", path=str(path)) from error
