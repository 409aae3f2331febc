"""`midwatch fmt`: the looks of blocks, tables and headers, and everything that it leaves alone."""

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from midwatch.runbook.errors import StructureError
from midwatch.runbook.revise.block import formatted_block
from midwatch.runbook.revise.fmt import formatted
from midwatch.runbook.write import HeaderForm
from unit.authoring.command import call
from unit.plan.documents import GOOD, NAME, report_on

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples/pg-connections.runbook.md"


def fmt(text: str, form: HeaderForm | None = None) -> str:
    return formatted(text.encode(), name=NAME, header=form).decode()


def test_the_example_looks_as_it_should_already() -> None:
    assert formatted(EXAMPLE.read_bytes(), name="x") == EXAMPLE.read_bytes()


def test_keys_go_in_order_and_comments_go_with_them() -> None:
    block = """\
task:   measure   # the first
# what it calls
tool: 'disk.read'
kind: command
out:
    # in percent
    used_pct:   {type:   number}   # 0 to 100

    files: {type: array,
            items: {type: string}}
needs: [ a,b ]
text: |
    a # no comment
      b
x-mine: 1.50
retry: {backoff: 1s, # short
  max: 2}
# the end
"""
    assert formatted_block(block, "task") == snapshot("""\
task: measure   # the first
kind: command
needs: [a, b]
# what it calls
tool: "disk.read"
retry: {backoff: 1s, # short
  max: 2}
out:
  # in percent
  used_pct: {type: number}   # 0 to 100

  files: {type: array, items: {type: string}}
text: |
  a # no comment
    b
x-mine: 1.50
# the end
""")


def test_a_block_that_can_not_be_read_stays() -> None:
    for block in ("task: a\ntask: b\n", "task: &x a\n", "task: [\n", "- a\n", "{task: a}\n", ""):
        assert formatted_block(block, "task") == block


def test_tables_of_decisions_are_aligned_and_those_of_people_are_not() -> None:
    people = "| a | b |\n|-|:-:|\n| 12345 | 1 |\n"
    ragged = GOOD.replace("| < 80             | -             | done |", "| < 80 | - | done |", 1)
    ragged = ragged.replace("There is little space left.", f"There is little space left.\n\n{people}")
    done = fmt(ragged)
    assert people in done
    assert "| < 80             | -             | done |" in done
    assert report_on(done).findings == ()


def test_the_header_moves_below_the_title_and_back() -> None:
    good = fmt(GOOD)
    block = fmt(good, HeaderForm.BLOCK)
    assert block.startswith("# A disk fills up\n\n```yaml\nrunbook: v1\n")
    before, after = report_on(good), report_on(block)
    assert after.errors == ()
    assert before.plan is not None
    assert after.plan is not None
    assert before.plan.program == after.plan.program
    assert fmt(block, HeaderForm.FRONT_MATTER) == good
    assert fmt(block, HeaderForm.BLOCK) == block


def test_a_header_does_not_replace_front_matter_of_another_kind() -> None:
    site = "---\nlayout: page\n---\n\n" + fmt(GOOD, HeaderForm.BLOCK)
    assert fmt(site) == site
    with pytest.raises(StructureError) as caught:
        fmt(site, HeaderForm.FRONT_MATTER)
    assert caught.value.code == "MW116"


def test_a_header_in_a_block_does_not_touch_the_next_fence() -> None:
    text = "---\nrunbook: v1\nid: x\n---\n# T\n```sh\nls\n```\n"
    assert report_on(fmt(text, HeaderForm.BLOCK)).errors == ()


def test_windows_line_ends_and_byte_order_marks_stay() -> None:
    data = (
        b"\xef\xbb\xbf"
        + GOOD.replace("timeout: 5s\n", "")
        .replace("tool: disk.read\n", "timeout: 5s\ntool: disk.read\n", 1)
        .replace("\n", "\r\n")
        .encode()
    )
    done = formatted(data, name="x")
    assert done != data
    assert done.startswith(b"\xef\xbb\xbf")
    assert done.count(b"\r\n") == done.count(b"\n")


def test_a_document_without_a_header_stays() -> None:
    text = "# T\n\n```yaml\ntool:   x\ntask: a\n```\n"
    assert fmt(text) == text


def test_the_command_writes_checks_and_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.runbook.md"
    path.write_text(GOOD.replace("kind: command\ntool: disk.read\n", "tool: disk.read\nkind: command\n"))
    path.chmod(0o640)
    before = path.read_text()
    checked = call(capsys, "fmt", "--check", path)
    assert (checked.code, checked.out) == (3, f"would change  {path}\n")
    shown = call(capsys, "fmt", "--diff", path)
    assert "+kind: command\n tool: disk.read\n-kind: command\n" in shown.out
    assert (shown.code, path.read_text()) == (0, before)
    assert call(capsys, "fmt", path, "--json").json == {"files": [{"path": str(path), "changed": True}]}
    assert path.read_text() != before
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["a.runbook.md"]
    assert call(capsys, "fmt", "--check", path).code == 0
    missing = call(capsys, "fmt", tmp_path / "none.md")
    assert (missing.code, "MW946" in missing.err) == (1, True)
