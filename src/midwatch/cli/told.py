"""An error in the one form that people read."""

from midwatch.base.errors import MidwatchError
from midwatch.cli.screen import Screen, Styled
from midwatch.runbook.source import Finding, Severity

_STYLE = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


def show_error(screen: Screen, error: MidwatchError) -> None:
    """Write an error for people: code, place and sentence; the excerpt; what to do next."""
    place = f" {error.place}" if error.place else ""
    screen.line(Styled(error.code, "red"), f"{place} {_sentence(error.sentence)}")
    for line in error.excerpt.splitlines():
        screen.line("    ", Styled(line, "dim"))
    if error.help:
        screen.line(Styled("Fix: ", "bold"), error.help)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "?", "!")) else f"{text}."


def show_finding(screen: Screen, finding: Finding) -> None:
    """Write a finding about a document: code, place and sentence; the excerpt; what to do next."""
    first, *more = finding.sentence.splitlines()
    screen.line(
        Styled(finding.code, _STYLE[finding.severity]), f" {finding.place} {finding.severity.value}: {first}"
    )
    for line in more:
        screen.line("  ", line)
    for line in finding.excerpt.splitlines():
        screen.line("    ", Styled(line, "dim"))
    if finding.fix:
        screen.line(Styled("Fix: ", "bold"), finding.fix)
