"""One `Change` as SQL: judged whole, then written whole.

Rule 1: nothing is written before everything has been judged (see `writer`, rule 2).
Rule 2: a refusal says the worst first: a drive that was dispossessed must stop, whatever else is
        true; a stream that moved makes every other answer stale.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from midwatch.adapters.store.rows import (
    ENTRIES_MAX,
    INSERT_ENTRIES,
    LEASE,
    TIMER,
    entry_parameters,
    upsert_of,
)
from midwatch.base.ids import RunId
from midwatch.ports.rows import LeaseRow, TimerRow
from midwatch.ports.store import (
    Change,
    DuplicateRunError,
    FactsMovedError,
    FencedError,
    Head,
    LeaseHeldError,
    StreamMovedError,
)

Enqueue = Callable[[RunId, int], None]
"""Puts drive number `seq` of a run on the queue, inside the transaction that is open."""

EMPTY = Head(n=0, hash="0" * 64)

_JUDGE = """
SELECT s.n, s.head, r.owner, r.drive_seq, (SELECT MAX(version) FROM mw_facts)
FROM (SELECT 1 AS one) AS o
LEFT JOIN mw_streams AS s ON s.stream = :stream
LEFT JOIN mw_runs AS r ON r.run = :run
"""
_LIVE_RUN = """
SELECT run FROM mw_runs
WHERE runbook = :runbook AND key = :key AND status <> 'ended' AND run <> :run
ORDER BY run LIMIT 1
"""
_FIRST_HEAD = (
    "INSERT INTO mw_streams (stream, n, head) VALUES (:stream, :n, :head) ON CONFLICT (stream) DO NOTHING"
)
_NEXT_HEAD = """
UPDATE mw_streams SET n = :n, head = :head
WHERE stream = :stream AND n = :expected_n AND head = :expected_head
"""
_OWN = "UPDATE mw_runs SET owner = :owner, drive_seq = :drive_seq WHERE run = :run"
_CLEAR_TIMER = "DELETE FROM mw_timers WHERE run = :run"
_THIS_TIMER = "DELETE FROM mw_timers WHERE run = :run AND due_ms = :due_ms"
_NEXT_DRIVE = "UPDATE mw_runs SET drive_seq = drive_seq + 1 WHERE run = :run"
_DRIVE_SEQ = "SELECT drive_seq FROM mw_runs WHERE run = :run"
_LEASE = f"{LEASE.select} WHERE resource = :resource"
_FREE_LEASE = """
UPDATE mw_leases SET run = NULL, key = NULL
WHERE resource = :resource AND run = :run AND fence = :fence
"""
_KEEP_BLOB = """
INSERT INTO mw_blobs (address, subject, sealed) VALUES (:address, :subject, :sealed)
ON CONFLICT (address) DO NOTHING
"""
_KEEP_PLAN = "INSERT INTO mw_plans (plan, document) VALUES (:plan, :document) ON CONFLICT (plan) DO NOTHING"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What the judgement found of the run's operational columns, and of the control facts."""

    owner: str | None
    drive_seq: int
    facts_version: int


def apply_change(connection: sqlite3.Connection, change: Change, enqueue: Enqueue) -> int:
    """Write the change inside the open transaction, or refuse it before the first write.

    Returns:
        The version of all control facts, as it was met on the way.

    Raises:
        FencedError, StreamMovedError, FactsMovedError, LeaseHeldError, DuplicateRunError: see `Change`.
    """
    judged = _judge(connection, change)
    _append(connection, change)
    for row in change.rows:
        connection.execute(*upsert_of(row))
    _own(connection, change, judged)
    if change.timer is not None:
        connection.execute(TIMER.upsert, TIMER.parameters(change.timer))
    elif change.clear_timer:
        connection.execute(_CLEAR_TIMER, {"run": change.run})
    for lease in change.leases_freed:
        connection.execute(_FREE_LEASE, LEASE.parameters(lease))
    for lease in change.leases_taken:
        connection.execute(LEASE.upsert, LEASE.parameters(lease))
    for blob in change.blobs:
        parameters = {"address": blob.address, "subject": blob.subject, "sealed": blob.sealed}
        connection.execute(_KEEP_BLOB, parameters)
    for digest, document in (*((change.plan,) if change.plan is not None else ()), *change.callees):
        connection.execute(_KEEP_PLAN, {"plan": digest, "document": document})
    if change.drive:
        assert change.run is not None, "only a run is driven"
        enqueue(change.run, judged.drive_seq + 1)
    return judged.facts_version


def wake_timer(connection: sqlite3.Connection, timer: TimerRow, enqueue: Enqueue) -> bool:
    """Clear the timer and enqueue a drive of its run, if it is still this one."""
    if connection.execute(_THIS_TIMER, TIMER.parameters(timer)).rowcount == 0:
        return False
    connection.execute(_NEXT_DRIVE, {"run": timer.run})
    found = connection.execute(_DRIVE_SEQ, {"run": timer.run}).fetchone()
    assert found is not None, "a timer belongs to a run"
    enqueue(timer.run, found[0])
    return True


def _judge(connection: sqlite3.Connection, change: Change) -> _Judged:
    found = connection.execute(_JUDGE, {"stream": change.stream, "run": change.run}).fetchone()
    n, head, owner, drive_seq, facts_version = found
    if change.owner is not None and owner != change.owner:
        raise FencedError(f"another drive owns the run {change.run}", run=str(change.run))
    if change.claim is not None and owner is not None and owner != change.claim_over:
        raise FencedError(f"the run {change.run} is being driven already", run=str(change.run))
    if Head(n=n or 0, hash=head or EMPTY.hash) != change.expected:
        raise StreamMovedError(
            f"{change.stream} ends at {n or 0} now, and not at {change.expected.n}",
            stream=change.stream,
            n=n or 0,
        )
    if change.facts_version not in {None, facts_version or 0}:
        raise FactsMovedError("policy, people or a halt changed meanwhile", version=facts_version or 0)
    resources = [lease.resource for lease in change.leases_taken]
    assert len(resources) == len(set(resources)), "a change takes a lease once"
    for lease in change.leases_taken:
        _judge_lease(connection, lease, change)
    if change.unique_live_key is not None:
        runbook, key = change.unique_live_key
        live = connection.execute(
            _LIVE_RUN, {"runbook": runbook, "key": key, "run": change.run or ""}
        ).fetchone()
        if live is not None:
            raise DuplicateRunError(
                f"{live[0]} runs {runbook} for {key!r} already", run=live[0], runbook=runbook, key=key
            )
    return _Judged(owner=owner, drive_seq=drive_seq or 0, facts_version=facts_version or 0)


def _judge_lease(connection: sqlite3.Connection, lease: LeaseRow, change: Change) -> None:
    found = connection.execute(_LEASE, {"resource": lease.resource}).fetchone()
    if found is None:
        holder, fence = None, 0
    else:
        held = LEASE.row(found)
        holder, fence = (None if held.run is None else (held.run, held.key)), held.fence
        for freed in change.leases_freed:
            if (freed.resource, freed.run, freed.fence) == (held.resource, held.run, held.fence):
                holder = None
    if holder not in {None, (lease.run, lease.key)}:
        raise _held(lease, holder)
    if lease.fence != fence + 1:
        raise LeaseHeldError(f"{lease.resource} was taken by another meanwhile", resource=lease.resource)


def _held(lease: LeaseRow, holder: tuple[str, str | None] | None) -> LeaseHeldError:
    run, key = holder or ("", None)
    return LeaseHeldError(f"{key or run} holds {lease.resource}", resource=lease.resource, run=run)


def _append(connection: sqlite3.Connection, change: Change) -> None:
    entries = change.entries
    if not entries:
        return
    assert entries[0].n == change.expected.n + 1, "entries follow the expected head"
    assert entries[-1].n == change.expected.n + len(entries), "entries are numbered without gaps"
    last = entries[-1]
    moved = connection.execute(
        _NEXT_HEAD if change.expected.n else _FIRST_HEAD,
        {
            "stream": change.stream,
            "n": last.n,
            "head": last.leaf_hash.hex(),
            "expected_n": change.expected.n,
            "expected_head": change.expected.hash,
        },
    )
    if moved.rowcount != 1:
        raise StreamMovedError(f"{change.stream} has moved on", stream=change.stream, n=change.expected.n)
    for start in range(0, len(entries), ENTRIES_MAX):
        some = entries[start : start + ENTRIES_MAX]
        connection.execute(INSERT_ENTRIES[len(some)], entry_parameters(some))


def _own(connection: sqlite3.Connection, change: Change, judged: _Judged) -> None:
    owner = None if change.release else change.claim or judged.owner
    drive_seq = judged.drive_seq + change.drive
    if (owner, drive_seq) == (judged.owner, judged.drive_seq):
        return
    own = connection.execute(_OWN, {"owner": owner, "drive_seq": drive_seq, "run": change.run})
    assert own.rowcount == 1, "a run that is claimed or driven has a row"
