"""Runs that call each other.

Rule 1: the caller's journal names the called run before that is started; its id follows from the call, so
that a second attempt to start it finds it there.
Rule 2: the called run tells its caller that it ended, at the end of each of its drives, until that is
recorded.
Rule 3: whoever stops a run makes sure that what it called is there, and stops that.
"""

import hashlib

from midwatch.app.drive.check import checked_inputs
from midwatch.app.drive.family.append import Write, append_to_run
from midwatch.app.drive.family.begin import begin_run
from midwatch.app.drive.read import failed, segment
from midwatch.app.drive.session import Segment, load_plan
from midwatch.app.house import House
from midwatch.app.ids import ID_ALPHABET, RUN_ID_LENGTH
from midwatch.base.canonical import frozen_value
from midwatch.base.classes import Mode
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Principal, RunId, TaskName
from midwatch.journal.run_events import (
    CancelRequested,
    ChildBegun,
    ChildCalled,
    ChildEnded,
    ChildStopped,
    RunStarted,
    TaskStarted,
)
from midwatch.plan.model import Plan
from midwatch.ports.store import StreamMovedError
from midwatch.run.commands import Begin, Call, Stop
from midwatch.run.dataflow import scope_at
from midwatch.run.doing.budget import caps_for
from midwatch.run.errors import CallDepthError
from midwatch.run.state import RunState
from midwatch.runbook.expr import evaluate

DEPTH_MAX = 5
DRIVER = Principal("system:driver")


def child_id(run: RunId, task: TaskName, iteration: int, attempt: int) -> RunId:
    """Return the id of a called run: the same call, the same id."""
    noise = hashlib.sha256(f"{run}/{task}/{iteration}/{attempt}".encode()).digest()
    return RunId("r-" + "".join(ID_ALPHABET[byte % len(ID_ALPHABET)] for byte in noise[:RUN_ID_LENGTH]))


def call_run(house: House, plan: Plan, state: RunState, command: Call) -> Segment:
    """Return that a run is about to be started, with its inputs; or why the task fails instead."""
    name, iteration = command.place
    task = plan.task(name)
    callee, started = task.callee, state.started
    assert callee is not None, "only a call calls"
    assert started is not None, "only a started run calls"
    try:
        if started.depth >= DEPTH_MAX:
            raise CallDepthError(f"{started.depth + 1} runs would have called each other")
        called = load_plan(house, callee.plan)
        scope = scope_at(plan, state, command.place)
        given = {key: evaluate(source, scope) for key, source in callee.inputs.items()}
        inputs = checked_inputs(called, {**callee.literals, **given})
    except MidwatchError as error:
        fact = failed(task, command.attempt, error, iteration=iteration)
        return segment(house, plan, (fact,), command.cause_n)
    made = ChildCalled(
        task=name,
        attempt=command.attempt,
        child=child_id(state.run, name, iteration, command.attempt),
        runbook=callee.runbook,
        plan=callee.plan,
        inputs=frozen_value(inputs),
        caps=caps_for(plan, state, called),
        iteration=iteration,
    )
    begun = TaskStarted(task=name, attempt=command.attempt, iteration=iteration)
    return segment(house, plan, (begun, made), command.cause_n)


def begin_child(house: House, plan: Plan, state: RunState, command: Begin) -> Segment:
    """Start a called run, unless it is there already."""
    _ensure(house, state, command.child)
    fact = ChildBegun(child=command.child)
    return segment(house, plan, (fact,), state.children[command.child].n)


def _ensure(house: House, state: RunState, name: RunId) -> None:
    child, parent = state.children[name], state.started
    assert parent is not None, "only a started run calls"
    plan = load_plan(house, child.plan)
    modes = list(Mode)
    started = RunStarted(
        run=name,
        plan=child.plan,
        runbook=plan.runbook,
        document=plan.document,
        title=plan.title,
        inputs=frozen_value(dict(child.inputs)),
        mode=min(plan.mode, Mode(parent.mode), key=modes.index).value,
        profile=parent.profile,
        initiator=parent.initiator,
        person_acts=parent.person_acts,
        practice=parent.practice,
        host=parent.host,
        parent=state.run,
        parent_task=child.place[0],
        parent_iteration=child.place[1],
        depth=parent.depth + 1,
        caps=dict(child.caps),
    )
    try:
        begin_run(house, started, None)
    except StreamMovedError:
        return  # it was started before, by this drive or by one that it follows


def stop_child(house: House, plan: Plan, state: RunState, command: Stop) -> Segment:
    """Tell a called run to stop, which it does by its own runbook."""
    _ensure(house, state, command.child)
    by = Principal(state.cancel_by or DRIVER)

    def decide(child: RunState) -> Write:
        if child.outcome or child.cancel_why is not None:
            return Write(facts=[], cause_n=child.n, actor=by)
        wish = CancelRequested(why=command.why, leave=state.cancel_leave)
        return Write(facts=[wish], cause_n=child.n, actor=by)

    append_to_run(house, command.child, decide)
    fact = ChildStopped(child=command.child, why=command.why)
    return segment(house, plan, (fact,), state.n)


def tell_parent(house: House, child: RunState) -> None:
    """Record with the caller that a called run ended; does nothing where that is recorded."""
    started = child.started
    if started is None or not started.parent or not child.outcome:
        return

    def decide(parent: RunState) -> Write:
        known = parent.children.get(child.run)
        if known is None or known.outcome:
            return Write(facts=[], cause_n=0, actor=DRIVER, drive=False)
        ended = ChildEnded(
            child=child.run,
            outcome=child.outcome,
            why=child.why,
            out=frozen_value(dict(child.out)),
            cost_micro_usd=child.cost_micro_usd,
            effects=child.dispatches,
            tool_calls=child.tool_calls,
        )
        return Write(facts=[ended], cause_n=known.n, actor=DRIVER)

    append_to_run(house, RunId(started.parent), decide)
