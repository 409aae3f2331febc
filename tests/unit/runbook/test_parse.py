"""Reading documents: places, blocks, YAML, Markdown."""

import pytest

from midwatch.runbook.errors import TooComplexError, YamlSyntaxError
from midwatch.runbook.markdown import Fence, Heading, Table, pieces_of
from midwatch.runbook.model import Kind, Runbook
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.source import Finding, source_from
from midwatch.runbook.yaml import Block, plain, tree_of

HEADER = "---\nrunbook: v1\nid: x\n---\n\n# X\n\n"


def parsed(text: str) -> tuple[Runbook, list[Finding]]:
    return parse_runbook((HEADER + text).encode(), name="f.md")


def codes(text: str) -> list[str]:
    return [finding.code for finding in parsed(text)[1]]


def yaml_of(text: str) -> tuple[object, list[Finding]]:
    tree, findings = tree_of(Block(text=text, line=0), source_from(text.encode(), name="f"))
    return (None if tree is None else plain(tree)), findings


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: on", {"a": "on"}),
        ("a: no", {"a": "no"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2026-11-20", {"a": "2026-11-20"}),
        ("a: 010", {"a": 10}),
        ("a: 0x1F", {"a": "0x1F"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 1.50", {"a": 1.5}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: 1e999", {"a": "1e999"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: 99999999999999999999", {"a": "99999999999999999999"}),
        ("a: ~\nb:\nc: null", {"a": None, "b": None, "c": None}),
        ("a: 'true'\nb: true", {"a": "true", "b": True}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: [1, {b: c}]", {"a": [1, {"b": "c"}]}),
        ("# only a comment", None),
        ("1: x", {"1": "x"}),
    ],
)
def test_yaml_means_what_it_says(text: str, value: object) -> None:
    assert yaml_of(text) == (value, [])


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: 1\nb: 2\na: 3", "MW111", "f:3:1"),
        ("a: {b: 1, b: 2}", "MW111", "f:1:11"),
        ("a: &x 1", "MW112", "f:1:4"),
        ("a: *x", "MW112", "f:1:4"),
        ("a: !!int 1", "MW112", "f:1:4"),
        ("a: !ruby/object 1", "MW112", "f:1:4"),
        ("<<: {a: 1}", "MW112", "f:1:1"),
        ("? [a]\n: b", "MW112", "f:1:3"),
        ("a: 1\n---\nb: 2", "MW112", "f:2:1"),
        ("%YAML 1.1\n---\na: 1", "MW112", "f:2:1"),
        ("a: [1", "MW110", "f:1:6"),
        ("a: b: c", "MW110", "f:1:5"),
        ("\ta: 1", "MW110", "f:1:1"),
        ('a: "\\x00"', "MW103", "f:1:4"),
        ('a: "\\u202e"', "MW103", "f:1:4"),
        ('a: "\\ud800"', "MW103", "f:1:4"),
        ("[" * 40 + "]" * 40, "MW104", "f:1:26"),
        ("[" * 20_000, "MW104", "f:1:26"),
        ("{a: " * 40, "MW104", "f:1:98"),
        ("- " * 20_000, "MW104", "f:1:51"),
        ("a: " + "x" * 70_000, "MW104", "f:1:1"),
        ("[" + "1," * 25_000 + "]", "MW104", "f:1:30000"),
    ],
)
def test_yaml_that_hides_or_explodes_is_refused_with_its_place(text: str, code: str, place: str) -> None:
    _, findings = yaml_of(text)
    assert [(finding.code, finding.place) for finding in findings] == [(code, place)]


def test_billion_laughs_end_at_the_first_anchor() -> None:
    text = 'a: &a ["lol","lol"]\n' + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n" for i in range(20)
    )
    assert [finding.code for finding in yaml_of(text)[1]] == ["MW112"]


def test_many_duplicates_are_cut_short() -> None:
    assert len(yaml_of("{" + "a: b, " * 5_000 + "}")[1]) <= 21


def test_pieces_of_markdown_have_their_lines() -> None:
    text = "# A `b`\n\n```sh\nls\n```\n\n| a | b\\|c |\n|---|------|\n| 1 | `x|` |\n"
    text += "\n- ```yaml\n  task: in_a_list\n  ```\n"
    found = pieces_of(source_from(text.encode(), name="f"), start=0)
    heading, fence, table, nested = found
    assert isinstance(heading, Heading)
    assert (heading.level, heading.text, heading.line) == (1, "A `b`", 0)
    assert isinstance(fence, Fence)
    assert (fence.word, fence.content, fence.line, fence.end, fence.is_nested) == ("sh", "ls\n", 2, 5, False)
    assert isinstance(table, Table)
    assert [cell.text for cell in table.header] == ["a", "b|c"]
    assert isinstance(nested, Fence)
    assert nested.is_nested


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("`< 80`", "< 80"),
        ("\\< 80", "< 80"),
        ("&lt; 80", "< 80"),
        ("\\[1..5\\]", "[1..5]"),
        ('"a\\_b"', '"a_b"'),
        ("a\\|b", "a|b"),
    ],
)
def test_cells_are_read_as_markdown(cell: str, text: str) -> None:
    found = pieces_of(source_from(f"| x |\n|---|\n| {cell} |\n".encode(), name="f"), start=0)
    assert isinstance(found[0], Table)
    assert found[0].rows[0][0].text == text


def test_a_block_is_recognised_by_its_first_key_whatever_its_fence_says() -> None:
    for fence in ("```yaml", "```", "~~~", "````json", "``` YAML {.x}"):
        mark = fence.split()[0].rstrip("yamljson")
        runbook, findings = parsed(f"## Task: A\n\n{fence}\n# first\n\ntask: a\nkind: manual\n{mark}\n")
        assert findings == []
        assert [task.name.value for task in runbook.tasks] == ["a"]


def test_an_indented_fence_keeps_exact_places() -> None:
    _, findings = parsed("## Task: A\n\n  ```yaml\n  task: a\n  kind: manul\n  ```\n")
    assert [finding.place for finding in findings] == ["f.md:12:9"]


def test_subheadings_belong_to_the_task_above() -> None:
    text = "## Task: A\n\n```yaml\ntask: a\nkind: command\ntool: t\n```\n\n### How\n\nLike this:\n"
    text += "\n```sh\nls\n```\n\n## Notes\n\nMore.\n"
    runbook, findings = parsed(text)
    assert findings == []
    assert runbook.tasks[0].text is not None
    assert runbook.tasks[0].text.value == "ls"
    assert "Like this" in runbook.tasks[0].prose
    assert runbook.section("Notes") == "More."


def test_an_agents_prose_keeps_its_fences() -> None:
    text = "## Task: A\n\nThink.\n\n```yaml\ntask: a\nkind: agent\n```\n\nLike:\n\n```\nexample\n```\n"
    runbook, _ = parsed(text)
    assert runbook.tasks[0].kind is Kind.AGENT
    assert runbook.tasks[0].prose == "Think.\n\nLike:\n\n```\nexample\n```"


def test_a_task_without_a_heading_is_told_so() -> None:
    runbook, findings = parse_runbook(
        b"```yaml\nrunbook: v1\nid: x\n```\n\nand\n\n```yaml\ntask: a\nkind: manual\n```\n", name="f.md"
    )
    assert [finding.code for finding in findings] == ["MW116"]
    assert runbook.tasks[0].title == ""


def test_a_header_that_cannot_be_read_is_one_finding() -> None:
    _, findings = parse_runbook(b"---\nrunbook: v1\nid: [x\n---\n\n# X\n", name="f.md")
    assert [finding.kind for finding in findings] == [YamlSyntaxError]
    _, findings = parse_runbook(b"---\nrunbook\n---\n\n# X\n", name="f.md")
    assert [finding.kind for finding in findings] == [YamlSyntaxError]


def test_too_many_tasks() -> None:
    text = "".join(f"## Task: {n}\n\n```yaml\ntask: t{n}\nkind: manual\n```\n\n" for n in range(201))
    _, findings = parsed(text)
    assert [finding.kind for finding in findings] == [TooComplexError]


def test_durations_and_money() -> None:
    text = "## Task: A\n\n```yaml\ntask: a\nkind: command\ntool: t\ntimeout: {}\n```\n"
    for written, ms in {
        "45s": 45_000,
        "10m": 600_000,
        "2h": 7_200_000,
        "1d": 86_400_000,
        "1h30m": 5_400_000,
        "250ms": 250,
    }.items():
        task = parsed(text.format(written))[0].tasks[0]
        assert task.timeout_ms is not None
        assert task.timeout_ms.value == ms
    for written in ("10", "0s", "m", "1.5h", "30m1h", "-1s", "[1]", "9999999d"):
        assert codes(text.format(written)) == ["MW115"], written


def test_a_long_line_is_cut_around_the_caret() -> None:
    source = source_from(("x" * 500 + "HERE" + "y" * 500).encode(), name="f")
    line, caret = source.excerpt(500).split("\n")
    assert len(line) <= 160
    assert line[len(caret) - 1 :].startswith("HERE")


def test_places_at_the_ends_of_a_file() -> None:
    source = source_from(b"a\nb", name="f")
    assert source.place(0) == "f:1:1"
    assert source.place(2) == "f:2:1"
    assert source.place(99) == "f:2:2"
    assert source_from(b"", name="f").place(0) == "f:1:1"
