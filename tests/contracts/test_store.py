"""One suite for every store: memory and SQLite."""

import os
import sqlite3
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from midwatch.adapters.memory import MemoryStore
from midwatch.adapters.store.sqlite import SqliteStore
from midwatch.base.ids import (
    ApprovalId,
    Digest,
    HandId,
    OwnerToken,
    PersonId,
    RunId,
    StreamId,
    effect_key,
    run_stream,
)
from midwatch.base.units import EpochMs
from midwatch.ports.rows import ApprovalRow, EffectRow, HandRow, NoticeRow, TaskRow, TimerRow, WorkerRow
from midwatch.ports.store import (
    Blob,
    Change,
    DuplicateRunError,
    FactsMovedError,
    FencedError,
    Head,
    LeaseHeldError,
    RunFilter,
    SealedLog,
    SealedMore,
    Store,
    StoreBusyError,
    StoreDamagedError,
    StoreFullError,
    StoreUnreachableError,
    StoreVersionError,
    StreamMovedError,
)
from support.changes import (
    AT_MS,
    EMPTY,
    OWNER,
    after,
    begin,
    change,
    entries,
    flat_grow,
    lease,
    run_id,
    run_row,
    streams_of,
    task,
)

DEADLINE_S = 20.0
LONG_MS = 3_600_000


@dataclass(slots=True)
class ListedDrives:
    """A queue that only remembers what was put on it."""

    drives: list[tuple[RunId, int]] = field(default_factory=list)
    nudges: int = 0

    def prepare(self) -> None: ...
    def attach(self, connection: object) -> None: ...
    def enqueue(self, run: RunId, seq: int) -> None:
        self.drives.append((run, seq))

    def committed(self) -> None:
        self.nudges += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A store under test, and what it has enqueued."""

    store: Store
    drives: Callable[[], list[tuple[RunId, int]]]


def opened(path: Path) -> SqliteStore:
    return SqliteStore(path / "state" / "midwatch.db", drives=ListedDrives())


@pytest.fixture(params=["memory", "sqlite"])
def held(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Held]:
    if request.param == "memory":
        memory = MemoryStore()
        yield Held(store=memory, drives=lambda: list(memory._tables.queue))
        return
    drives = ListedDrives()
    store = SqliteStore(tmp_path / "state" / "midwatch.db", drives=drives)
    yield Held(store=store, drives=lambda: drives.drives)
    store.close()


@pytest.fixture
def store(held: Held) -> Store:
    return held.store


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteStore]:
    store = opened(tmp_path)
    yield store
    store.close()


# The journal


def test_an_empty_stream_ends_at_zero(store: Store) -> None:
    assert store.head(StreamId("policy")) == EMPTY
    assert list(store.entries(StreamId("policy"))) == []
    assert list(store.streams()) == []


def test_entries_come_back_as_they_were_appended(store: Store) -> None:
    run, head = begin(store)
    more = change(run, head, count=40)
    store.append(more)

    found = list(store.entries(run_stream(run)))

    assert [entry.n for entry in found] == list(range(1, 42))
    assert tuple(found[1:]) == more.entries
    assert list(store.entries(run_stream(run), after_n=40)) == found[40:]
    assert store.head(run_stream(run)) == after(more)
    assert list(store.streams()) == [run_stream(run)]


@pytest.mark.parametrize("wrong", ["number", "hash", "empty"])
def test_a_stream_that_has_moved_on_refuses_the_change(store: Store, wrong: str) -> None:
    run, head = begin(store)
    expected = {
        "number": replace(head, n=head.n + 1),
        "hash": replace(head, hash="f" * 64),
        "empty": EMPTY,
    }[wrong]

    with pytest.raises(StreamMovedError) as refused:
        store.append(change(run, expected, rows=[run_row(run, title="never")]))

    assert refused.value.code == "MW701"
    assert store.head(run_stream(run)) == head
    found = store.run_row(run)
    assert found is not None
    assert found.title == "Rounds of this host"


def test_a_change_without_entries_is_guarded_by_the_head_too(store: Store) -> None:
    run, head = begin(store)
    stream = run_stream(run)
    timer = TimerRow(run=run, due_ms=AT_MS)

    with pytest.raises(StreamMovedError):
        store.append(Change(stream=stream, expected=EMPTY, entries=(), run=run, timer=timer))
    assert list(store.due(AT_MS)) == []

    store.append(Change(stream=stream, expected=head, entries=(), run=run, timer=timer))
    assert list(store.due(AT_MS)) == [timer]


def test_streams_do_not_touch_each_other(store: Store) -> None:
    run, _ = begin(store)
    policy = StreamId("policy")
    store.append(Change(stream=policy, expected=EMPTY, entries=entries(policy, EMPTY, 2)))

    assert store.head(policy).n == 2
    assert list(store.streams()) == sorted([policy, run_stream(run)])
    assert store.heads() == {stream: store.head(stream) for stream in store.streams()}


def test_stored_events_come_in_the_order_of_commits(store: Store) -> None:
    first, first_head = begin(store, 1)
    second, _ = begin(store, 2)
    store.append(change(first, first_head, count=2))

    found = list(store.stored_events())

    assert [(stored.entry.stream, stored.entry.n) for stored in found] == [
        (run_stream(first), 1),
        (run_stream(second), 1),
        (run_stream(first), 2),
        (run_stream(first), 3),
    ]
    assert all(stored.position is None for stored in found)
    assert list(store.stored_events(after_row=found[1].row, limit=1)) == found[2:3]
    bare = store.stored_events(payloads=False)
    assert list(bare) == [stored._replace(sealed=b"") for stored in found]


# Rows


def test_rows_are_inserted_and_replaced_by_their_keys(store: Store) -> None:
    run, head = begin(store)
    done = TaskRow(run=run, task=task("check"), iteration=0, status="done", attempt=1)
    effect = EffectRow(
        key=effect_key(run, task("act")),
        run=run,
        task=task("act"),
        tool="files.chmod",
        effect="write",
        target="file:/tmp/key",
        action=Digest("sha256:" + "c" * 64),
        status="dispatched",
    )
    approval = ApprovalRow(
        approval=ApprovalId("a-000001"),
        run=run,
        task=task("act"),
        bundle=Digest("sha256:" + "d" * 64),
        status="open",
        rung=0,
        asked_ms=AT_MS,
        expires_ms=AT_MS,
    )
    first = change(run, head, rows=[replace(done, status="running"), effect, approval])
    store.append(first)
    assert list(store.approval_rows(only_open=True)) == [approval]

    confirmed, answered = replace(effect, status="confirmed"), replace(approval, status="approved")
    ended = run_row(run, status="ended", outcome="resolved", ended_ms=AT_MS, practice=True)
    store.append(change(run, after(first), rows=[done, confirmed, answered, ended]))

    assert list(store.task_rows(run)) == [done]
    assert list(store.effect_rows(run)) == [confirmed]
    assert list(store.approval_rows(run=run)) == [answered]
    assert list(store.approval_rows(only_open=True)) == []
    assert store.approval_row(ApprovalId("a-000001")) == answered
    assert store.run_row(run) == ended
    assert not store.task_rows(run_id(9))
    assert not store.effect_rows(run_id(9))
    assert store.run_row(run_id(9)) is None
    assert store.approval_row(ApprovalId("a-none")) is None


def test_tasks_come_by_name_and_iteration(store: Store) -> None:
    run, head = begin(store)
    rows = [
        TaskRow(run=run, task=task(name), iteration=iteration, status="done", attempt=1)
        for name, iteration in (("b", 1), ("a", 0), ("b", 0))
    ]
    store.append(change(run, head, rows=rows))

    assert [(row.task, row.iteration) for row in store.task_rows(run)] == [("a", 0), ("b", 0), ("b", 1)]


def test_runs_are_listed_newest_first_and_filtered(store: Store) -> None:
    begin(store, 1, started_ms=1)
    begin(store, 2, started_ms=3, status="ended")
    begin(store, 3, started_ms=2, runbook="other")

    assert [row.run for row in store.run_rows(RunFilter())] == [run_id(2), run_id(3), run_id(1)]
    assert [row.run for row in store.run_rows(RunFilter(live=True))] == [run_id(3), run_id(1)]
    assert [row.run for row in store.run_rows(RunFilter(live=False))] == [run_id(2)]
    assert [row.run for row in store.run_rows(RunFilter(runbook="rounds", limit=1))] == [run_id(2)]


def test_runs_are_found_by_the_beginning_of_their_id(store: Store) -> None:
    for number in range(12):
        begin(store, number)

    assert store.runs_like("r-0000000011") == [run_id(11)]
    assert store.runs_like("0000000011") == [run_id(11)]
    assert store.runs_like("00000000") == [run_id(number) for number in range(10)]
    assert store.runs_like("r-1") == store.runs_like("%") == store.runs_like("_") == []


def test_approvals_are_found_by_the_beginning_of_their_id(store: Store) -> None:
    run, head = begin(store)
    rows = [
        ApprovalRow(
            approval=ApprovalId(f"a-{name}"),
            run=run,
            task=task("act"),
            bundle=Digest("sha256:" + "d" * 64),
            status="open",
            rung=0,
            asked_ms=AT_MS,
            expires_ms=AT_MS,
        )
        for name in ("b1", "b2", "c1")
    ]
    store.append(change(run, head, rows=rows))

    assert store.approvals_like("a-b") == store.approvals_like("b") == ["a-b1", "a-b2"]
    assert store.approvals_like("d") == []


def test_what_people_do_and_are_told_is_found_by_run_by_id_and_while_it_is_open(store: Store) -> None:
    run, head = begin(store, 1)
    other, other_head = begin(store, 2)
    asked = HandRow(
        hand=HandId("h-b1"),
        run=run,
        task=task("clean"),
        iteration=2,
        purpose="manual",
        status="open",
        rung=0,
        asked_ms=AT_MS,
        due_ms=EpochMs(AT_MS + 1),
    )
    later = replace(asked, hand=HandId("h-b2"), run=other, asked_ms=EpochMs(AT_MS + 1))
    told = [NoticeRow(run=run, n=3, person=PersonId(name), at_ms=AT_MS) for name in ("ada", "grace")]
    store.append(change(run, head, rows=[asked, *told]))
    store.append(change(other, other_head, rows=[later]))

    assert list(store.hand_rows()) == [asked, later]
    assert list(store.hand_rows(run=run)) == [asked]
    assert store.hand_row(asked.hand) == asked
    assert store.hand_row(HandId("h-none")) is None
    assert store.hands_like("h-b") == store.hands_like("b") == ["h-b1", "h-b2"]
    assert store.hands_like("c") == []
    assert list(store.notice_rows(run=run)) == list(reversed(told))
    assert list(store.notice_rows(limit=1)) == [told[1]]
    assert list(store.notice_rows(run=other)) == []

    done = replace(asked, status="done")
    head = after(change(run, head))
    store.append(change(run, head, rows=[done]))
    assert list(store.hand_rows(only_open=True)) == [later]
    assert store.hand_row(asked.hand) == done


def test_plans_that_are_called_are_kept_with_the_one_that_calls_them(store: Store) -> None:
    run, head = begin(store, 1)
    called = (Digest("sha256:" + "1" * 64), b"{}"), (Digest("sha256:" + "2" * 64), b"[]")
    own = (Digest("sha256:" + "3" * 64), b"null")
    store.append(change(run, head, plan=own, callees=called))
    assert [store.plan(digest) for digest, _ in (own, *called)] == [b"null", b"{}", b"[]"]


# Ownership


def test_a_claim_makes_an_owner_and_a_release_unmakes_it(store: Store) -> None:
    run, head = begin(store)
    assert store.owner(run) is None

    claimed = change(run, head, claim=OWNER)
    store.append(claimed)
    assert store.owner(run) == OWNER

    mine = change(run, after(claimed), owner=OWNER, rows=[run_row(run, status="waiting")])
    store.append(mine)
    assert store.owner(run) == OWNER

    store.append(change(run, after(mine), owner=OWNER, release=True))
    assert store.owner(run) is None
    assert store.owner(run_id(9)) is None


def test_a_drive_that_does_not_own_the_run_is_fenced(store: Store) -> None:
    run, head = begin(store, owner=OWNER)
    before = store.stored_events()

    with pytest.raises(FencedError) as refused:
        store.append(change(run, head, owner=OwnerToken("zombie")))
    assert refused.value.code == "MW702"
    with pytest.raises(FencedError):
        store.append(change(run, head, claim=OwnerToken("second")))
    with pytest.raises(FencedError):
        store.append(change(run, head, claim=OwnerToken("second"), claim_over=OwnerToken("third")))

    assert store.owner(run) == OWNER
    assert store.stored_events() == before


def test_a_zombie_is_fenced_even_where_the_stream_has_moved(store: Store) -> None:
    run, head = begin(store, owner=OWNER)
    store.append(change(run, head, claim=OwnerToken("heir"), claim_over=OWNER))

    with pytest.raises(FencedError):
        store.append(change(run, head, owner=OWNER))


def test_somebody_who_is_no_drive_may_append_to_an_owned_run(store: Store) -> None:
    run, head = begin(store, owner=OWNER)

    store.append(change(run, head))

    assert store.head(run_stream(run)).n == 2
    assert store.owner(run) == OWNER


def chain_of(store: Store, count: int) -> tuple[RunId, list[Change]]:
    """Return a run and changes of it, each on the one before."""
    run, head = begin(store)
    changes: list[Change] = []
    for _ in range(count):
        changes.append(change(run, head))
        head = after(changes[-1])
    return run, changes


def test_a_change_may_be_begun_on_one_that_is_under_way(store: Store) -> None:
    run, changes = chain_of(store, 3)

    receipts = [store.begin(one, awaited=False) for one in changes]
    for receipt in receipts:
        receipt.wait()

    assert store.head(run_stream(run)) == after(changes[-1])
    assert [entry.n for entry in store.entries(run_stream(run))] == [1, 2, 3, 4]


def test_where_a_change_is_refused_so_are_those_that_stand_on_it(store: Store) -> None:
    run, changes = chain_of(store, 3)
    version = store.bump_facts(name="halt", value="all")

    receipts = [store.begin(replace(changes[0], facts_version=version + 1), awaited=False)]
    receipts += [store.begin(one, awaited=False) for one in changes[1:]]

    for receipt, refusal in zip(receipts, (FactsMovedError, StreamMovedError, StreamMovedError), strict=True):
        with pytest.raises(refusal):
            receipt.wait()
    assert store.head(run_stream(run)).n == 1


def test_a_change_that_nobody_waits_for_becomes_durable_by_itself(store: Store) -> None:
    run, changes = chain_of(store, 2)
    receipts = [store.begin(one, awaited=False) for one in changes]

    landed = threading.Event()
    until_s = time.monotonic() + DEADLINE_S
    while not all(receipt.is_over() for receipt in receipts) and time.monotonic() < until_s:
        landed.wait(0.001)

    assert store.head(run_stream(run)) == after(changes[-1])


# Facts, leases, live keys


def test_facts_have_one_version_that_grows_with_each_change(store: Store) -> None:
    assert store.facts_version() == 0
    assert store.fact("policy") is None
    assert store.bump_facts(name="policy", value="p1") == 1
    assert store.bump_facts(name="people", value="q1") == 2
    assert store.bump_facts(name="policy", value="p1") == 2
    assert store.bump_facts(name="policy", value="p2") == 3
    assert store.facts_version() == 3
    assert store.fact("policy") == "p2"


def test_a_process_knows_the_version_of_facts_that_it_set_or_met(sqlite: SqliteStore, tmp_path: Path) -> None:
    assert sqlite.facts_version(within_ms=LONG_MS) == 0
    assert sqlite.bump_facts(name="policy", value="p1") == 1
    assert sqlite.facts_version(within_ms=LONG_MS) == 1
    run, head = begin(sqlite)
    bump_elsewhere(tmp_path)

    sqlite.append(change(run, head))

    assert sqlite.facts_version(within_ms=LONG_MS) == 2


def test_who_is_refused_for_old_facts_learns_the_new_version(sqlite: SqliteStore, tmp_path: Path) -> None:
    run, head = begin(sqlite)
    known = sqlite.facts_version(within_ms=LONG_MS)
    bump_elsewhere(tmp_path)

    with pytest.raises(FactsMovedError):
        sqlite.append(change(run, head, facts_version=known))

    assert sqlite.facts_version(within_ms=LONG_MS) == known + 1


def bump_elsewhere(folder: Path) -> None:
    """Have another process set a control fact."""
    other = opened(folder)
    other.bump_facts(name="halt", value="all")
    other.close()


def test_a_decision_on_old_facts_is_refused(store: Store) -> None:
    run, head = begin(store)
    version = store.bump_facts(name="policy", value="p1")
    first = change(run, head, facts_version=version)
    store.append(first)
    store.bump_facts(name="halt", value="all")

    with pytest.raises(FactsMovedError) as refused:
        store.append(change(run, after(first), facts_version=version))

    assert refused.value.code == "MW703"
    assert store.head(run_stream(run)) == after(first)


def test_a_lease_is_held_by_one_run_and_its_fence_only_grows(store: Store) -> None:
    one, one_head = begin(store, 1)
    two, two_head = begin(store, 2)
    assert store.lease("file:/a") is None

    taken = change(one, one_head, leases_taken=[lease("file:/a", one, 1)])
    store.append(taken)
    assert store.lease("file:/a") == lease("file:/a", one, 1)
    with pytest.raises(LeaseHeldError) as refused:
        store.append(change(two, two_head, leases_taken=[lease("file:/a", two, 2)]))
    assert refused.value.code == "MW704"
    assert refused.value.facts["run"] == one
    again = change(one, after(taken), leases_taken=[lease("file:/a", one, 2)])
    store.append(again)

    stale = change(one, after(again), leases_freed=[lease("file:/a", one, 1)])
    store.append(stale)
    assert store.lease("file:/a") == lease("file:/a", one, 2)
    store.append(change(one, after(stale), leases_freed=[lease("file:/a", one, 2)]))
    freed = store.lease("file:/a")
    assert freed is not None
    assert (freed.run, freed.key, freed.fence) == (None, None, 2)

    with pytest.raises(LeaseHeldError):
        store.append(change(two, two_head, leases_taken=[lease("file:/a", two, 1)]))
    store.append(change(two, two_head, leases_taken=[lease("file:/a", two, 3)]))
    assert store.lease("file:/a") == lease("file:/a", two, 3)


def test_a_lease_belongs_to_one_effect_also_among_those_of_one_run(store: Store) -> None:
    run, head = begin(store, 1)
    taken = change(run, head, leases_taken=[lease("file:/a", run, 1)])
    store.append(taken)
    beside = lease("file:/a", run, 2, task="beside")

    with pytest.raises(LeaseHeldError):
        store.append(change(run, after(taken), leases_taken=[beside]))

    freed = [lease("file:/a", run, 1)]
    store.append(change(run, after(taken), leases_freed=freed, leases_taken=[beside]))
    assert store.lease("file:/a") == beside


def test_a_lease_may_be_freed_and_taken_in_one_change(store: Store) -> None:
    dead, dead_head = begin(store, 1)
    heir, heir_head = begin(store, 2)
    store.append(change(dead, dead_head, leases_taken=[lease("file:/a", dead, 1)]))

    over = change(
        heir, heir_head, leases_freed=[lease("file:/a", dead, 1)], leases_taken=[lease("file:/a", heir, 2)]
    )
    store.append(over)

    assert store.lease("file:/a") == lease("file:/a", heir, 2)


def test_one_key_has_one_live_run(store: Store) -> None:
    live, _ = begin(store, 1, key="disk")
    assert store.live_run("rounds", "disk") == live
    assert store.live_run("rounds", "other") is store.live_run("other", "disk") is None
    second = change(
        run_id(2), EMPTY, rows=[run_row(run_id(2), key="disk")], unique_live_key=("rounds", "disk")
    )

    with pytest.raises(DuplicateRunError) as refused:
        store.append(second)
    assert refused.value.code == "MW705"
    assert live in refused.value.help

    store.append(change(live, store.head(run_stream(live)), rows=[run_row(live, key="disk", status="ended")]))
    store.append(second)
    assert store.live_run("rounds", "disk") == run_id(2)


def test_a_refused_change_leaves_nothing_at_all(held: Held) -> None:
    store = held.store
    run, head = begin(store, owner=OWNER)
    store.append(change(run, head, leases_taken=[lease("file:/a", run, 1)]))
    other, other_head = begin(store, 2)
    drives = list(held.drives())

    with pytest.raises(LeaseHeldError):
        store.append(
            change(
                other,
                other_head,
                claim=OWNER,
                rows=[run_row(other, title="never")],
                timer=TimerRow(run=other, due_ms=AT_MS),
                leases_taken=[lease("file:/b", other, 1), lease("file:/a", other, 2)],
                blobs=[Blob(address="x", subject="s", sealed=b"x")],
                plan=(Digest("sha256:" + "e" * 64), b"{}"),
                drive=True,
            )
        )

    assert store.head(run_stream(other)) == other_head
    assert store.owner(other) is None
    assert store.run_row(other) == run_row(other)
    assert list(store.due(AT_MS)) == []
    assert store.lease("file:/b") is None
    assert store.blob("x") is None
    assert store.plan(Digest("sha256:" + "e" * 64)) is None
    assert held.drives() == drives


# Blobs and plans


def test_blobs_and_plans_are_kept_once_by_their_address(store: Store) -> None:
    run, head = begin(store)
    plan = Digest("sha256:" + "e" * 64)
    blob = Blob(address="blob:1", subject="tenant/local", sealed=b"\x00sealed")
    first = change(run, head, blobs=[blob], plan=(plan, b'{"a":1}'))
    store.append(first)
    store.append(change(run, after(first), blobs=[replace(blob, sealed=b"other")], plan=(plan, b"other")))

    assert store.blob("blob:1") == blob
    assert store.plan(plan) == b'{"a":1}'
    assert store.blob("blob:2") is None
    assert store.plan(Digest("sha256:" + "0" * 64)) is None


# Timers and drives


def test_a_run_has_one_timer_which_the_next_replaces(store: Store) -> None:
    run, head = begin(store)
    first = change(run, head, timer=TimerRow(run=run, due_ms=EpochMs(100)))
    store.append(first)
    second = change(run, after(first), timer=TimerRow(run=run, due_ms=EpochMs(200)))
    store.append(second)

    assert list(store.due(EpochMs(199))) == []
    assert list(store.due(EpochMs(200))) == [TimerRow(run=run, due_ms=EpochMs(200))]

    store.append(change(run, after(second), clear_timer=True))
    assert list(store.due(EpochMs(200))) == []


def test_timers_come_longest_overdue_first(store: Store) -> None:
    for number, due_ms in ((1, 30), (2, 10), (3, 20)):
        run, head = begin(store, number)
        store.append(change(run, head, timer=TimerRow(run=run, due_ms=EpochMs(due_ms))))

    assert [timer.run for timer in store.due(EpochMs(30), limit=2)] == [run_id(2), run_id(3)]


def test_a_timer_fires_once(held: Held) -> None:
    store = held.store
    run, head = begin(store)
    timer = TimerRow(run=run, due_ms=AT_MS)
    store.append(change(run, head, timer=timer))

    with ThreadPoolExecutor(8) as pool:
        woken = list(pool.map(lambda _: store.wake(timer), range(8)))

    assert sorted(woken) == [False] * 7 + [True]
    assert held.drives() == [(run, 1)]
    assert list(store.due(AT_MS)) == []


def test_a_timer_that_was_replaced_does_not_fire(held: Held) -> None:
    run, head = begin(held.store)
    held.store.append(change(run, head, timer=TimerRow(run=run, due_ms=EpochMs(200))))

    assert not held.store.wake(TimerRow(run=run, due_ms=EpochMs(100)))
    assert held.drives() == []


def test_each_drive_of_a_run_has_the_next_number(held: Held) -> None:
    store = held.store
    run, head = begin(store)
    first = change(run, head, drive=True, rows=[run_row(run, status="waiting")])
    store.append(first)
    second = change(run, after(first), drive=True, timer=TimerRow(run=run, due_ms=AT_MS))
    store.append(second)
    store.wake(TimerRow(run=run, due_ms=AT_MS))

    assert held.drives() == [(run, 1), (run, 2), (run, 3)]


def test_a_run_may_be_started_claimed_and_driven_in_one_change(held: Held) -> None:
    run = run_id(1)
    held.store.append(change(run, EMPTY, rows=[run_row(run)], claim=OWNER, drive=True))

    assert held.store.owner(run) == OWNER
    assert held.drives() == [(run, 1)]


# Sealing


def test_events_are_sealed_in_the_order_of_commits(store: Store) -> None:
    first, first_head = begin(store, 1)
    second, _ = begin(store, 2)
    store.append(change(first, first_head, count=2))
    seen: list[tuple[StreamId, int]] = []

    def growing(log: SealedLog) -> SealedMore | None:
        seen.extend(streams_of(log.pending))
        return flat_grow(log)

    assert store.seal(growing, limit=3) == 3
    assert store.sealed_size() == 3
    assert store.seal(growing) == 1
    assert store.seal(growing) == 0

    assert seen == [(stored.entry.stream, stored.entry.n) for stored in store.stored_events()]
    assert [stored.position for stored in store.stored_events()] == [0, 1, 2, 3]
    assert list(store.checkpoints()) == [(3, "note 3"), (4, "note 4")]
    assert len(store.tile(0, 0)) == 4 * 32
    assert store.tile(1, 0) == b""
    assert list(store.tiles()) == [(0, 0, store.tile(0, 0))]
    assert run_stream(second) in {stream for stream, _ in seen}


def test_a_pass_that_declines_or_fails_seals_nothing(store: Store) -> None:
    begin(store)

    def failing(log: SealedLog) -> SealedMore | None:
        raise KeyError(log.size)

    assert store.seal(lambda log: None) == 0
    with pytest.raises(KeyError):
        store.seal(failing)
    assert store.sealed_size() == 0
    assert store.seal(flat_grow) == 1


def test_sealing_while_others_append_leaves_no_gap(store: Store) -> None:
    def appending(number: int) -> None:
        run, head = begin(store, number)
        for _ in range(10):
            more = change(run, head, count=2)
            store.append(more)
            head = after(more)

    with ThreadPoolExecutor(5) as pool:
        done = [pool.submit(appending, number) for number in range(4)]
        while not all(each.done() for each in done):
            store.seal(flat_grow, limit=7)
        for each in done:
            each.result()
    while store.seal(flat_grow, limit=7):
        pass

    found = store.stored_events()
    assert [stored.position for stored in found] == list(range(4 * 21))
    assert store.tile(0, 0) == b"".join(stored.entry.leaf_hash for stored in found)


# Workers


def test_workers_beat_and_are_forgotten(store: Store) -> None:
    worker = WorkerRow(worker="w1", host="h", boot="b", pid=1, started_ms=2, beat=0)
    store.beat(worker)
    store.beat(replace(worker, beat=1))
    store.beat(replace(worker, worker="w0"))
    assert [(row.worker, row.beat) for row in store.workers()] == [("w0", 0), ("w1", 1)]

    store.forget_worker("w0")
    store.forget_worker("nobody")
    assert [row.worker for row in store.workers()] == ["w1"]


# Many at once


def test_many_threads_append_and_each_gets_its_own_answer(store: Store) -> None:
    threads, rounds = 32, 8
    gate = threading.Barrier(threads)

    def appending(number: int) -> int:
        gate.wait()
        run, head = begin(store, number)
        refused = 0
        for turn in range(rounds):
            more = change(run, head, count=1 + turn % 3)
            store.append(more)
            try:
                store.append(more)
            except StreamMovedError:
                refused += 1
            head = after(more)
        return refused

    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(appending, range(threads))) == [rounds] * threads
    for number in range(threads):
        found = store.entries(run_stream(run_id(number)))
        assert [entry.n for entry in found] == list(range(1, len(found) + 1))
        assert after(Change(stream=found[-1].stream, expected=EMPTY, entries=found)) == store.head(
            found[-1].stream
        )


def test_of_many_who_append_to_one_stream_one_wins_each_number(store: Store) -> None:
    run, _ = begin(store)
    stream = run_stream(run)
    wins = [0] * 8

    def appending(who: int) -> None:
        while (head := store.head(stream)).n < 40:
            try:
                store.append(change(run, head))
            except StreamMovedError:
                continue
            wins[who] += 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(appending, range(8)))

    n = store.head(stream).n
    assert sum(wins) == n - 1
    assert [entry.n for entry in store.entries(stream)] == list(range(1, n + 1))


# The copy of a fake, the file of the real one


def test_a_copy_of_the_fake_is_what_a_killed_process_leaves() -> None:
    memory = MemoryStore()
    run, head = begin(memory)
    memory.append(change(run, head, drive=True))
    memory.take_drive("w1")

    twin = memory.copy()
    memory.append(change(run, memory.head(run_stream(run))))

    assert twin.head(run_stream(run)).n == 2
    assert twin.give_back(["w1"]) == 1
    assert twin.take_drive("w2") == (run, 1)
    assert memory.take_drive("w2") is None


def test_what_was_appended_is_there_after_reopening(tmp_path: Path) -> None:
    first = opened(tmp_path)
    run, head = begin(first, owner=OWNER)
    first.seal(flat_grow)
    first.close()

    second = opened(tmp_path)

    assert second.head(run_stream(run)) == head
    assert second.owner(run) == OWNER
    assert second.sealed_size() == 1
    assert second.seal(flat_grow) == 0
    second.close()


def test_two_stores_on_one_file_see_each_other(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    run, head = begin(first)
    second.append(change(run, head))
    with pytest.raises(StreamMovedError):
        first.append(change(run, head))
    assert first.head(run_stream(run)).n == 2
    first.close()
    second.close()


def test_nobody_else_can_read_the_files(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "midwatch.db").touch(mode=0o644)
    store = opened(tmp_path)
    begin(store)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}

    assert modes == dict.fromkeys(("midwatch.db", "midwatch.db-wal", "midwatch.db-shm"), 0o600)
    store.close()


def test_a_new_folder_is_closed_to_others(sqlite: SqliteStore, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_events_can_be_neither_changed_nor_deleted(sqlite: SqliteStore, tmp_path: Path) -> None:
    begin(sqlite)
    for statement in ("UPDATE mw_events SET type = 'x'", "DELETE FROM mw_events"):

        def tampering(raw: sqlite3.Connection, sql: str = statement) -> int:
            return raw.execute(sql).rowcount

        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            sqlite._writer.submit(tampering)
    assert len(sqlite.stored_events()) == 1


def test_a_full_database_loses_nothing_and_goes_on_once_there_is_room(sqlite: SqliteStore) -> None:
    run, head = begin(sqlite)
    sqlite._writer.submit(lambda raw: raw.execute("PRAGMA max_page_count = 10").fetchone())
    big = Blob(address="big", subject="s", sealed=bytes(1 << 20))

    with pytest.raises(StoreFullError) as refused:
        sqlite.append(change(run, head, blobs=[big]))

    assert refused.value.code == "MW706"
    assert "midwatch.db" in refused.value.help
    assert sqlite.head(run_stream(run)) == head
    sqlite._writer.submit(lambda raw: raw.execute("PRAGMA max_page_count = 100000").fetchone())
    sqlite.append(change(run, head, blobs=[big]))
    assert sqlite.blob("big") == big


def test_when_one_of_a_batch_does_not_fit_the_others_are_written(sqlite: SqliteStore) -> None:
    runs = [begin(sqlite, number) for number in range(9)]
    pages = sqlite._writer.submit(lambda raw: raw.execute("PRAGMA page_count").fetchone())[0]
    sqlite._writer.submit(lambda raw: raw.execute(f"PRAGMA max_page_count = {pages + 60}").fetchone())
    gate = threading.Barrier(len(runs))

    def appending(number: int) -> bool:
        run, head = runs[number]
        blobs = [Blob(address="big", subject="s", sealed=bytes(1 << 20))] if number == 0 else []
        gate.wait()
        try:
            sqlite.append(change(run, head, blobs=blobs))
        except StoreFullError:
            return False
        return True

    with ThreadPoolExecutor(len(runs)) as pool:
        assert list(pool.map(appending, range(len(runs)))) == [False] + [True] * 8


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=768k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"mount refused: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_loses_nothing_and_goes_on_once_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    store = SqliteStore(small_disk / "state" / "midwatch.db", drives=ListedDrives())
    run, head = begin(store)
    ballast.write_bytes(bytes(150_000))
    written = 0

    def filling() -> None:
        nonlocal head, written
        for _ in range(1_000):
            more = change(run, head, count=4)
            store.append(more)
            head, written = after(more), written + 1

    with pytest.raises(StoreFullError):
        filling()
    assert written > 0
    assert store.head(run_stream(run)) == head

    ballast.unlink()
    store.append(change(run, head))
    assert store.head(run_stream(run)).n == head.n + 1
    store.close()


def test_a_disk_that_is_full_from_the_beginning_is_an_error_with_a_code(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"):
        ballast.write_bytes(bytes(1 << 20))

    with pytest.raises(StoreFullError):
        SqliteStore(small_disk / "state" / "midwatch.db", drives=ListedDrives())

    ballast.unlink()
    SqliteStore(small_disk / "state" / "midwatch.db", drives=ListedDrives()).close()


def test_a_folder_that_cannot_be_written_is_an_error_with_a_code(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")

    with pytest.raises(StoreUnreachableError) as refused:
        opened(tmp_path)

    assert refused.value.code == "MW707"


def test_a_database_of_a_newer_midwatch_is_refused(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store._writer.submit(lambda raw: raw.execute("INSERT INTO mw_schema_version VALUES (999)").rowcount)
    store.close()

    with pytest.raises(StoreVersionError) as refused:
        opened(tmp_path)

    assert refused.value.code == "MW708"
    assert refused.value.facts["version"] == 999


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to be read as one" * 40, b"\x00" * 8192]
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state" / "midwatch.db"
    path.parent.mkdir()
    path.write_bytes(content)

    with pytest.raises(StoreDamagedError) as refused:
        opened(tmp_path)

    assert refused.value.code == "MW709"
    assert path.read_bytes() == content


def test_a_lock_that_is_never_let_go_is_an_error_for_everybody_who_waits(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    runs = [begin(sqlite, number) for number in range(4)]
    sqlite._writer.outside(lambda raw: raw.execute("PRAGMA busy_timeout = 50").fetchone())
    other = sqlite3.connect(tmp_path / "state" / "midwatch.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def appending(run: RunId, head: Head) -> str:
        try:
            sqlite.append(change(run, head))
        except StoreBusyError as refused:
            return refused.code
        return "written"

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda each: appending(*each), runs)) == ["MW710"] * 4
        other.execute("ROLLBACK")
        assert list(pool.map(lambda each: appending(*each), runs)) == ["written"] * 4
    other.close()


def test_a_store_that_was_closed_refuses_to_write(tmp_path: Path) -> None:
    store = opened(tmp_path)
    run, head = begin(store)
    store.close()

    with pytest.raises(StoreUnreachableError):
        store.append(change(run, head))


def test_opening_again_changes_nothing_of_the_schema(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "a"), opened(tmp_path / "b")
    second.close()
    second = opened(tmp_path / "b")
    tables = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"

    assert first._reads.rows(tables) == second._reads.rows(tables)
    first.close()
    second.close()
