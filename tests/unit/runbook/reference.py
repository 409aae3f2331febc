"""Makes docs/reference/language.md out of the table of keys; run it to write the file anew."""

from collections.abc import Iterator
from pathlib import Path

from midwatch.runbook.emit.table import aligned
from midwatch.runbook.language.keys import ABOUT, BLOCKS, Key

PAGE = Path(__file__).parents[3] / "docs/reference/language.md"
HEAD = """\
# The keys of the language

Every key of every block, in the order in which `midwatch fmt` writes them. `midwatch schema` prints the
same as JSON Schema, and a test compares both with the parser. Any other key is a mistake, except those that
begin with `x-`. This page is made from the table: `PYTHONPATH=tests python tests/unit/runbook/reference.py`.

How a document is put together, with an example: [write a runbook](../how-to/write-a-runbook.md). What
survives other programs: [round trips](round-trips.md).

## Expressions

A *CEL* value is an expression of the [Common Expression Language](https://cel.dev) over the inputs
(`inputs.x`) and the outputs of tasks above (`measure.used_pct`). A *CEL condition* is one that gives true or
false. In a *text with `{{ CEL }}`* the expressions stand between double braces; commands have none: their
values come by `bind:`.

A *name* has lower-case letters, digits and `_`, and begins with a letter. A *duration* is `45s`, `10m`,
`2h`, `1d`, `1h30m` or `500ms`. *Whom to ask* is `person:kim`, `team:dba`, `oncall:dba` or `manager:data`.
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(f"\n## {name}\n\n{ABOUT[name]}\n\n{_table(name)}" for name in BLOCKS)


def _table(block: str) -> str:
    head = ("key", "value", "means", "kinds") if block == "task" else ("key", "value", "means")
    rows = [tuple(_cells(key, is_task=block == "task")) for key in BLOCKS[block].values()]
    return aligned([head, *rows])


def _cells(key: Key, *, is_task: bool) -> Iterator[str]:
    yield f"`{key.name}`" + (" (needed)" if key.is_required else "")
    yield key.shape.word
    yield key.about
    if is_task:
        yield (
            ", ".join(f"{kind} (needed)" if kind in key.required_of else kind for kind in key.kinds)
            or "every"
        )


if __name__ == "__main__":
    PAGE.write_text(page())
