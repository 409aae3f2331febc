"""Choices about what people do by hand: whom it is with, whether it is overdue, what came of it."""

from midwatch.approvals.ladder import next_change_ms, rung_at
from midwatch.base.units import EpochMs
from midwatch.journal.run_events import HandClosed, HandEscalated
from midwatch.plan.model import Plan, PlanTask, TaskKind
from midwatch.run.commands import Command, Hand, Settle, Wait
from midwatch.run.dataflow import cause_of
from midwatch.run.doing.settling import STOPPED, fail, failed, is_stopped, skip, succeed
from midwatch.run.effecting import World
from midwatch.run.errors import HandFailedError, HandTimeoutError, TaskTimeoutError
from midwatch.run.state import HandState, RunState

ESCALATION = "escalation"


def decide_hand(
    state: RunState, task: PlanTask, iteration: int, world: World
) -> Settle | tuple[Command, ...]:
    """Return what a manual task does next: ask, wait, or end as people said."""
    place = (task.name, iteration)
    if place in world.flight.tasks:
        return ()
    hand = state.hand_of(place)
    attempt = state.attempt_of(task.name, iteration)
    if hand is None or hand.attempt != attempt:
        if is_stopped(state, task):
            return skip(state, task, STOPPED, iteration)
        purpose = "agent" if task.kind is TaskKind.AGENT else "manual"
        ask = Hand(place=place, attempt=attempt, purpose=purpose, cause_n=cause_of(state, task, iteration))
        return (ask,)
    match hand.status:
        case "open":
            return ()  # decide_hands looks after it
        case "done":
            return succeed(state, task, hand.out, iteration, cause_n=hand.n)
        case "failed":
            error = HandFailedError(hand.note or f"{hand.by} could not do it")
            now_ms = None if is_stopped(state, task) else world.now_ms
            return fail(state, task, error, iteration, cause_n=hand.n, now_ms=now_ms)
        case _:
            return skip(state, task, hand.note, iteration)


def decide_hands(plan: Plan, state: RunState, now_ms: EpochMs) -> Settle | tuple[Wait, ...]:
    """Return the next fact about something that people do, else the moments at which it changes by itself."""
    waits: list[Wait] = []
    for hand in (state.hands[name] for name in state.open_hands):
        step = _open(plan, state, hand, now_ms)
        if isinstance(step, Settle):
            return step
        waits.extend(step)
    return tuple(waits)


def _open(plan: Plan, state: RunState, hand: HandState, now_ms: EpochMs) -> Settle | tuple[Wait, ...]:
    task = plan.task(hand.place[0])
    if is_stopped(state, task):
        closed = HandClosed(hand=hand.hand, outcome="cancelled", why=STOPPED)
        return Settle(facts=(closed,), cause_n=hand.n)
    limit_ms = _limit_ms(state, task, hand)
    if limit_ms is not None and now_ms >= limit_ms:
        return _failed_in_time(
            state, task, hand, TaskTimeoutError("nobody did it in the time it has"), now_ms
        )
    rung = rung_at(hand.ladder, now_ms)
    if rung is None and not hand.overdue:
        return _nobody(state, task, hand, now_ms)
    if rung is not None and rung > hand.rung:
        people = list(hand.ladder[rung].people)
        up = HandEscalated(hand=hand.hand, rung=rung, people=people)
        return Settle(facts=(up,), cause_n=hand.n)
    moments = [moment for moment in (limit_ms, next_change_ms(hand.ladder, now_ms)) if moment is not None]
    return (Wait(until_ms=min(moments)),) if moments else ()


def _limit_ms(state: RunState, task: PlanTask, hand: HandState) -> EpochMs | None:
    if not task.timeout_ms or hand.purpose == ESCALATION:
        return None
    return EpochMs(state.task(*hand.place).begun_ms + task.timeout_ms)


def _nobody(state: RunState, task: PlanTask, hand: HandState, now_ms: EpochMs) -> Settle:
    """Return what follows when the last rung is over: an end that is declared, or an alarm."""
    why = "nobody on the ladder did it in time"
    if hand.purpose == ESCALATION:
        closed = HandClosed(hand=hand.hand, outcome="expired", why=why)
        return Settle(facts=(closed,), cause_n=hand.n)
    if task.hand is not None and task.hand.on_timeout is not None:
        return _failed_in_time(state, task, hand, HandTimeoutError(why), now_ms)
    late = HandEscalated(hand=hand.hand, rung=len(hand.ladder), people=[], overdue=True)
    return Settle(facts=(late,), cause_n=hand.n)


def _failed_in_time(
    state: RunState,
    task: PlanTask,
    hand: HandState,
    error: HandTimeoutError | TaskTimeoutError,
    now_ms: EpochMs,
) -> Settle:
    closed = HandClosed(hand=hand.hand, outcome="expired", why=error.sentence)
    fact = failed(state, task, error, hand.place[1], now_ms=now_ms)
    return Settle(facts=(closed, fact), cause_n=hand.n)
