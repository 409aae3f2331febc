"""Writing documents: the looks of them, and what can't be written."""

from decimal import Decimal
from typing import Any

import pytest
from inline_snapshot import snapshot

from midwatch.runbook.emit.errors import UnwritableError
from midwatch.runbook.emit.layout import block_text
from midwatch.runbook.write import (
    Document,
    SectionText,
    TableText,
    TaskText,
    TestsText,
    document_text,
)


def test_a_document_looks_as_if_a_person_had_written_it() -> None:
    document = Document(
        title="A disk fills up",
        header={"tools": ["disk.read"], "id": "disk", "budget": {"effects": 0, "usd": Decimal("0.50")}},
        parts=(
            SectionText(title="Meaning", prose="There is *little* space left."),
            TaskText(
                title="Measure",
                block={
                    "out": {"used_pct": {"type": "number"}},
                    "tool": "disk.read",
                    "kind": "command",
                    "task": "measure",
                },
                prose="Look once.",
                command="df --output=pcent\n",
                language="sh",
            ),
            TaskText(
                title="Decide",
                block={
                    "task": "decide",
                    "kind": "decision",
                    "needs": ["measure"],
                    "out": {"next": {"enum": ["a", "b"]}},
                },
                table=TableText(header=("measure.used_pct", "next"), rows=(("< 80", "a"), ("-", "b"))),
            ),
            TestsText(cases=({"expect": {"ends": "no_action"}, "name": "there is space"},)),
        ),
    )
    assert document_text(document) == snapshot("""\
---
runbook: v1
id: disk
tools: [disk.read]
budget: {usd: 0.50, effects: 0}
---

# A disk fills up

## Meaning

There is *little* space left.

## Task: Measure

Look once.

```yaml
task: measure
kind: command
tool: disk.read
out: {used_pct: {type: number}}
```

Run this:

```sh
df --output=pcent
```

## Task: Decide

```yaml
task: decide
kind: decision
needs: [measure]
out: {next: {enum: [a, b]}}
```

By this table:

| measure.used_pct | next |
|------------------|------|
| < 80             | a    |
| -                | b    |

## Tests

```yaml
tests:
  - {name: there is space, expect: {ends: no_action}}
```
""")


@pytest.mark.parametrize(
    "value", [2**53, float("nan"), "a\u202eb", {"<<": 1}, {"k" * 1000: 1}, [{"a": float("inf")}]]
)
def test_what_no_reader_would_get_back_is_refused(value: Any) -> None:
    with pytest.raises(UnwritableError) as caught:
        block_text({"x": value}, "task")
    assert caught.value.code == "MW198"


def test_a_command_that_looks_like_a_block_is_refused() -> None:
    task = TaskText(title="T", block={"task": "a", "kind": "command"}, command="task: b")
    with pytest.raises(UnwritableError):
        document_text(Document(title="T", header={"id": "x"}, parts=(task,)))
