"""The first event of a run, and everything that goes into the same transaction."""

from collections.abc import Mapping

from midwatch.app.drive.family.append import EMPTY
from midwatch.app.drive.project import changed_rows
from midwatch.app.house import SUBJECT, House
from midwatch.base.ids import Digest, Principal, RunId, run_stream
from midwatch.journal.chain import extend
from midwatch.journal.events import Draft
from midwatch.journal.run_events import RunStarted
from midwatch.ports.store import Change
from midwatch.run.evolve import fact
from midwatch.run.state import RunState


def begin_run(
    house: House, started: RunStarted, stored: bytes | None, *, callees: Mapping[Digest, bytes] | None = None
) -> None:
    """Start a run, durably, and enqueue its first drive.

    Args:
        house: where.
        started: says which run, and of which plan.
        stored: the plan's canonical bytes; None where the database holds them.
        callees: plans that it may call, by digest.

    Raises:
        StreamMovedError: MW701, when the run is there already.
        DuplicateRunError: MW705, when a live run has the key.
        StoreFullError: MW706, when nothing can be written.
    """
    run, actor = RunId(started.run), Principal(started.initiator)
    stream = run_stream(run)
    now_ms = house.clock.now_ms()
    key = house.keys.subject_key(SUBJECT, create=True)
    assert key is not None, "a key that may be created is there"
    entries = extend(
        stream,
        EMPTY.n,
        EMPTY.hash,
        [Draft(payload=started, actor=actor)],
        at_ms=now_ms,
        subject=SUBJECT,
        key=key,
        noise=house.chance.token,
    )
    empty = RunState(run=run)
    after = fact(empty, started, 1, now_ms, actor)
    house.store.append(
        Change(
            stream=stream,
            expected=EMPTY,
            entries=entries,
            run=run,
            rows=changed_rows(empty, after),
            plan=None if stored is None else (Digest(started.plan), stored),
            callees=tuple((callees or {}).items()),
            drive=True,
            unique_live_key=(started.runbook, started.key) if started.key else None,
        )
    )
    house.on_commit(run)
