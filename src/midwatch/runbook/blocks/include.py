"""A block that begins with `include:`: tasks of another file become tasks of this document."""

from dataclasses import dataclass

from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.model import At


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """Which file is taken in, and which of its tasks; none named means all."""

    file: At[str]
    tasks: tuple[At[str], ...] = ()


def include_of(fields: Fields) -> Include | None:
    """Return what an include names, or None where it names no file."""
    file = fields.required("include", "./common.runbook.md")
    tasks = fields.names("tasks")
    fields.close()
    return None if file is None else Include(file=file, tasks=tasks)
