"""Handing work to people: the ladder with names, what to do, and what has to be handed in."""

from midwatch.app.drive.judge import FALLBACK_ASK, FALLBACK_WITHIN_MS
from midwatch.app.drive.read import failed, segment
from midwatch.app.drive.session import Segment
from midwatch.app.house import House
from midwatch.app.ids import HAND_ID_LENGTH, short_id
from midwatch.approvals.ladder import RungPlan, climb
from midwatch.base.canonical import frozen_value
from midwatch.base.errors import MidwatchError
from midwatch.base.units import DurationMs, after
from midwatch.journal.run_events import HandAsked, RunEvent, TaskStarted
from midwatch.plan.model import Plan, PlanRung, PlanTask
from midwatch.run.commands import Hand
from midwatch.run.dataflow import message, scope_at
from midwatch.run.doing.hands import ESCALATION
from midwatch.run.state import RunState, TaskStatus

NO_MODEL = "No model is configured, so a person does what the agent would."


def hand_over(house: House, plan: Plan, state: RunState, command: Hand) -> Segment:
    """Return that people are asked to do something by hand."""
    name, iteration = command.place
    task = plan.task(name)
    facts: list[RunEvent] = []
    try:
        asked = _asked(house, plan, state, task, command)
    except MidwatchError as error:
        fact = failed(task, command.attempt, error, iteration=iteration)
        return segment(house, plan, (fact,), command.cause_n)
    known = state.task(name, iteration)
    if command.purpose != ESCALATION and known.status is not TaskStatus.STARTED:
        facts.append(TaskStarted(task=name, attempt=command.attempt, iteration=iteration))
    return segment(house, plan, (*facts, asked), command.cause_n)


def _asked(house: House, plan: Plan, state: RunState, task: PlanTask, command: Hand) -> HandAsked:
    """Return the hand; raises where its words can't be made."""
    now_ms = house.clock.now_ms()
    rungs = _rungs(plan, task)
    due_ms = after(now_ms, DurationMs(max(1, sum(rung.within_ms for rung in rungs))))
    steps = [RungPlan(ask=rung.ask, within_ms=rung.within_ms, via=rung.via) for rung in rungs]
    return HandAsked(
        hand=short_id(house, "h", HAND_ID_LENGTH),
        task=task.name,
        attempt=command.attempt,
        purpose=command.purpose,
        title=task.title,
        words=_words(plan, state, task, command),
        out=frozen_value(dict(task.out)) if command.purpose != ESCALATION else {},
        ladder=climb(steps, house.in_force().people, asked_ms=now_ms, expires_ms=due_ms),
        due_ms=due_ms,
        iteration=command.place[1],
    )


def _rungs(plan: Plan, task: PlanTask) -> tuple[PlanRung, ...]:
    own = task.hand.ladder if task.hand is not None else ()
    found = own or plan.ladder or (PlanRung(ask=FALLBACK_ASK, within_ms=FALLBACK_WITHIN_MS),)
    if own or not task.sla_ms:
        return found
    first = PlanRung(ask=found[0].ask, within_ms=task.sla_ms, via=found[0].via)
    return (first, *found[1:])


def _words(plan: Plan, state: RunState, task: PlanTask, command: Hand) -> str:
    if command.purpose == ESCALATION:
        known = state.task(task.name)
        return f"`{task.name}` failed with {known.code}: {known.why}\n\n{task.prose}".rstrip()
    words = message(task.prose, scope_at(plan, state, command.place))
    return f"{NO_MODEL}\n\n{words}".rstrip() if command.purpose == "agent" else words
