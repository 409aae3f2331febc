"""`midwatch diff` on files and on versions of git."""

import subprocess
from pathlib import Path

import pytest

from unit.authoring.command import call

OLD = """\
---
runbook: v1
id: space
mode: observe
tools: [host.filesystems]
---

# Is there space?

## Task: Measure

Look.

```yaml
task: measure
kind: command
tool: host.filesystems
ends: no_action
```
"""
WIDER = OLD.replace("mode: observe", "mode: auto")
PROSE = OLD.replace("Look.", "Look twice.")


def git(folder: Path, *args: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=k", "-c", "user.email=k@example.org", *args]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("old.md", OLD), ("wider.md", WIDER), ("prose.md", PROSE)):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_two_files_are_told_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wider = call(capsys, "diff", "old.md", "wider.md")
    assert wider.code == 3
    assert wider.out == (
        "It may do what it could not do before:\n  - the runbook: the mode is `auto`, was `observe`\n"
    )
    prose = call(capsys, "diff", "old.md", "prose.md", "--json")
    assert prose.code == 0
    assert prose.json["may_do_more"] is False
    assert prose.json["same_program"] is True
    assert [change["what"] for change in prose.json["changes"]] == ["prose"]
    assert call(capsys, "diff", "old.md", "old.md").out == "Nothing is different.\n"


def test_a_version_of_git_is_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(folder, "init", "-q")
    git(folder, "add", "old.md")
    git(folder, "commit", "-q", "-m", "one")
    (folder / "old.md").write_text(WIDER)
    assert call(capsys, "diff", "HEAD:old.md", "old.md").code == 3
    assert call(capsys, "diff", "HEAD:./old.md", "prose.md").code == 0


@pytest.mark.parametrize("name", ["HEAD:none.md", "nothing:old.md", "--output=x:old.md", "HEAD:../old.md"])
def test_what_git_does_not_have_is_said(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    git(folder, "init", "-q")
    said = call(capsys, "diff", "--", name, "old.md")
    assert (said.code, "MW159" in said.err) == (1, True)
    assert sorted(each.name for each in folder.iterdir()) == [".git", "old.md", "prose.md", "wider.md"]


def test_a_document_with_errors_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.md").write_text(OLD.replace("kind: command", "kind: comand"))
    said = call(capsys, "diff", "old.md", "bad.md")
    assert (said.code, "MW192" in said.err) == (1, True)
