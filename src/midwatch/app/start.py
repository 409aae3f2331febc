"""Starting a run of a plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.app.drive.check import checked_inputs
from midwatch.app.drive.project import changed_rows
from midwatch.app.house import SUBJECT, House
from midwatch.app.ids import RUN_ID_LENGTH, short_id
from midwatch.app.write import EMPTY
from midwatch.base.canonical import digest_of, frozen_value
from midwatch.base.classes import Mode
from midwatch.base.ids import Principal, RunId, run_stream
from midwatch.journal.chain import extend
from midwatch.journal.events import Draft
from midwatch.journal.run_events import RunStarted
from midwatch.plan.codec import plan_bytes
from midwatch.plan.model import Plan
from midwatch.ports.store import Change
from midwatch.run.evolve import fact
from midwatch.run.state import RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """Who wants which plan to run, on what."""

    plan: Plan
    inputs: Mapping[str, Any]
    initiator: Principal
    key: str = ""
    """One live run per runbook and key; empty for no such limit."""
    mode: Mode | None = None
    """None keeps the runbook's own; a start may lower it, never raise it."""
    person_acts: bool = False
    practice: bool = False
    host: str = ""
    stored: bytes | None = None
    """The plan's canonical bytes, where whoever starts many runs of it has them already."""


def start_run(house: House, request: StartRequest) -> RunId:
    """Start a run, durably, and enqueue its first drive; return its id.

    Raises:
        InputsError: MW614, when the inputs are not what the runbook declares.
        DuplicateRunError: MW705, when a live run has the key.
        StoreFullError: MW706, when nothing can be written.
    """
    plan = request.plan
    run = RunId(short_id(house, "r", RUN_ID_LENGTH))
    stored = request.stored or plan_bytes(plan)
    digest = digest_of(stored)
    inputs = checked_inputs(plan, request.inputs)
    started = RunStarted(
        run=run,
        plan=digest,
        runbook=plan.runbook,
        document=plan.document,
        title=plan.title,
        inputs=frozen_value(inputs),
        mode=lower(plan.mode, request.mode).value,
        profile=house.profile.value,
        initiator=request.initiator,
        person_acts=request.person_acts,
        practice=request.practice,
        key=request.key,
        host=request.host,
    )
    stream = run_stream(run)
    now_ms = house.clock.now_ms()
    key = house.keys.subject_key(SUBJECT, create=True)
    assert key is not None, "a key that may be created is there"
    entries = extend(
        stream,
        EMPTY.n,
        EMPTY.hash,
        [Draft(payload=started, actor=request.initiator)],
        at_ms=now_ms,
        subject=SUBJECT,
        key=key,
        noise=house.chance.token,
    )
    empty = RunState(run=run)
    after = fact(empty, started, 1, now_ms, request.initiator)
    house.store.append(
        Change(
            stream=stream,
            expected=EMPTY,
            entries=entries,
            run=run,
            rows=changed_rows(empty, after),
            plan=(digest, stored),
            drive=True,
            unique_live_key=(plan.runbook, request.key) if request.key else None,
        )
    )
    house.on_commit(run)
    return run


def lower(declared: Mode, wanted: Mode | None) -> Mode:
    """Return the more careful of two modes: who starts a run may hold it back, not let it loose."""
    order = list(Mode)
    return declared if wanted is None else min(declared, wanted, key=order.index)
