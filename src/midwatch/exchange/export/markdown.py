"""A runbook as plain Markdown: what people read, without the machine's blocks."""

from collections.abc import Mapping

from midwatch.exchange.export.document import Parts, parts_of
from midwatch.exchange.export.words import mark_task, sentences
from midwatch.exchange.report import Accounts, Report
from midwatch.runbook.emit.prose import fence_text, heading_text, section_prose
from midwatch.runbook.emit.table import table_text
from midwatch.runbook.model import Runbook, Task

FORMAT = "markdown"


def to_markdown(runbook: Runbook) -> tuple[str, Report]:
    """Return the runbook as Markdown, and what went along.

    Raises:
        NotExportableError: MW174.
    """
    parts = parts_of(runbook)
    accounts = Accounts(parts.root)
    text = body(parts, accounts)
    mark_header(parts, accounts, {})
    accounts.not_carried(parts.root.get("tests"), "tests", "plain Markdown can't be tested")
    return text, accounts.report(source_format="midwatch", target_format=FORMAT)


def body(parts: Parts, accounts: Accounts, *, with_title: bool = True) -> str:
    """Return title, sections and tasks as Markdown, each marked."""
    runbook = parts.runbook
    pieces = [f"# {heading_text(runbook.title or 'Runbook')}\n"] if with_title else []
    for number, section in enumerate(runbook.sections):
        if section.title and section.title != runbook.title:
            pieces.append(f"## {heading_text(section.title)}\n")
        if section.prose:
            pieces.append(section_prose(section.prose))
        node = parts.root.get("sections")
        item = list(node.items())[number] if node is not None else None
        accounts.exactly(item, "section", "as it is")
    for number, task in enumerate(parts.ordered, 1):
        pieces.extend(_task(parts, task, number))
        mark_task(accounts, parts, task, how="told in words under its heading")
    return "\n".join(piece.rstrip("\n") + "\n" for piece in pieces if piece)


def _task(parts: Parts, task: Task, number: int) -> list[str]:
    word = "Undo" if task.is_undo else f"Step {number}"
    pieces = [f"## {word}: {heading_text(task.title or task.name.value)}\n"]
    said = sentences(parts, task)
    pieces.append("\n".join([f"- This is `{task.name.value}`.", *(f"- {one}" for one in said)]))
    if task.prose:
        pieces.append(section_prose(task.prose))
    if task.text is not None:
        pieces.extend(["Run this:", fence_text(task.text.value, "")])
    if task.table is not None:
        header = tuple(cell.text for cell in task.table.header)
        rows = tuple(tuple(cell.text for cell in row) for row in task.table.rows)
        pieces.extend(["By this table:", table_text(header, rows)])
    return pieces


def mark_header(parts: Parts, accounts: Accounts, told: Mapping[str, str]) -> None:
    """Mark the header's keys: the title as it is, those that are told elsewhere, and the rest as left out."""
    header = parts.root.get("header")
    for key, node in header.entries() if header is not None else ():
        if key == "title":
            accounts.exactly(node, key, "the title")
        elif key in told:
            accounts.approximately(node, key, told[key])
        else:
            accounts.not_carried(node, key, "this format has no place for it")
