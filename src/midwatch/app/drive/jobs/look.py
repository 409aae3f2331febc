"""Taking the reading that a wait waits for."""

from midwatch.app.drive.read import segment, take
from midwatch.app.drive.session import Segment
from midwatch.app.house import House
from midwatch.base.canonical import frozen_value
from midwatch.base.errors import MidwatchError
from midwatch.journal.run_events import RunEvent, TaskSucceeded, WaitProbed
from midwatch.plan.model import Plan
from midwatch.run.commands import Look
from midwatch.run.dataflow import scope_of
from midwatch.run.state import RunState
from midwatch.runbook.expr import evaluate_bool

WAIT = "wait"


def look(house: House, plan: Plan, state: RunState, command: Look) -> Segment:
    """Return what was read, and that the wait is over or goes on."""
    task = plan.task(command.task)
    assert task.wait is not None, "only a wait looks"
    assert task.wait.probe is not None, "it looks with a task that reads"
    facts: list[RunEvent] = []
    holds, why = False, f"does not hold: {task.wait.holds}"
    try:
        probe = plan.task(task.wait.probe)
        found = take(house, plan, state, probe, purpose=WAIT, ordinal=state.tool_calls)
        facts.append(found.event)
        if found.error is not None:
            raise found.error
        holds = evaluate_bool(task.wait.holds, scope_of(plan, state).having(probe=found.out))
        if holds:
            done = TaskSucceeded(
                task=task.name, attempt=state.attempt_of(task.name), out=frozen_value(dict(found.out))
            )
            facts.append(done)
    except MidwatchError as error:
        why = error.sentence
    if not holds:
        facts.append(WaitProbed(task=task.name, why=why))
    return segment(house, plan, facts, state.waits[task.name].n)
