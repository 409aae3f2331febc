"""What is written is read back: values, titles, prose, commands and cells, whatever they hold."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from midwatch.runbook.emit.layout import block_text
from midwatch.runbook.emit.prose import visible
from midwatch.runbook.markdown import front_matter
from midwatch.runbook.model import Runbook
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.source import HIDDEN, Severity, source_from
from midwatch.runbook.write import (
    Document,
    HeaderForm,
    SectionText,
    TableText,
    TaskText,
    TestsText,
    document_text,
)
from midwatch.runbook.yaml import Block, plain, tree_of

INTEGERS = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
WORDS = st.sampled_from(
    [
        "true",
        "no",
        "~",
        "1.0",
        "0x1",
        "a: b",
        "a #b",
        "- a",
        "|",
        "x\ny",
        "x\n\ny\n",
        "```",
        "---",
        '"',
        "it's",
        "[a, b]",
        "# x",
        "a,b",
        "{{ x }}",
        "2026-11-20",
        "oncall:dba",
        " a ",
        "\\",
        "é\u2028x",
        "\u0085",
        "a:",
        "<<",
        "*",
        "&a",
        "!t",
    ]
)
VISIBLE = st.text(max_size=30).filter(lambda text: not HIDDEN.search(text))
TEXTS = st.one_of(WORDS, VISIBLE)
SCALARS = st.one_of(
    st.none(), st.booleans(), INTEGERS, st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
KEYS = TEXTS.filter(lambda text: text != "<<")
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)
SCRAPS = st.sampled_from(
    [
        *("```yaml\n", "```\n", "~~~\n", "````\n", "task: x\n", "runbook: v1\n", "## Task: A\n", "# T\n"),
        *("### S\n", "T\n===\n", "<!-- \n", "<script>\n", "<div>\n", "<![CDATA[", "<?php", "- a\n", "1. x\n"),
        *("> ", "    ", "\n", "\t", "---\n", "text\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "[a]: /b\n"),
        *("&amp; \\| `x`", "\u202e"),
    ]
)
PROSE = st.one_of(st.lists(SCRAPS, max_size=14).map("".join), st.text(max_size=60))


def read(text: str) -> Runbook:
    runbook, findings = parse_runbook(text.encode(), name="f.md")
    assert [finding for finding in findings if finding.severity is Severity.ERROR] == [], text
    return runbook


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_a_block_gives_its_values_back(values: dict[str, Any]) -> None:
    text = block_text(values, "")
    tree, findings = tree_of(Block(text=text, line=0), source_from(text.encode(), name="f"))
    assert findings == []
    assert tree is not None
    assert (plain(tree) or {}) == values
    assert repr(plain(tree) or {}) == repr(values)


@settings(max_examples=150, deadline=None)
@given(
    title=PROSE,
    proses=st.tuples(PROSE, PROSE, PROSE, PROSE),
    command=st.text(max_size=40)
    .filter(lambda text: not HIDDEN.search(text))
    .map(lambda text: f"echo {text}"),
    cells=st.lists(st.tuples(PROSE, TEXTS), max_size=3),
    form_and_note=st.tuples(st.sampled_from(HeaderForm), VALUES),
)
@example(
    "T",
    ("<!-- ", "```", "a\n\n# b\n\n```\ntask: z", "> ```"),
    "echo ```\n````",
    [("|", "\\")],
    (HeaderForm.BLOCK, None),
)
def test_a_document_gives_its_parts_back(
    title: str,
    proses: tuple[str, str, str, str],
    command: str,
    cells: list[tuple[str, str]],
    form_and_note: tuple[HeaderForm, Any],
) -> None:
    form, note = form_and_note
    header = {"title": "A title", "id": "x", "x-note": note, "owner": "team:ops"}
    rows = (("-", "a\\|b `c`"), *cells)
    parts = (
        SectionText(title=title, prose=proses[0]),
        TaskText(
            title=title,
            block={"kind": "command", "tool": "t", "task": "one"},
            prose=proses[1],
            command=command,
        ),
        TaskText(
            title="Decide",
            block={"task": "two", "kind": "decision", "out": {"next": {"type": "string"}}},
            prose=proses[2],
            table=TableText(header=("one.a", "next"), rows=rows),
        ),
        TaskText(title="Back", block={"task": "three", "kind": "command", "tool": "t"}, is_undo=True),
        SectionText(title="After", prose=proses[3]),
        TestsText(cases=({"name": "n", "given": {"v": note}, "expect": {"ends": "resolved"}},)),
    )
    text = document_text(Document(title=title, header=header, parts=parts, form=form, prose=proses[3]))
    runbook = read(text)
    assert runbook.header is not None
    assert runbook.header.id.value == "x"
    one, two, three = runbook.tasks
    assert one.text is not None
    assert one.text.value == command.rstrip("\n")
    assert two.table is not None
    assert [[cell.text for cell in row] for row in two.table.rows] == [
        [" ".join(visible(cell).split()) for cell in row] for row in rows
    ]
    assert three.is_undo
    assert runbook.tests[0].given == {"v": note}
    assert (front_matter(runbook.source) is not None) == (form is HeaderForm.FRONT_MATTER)
    assert runbook.task("one").title == (" ".join(visible(title).split()) or "one")  # type: ignore[union-attr]  # it is there
