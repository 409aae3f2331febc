"""Findings of the lint as SARIF 2.1.0, which code hosts show beside the lines of a change.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0, sections 3.13 to 3.27.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from midwatch.base.canonical import digest
from midwatch.base.errors import MidwatchError, meaning_of
from midwatch.plan.review import LintReport
from midwatch.runbook.source import Finding, Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(reports: Sequence[LintReport], *, version: str) -> dict[str, Any]:
    """Return reports as one SARIF log.

    Args:
        reports: of every file that was looked at.
        version: of Midwatch.
    """
    kinds = sorted(
        {finding.kind for report in reports for finding in report.findings}, key=lambda kind: kind.code
    )
    places = {kind.code: place for place, kind in enumerate(kinds)}
    driver = {"name": "midwatch", "semanticVersion": version, "rules": [_rule(kind) for kind in kinds]}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "artifacts": [{"location": {"uri": _uri(report.name)}} for report in reports],
                "results": list(_results(reports, places)),
            }
        ],
    }


def _rule(kind: type[MidwatchError]) -> dict[str, Any]:
    return {
        "id": kind.code,
        "name": kind.__name__,
        "shortDescription": {"text": meaning_of(kind)},
        "help": {"text": f"{kind.fix} More: midwatch explain {kind.code}"},
    }


def _results(reports: Iterable[LintReport], places: dict[str, int]) -> Iterable[dict[str, Any]]:
    for report in reports:
        seen: dict[str, int] = {}
        for finding in report.findings:
            name = digest([finding.code, finding.sentence])
            seen[name] = seen.get(name, 0) + 1
            yield {
                "ruleId": finding.code,
                "ruleIndex": places[finding.code],
                "level": LEVELS[finding.severity],
                "message": {"text": f"{finding.sentence}. {finding.fix}".rstrip()},
                "locations": [{"physicalLocation": _location(finding)}],
                "partialFingerprints": {"midwatch/v1": f"{name}:{seen[name]}"},
            }


def _location(finding: Finding) -> dict[str, Any]:
    file = finding.place.rsplit(":", 2)[0]
    line = finding.excerpt.split("\n", 1)[0]
    region: dict[str, Any] = {"startLine": finding.line, "startColumn": finding.column}
    return {"artifactLocation": {"uri": _uri(file)}, "region": {**region, "snippet": {"text": line}}}


def _uri(name: str) -> str:
    """Return a path as a relative reference, or an absolute one of this host."""
    path = quote(name.replace("\\", "/"))
    return f"file://{path}" if path.startswith("/") else path
