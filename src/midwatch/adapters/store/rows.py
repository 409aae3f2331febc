"""Rows of `ports.rows` to SQL and back: constant statements, one codec per kind.

`:name` parameters and standard upserts only, so that PostgreSQL can take the same text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Generic, TypeVar, cast

from midwatch.journal.events import Entry
from midwatch.ports.rows import (
    ApprovalRow,
    EffectRow,
    HandRow,
    LeaseRow,
    NoticeRow,
    Row,
    RunRow,
    TaskRow,
    TimerRow,
    WorkerRow,
)
from midwatch.ports.store import Blob

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec(Generic[R]):
    """How one kind of row lies in its table: the dataclass's fields are the columns."""

    columns: tuple[str, ...]
    upsert: str
    """Inserts the row or replaces it by its key."""
    select: str
    """`SELECT` of all columns, to be followed by a `WHERE`."""
    values: Callable[[Any], tuple[Any, ...]]
    made_of: Callable[..., R]

    def parameters(self, row: R) -> dict[str, Any]:
        """Return the row as parameters of `upsert`."""
        return dict(zip(self.columns, self.values(row), strict=True))

    def row(self, found: Sequence[Any]) -> R:
        """Return what `select` found as a row."""
        return self.made_of(**dict(zip(self.columns, found, strict=True)))


def _codec(kind: type[R], table: str, key: Sequence[str]) -> Codec[R]:
    columns = tuple(field.name for field in fields(cast(Any, kind)))
    others = [column for column in columns if column not in key]
    names = ", ".join(columns)
    upsert = (
        f"INSERT INTO {table} ({names}) VALUES ({', '.join(':' + column for column in columns)})\n"  # noqa: S608 - constants
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET\n"
        f"    {', '.join(f'{column} = excluded.{column}' for column in others)}"
    )
    return Codec(
        columns=columns,
        upsert=upsert,
        select=f"SELECT {names} FROM {table}",  # noqa: S608 - constants
        values=attrgetter(*columns),
        made_of=kind,
    )


def _run_row(**columns: Any) -> RunRow:
    return RunRow(**{**columns, "practice": bool(columns["practice"])})


_RUN_BASE = _codec(RunRow, "mw_runs", ["run"])
RUN = Codec(
    columns=_RUN_BASE.columns,
    upsert=_RUN_BASE.upsert,
    select=_RUN_BASE.select,
    values=_RUN_BASE.values,
    made_of=_run_row,
)
TASK = _codec(TaskRow, "mw_tasks", ["run", "task", "iteration"])
EFFECT = _codec(EffectRow, "mw_effects", ["key"])
APPROVAL = _codec(ApprovalRow, "mw_approvals", ["approval"])
HAND = _codec(HandRow, "mw_hands", ["hand"])
NOTICE = _codec(NoticeRow, "mw_notices", ["run", "n", "person"])
TIMER = _codec(TimerRow, "mw_timers", ["run"])
LEASE = _codec(LeaseRow, "mw_leases", ["resource"])
WORKER = _codec(WorkerRow, "mw_workers", ["worker"])
BLOB = _codec(Blob, "mw_blobs", ["address"])
ENTRY = _codec(Entry, "mw_events", ["stream", "n"])


def upsert_of(row: Row) -> tuple[str, dict[str, Any]]:
    """Return the statement that inserts or replaces a projection's row, and its parameters."""
    match row:
        case RunRow():
            return RUN.upsert, RUN.parameters(row)
        case TaskRow():
            return TASK.upsert, TASK.parameters(row)
        case EffectRow():
            return EFFECT.upsert, EFFECT.parameters(row)
        case ApprovalRow():
            return APPROVAL.upsert, APPROVAL.parameters(row)
        case HandRow():
            return HAND.upsert, HAND.parameters(row)
        case NoticeRow():
            return NOTICE.upsert, NOTICE.parameters(row)


ENTRIES_MAX = 16
"""Entries per statement."""
_ENTRY_NAMES = tuple(tuple(f"{column}{i}" for column in ENTRY.columns) for i in range(ENTRIES_MAX))


def _insert_entries(count: int) -> str:
    values = ",\n    ".join(f"({', '.join(':' + name for name in names)})" for names in _ENTRY_NAMES[:count])
    return f"INSERT INTO mw_events ({', '.join(ENTRY.columns)}) VALUES\n    {values}"


INSERT_ENTRIES = tuple(_insert_entries(count) for count in range(ENTRIES_MAX + 1))
"""By number of entries: one statement instead of one for each, since every step costs a lock of Python's."""


def entry_parameters(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the parameters of `INSERT_ENTRIES[len(entries)]`."""
    found: dict[str, Any] = {}
    for names, entry in zip(_ENTRY_NAMES, entries, strict=False):
        found.update(zip(names, ENTRY.values(entry), strict=True))
    return found
