"""Formatting is idempotent, leaves people's part alone, and changes nothing that the machine reads."""

import random
import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.adapters.tools.manifests import load_manifests
from midwatch.plan.review import lint_text
from midwatch.runbook.document import block_key
from midwatch.runbook.markdown import Fence, front_matter, pieces_of
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.revise.block import formatted_block
from midwatch.runbook.revise.fmt import formatted
from midwatch.runbook.revise.graph import MARK
from midwatch.runbook.source import source_from
from midwatch.runbook.yaml import Block, plain, tree_of
from properties.test_runbook import TEXTS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    path.read_text()
    for path in (
        ROOT / "examples/pg-connections.runbook.md",
        ROOT / "src/midwatch/shipped/runbooks/purge.runbook.md",
    )
]
MANIFESTS = load_manifests([ROOT / "examples/tools"])
LINES = st.sampled_from(
    [
        *(
            "task: a\n",
            "kind: command\n",
            "tool: 'x'\n",
            "  # c\n",
            "# c\n",
            "\n",
            "out:\n",
            "  b: {type: number} # d\n",
        ),
        *(
            "needs: [a, # e\n  b]\n",
            "x-a: |\n",
            "   text # f\n",
            "  - a: 1\n",
            "    b: 2\n",
            "  - [c]\n",
            "k: 'x\n  y'\n",
        ),
        *(
            "x-b:   >-\n",
            "- q\n",
            'z: "a # b"\n',
            "retry: {max: 1, backoff: 1s}\n",
            "n:\n",
            "  -\n",
            "    - |\n",
            "      t\n",
        ),
    ]
)


def people(text: str) -> list[str]:
    """Return the lines of a document that are neither of a block nor of a decision's table."""
    runbook, _ = parse_runbook(text.encode(), name="x")
    source = runbook.source
    lines = source.text.split("\n")
    matter = front_matter(source)
    cut = [(matter[0], matter[1])] if matter else []
    fences = (
        piece for piece in pieces_of(source, start=matter[1] + 1 if matter else 0) if isinstance(piece, Fence)
    )
    cut += [
        (fence.content_line, fence.end - 1) for fence in fences if block_key(fence) or MARK in fence.content
    ]
    cut += [(task.table.line, task.table.end) for task in runbook.tasks if task.table]
    inside = {number for start, end in cut for number in range(start, end)}
    return [line for number, line in enumerate(lines) if number not in inside]


def jumbled(text: str, chance: random.Random) -> str:
    """Return a document with the lines of its blocks shuffled and remarked on."""
    source = source_from(text.encode(), name="x")
    matter = front_matter(source)
    assert matter is not None
    pieces = pieces_of(source, start=matter[1] + 1)
    fences = (piece for piece in pieces if isinstance(piece, Fence))
    ranges = [(fence.content_line, fence.end - 1) for fence in fences if block_key(fence)]
    lines = text.split("\n")
    for start, end in sorted([(matter[0], matter[1]), *ranges], reverse=True):
        entries: list[list[str]] = []
        for line in lines[start:end]:
            if line[:1] not in {"", " ", "#"} or not entries:
                entries.append([])
            entries[-1].append(line)
        rest = entries[1:]
        chance.shuffle(rest)
        for entry in rest:
            if chance.random() < 0.2:
                entry.insert(0, chance.choice(["# a remark", "", "  # another"]))
            if chance.random() < 0.2 and len(entry) == 1 and "#" not in entry[0]:
                entry[0] += chance.choice(["  # beside", "   ", " # x: y"])
        lines[start:end] = [line for entry in [entries[0], *rest] for line in entry]
    return "\n".join(lines)


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(DOCUMENTS))
def test_formatting_touches_no_prose_keeps_comments_and_the_program(chance: random.Random, text: str) -> None:
    before = jumbled(text, chance)
    done = formatted(before.encode(), name="x")
    assert formatted(done, name="x") == done
    assert people(done.decode()) == people(before)
    assert sorted(remarks(done.decode())) == sorted(remarks(before))
    old, new = (lint_text(data, name="x", manifests=MANIFESTS) for data in (before.encode(), done))
    assert [finding.code for finding in old.errors] == [finding.code for finding in new.errors]
    if old.plan is not None:
        assert new.plan is not None
        assert new.plan.program == old.plan.program


def remarks(text: str) -> list[str]:
    return [found[0].rstrip() for found in re.finditer(r"# [abx].*", text)]


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=14).map("".join))
def test_a_block_means_the_same_once_it_is_formatted(block: str) -> None:
    done = formatted_block(block, "task")
    assert formatted_block(done, "task") == done
    trees = [
        tree_of(Block(text=text, line=0), source_from(text.encode(), name="f"))[0] for text in (block, done)
    ]
    values = [None if tree is None else plain(tree) for tree in trees]
    assert values[0] == values[1]


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_text_can_be_formatted_twice(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass").replace(b"\0", b"")
    try:
        data.decode()
    except UnicodeDecodeError:
        return
    done = formatted(data, name="x")
    assert formatted(done, name="x") == done
    if done != data:
        assert people(done.decode().replace("\r\n", "\n")) == people(data.decode())
