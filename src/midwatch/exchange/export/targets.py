"""The formats that a runbook can be exported to."""

from enum import StrEnum
from typing import assert_never

from midwatch.exchange.export.cacao import to_cacao
from midwatch.exchange.export.markdown import to_markdown
from midwatch.exchange.export.open_workflow import to_open_workflow
from midwatch.exchange.export.skill import to_skill
from midwatch.exchange.report import Report
from midwatch.runbook.model import Runbook


class Target(StrEnum):
    """A format."""

    SKILL = "skill"
    OPEN_WORKFLOW = "open-workflow"
    CACAO = "cacao"
    MARKDOWN = "markdown"


def export(runbook: Runbook, target: Target, *, now: str) -> tuple[str, Report]:
    """Return the runbook's text in a format, and what went along.

    Args:
        runbook: as parsed.
        target: the format.
        now: the moment, RFC 3339 in UTC; some formats say when they were made.

    Raises:
        NotExportableError: MW174.
    """
    match target:
        case Target.SKILL:
            return to_skill(runbook)
        case Target.OPEN_WORKFLOW:
            return to_open_workflow(runbook)
        case Target.CACAO:
            return to_cacao(runbook, now=now)
        case Target.MARKDOWN:
            return to_markdown(runbook)
        case _:
            assert_never(target)


def file_name(identifier: str, target: Target) -> str:
    """Return what the file is called that holds an export."""
    match target:
        case Target.SKILL:
            return "SKILL.md"
        case Target.OPEN_WORKFLOW:
            return f"{identifier}.workflow.yaml"
        case Target.CACAO:
            return f"{identifier}.cacao.json"
        case Target.MARKDOWN:
            return f"{identifier}.md"
        case _:
            assert_never(target)
