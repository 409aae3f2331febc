"""Leaving a message for people, and emitting an event for other systems: facts, each once."""

import datetime as dt

from midwatch.app.drive.read import failed, segment
from midwatch.app.drive.session import Segment
from midwatch.app.house import House
from midwatch.approvals.errors import UnknownGroupError
from midwatch.base.canonical import frozen_value
from midwatch.base.errors import MidwatchError
from midwatch.base.units import SECOND_MS, EpochMs
from midwatch.journal.run_events import EventEmitted, NoticeGiven, TaskSucceeded
from midwatch.plan.model import Plan, PlanEvent, PlanNotice, PlanTask
from midwatch.run.commands import Tell
from midwatch.run.dataflow import message, scope_at
from midwatch.run.state import RunState
from midwatch.runbook.expr import evaluate

SPECVERSION = "1.0"


def tell(house: House, plan: Plan, state: RunState, command: Tell) -> Segment:
    """Return the message or the event as a fact, and that the task is done."""
    name, iteration = command.place
    task = plan.task(name)
    assert task.notice is not None, "a notice that says nothing passes no check"
    fact: NoticeGiven | EventEmitted
    try:
        if task.notice.emit is not None:
            fact = _emitted(house, plan, state, task.notice.emit, command)
            out = {
                "id": fact.id,
                "specversion": fact.specversion,
                "time": fact.time,
                "source": fact.source,
                "type": fact.type,
                "data": fact.data,
            }
        else:
            fact = _given(house, plan, state, task, command)
            out = {"people": list(fact.people)}
    except MidwatchError as error:
        broken = failed(task, command.attempt, error, iteration=iteration)
        return segment(house, plan, (broken,), command.cause_n)
    done = TaskSucceeded(task=name, attempt=command.attempt, out=out, iteration=iteration)
    return segment(house, plan, (fact, done), command.cause_n)


def _given(house: House, plan: Plan, state: RunState, task: PlanTask, command: Tell) -> NoticeGiven:
    notice: PlanNotice | None = task.notice
    assert notice is not None, "only a notice is given"
    people: dict[str, None] = {}
    for group in notice.to:
        people.update(dict.fromkeys(_names(house, group)))
    return NoticeGiven(
        task=task.name,
        to=list(notice.to),
        people=list(people),
        message=message(notice.message, scope_at(plan, state, command.place)),
        via=list(notice.via),
        iteration=command.place[1],
    )


def _names(house: House, group: str) -> list[str]:
    """Return who that is now; nobody for a name that left `people.toml`: a notice never fails for it."""
    try:
        return list(house.in_force().people.resolve(group, house.clock.now_ms()))
    except UnknownGroupError:
        return []


def _emitted(house: House, plan: Plan, state: RunState, event: PlanEvent, command: Tell) -> EventEmitted:
    scope = scope_at(plan, state, command.place)
    data = {**event.literals, **{name: evaluate(source, scope) for name, source in event.data.items()}}
    name, iteration = command.place
    return EventEmitted(
        task=name,
        specversion=SPECVERSION,
        id=f"{state.run}/{name}/{iteration}",
        source=event.source,
        type=event.type,
        time=rfc3339(house.clock.now_ms()),
        data=frozen_value(data),
        iteration=iteration,
    )


def rfc3339(at_ms: EpochMs) -> str:
    """Return a moment as RFC 3339 has it, in UTC and with milliseconds."""
    moment = dt.datetime.fromtimestamp(at_ms // SECOND_MS, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % SECOND_MS:03d}Z"
