"""What a runbook says, without where it says it: two documents that say the same are equal."""

from dataclasses import fields, is_dataclass
from typing import Any

from midwatch.runbook.markdown import Table
from midwatch.runbook.model import At, Runbook
from midwatch.runbook.source import Source, Span

PLACES = frozenset({"source", "span", "line", "headings", "library", "join_at", "finally_at"})


def said(value: Any) -> Any:
    """Return a runbook, or a part of one, as plain values without places."""
    match value:
        case At():
            return said(value.value)
        case Span() | Source():
            return None
        case Table():
            return [[cell.text for cell in row] for row in (value.header, *value.rows)]
        case Runbook() if is_dataclass(value):
            kept = {
                each.name: said(getattr(value, each.name))
                for each in fields(value)
                if each.name not in PLACES
            }
            kept["sections"] = [(section.title, section.prose) for section in value.sections]
            return kept
        case dict():
            return {key: said(item) for key, item in value.items()}
        case list() | tuple():
            return [said(item) for item in value]
        case _ if is_dataclass(value):
            return {
                each.name: said(getattr(value, each.name))
                for each in fields(value)
                if each.name not in PLACES
            }
        case _:
            return value
