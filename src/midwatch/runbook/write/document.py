"""From plain values to the text of a document that `parse_runbook` reads back.

The interface, for importers, templates and `render`:

    document_text(
        Document(
            title="A disk fills up",
            header={"id": "disk", "version": "1.0.0", "tools": ["disk.read"], ...},
            parts=(
                SectionText(title="Meaning", prose="There is little space left."),
                TaskText(
                    title="Measure",
                    block={"task": "measure", "kind": "command", "tool": "disk.read", "out": {...}},
                    prose="Look once.",
                    command="df --output=pcent",
                    language="sh",
                ),
                TaskText(title="Decide", block={...}, table=TableText(header=(...), rows=((...), ...))),
                TaskText(title="Put back", block={...}, is_undo=True),
                TestsText(cases=({"name": "there is space", "expect": {"ends": "no_action"}},)),
            ),
        )
    )

Blocks are plain values: texts, numbers (`Decimal` for money), booleans, None, lists and mappings with
texts as keys. Keys come out in the order of the language, whatever order they have; keys that it doesn't
know (`x-…`) come last. A value that a reader would not get back raises MW198: a number beyond 2^53, a
text with characters that people can't see. Titles, prose and cells may hold anything: what can't be seen
is left out, and Markdown in them stays where it is put (`emit.prose` says how). Nothing here looks at
whether the document makes sense: that is lint's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, assert_never

from midwatch.runbook.document import first_key
from midwatch.runbook.emit.errors import UnwritableError
from midwatch.runbook.emit.layout import block_text
from midwatch.runbook.emit.prose import ends_with_fence, fence_text, heading_text, section_prose, task_prose
from midwatch.runbook.emit.table import table_text
from midwatch.runbook.source import HIDDEN

COMMAND_LEAD = "Run this:"
TABLE_LEAD = "By this table:"
BLOCK_LEAD = "For the machine:"


class HeaderForm(StrEnum):
    """Where the header stands."""

    FRONT_MATTER = "front-matter"
    """Before the title, between lines of `---`."""
    BLOCK = "block"
    """In a fence under the title: it survives converters that drop front matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionText:
    """A heading for people and the prose below it; headings inside of the prose are further sections."""

    title: str
    prose: str = ""
    level: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TableText:
    """A decision table: expressions and outputs, then tests and values, each as it is to be read."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskText:
    """A task: its heading, its prose, its block, and what belongs to its kind."""

    title: str
    block: Mapping[str, Any]
    """With `task` and `kind`."""
    prose: str = ""
    command: str = ""
    """For a command: the fence, without its marks."""
    language: str = ""
    """The word after the fence's marks, such as `sql`."""
    table: TableText | None = None
    """For a decision."""
    is_undo: bool = False
    lead: str = ""
    """The line above the command or the table; else one that fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsText:
    """The scenarios, under a heading of their own."""

    __test__ = False  # pytest takes every class that begins with Test

    cases: tuple[Mapping[str, Any], ...]
    title: str = "Tests"
    prose: str = ""


Part = SectionText | TaskText | TestsText


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole document in the order in which it is written."""

    title: str
    header: Mapping[str, Any] | None = None
    """Without it the document is L0. `runbook: v1` is added where it is missing."""
    parts: tuple[Part, ...] = ()
    prose: str = ""
    """Under the title."""
    form: HeaderForm = field(default=HeaderForm.FRONT_MATTER)


def document_text(document: Document) -> str:
    """Return the document as Markdown, with one line end at its end.

    Raises:
        UnwritableError: MW198, a value or a command can't be read back as it is.
    """
    pieces: list[str] = []
    if document.header is not None and document.form is HeaderForm.FRONT_MATTER:
        pieces.append(f"---\n{header_text(document.header)}---\n")
    pieces.append(f"# {heading_text(document.title)}\n")
    if document.header is not None and document.form is HeaderForm.BLOCK:
        pieces.append(fence_text(header_text(document.header), "yaml"))
    pieces.append(section_prose(document.prose))
    for part in document.parts:
        pieces.extend(part_pieces(part))
    return "\n".join(piece if piece.endswith("\n") else f"{piece}\n" for piece in pieces if piece)


def header_text(header: Mapping[str, Any]) -> str:
    """Return the YAML of a header.

    Raises:
        UnwritableError: MW198.
    """
    return block_text({"runbook": "v1", **header}, "header")


def part_pieces(part: Part) -> list[str]:
    """Return the headings, paragraphs and fences of a part; a blank line belongs between any two.

    Raises:
        UnwritableError: MW198.
    """
    match part:
        case SectionText():
            return [f"{'#' * part.level} {heading_text(part.title)}\n", section_prose(part.prose)]
        case TestsText():
            prose = section_prose(part.prose)
            block = fence_text(block_text({"tests": list(part.cases)}, "tests"), "yaml")
            return [f"## {heading_text(part.title)}\n", prose, _lead(prose), block]
        case TaskText():
            return _task_pieces(part)
        case _:
            assert_never(part)


def _task_pieces(task: TaskText) -> list[str]:
    title = heading_text(task.title) or heading_text(str(task.block.get("task", "")))
    above, below = task_prose(task.prose)
    pieces = [
        f"## {'Undo' if task.is_undo else 'Task'}: {title}\n",
        above,
        _lead(above),
        fence_text(block_text(task.block, "task"), "yaml"),
    ]
    if task.command.strip("\n"):
        pieces += [f"{heading_lead(task.lead) or COMMAND_LEAD}\n", _command(task)]
    if task.table is not None:
        pieces += [
            f"{heading_lead(task.lead) or TABLE_LEAD}\n",
            table_text(task.table.header, task.table.rows),
        ]
    return [*pieces, below]


def heading_lead(lead: str) -> str:
    """Return the line above a fence: one plain line, or nothing."""
    above, below = task_prose(" ".join(lead.split()))
    return "" if below or ends_with_fence(above) else above


def _lead(prose: str) -> str:
    return f"{BLOCK_LEAD}\n" if ends_with_fence(prose) else ""


def _command(task: TaskText) -> str:
    hidden = HIDDEN.search(task.command)
    if hidden:
        code = f"U+{ord(hidden[0]):04X}"
        raise UnwritableError(
            f"the command of `{task.title}` holds the character {code}, which people can't see"
        )
    if first_key(task.command):
        raise UnwritableError(f"the command of `{task.title}` begins like a block of a runbook")
    return fence_text(task.command, task.language)
