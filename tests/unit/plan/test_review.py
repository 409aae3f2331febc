"""The whole way from bytes to a report: examples, shipped runbooks, levels, what can't be read."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from midwatch.adapters.tools.manifests import load_manifests
from midwatch.base.ids import ToolName
from midwatch.plan.check import check_executable
from midwatch.plan.review import lint_text
from midwatch.runbook.source import DOCUMENT_BYTES_MAX
from unit.plan.documents import GOOD, MANIFESTS, NAME, report_on, spoilt

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.md"))
SHIPPED = sorted((ROOT / "src" / "midwatch" / "shipped" / "runbooks").glob("*.md"))


@pytest.mark.parametrize("path", [*EXAMPLES, *SHIPPED], ids=lambda path: path.name)
def test_every_runbook_in_this_repository_compiles(path: Path) -> None:
    manifests = load_manifests([ROOT / "examples" / "tools"])
    report = lint_text(path.read_bytes(), name=path.name, manifests=manifests)
    assert report.errors == ()
    assert report.plan is not None


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_runbook_can_be_run(path: Path) -> None:
    report = lint_text(path.read_bytes(), name=path.name, manifests=load_manifests())
    assert report.plan is not None
    check_executable(report.plan)


def test_the_example_is_clean_at_the_highest_level_and_can_be_run() -> None:
    path = ROOT / "examples" / "pg-connections.runbook.md"
    report = lint_text(path.read_bytes(), name="pg", manifests=load_manifests([ROOT / "examples" / "tools"]))
    assert report.level == 3
    assert report.findings == ()
    assert report.plan is not None
    check_executable(report.plan)


@pytest.mark.parametrize(
    ("text", "level", "needs"),
    [
        ("# Notes\n\nDo this.\n\n```sh\nls {{ x }}\n```\n```sh\nls\n```\n", 0, "a header"),
        ("", 0, "a header"),
        ("---\nrunbook: v1\nid: x\n---\n\n# X\n", 1, "a task"),
        (GOOD.partition("## Tests")[0], 2, "scenarios"),
        (GOOD.replace("metrics: {resolved_within: 15m}\n", ""), 2, "`metrics:`"),
        (spoilt("ends: escalated", "ends: nowhere"), 2, "no errors"),
        (GOOD, 3, None),
    ],
)
def test_the_level_and_what_the_next_one_needs(text: str, level: int, needs: str | None) -> None:
    report = report_on(text)
    assert report.level == level
    assert (
        (report.next_level_needs == ())
        if needs is None
        else any(needs in one for one in report.next_level_needs)
    )


@pytest.mark.parametrize(
    "text",
    [
        "# Any Markdown\n\n---\n\nNo header, no error.\n",
        "---\ntitle: something of a site generator\n---\n\n# A page\n",
        "```yaml\ntask: [not ours\n```\n",
        "token: AKIAIOSFODNN7EXAMPLE\n",
        "right to left \N{RIGHT-TO-LEFT OVERRIDE} text\n",
        "```\nnever closed\n",
    ],
)
def test_a_document_without_a_header_has_no_errors(text: str) -> None:
    report = report_on(text)
    assert report.level == 0
    assert report.errors == ()
    assert report.plan is None


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (b"x" * (DOCUMENT_BYTES_MAX + 1), "MW101", "1:1"),
        (b"x" * 5_000_000, "MW101", "1:1"),
        (b"x\n" * 15_000, "MW101", "1:1"),
        (b"# A\n\x7fELF\0\0", "MW102", "2:5"),
        (b"# A\nna\xefve\n", "MW102", "2:3"),
        (bytes(range(256)), "MW102", "1:1"),
    ],
)
def test_what_is_no_document_is_said_in_one_sentence(data: bytes, code: str, place: str) -> None:
    report = lint_text(data, name=NAME, manifests=MANIFESTS)
    assert [(finding.code, finding.place) for finding in report.findings] == [(code, f"{NAME}:{place}")]
    assert report.findings[0].fix


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("Look once.", "Look twice, and write it down."),
        lambda text: text.replace("timeout: 5s", "timeout: 5000ms   # five seconds"),
        lambda text: text.replace("| < 80             | -             | done |", "|< 80|-|done|"),
        lambda text: text.replace("| < 80 ", "| \\< 80 ").replace("[80..95)", "\\[80..95)"),
        lambda text: text.replace("title: A disk fills up", "title: Disk"),
    ],
)
def test_prose_and_formatting_leave_the_program_as_it_is(change: Callable[[str], str]) -> None:
    before, after = report_on(GOOD).plan, report_on(change(GOOD)).plan
    assert before is not None
    assert after is not None
    assert after.program == before.program


def test_what_the_machine_does_is_in_the_program() -> None:
    before = report_on(GOOD).plan
    for old, new in (
        ("timeout: 5s", "timeout: 6s"),
        ("df --output", "df -h --output"),
        ("[80..95)", "[80..96)"),
    ):
        after = report_on(spoilt(old, new)).plan
        assert before is not None
        assert after is not None
        assert after.program != before.program
        assert after.document != before.document


def test_the_document_digest_is_over_the_text_without_mark_and_carriage_returns() -> None:
    one, two = report_on(GOOD).plan, report_on("\ufeff" + GOOD.replace("\n", "\r\n")).plan
    assert one is not None
    assert two is not None
    assert one.document == two.document
    three = report_on(GOOD.replace("Look once.", "Look twice.")).plan
    assert three is not None
    assert three.document != one.document


def test_a_report_is_plain_json() -> None:
    record = json.loads(json.dumps(report_on(spoilt("timeout: 5s", "timeuot: 5s")).as_record()))
    assert record["level"] == "L2"
    assert record["findings"][0]["code"] == "MW113"
    assert record["findings"][0]["excerpt"] == "timeuot: 5s\n^"
    assert record["plan"] is None
    assert json.loads(json.dumps(report_on(GOOD).as_record()))["plan"].startswith("sha256:")


def test_a_header_may_stand_in_a_fence_under_the_title() -> None:
    header, _, rest = GOOD.removeprefix("---\n").partition("---\n")
    text = rest.replace("# A disk fills up\n", f"# A disk fills up\n\n```yaml\n{header}```\n", 1)
    one, two = report_on(GOOD), report_on(text)
    assert two.findings == ()
    assert one.plan is not None
    assert two.plan is not None
    assert two.plan.program == one.plan.program


def test_a_manifest_whose_schema_refers_elsewhere_is_refused() -> None:
    tool = ToolName("disk.drop")
    manifests = {
        **MANIFESTS,
        tool: replace(MANIFESTS[tool], arguments={"$ref": "https://example.org/schema"}),
    }
    report = lint_text(GOOD.encode(), name=NAME, manifests=manifests)
    assert [finding.code for finding in report.errors] == ["MW195"]


def test_there_are_at_most_a_hundred_findings_and_errors_come_first() -> None:
    text = GOOD + "".join(
        f"\nAKIAIOSFODNN7EXAMPLE\n\n```yaml\ntests: [{{name: t{n}, x{n}: 1}}]\n```\n" for n in range(150)
    )
    report = report_on(text)
    assert len(report.findings) == 100
    assert report.plan is None
