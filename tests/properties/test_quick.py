"""The quick reader gives the library's tree with the library's places, or gives up."""

import random
import re
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.runbook.document import block_key
from midwatch.runbook.emit.layout import block_text
from midwatch.runbook.markdown import Fence, front_matter, pieces_of
from midwatch.runbook.quick.reader import quick_tree
from midwatch.runbook.source import Source, source_from
from midwatch.runbook.yaml import Allowance, Block, library_tree
from properties.test_fmt import DOCUMENTS, LINES, jumbled
from properties.test_write import KEYS, VALUES
from unit.plan.documents import GOOD

ROOT = Path(__file__).parents[2]
SCRAPS = st.sampled_from(
    [
        *"-:#,[]{}'\"&*!|>%@?~ab1.(+$",
        "\n",
        "\n  ",
        "  ",
        " ",
        "a: ",
        "- ",
        "b:\n",
        ": ",
        " #",
        "k: v\n",
        "null",
        "1.5",
        "é",
    ]
)


def compared(text: str, source: Source, block: Block) -> bool:
    """Return whether the quick reader gave a tree; it is the library's then."""
    quick = quick_tree(
        text, base=lambda line, column: source.offset(block.line + line, block.indent + column)
    )
    if quick is None:
        return False
    allowance = Allowance()
    before = allowance.nodes
    tree, findings = library_tree(block, source, allowance)
    assert findings == [], text
    assert quick.tree == tree, text
    assert quick.nodes == before - allowance.nodes, text
    return True


def alone(text: str) -> bool:
    return compared(text, source_from(text.encode(), name="f"), Block(text=text, line=0))


@settings(max_examples=1500, deadline=None)
@given(st.lists(SCRAPS, max_size=25).map("".join))
def test_any_text_gives_the_same_tree_or_none(text: str) -> None:
    alone(text)
    alone(f"a: {text}")


@settings(max_examples=500, deadline=None)
@given(st.lists(LINES, max_size=12).map("".join))
def test_any_lines_give_the_same_tree_or_none(text: str) -> None:
    alone(text)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_what_is_written_gives_the_same_tree_or_none(values: dict[str, Any]) -> None:
    alone(block_text(values, ""))


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from([*DOCUMENTS, GOOD]))
def test_a_spoilt_block_of_a_runbook_gives_the_same_tree_or_none(chance: random.Random, text: str) -> None:
    for block in blocks(jumbled(text, chance)):
        at = chance.randrange(len(block) + 1)
        alone(block[:at] + chance.choice("-:#,[]{}'\" \n&x") + block[at + chance.randint(0, 1) :])


def blocks(text: str) -> list[str]:
    source = source_from(text.encode(), name="x")
    matter = front_matter(source)
    assert matter is not None
    content = source.text[source.offset(matter[0]) : source.offset(matter[1])]
    pieces = pieces_of(source, start=matter[1] + 1)
    return [content, *(piece.content for piece in pieces if isinstance(piece, Fence) and block_key(piece))]


def test_most_blocks_of_ours_are_read_quickly() -> None:
    paths = [*ROOT.glob("examples/*.md"), *ROOT.glob("src/midwatch/shipped/**/*.runbook.md")]
    found = [alone(block) for path in paths for block in blocks(path.read_text())]
    assert sum(found) / len(found) > 0.9


def test_places_are_those_of_the_document() -> None:
    text = "# T\n\n   ```yaml\n   task: a\n   x-b: [1, {c: d}]\n   ```\n"
    source = source_from(text.encode(), name="f")
    content = re.sub(r"^ {3}", "", "   task: a\n   x-b: [1, {c: d}]\n", flags=re.MULTILINE)
    assert compared(content, source, Block(text=content, line=3, indent=3))
