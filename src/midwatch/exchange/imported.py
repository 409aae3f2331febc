"""What an import gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from midwatch.base.classes import Mode
from midwatch.exchange.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a document is to be imported."""

    mode: Mode = Mode.PROPOSE
    owner: str = "team:guardians"
    with_commands: bool = False
    """Make a command task of each shell fence that is one plain command; a person reviews each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One document of another format as a runbook."""

    id: str
    text: str
    """The runbook's whole text."""
    report: Report
    files: Mapping[str, str] = field(default_factory=dict)
    """Name to text of what else it needs: manifests of tools, for a person to review."""
