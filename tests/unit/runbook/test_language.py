"""The table of keys and the parser know the same language; so does the JSON Schema made from the table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from midwatch.runbook.document import block_key
from midwatch.runbook.language.keys import BLOCKS
from midwatch.runbook.language.schema import ROOTS, json_schema
from midwatch.runbook.markdown import Fence, front_matter, pieces_of
from midwatch.runbook.model import Kind
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.revise.fmt import BLOCKS as KEYED
from midwatch.runbook.source import source_from
from midwatch.runbook.yaml import Block, plain, tree_of
from unit.authoring.command import call
from unit.plan.documents import GOOD, report_on
from unit.runbook.reference import PAGE, page

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    [*ROOT.glob("examples/**/*.runbook.md"), *ROOT.glob("src/midwatch/shipped/**/*.runbook.md")]
)
EVERY_KEY = sorted({name for block in BLOCKS.values() for name in block} | {"steps", "x-mine", "skip_if"})
HEAD = "---\nrunbook: v1\nid: x\n{}---\n# T\n{}"
TASK = "\n```yaml\ntask: a\nkind: {}\n{}\n```\n"
HOLDERS = {
    "header": HEAD.format("KEY\n", ""),
    "trigger": HEAD.format("triggers: [{KEY}]\n", ""),
    "budget": HEAD.format("budget: {KEY}\n", ""),
    "rung": HEAD.format("ladder: [{KEY}]\n", ""),
    "include": HEAD.format("", "\n```yaml\ninclude: ./a.md\nKEY\n```\n"),
    "retry": HEAD.format("", TASK.format("command", "retry: {KEY}")),
    "precondition": HEAD.format("", TASK.format("command", "precondition: {KEY}")),
    "verify": HEAD.format("", TASK.format("command", "verify: {KEY}")),
    "emit": HEAD.format("", TASK.format("notify", "emit: {KEY}")),
    "tests": HEAD.format("", "\n```yaml\ntests: []\nKEY\n```\n"),
    "scenario": HEAD.format("", "\n```yaml\ntests: [{KEY}]\n```\n"),
}
"""A document with one more key in a block; `task` has one for each kind below."""
CHECKED_BY_LINT = {
    "expect": "it is read as plain values, and compared by lint",
    "output": "a JSON Schema has other keys",
}
LOOPS = {"foreach", "as", "parallel", "until", "every", "max", "on_item_fail"}
REFUSED_BY_LINT = {
    Kind.DECISION: {"until", "every"},
    Kind.APPROVAL: LOOPS,
    Kind.WAIT: LOOPS - {"every"},
}
"""Keys that the parser reads so that lint can say why a task of that kind can't have them."""


def unknown(document: str) -> bool:
    return any(finding.code == "MW113" for finding in parse_runbook(document.encode(), name="x")[1])


@pytest.mark.parametrize("block", HOLDERS)
def test_the_parser_takes_the_keys_of_the_table_and_no_others(block: str) -> None:
    before = HOLDERS[block].split("KEY")[0].splitlines()
    own = {line.split(":")[0] for line in before if ":" in line} if "{KEY}" not in HOLDERS[block] else set()
    taken = {key for key in EVERY_KEY if not unknown(HOLDERS[block].replace("KEY", f"{key}: 1"))}
    assert taken - {"x-mine"} - own == set(BLOCKS[block]) - own


@pytest.mark.parametrize("kind", list(Kind))
def test_a_task_takes_the_keys_of_its_kind_and_no_others(kind: Kind) -> None:
    documents = {key: HEAD.format("", TASK.format(kind.value, f"{key}: 1")) for key in EVERY_KEY}
    taken = {key for key, text in documents.items() if not unknown(text)} - {"x-mine", "task", "kind"}
    known = {key.name for key in BLOCKS["task"].values() if not key.kinds or kind.value in key.kinds}
    assert taken - REFUSED_BY_LINT.get(kind, set()) == known - {"task", "kind"}


@pytest.mark.parametrize(
    ("kind", "key"), [(kind, key) for kind in REFUSED_BY_LINT for key in ("foreach", "until")]
)
def test_lint_refuses_loops_where_the_table_has_none(kind: Kind, key: str) -> None:
    if key not in REFUSED_BY_LINT[kind]:
        return
    text = HEAD.format("", TASK.format(kind.value, f"{key}: '[1]'\nmax: 2"))
    assert "MW126" in {finding.code for finding in report_on(text).errors}


def test_every_block_is_compared_with_the_parser() -> None:
    assert set(BLOCKS) == {*HOLDERS, "task", *CHECKED_BY_LINT}


def blocks(text: str) -> Iterator[tuple[str, Any]]:
    source = source_from(text.encode(), name="x")
    matter = front_matter(source)
    if matter is not None:
        content = source.text[source.offset(matter[0]) : source.offset(matter[1])]
        yield "header", value_of(content)
    for piece in pieces_of(source, start=matter[1] + 1 if matter else 0):
        if isinstance(piece, Fence) and block_key(piece):
            yield KEYED[block_key(piece)], value_of(piece.content)


def value_of(content: str) -> Any:
    tree, findings = tree_of(Block(text=content, line=0), source_from(content.encode(), name="x"))
    assert findings == []
    assert tree is not None
    return plain(tree)


@pytest.mark.parametrize("name", [*ROOTS, "all"])
def test_the_schemas_are_json_schema_2020_12(name: str) -> None:
    schema = json_schema(name)
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_document_of_ours_fits_the_schemas(path: Path) -> None:
    every = jsonschema_rs.validator_for(json_schema())
    found = list(blocks(path.read_text()))
    assert found
    for name, value in found:
        jsonschema_rs.validator_for(json_schema(name)).validate(value)
        every.validate(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("header", {"runbook": "v1"}),
        ("header", {"runbook": "v2", "id": "x"}),
        ("header", {"runbook": "v1", "id": "x", "modes": "auto"}),
        ("header", {"runbook": "v1", "id": "x", "ladder": [{"ask": "kim", "within": "1m"}]}),
        ("header", {"runbook": "v1", "id": "x", "budget": {"working_time": "1 minute"}}),
        ("task", {"task": "a", "kind": "command"}),
        ("task", {"task": "A", "kind": "agent"}),
        ("task", {"task": "a", "kind": "agent", "tool": "x"}),
        ("task", {"task": "a", "kind": "command", "tool": "x", "retry": {"max": 21}}),
        ("tests", {"tests": [{"name": "x"}]}),
    ],
)
def test_what_is_wrong_does_not_fit(name: str, value: Any) -> None:
    assert not jsonschema_rs.validator_for(json_schema(name)).is_valid(value)


def test_the_good_document_fits() -> None:
    for name, value in blocks(GOOD):
        jsonschema_rs.validator_for(json_schema(name)).validate(value)


def test_the_reference_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("name", [*ROOTS, "all"])
def test_the_command_prints_the_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "schema", name).json == json_schema(name)
