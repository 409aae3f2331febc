"""`midwatch test` on the command line, and what it writes for machines."""

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from midwatch.cli.wall import run
from support.scenarios import EXAMPLES

CONFIG = ("--config", str(EXAMPLES / "midwatch.toml"))
LAG = EXAMPLES / "replica-lag.runbook.md"


def test(*args: str | Path) -> int:
    return run([*CONFIG, "test", *(str(arg) for arg in args)])


test.__test__ = False  # type: ignore[attr-defined] # pytest takes every function of that name


def broken(folder: Path) -> Path:
    """Return a copy of an example with one expectation that does not come true."""
    path = folder / LAG.name
    path.write_text(LAG.read_text().replace("ends: no_action, notified: 1", "ends: no_action, notified: 2"))
    return path


def test_it_is_quiet_where_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert test(LAG) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{LAG}: 8 scenarios passed; 100 % covered (tasks 8/8, branches 8/8, rows 3/3")


def test_a_difference_is_told_with_its_place_and_the_exit_code_is_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = broken(tmp_path)
    assert test(path) == 3
    said = capsys.readouterr().out
    assert f"MW650 {path}:" in said
    assert "it keeps up: `notified` was to be 2, and is 1" in said
    assert "started A replica falls behind" not in said


def test_v_tells_the_run_of_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test("-v", broken(tmp_path))
    said = capsys.readouterr().out
    assert said.count("started A replica falls behind") == 1
    assert "paused, and it catches up  resolved" in said


def test_k_plays_what_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert test("-k", "NOBODY", "--json", LAG) == 0
    record = json.loads(capsys.readouterr().out)
    names = [one["name"] for one in record["documents"][0]["scenarios"]]
    assert names == ["nobody answers", "nobody writes, and it is behind"]


def test_nothing_to_play_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert test("-k", "no such name", LAG) == 1
    assert "MW656" in capsys.readouterr().err


def test_too_little_covered_is_told_by_name_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert test("-k", "it keeps up", "--cover-min", "90", LAG) == 3
    said = capsys.readouterr().out
    assert "MW655" in said
    assert "not reached: branch ask on_deny → people" in said
    assert f"not reached: row decide row 2  {LAG}:" in said
    assert test("--cover-min", "100", LAG) == 0


def test_json_says_all_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert test("--json", broken(tmp_path)) == 3
    record = json.loads(capsys.readouterr().out)
    (document,) = record["documents"]
    failed = [one for one in document["scenarios"] if not one["ok"]]
    assert record["ok"] is False
    assert [finding["code"] for one in failed for finding in one["findings"]] == ["MW650"]
    assert document["coverage"]["tasks"] == {"hit": 8, "all": 8}


def test_junit_has_a_case_for_each_scenario(tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    assert test("--junit", file, broken(tmp_path)) == 3
    suite = ET.parse(file).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("8", "1", "0")
    (failure,) = suite.iter("failure")
    assert failure.get("type") == "MW650"


def test_a_runbook_with_errors_is_not_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / LAG.name
    path.write_text(LAG.read_text().replace("needs: [pause]", "needs: [pauze]"))
    file = tmp_path / "junit.xml"
    assert test("--junit", file, path) == 3
    assert "pauze" in capsys.readouterr().out
    assert [case.get("name") for case in ET.parse(file).getroot().iter("testcase")] == ["lint"]


@pytest.mark.parametrize("place", ["replica-lag.tests.yaml", "tests/replica-lag.more.yaml"])
def test_scenarios_may_stand_in_files_beside(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / LAG.name
    document.write_text(LAG.read_text())
    beside = tmp_path / place
    beside.parent.mkdir(exist_ok=True)
    beside.write_text(
        "tests:\n  - name: beside\n    given: {replica: db2}\n    mocks: {measure: {lag_s: 1, writers: 0}}\n"
        "    expect: {ends: failed}\n"
    )
    assert test("-k", "beside", document) == 3
    assert f"MW650 {beside}:5:20" in capsys.readouterr().out
    assert test("--json", beside) == 3
    record = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in record["documents"][0]["scenarios"]] == ["beside"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no `tests:`"),
        ("tests: [{name: x, expect: {ends: no_such}}]", "no_such"),
        ("tests: [{name: x, mocks: {no_such: {}}, expect: {ends: failed}}]", "no_such"),
    ],
)
def test_a_file_beside_is_linted_as_the_block_is(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / LAG.name
    document.write_text(LAG.read_text())
    (tmp_path / "replica-lag.tests.yaml").write_text(text)
    assert test(document) == 3
    assert says in capsys.readouterr().out


def test_a_file_without_a_runbook_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lonely.tests.yaml"
    file.write_text("tests: []\n")
    assert test(file) == 1
    assert "MW946" in capsys.readouterr().err


def test_people_of_the_house_are_asked_where_there_are_any(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(EXAMPLES / "tools", tmp_path / "tools")
    (tmp_path / LAG.name).write_text(LAG.read_text())
    (tmp_path / "midwatch.toml").write_text('tools = ["tools"]\npeople = "people.toml"\n')
    people = '[people.kim]\nname = "Kim"\nos_users = ["kim"]\n[teams]\ndba = ["kim"]\n'
    (tmp_path / "people.toml").write_text(people + '[[oncall.dba]]\nperson = "kim"\n')
    config = str(tmp_path / "midwatch.toml")
    assert run(["--config", config, "test", "-k", "catches up", str(tmp_path / LAG.name)]) == 0
    (tmp_path / "people.toml").write_text('[people.kim]\nname = "Kim"\nos_users = ["kim"]\n')
    assert run(["--config", config, "test", "-k", "catches up", str(tmp_path / LAG.name)]) == 3
    assert "MW658" in capsys.readouterr().out


def test_no_state_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDWATCH_STATE", str(tmp_path / "state"))
    assert test(LAG) == 0
    assert list(tmp_path.iterdir()) == []
