"""Signalling something to a run: kept in its inbox until a wait takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch.app.drive.family.append import Write, append_to_run
from midwatch.app.drive.session import load_plan
from midwatch.app.errors import SignalLateError, SignalMisfitError, SignalUnknownError
from midwatch.app.house import House
from midwatch.base.canonical import frozen_value
from midwatch.base.ids import Principal, RunId
from midwatch.journal.run_events import SignalReceived
from midwatch.plan.model import Plan, PlanTask
from midwatch.run.errors import RunUnknownError
from midwatch.run.state import RunState
from midwatch.runbook.errors import ValueMismatchError
from midwatch.runbook.expr import coerce, validate

INBOX_MAX = 1_000
"""Signals that a run keeps which nothing waited for yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSent:
    """Something that is signalled, as a surface took it."""

    run: RunId
    name: str
    by: Principal
    surface: str
    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    """What the sender calls it: the same one counts once."""


def signal(house: House, sent: SignalSent) -> bool:
    """Put a signal into the inbox of a run, and let the run go on; return False for one that came before.

    Raises:
        RunUnknownError: MW611; SignalLateError: MW634; SignalUnknownError: MW632; SignalMisfitError: MW633.
    """
    is_new = False

    def decide(state: RunState) -> Write:
        nonlocal is_new
        if state.started is None:
            raise RunUnknownError(f"there is no run {sent.run}", run=sent.run)
        is_new = not sent.id or (sent.name, sent.id) not in state.signal_ids
        if not is_new:
            return Write(facts=[], cause_n=state.n, actor=sent.by)
        if state.outcome or len(state.inbox) >= INBOX_MAX:
            why = "ended already" if state.outcome else f"keeps {INBOX_MAX} signals that nothing waited for"
            raise SignalLateError(f"the run {sent.run} {why}", run=sent.run)
        data = _fitted(load_plan(house, state.started.plan), sent)
        fact = SignalReceived(name=sent.name, surface=sent.surface, data=frozen_value(data), id=sent.id)
        return Write(facts=[fact], cause_n=state.n, actor=sent.by)

    append_to_run(house, sent.run, decide)
    return is_new


def _fitted(plan: Plan, sent: SignalSent) -> dict[str, Any]:
    """Return the data as the first wait that it fits takes it."""
    waits = [task for task in plan.tasks if task.wait is not None and task.wait.event == sent.name]
    if not waits:
        known = sorted({task.wait.event for task in plan.tasks if task.wait is not None and task.wait.event})
        names = ", ".join(known) or "nothing"
        raise SignalUnknownError(
            f"{plan.runbook} never waits for `{sent.name}`; it waits for {names}", run=sent.run
        )
    errors: list[str] = []
    for task in waits:
        fitted = _data_for(task, sent, errors)
        if fitted is not None:
            return fitted
    raise SignalMisfitError(errors[0], run=sent.run)


def _data_for(task: PlanTask, sent: SignalSent, errors: list[str]) -> dict[str, Any] | None:
    fitted: dict[str, Any] = coerce(task.out, dict(sent.data))
    try:
        if task.out:
            validate(task.out, fitted, what=f"the data of `{sent.name}`")
    except ValueMismatchError as error:
        errors.append(error.sentence)
        return None
    return fitted
