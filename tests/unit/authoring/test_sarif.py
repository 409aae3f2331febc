"""`midwatch lint --sarif`: the shape that SARIF 2.1.0 requires, and every finding at its place."""

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from unit.authoring.command import call

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
URI = {"type": "string", "pattern": "^(?:file:///|(?![a-z]+:))[^ \\\\]+$"}
REGION = {
    "type": "object",
    "required": ["startLine", "startColumn"],
    "properties": {"startLine": {"minimum": 1}, "startColumn": {"minimum": 1}},
}
LOCATION = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "required": ["artifactLocation", "region"],
            "properties": {
                "artifactLocation": {"required": ["uri"], "properties": {"uri": URI}},
                "region": REGION,
            },
        }
    },
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "properties": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "minItems": 1, "items": LOCATION},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
DRIVER = {
    "type": "object",
    "required": ["name", "rules"],
    "properties": {
        "semanticVersion": {"pattern": r"^\d+\.\d+\.\d+"},
        "rules": {
            "uniqueItems": True,
            "items": {
                "required": ["id", "shortDescription"],
                "properties": {"shortDescription": TEXT, "help": TEXT},
            },
        },
    },
}
SHAPE = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {"required": ["driver"], "properties": {"driver": DRIVER}},
                    "results": {"type": "array", "items": RESULT},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                },
            },
        },
    },
}
"""What sections 3.13 to 3.30 of the standard require of a log like ours."""
BAD = "---\nrunbook: v1\nid: x\nmodes: auto\n---\n# T\n\n```yaml\ntask: a\nkind: comand\n```\n"


def checked(log: Any) -> Any:
    jsonschema_rs.validator_for(SHAPE).validate(log)
    for result in log["runs"][0]["results"]:
        assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return log["runs"][0]


def test_every_finding_is_a_result_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b.md").write_text(BAD)
    said = call(capsys, "lint", "--sarif", "a b.md")
    run = checked(said.json)
    findings = call(capsys, "lint", "--json", "a b.md").json["reports"][0]["findings"]
    assert said.code == 3
    assert [result["ruleId"] for result in run["results"]] == [finding["code"] for finding in findings]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "a%20b.md"}
    assert (place["region"]["startLine"], place["region"]["startColumn"]) == (4, 1)
    assert place["region"]["snippet"] == {"text": "modes: auto"}


def test_a_file_without_findings_is_a_log_without_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.md").write_text("# T\n")
    said = call(capsys, "lint", "--sarif", tmp_path / "a.md")
    run = checked(said.json)
    assert (said.code, run["results"], run["tool"]["driver"]["rules"]) == (0, [], [])
    assert run["artifacts"][0]["location"]["uri"].startswith("file:///")
