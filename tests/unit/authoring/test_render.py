"""`midwatch render`: a page, a graph, a graph that the document keeps."""

from pathlib import Path

import pytest

from unit.authoring.command import call
from unit.plan.documents import GOOD, report_on

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "disk.runbook.md"
    path.write_text(GOOD)
    return path


def test_a_page_says_everything_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "render", file).out
    assert text.startswith("<!doctype html>")
    assert text.count("<h1>A disk fills up</h1>") == 1
    assert '<a href="#task-measure">Measure</a>' in text
    assert '<h2 id="task-measure">Measure</h2>' in text
    assert "df --output=pcent" in text
    assert "[80..95)" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert 'on_deny <a href="#task-leave">' in text


def test_html_in_prose_is_shown_and_not_run(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(GOOD.replace("Look once.", "<script>alert(1)</script> ![x](https://example.org/x.png)"))
    text = call(capsys, "render", "--html", file).out
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    assert "<img" not in text


def test_the_graph_is_mermaid(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = call(capsys, "render", file, "--mermaid").out.splitlines()
    assert lines[0] == "flowchart TD"
    assert '    t_decide{"Decide<br/>decision"}' in lines
    assert '    t_ask -->|"decide.next == #34;move#34;"| t_move' in lines
    assert '    t_move -.->|"undo"| t_put_back' in lines
    assert '    t_drop --> end_drop_resolved(["resolved"])' in lines


def test_a_document_keeps_its_graph(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = report_on(file.read_text()).plan
    assert call(capsys, "render", file, "--in-place").code == 0
    text = file.read_text()
    assert text.index("## Graph") < text.index("## Task: Measure")
    assert "```mermaid\n%% midwatch:graph\nflowchart TD\n" in text
    after = report_on(text)
    assert after.findings == ()
    assert before is not None
    assert after.plan is not None
    assert after.plan.program == before.program
    assert call(capsys, "render", file, "--in-place").code == 0
    assert call(capsys, "fmt", "--check", file).code == 0
    assert file.read_text() == text
    file.write_text(text.replace("## Task: Measure", "## Task: Look"))
    assert call(capsys, "fmt", "--check", file).code == 3
    assert call(capsys, "fmt", file).code == 0
    assert 't_measure["Look<br/>command"]' in file.read_text()


def test_a_document_with_errors_is_not_rendered(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(GOOD.replace("kind: command", "kind: comand"))
    said = call(capsys, "render", file)
    assert (said.code, "MW192" in said.err) == (1, True)


def test_the_output_goes_to_a_file(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "render", file, "--markdown", "-o", tmp_path / "a.md").out == ""
    assert report_on((tmp_path / "a.md").read_text()).errors == ()
    assert call(capsys, "render", file, "--html", "--in-place").code == 2


def test_every_shipped_runbook_is_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted((ROOT / "src/midwatch/shipped/runbooks").glob("*.md")):
        assert call(capsys, "render", path).out.endswith("</html>\n")
