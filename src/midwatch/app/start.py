"""Starting a run of a plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.app.drive.check import checked_inputs
from midwatch.app.drive.family.begin import begin_run
from midwatch.app.house import House
from midwatch.app.ids import RUN_ID_LENGTH, short_id
from midwatch.base.canonical import digest_of, frozen_value
from midwatch.base.classes import Mode
from midwatch.base.ids import Principal, RunId
from midwatch.journal.run_events import RunStarted
from midwatch.plan.codec import plan_bytes
from midwatch.plan.model import Plan


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
    callees: tuple[bytes, ...] = ()
    """Canonical bytes of the plans that it calls, and that these call."""


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
    begin_run(house, started, stored, callees={digest_of(one): one for one in request.callees})
    return run


def lower(declared: Mode, wanted: Mode | None) -> Mode:
    """Return the more careful of two modes: who starts a run may hold it back, not let it loose."""
    order = list(Mode)
    return declared if wanted is None else min(declared, wanted, key=order.index)
