"""A runbook that is being put together from something else; `runbook.write` makes its text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from midwatch.runbook.source import HIDDEN
from midwatch.runbook.write import Document, SectionText, TableText, TaskText, document_text

TITLE_CHARACTERS_MAX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftTask:
    """One task: a heading, a block, prose, and perhaps a fence or a table."""

    name: str
    title: str
    kind: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    """The block's other keys."""
    prose: str = ""
    fence: tuple[str, str] | None = None
    """Info word and text of the command."""
    table: TableText | None = None
    is_undo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A whole runbook."""

    id: str
    title: str
    header: Mapping[str, Any] = field(default_factory=dict)
    prose: str = ""
    """Under the title."""
    sections: Sequence[tuple[str, str]] = ()
    """Heading and prose, before the tasks."""
    tasks: Sequence[DraftTask] = ()


def written(draft: Draft) -> str:
    """Return the document's text; it ends with a line feed.

    Raises:
        UnwritableError: MW158, a value can't stand in a runbook.
    """
    sections = [SectionText(title=title, prose=prose) for title, prose in draft.sections if prose.strip()]
    return document_text(
        Document(
            title=one_line(draft.title) or "Imported",
            header={"id": draft.id, "title": one_line(draft.title) or "Imported", **draft.header},
            prose=draft.prose,
            parts=(*sections, *map(_task, draft.tasks)),
        )
    )


def _task(task: DraftTask) -> TaskText:
    word, text = task.fence or ("", "")
    return TaskText(
        title=one_line(task.title),
        block={"task": task.name, "kind": task.kind, **task.keys},
        prose=task.prose,
        command=text,
        language=word,
        table=task.table,
        is_undo=task.is_undo,
    )


def snippet(value: Any) -> str:
    """Return a value of the foreign document, as JSON for people, in lines that Markdown takes for code."""
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    return "\n".join(f"    {line}" for line in lines)


def one_line(text: str) -> str:
    """Return a text on one line, cut where it is long."""
    words = " ".join(visible(text).split())
    return words if len(words) <= TITLE_CHARACTERS_MAX else words[: TITLE_CHARACTERS_MAX - 1].rstrip() + "…"


def visible(text: str) -> str:
    """Return a text in which characters that people can't see are spelled, such as `<U+200B>`."""
    return HIDDEN.sub(lambda found: "" if found[0] == "\r" else f"<U+{ord(found[0]):04X}>", text)
