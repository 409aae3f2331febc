"""What `MemoryStore` holds, and how a change becomes part of it."""

from dataclasses import dataclass, field, replace

from midwatch.base.ids import (
    ApprovalId,
    Digest,
    EffectKey,
    HandId,
    OwnerToken,
    PersonId,
    RunId,
    StreamId,
    TaskName,
)
from midwatch.journal.events import Entry
from midwatch.ports.rows import (
    ApprovalRow,
    EffectRow,
    HandRow,
    LeaseRow,
    NoticeRow,
    RunRow,
    TaskRow,
    TimerRow,
    WorkerRow,
)
from midwatch.ports.store import (
    Blob,
    Change,
    DuplicateRunError,
    FactsMovedError,
    FencedError,
    Head,
    LeaseHeldError,
    StreamMovedError,
)

EMPTY = Head(n=0, hash="0" * 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What would be on disk: the containers change, no value in them does."""

    heads: dict[StreamId, Head] = field(default_factory=dict)
    events: list[Entry] = field(default_factory=list)
    log: list[int] = field(default_factory=list)
    """Index into `events` by position."""
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    checkpoints: dict[int, str] = field(default_factory=dict)
    runs: dict[RunId, RunRow] = field(default_factory=dict)
    owners: dict[RunId, OwnerToken | None] = field(default_factory=dict)
    drive_seqs: dict[RunId, int] = field(default_factory=dict)
    tasks: dict[tuple[RunId, TaskName, int], TaskRow] = field(default_factory=dict)
    effects: dict[EffectKey, EffectRow] = field(default_factory=dict)
    approvals: dict[ApprovalId, ApprovalRow] = field(default_factory=dict)
    hands: dict[HandId, HandRow] = field(default_factory=dict)
    notices: dict[tuple[RunId, int, PersonId], NoticeRow] = field(default_factory=dict)
    timers: dict[RunId, TimerRow] = field(default_factory=dict)
    leases: dict[str, LeaseRow] = field(default_factory=dict)
    facts: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Value, and the version of all facts that it came with."""
    blobs: dict[str, Blob] = field(default_factory=dict)
    plans: dict[Digest, bytes] = field(default_factory=dict)
    workers: dict[str, WorkerRow] = field(default_factory=dict)
    queue: list[tuple[RunId, int]] = field(default_factory=list)
    taken: dict[tuple[RunId, int], str] = field(default_factory=dict)
    """What is being driven, and by which worker."""


def judge(tables: Tables, change: Change) -> None:
    """Refuse the change as `ports.store` says, or return.

    Raises:
        FencedError, StreamMovedError, FactsMovedError, LeaseHeldError, DuplicateRunError: see `Change`.
    """
    owner = None if change.run is None else tables.owners.get(change.run)
    if change.owner is not None and owner != change.owner:
        raise FencedError(f"another drive owns the run {change.run}", run=str(change.run))
    if change.claim is not None and owner is not None and owner != change.claim_over:
        raise FencedError(f"the run {change.run} is being driven already", run=str(change.run))
    head = tables.heads.get(change.stream, EMPTY)
    n = head.n
    if head != change.expected:
        raise StreamMovedError(
            f"{change.stream} ends at {n} now, and not at {change.expected.n}", stream=change.stream, n=n
        )
    if change.facts_version not in {None, facts_version(tables)}:
        raise FactsMovedError("policy, people or a halt changed meanwhile", version=facts_version(tables))
    resources = [lease.resource for lease in change.leases_taken]
    assert len(resources) == len(set(resources)), "a change takes a lease once"
    for lease in change.leases_taken:
        _judge_lease(tables, lease, change)
    if change.unique_live_key is not None:
        runbook, key = change.unique_live_key
        live = live_run(tables, runbook, key, but=change.run)
        if live is not None:
            raise DuplicateRunError(
                f"{live} runs {runbook} for {key!r} already", run=live, runbook=runbook, key=key
            )


def _judge_lease(tables: Tables, lease: LeaseRow, change: Change) -> None:
    held = tables.leases.get(lease.resource)
    is_held = (
        held is not None
        and held.run is not None
        and not any(_frees(freed, held) for freed in change.leases_freed)
    )
    if held is not None and is_held and (held.run, held.key) != (lease.run, lease.key):
        raise LeaseHeldError(
            f"{held.key or held.run} holds {lease.resource}", resource=lease.resource, run=str(held.run)
        )
    if lease.fence != (held.fence if held is not None else 0) + 1:
        raise LeaseHeldError(f"{lease.resource} was taken by another meanwhile", resource=lease.resource)


def write(tables: Tables, change: Change) -> None:
    """Write a change that was judged in the same breath."""
    if change.entries:
        last = change.entries[-1]
        assert last.n == change.expected.n + len(change.entries), "entries are numbered without gaps"
        tables.heads[change.stream] = Head(n=last.n, hash=last.leaf_hash.hex())
        tables.events.extend(change.entries)
    for row in change.rows:
        match row:
            case RunRow():
                tables.runs[row.run] = row
            case TaskRow():
                tables.tasks[row.run, row.task, row.iteration] = row
            case EffectRow():
                tables.effects[row.key] = row
            case ApprovalRow():
                tables.approvals[row.approval] = row
            case HandRow():
                tables.hands[row.hand] = row
            case NoticeRow():
                tables.notices[row.run, row.n, row.person] = row
    if change.run is not None and (change.claim is not None or change.release):
        assert change.run in tables.runs, "a run that is claimed or driven has a row"
        tables.owners[change.run] = None if change.release else change.claim
    if change.timer is not None:
        tables.timers[change.timer.run] = change.timer
    elif change.clear_timer and change.run is not None:
        tables.timers.pop(change.run, None)
    for lease in change.leases_freed:
        held = tables.leases.get(lease.resource)
        if held is not None and _frees(lease, held):
            tables.leases[lease.resource] = replace(held, run=None, key=None)
    for lease in change.leases_taken:
        tables.leases[lease.resource] = lease
    for blob in change.blobs:
        tables.blobs.setdefault(blob.address, blob)
    if change.plan is not None:
        tables.plans.setdefault(*change.plan)
    for digest, document in change.callees:
        tables.plans.setdefault(digest, document)
    if change.drive:
        assert change.run is not None, "only a run is driven"
        enqueue(tables, change.run)


def enqueue(tables: Tables, run: RunId) -> None:
    """Put the next drive of the run on the queue."""
    assert run in tables.runs, "a run that is claimed or driven has a row"
    seq = tables.drive_seqs.get(run, 0) + 1
    tables.drive_seqs[run] = seq
    tables.queue.append((run, seq))


def facts_version(tables: Tables) -> int:
    """Return the version of all control facts, 0 before the first."""
    return max((version for _, version in tables.facts.values()), default=0)


def live_run(tables: Tables, runbook: str, key: str, *, but: RunId | None) -> RunId | None:
    """Return a run of the runbook for the key that has not ended, and is not `but`."""
    found = [
        row.run
        for row in tables.runs.values()
        if (row.runbook, row.key) == (runbook, key) and row.status != "ended" and row.run != but
    ]
    return min(found, default=None)


def _frees(lease: LeaseRow, held: LeaseRow) -> bool:
    return (lease.resource, lease.run, lease.fence) == (held.resource, held.run, held.fence)
