"""The templates: each is a whole runbook that lints clean and plays a yes, a no and a silence."""

from pathlib import Path

import pytest

from midwatch.adapters.tools.manifests import load_manifests
from midwatch.plan.review import lint_text
from midwatch.runbook.model import Level
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.revise.fmt import formatted
from midwatch.runbook.source import Severity
from midwatch.wiring.templates import Template, templates
from unit.authoring.command import call

WANTED = {
    "bad-deploy",
    "certificate-expiry",
    "disk-pressure",
    "failed-service",
    "postgres-connections",
    "ticket-triage",
}
EVERY = pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)


def test_there_is_a_template_for_each_common_night() -> None:
    assert {template.name for template in templates()} == WANTED


@EVERY
def test_a_template_lints_clean_with_its_manifests(template: Template, tmp_path: Path) -> None:
    for name, text in template.manifests.items():
        (tmp_path / f"{name}.toml").write_text(text)
    report = lint_text(template.text.encode(), name=template.name, manifests=load_manifests([tmp_path]))
    assert [finding.sentence for finding in report.findings if finding.severity is not Severity.INFO] == []
    assert report.level is Level.L3


@EVERY
def test_a_template_plays_a_yes_a_no_and_a_silence(template: Template) -> None:
    tests = parse_runbook(template.text.encode(), name="x")[0].tests
    answers = [at.value for test in tests for at in test.answers.values()]
    assert len(tests) >= 3
    assert "timeout" in answers
    assert any(isinstance(answer, dict) and "deny" in answer for answer in answers)
    assert any(isinstance(answer, dict) and "approve" in answer for answer in answers)


@EVERY
def test_a_template_is_formatted(template: Template) -> None:
    data = template.text.encode()
    assert formatted(data, name="x") == data


def test_a_template_becomes_a_file_with_its_tools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, tools = tmp_path / "runbooks/deploy.runbook.md", tmp_path / "tools"
    said = call(capsys, "new", "bad-deploy", "-o", file, "--tools", tools)
    assert said.code == 0
    assert said.out.endswith(f"Next: midwatch lint {file}\n")
    assert file.read_text().startswith("---\nrunbook: v1\nid: bad-deploy\n")
    assert {path.stem for path in tools.iterdir()} == {
        "deploy.current",
        "deploy.set_version",
        "service.errors",
    }
    again = call(capsys, "new", "bad-deploy", "-o", file)
    assert (again.code, "MW946" in again.err) == (1, True)


def test_templates_are_listed_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    listed = call(capsys, "new", "--list", "--json").json["templates"]
    assert {each["name"] for each in listed} == WANTED
    assert "failed-service        A service has failed\n" in call(capsys, "new").out
    assert call(capsys, "new", "disk-pressure").out.startswith("---\nrunbook: v1\n")
    unknown = call(capsys, "new", "disk-presure")
    assert (unknown.code, "MW949" in unknown.err, "disk-pressure" in unknown.err) == (1, True, True)
