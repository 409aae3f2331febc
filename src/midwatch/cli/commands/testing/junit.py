"""Results as JUnit XML, which every CI system reads."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from midwatch.cli.commands.testing.gather import Document
from midwatch.runbook.source import Finding

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 can't hold (section 2.2)."""


def junit_of(documents: Sequence[Document]) -> str:
    """Return the XML of all documents: a suite for each, a case for each scenario."""
    root = ET.Element("testsuites", name="midwatch")
    for document in documents:
        suite = ET.SubElement(root, "testsuite", name=str(document.path))
        for finding in document.errors:
            case = ET.SubElement(suite, "testcase", classname=str(document.path), name="lint")
            _add(case, "error", (finding,))
        for played in document.played:
            name = _legal(played.scenario.name)
            case = ET.SubElement(suite, "testcase", classname=str(document.path), name=name)
            case.set("file", played.scenario.source.name)
            line, _ = played.scenario.source.line_column(played.scenario.case.span.start)
            case.set("line", str(line))
            if not played.ok:
                _add(case, "failure", played.findings)
        failures = sum(not played.ok for played in document.played)
        suite.set("tests", str(len(document.played) + len(document.errors)))
        suite.set("failures", str(failures))
        suite.set("errors", str(len(document.errors)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(case: ET.Element, kind: str, findings: Sequence[Finding]) -> None:
    found = ET.SubElement(case, kind, type=findings[0].code, message=_legal(findings[0].sentence))
    found.text = _legal(
        "\n".join(f"{one.place} {one.code} {one.sentence}\n{one.excerpt}" for one in findings)
    )


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
