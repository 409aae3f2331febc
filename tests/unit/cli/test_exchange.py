"""`import`, `export` and `rank` on the command line."""

import json
from pathlib import Path

import pytest

from midwatch.cli.wall import run

PAGE = "# A\n\n## Fix\n\nRestart it:\n\n```sh\nsystemctl restart app\n```\n"
HARMLESS = "# B\n\nThis alert fires daily above 95%.\n\n```sh\n$ df -h\n/dev/sda1 96%\n```\n"
DEADLY = "# C\n\nDecide whether, and ask.\n\n```sh\nterraform destroy\nrm -rf <folder>\n```\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIDWATCH_STATE", str(tmp_path / "state"))
    return tmp_path


def test_an_import_writes_a_runbook_and_never_over_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.md").write_text(PAGE)

    assert run(["import", "a.md", "-o", "out", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["written"] == ["out/a.runbook.md"]
    assert said["report"]["parts"]["not"] == 0
    before = (folder / "out/a.runbook.md").read_text()

    assert run(["import", "a.md", "-o", "out"]) == 1
    assert "MW946" in capsys.readouterr().err
    assert (folder / "out/a.runbook.md").read_text() == before


def test_every_part_is_told_in_words_where_it_is_not_exact(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "w.yaml").write_text(
        "document: {dsl: 1.0.3, namespace: a, name: b, version: 1.0.0}\n"
        "do:\n- t: {wait: PT1S}\ntimeout: {after: PT1H}\n"
    )

    assert run(["import", "w.yaml"]) == 0
    said = capsys.readouterr().out
    assert "not  w.yaml:4:10  timeout: a run has no time limit of its own" in said
    assert "wait:" not in said

    assert run(["import", "w.yaml", "-o", "again", "--all"]) == 0
    assert "exactly  w.yaml:3:13  wait: `for: 1s`" in capsys.readouterr().out


def test_a_document_that_is_not_valid_is_told_with_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "w.yaml").write_text("schemaVersion: '0.3'\nmainSteps:\n- {name: a}\n")

    assert run(["import", "w.yaml"]) == 1
    assert "MW172 w.yaml:3:3" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["w.yaml"]


def test_an_export_is_printed_or_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.md").write_text(PAGE)
    run(["import", "a.md"])
    capsys.readouterr()

    assert run(["export", "a.runbook.md", "--to", "markdown"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("# A\n")
    assert "carried:" in printed.err

    assert run(["export", "a.runbook.md", "--to", "markdown", "-o", "out"]) == 0
    assert (folder / "out/a.md").read_text() == printed.out


def test_what_looks_and_recurs_ranks_before_what_destroys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "wiki").mkdir()
    for name, text in (("b.md", HARMLESS), ("c.md", DEADLY)):
        (folder / "wiki" / name).write_text(text)
    (folder / "wiki" / "d.yaml").write_text("a: 1")

    assert run(["rank", "wiki", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    first, last = said["candidates"]
    assert (first["title"], last["title"]) == ("B", "C")
    points = {aspect["name"]: aspect["points"] for aspect in last["aspects"]}
    assert points["blast_radius"] == 10
    assert points["reversibility"] < 50
    reasons = " ".join(reason for aspect in last["aspects"] for reason in aspect["reasons"])
    assert "`terraform destroy` destroys infrastructure" in reasons
    assert [(one["name"], one["code"]) for one in said["skipped"]] == [("wiki/d.yaml", "MW171")]
