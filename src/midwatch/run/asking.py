"""Choices about open and answered questions: escalate, expire, hand the answer on. Part of `decide`."""

from midwatch.approvals.ladder import next_change_ms, rung_at
from midwatch.base.units import EpochMs
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import (
    ApprovalClosed,
    ApprovalEscalated,
    EffectVoided,
    RunEvent,
    TaskFailed,
    TaskSkipped,
    TaskSucceeded,
)
from midwatch.plan.model import Plan, TaskKind
from midwatch.run.commands import Settle, Wait
from midwatch.run.doing.settling import STOPPED, is_stopped
from midwatch.run.errors import DeniedError, NobodyAnsweredError
from midwatch.run.state import ApprovalState, RunState, TaskStatus


def decide_approvals(plan: Plan, state: RunState, now_ms: EpochMs) -> Settle | tuple[Wait, ...]:
    """Return the next fact about a question, else the moments at which one will change by itself."""
    waits: list[Wait] = []
    for name in state.asks.values():
        handed_on = _hand_on(plan, state, state.approvals[name])
        if handed_on is not None:
            return handed_on
    for asked in state.open_approvals:
        task = plan.task(asked.task)
        if not task.is_undo and is_stopped(state, task):
            return close(state, asked, outcome="cancelled", why=state.cancel_why or STOPPED)
        if now_ms >= asked.expires_ms:
            return close(state, asked, outcome="expired", why="nobody entitled answered in time")
        rung = rung_at(asked.ladder, now_ms)
        if rung is not None and rung > asked.rung:
            up = ApprovalEscalated(approval=asked.approval, rung=rung, people=list(asked.ladder[rung].people))
            return Settle(facts=(up,), cause_n=asked.n)
        waits.append(
            Wait(until_ms=min(asked.expires_ms, next_change_ms(asked.ladder, now_ms) or asked.expires_ms))
        )
    return tuple(waits)


def close(state: RunState, asked: ApprovalState, *, outcome: str, why: str) -> Settle:
    """Return the facts that close an open question without leave: its effects won't be dispatched."""
    return Settle(facts=closing_facts(state, asked, outcome=outcome, why=why), cause_n=asked.n)


def closing_facts(state: RunState, asked: ApprovalState, *, outcome: str, why: str) -> tuple[RunEvent, ...]:
    """Return the closing of a question and what becomes of the effects that still hang on it."""
    fate = outcome if outcome in {"expired", "denied"} else "void"
    voided = [
        EffectVoided(key=key, action=action, outcome=fate, why=why)
        for key, action in zip(asked.keys, asked.actions, strict=True)
        if state.effects[key].status is EffectStatus.ASKED and state.effects[key].action == action
    ]
    return (ApprovalClosed(approval=asked.approval, outcome=outcome, why=why), *voided)


def _hand_on(plan: Plan, state: RunState, asked: ApprovalState) -> Settle | None:
    """Return the end of the approval task that a closed question belongs to, once."""
    if asked.status == "open":
        return None
    task = plan.task(asked.task)
    known = state.task(task.name)
    if task.kind is not TaskKind.APPROVAL or known.status is not TaskStatus.STARTED or known.n > asked.n:
        return None
    fact: RunEvent
    match asked.status:
        case "approved":
            by = [answer.by for answer in asked.answers if answer.answer == "approve"]
            fact = TaskSucceeded(task=task.name, attempt=known.attempt, out={"answer": "approved", "by": by})
        case "denied":
            fact = TaskFailed(
                task=task.name, attempt=known.attempt, code=DeniedError.code, why=asked.closed_why
            )
        case "expired":
            fact = TaskFailed(
                task=task.name, attempt=known.attempt, code=NobodyAnsweredError.code, why=asked.closed_why
            )
        case _:
            fact = TaskSkipped(task=task.name, why=f"its question is {asked.status}")
    return Settle(facts=(fact,), cause_n=asked.n)
