"""Asking the Guardians: the ladder with names, the card as it is shown, the question as a fact."""

from dataclasses import dataclass
from typing import Any

from midwatch.app.drive.judge import rungs
from midwatch.app.drive.seal import manifest_of
from midwatch.app.house import SUBJECT, House, InForce
from midwatch.app.ids import APPROVAL_ID_LENGTH, short_id
from midwatch.approvals.card import ActionOnCard, RunOnCard, card_data, shown_bytes
from midwatch.approvals.card import Question as QuestionOnCard
from midwatch.approvals.card_text import render_text
from midwatch.approvals.ladder import RungPlan, climb
from midwatch.base.classes import Mode
from midwatch.base.ids import ApprovalId, Digest, Principal, TaskName
from midwatch.base.units import DAY_MS, DurationMs, EpochMs, after
from midwatch.effects.action import Action, bundle_digest, difference
from midwatch.journal.run_events import ApprovalAsked, ApprovalClosed, RunEvent
from midwatch.journal.sealing import NONCE_BYTES, seal_blob
from midwatch.plan.model import Plan, PlanApproval, PlanTask
from midwatch.policy.decision import Decision, Denial, Requirement, Verdict
from midwatch.ports.store import Blob
from midwatch.run.dataflow import message, scope_of
from midwatch.run.state import RunState

CARD_WIDTH = 100
"""Columns of the card's text; a surface may wrap it, never change it."""

SHADOW = "shadow"
"""The outcome of a question about what would have run."""

NOTHING_ASKED = Requirement(name="nothing", approvers=(), count=0)
"""What a card asks of people that only shows what would have run."""

NOTHING_TO_ANSWER = "in mode propose nothing runs, so there is nothing to answer"

EXPIRES_MS = DurationMs(DAY_MS)
"""How long a question stays open where the runbook says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be asked, in one bundle."""

    plan: Plan
    state: RunState
    owner: PlanTask
    """The approval task; where the gate itself asks, the acting task."""
    actions: tuple[tuple[PlanTask, Action, Decision], ...]
    supersedes: str = ""


def ask(house: House, force: InForce, question: Question) -> tuple[ApprovalAsked, Blob]:
    """Return the question as a fact, and the card's bytes that go with it.

    Raises:
        ExpressionError: MW1xx, when the question's words can't be made.
    """
    now_ms = house.clock.now_ms()
    on_card = _question_on_card(house, force, question, now_ms)
    card = card_data(
        on_card,
        _run_on_card(house, question),
        [_on_card(house, question, task, action) for task, action, _ in question.actions],
        people=force.people,
        now_ms=now_ms,
        watched=house.watched(),
    )
    blob = _blob(house, shown_bytes(card, render_text(card, CARD_WIDTH)))
    asked = ApprovalAsked(
        approval=on_card.approval,
        task=question.owner.name,
        bundle=on_card.bundle,
        keys=[action.key for _, action, _ in question.actions],
        actions=[action.digest for _, action, _ in question.actions],
        requirement=dict(on_card.requirement),
        ladder=list(on_card.ladder),
        expires_ms=on_card.expires_ms,
        card=blob.address,
        policy=on_card.policy,
        question=on_card.question,
        supersedes=question.supersedes,
    )
    return asked, blob


def propose(house: House, force: InForce, question: Question) -> tuple[list[RunEvent], Blob]:
    """Return the card of what would have run, as a question that nobody can answer, since nothing runs.

    Raises:
        ExpressionError: MW1xx, when the question's words can't be made.
    """
    asked, blob = ask(house, force, question)
    return [asked, ApprovalClosed(approval=asked.approval, outcome=SHADOW, why=NOTHING_TO_ANSWER)], blob


def _question_on_card(house: House, force: InForce, question: Question, now_ms: EpochMs) -> QuestionOnCard:
    declared = _declared(question)
    decision = _strongest(question)
    expires_ms = now_ms
    steps: list[RungPlan] = []
    if decision.requirement is not None:
        expires_ms = after(now_ms, declared.expires_ms if declared is not None else EXPIRES_MS)
        steps = [
            RungPlan(ask=rung.ask, within_ms=rung.within_ms, via=rung.via)
            for rung in rungs(question.plan, question.owner)
        ]
    reasons = {
        reason: says
        for _, _, one in question.actions
        if one.outcome is decision.outcome
        for reason, says in zip(one.reasons, one.says, strict=True)
    }
    return QuestionOnCard(
        approval=ApprovalId(short_id(house, "a", APPROVAL_ID_LENGTH)),
        bundle=bundle_digest([action.digest for _, action, _ in question.actions]),
        question=_words(question, declared),
        requirement=(decision.requirement or NOTHING_ASKED).as_record(),
        reasons=tuple(reasons),
        says=tuple(reasons.values()),
        policy=decision.policy,
        ladder=climb(steps, force.people, asked_ms=now_ms, expires_ms=expires_ms),
        asked_ms=now_ms,
        expires_ms=expires_ms,
        on_timeout=_end(declared.on_timeout if declared is not None else None, "nothing runs"),
        on_deny=_end(declared.on_deny if declared is not None else None, "nothing runs"),
        supersedes=question.supersedes,
        differences=_differences(question),
        notes=_notes(house, question),
    )


def _declared(question: Question) -> PlanApproval | None:
    """Return the approval task's own words, also where the gate asks anew for one of its actions."""
    if question.owner.approval is not None:
        return question.owner.approval
    for task in question.plan.tasks:
        if task.approval is not None and question.owner.name in task.approval.actions:
            return task.approval
    return None


def _strongest(question: Question) -> Decision:
    """Return the decision whose requirement is the most that any action asks for; a shadow asks for none."""
    asking = [decision for _, _, decision in question.actions if decision.outcome is Verdict.ASKED]
    if not asking:
        return next(decision for _, _, decision in question.actions if decision.kind is Denial.SHADOW)
    offered = [requirement.name for requirement in asking[0].considered]
    return max(asking, key=lambda one: offered.index(one.requirement.name) if one.requirement else -1)


def _words(question: Question, declared: PlanApproval | None) -> str:
    if declared is not None and declared.question and not question.supersedes:
        return message(declared.question, scope_of(question.plan, question.state))
    titles = ", ".join(task.title for task, _, _ in question.actions)
    return f"{titles}?"


def _end(task: TaskName | None, otherwise: str) -> str:
    return f"`{task}` runs instead" if task is not None else otherwise


def _differences(question: Question) -> list[tuple[str, Any, Any]]:
    """Return what differs from the actions that the superseded card showed."""
    found: list[tuple[str, Any, Any]] = []
    for _, action, _ in question.actions:
        before = question.state.effects.get(action.key)
        if before is None or not question.supersedes:
            continue
        lead = f"{action.task}: " if len(question.actions) > 1 else ""
        found.extend(
            (lead + path, old, new) for path, old, new in difference(before.sealed, action.as_record())
        )
    return found


def _notes(house: House, question: Question) -> list[str]:
    notes = [
        manifest_of(house, task).note for task, _, _ in question.actions if manifest_of(house, task).note
    ]
    return list(dict.fromkeys(notes))


def _run_on_card(house: House, question: Question) -> RunOnCard:
    plan, started = question.plan, question.state.started
    assert started is not None, "only a started run asks"
    return RunOnCard(
        run=question.state.run,
        runbook=plan.runbook,
        title=plan.title,
        version=plan.version,
        document=plan.document,
        plan=Digest(started.plan),
        requester=Principal(started.initiator),
        mode=Mode(started.mode),
        profile=house.profile,
        practice=started.practice,
        cost_micro_usd=question.state.cost_micro_usd,
    )


def _on_card(house: House, question: Question, task: PlanTask, action: Action) -> ActionOnCard:
    undo = ""
    if task.undo is not None:
        back = question.plan.task(task.undo)
        undo = f"midwatch undo {question.state.run}  ({back.title}: `{back.call.tool if back.call else ''}`)"
    verified = ""
    if task.verify is not None:
        verified = f"reading `{task.verify.probe}` again, until: {task.verify.holds}"
    return ActionOnCard(
        sealed=action.as_record(),
        digest=action.digest,
        summary=manifest_of(house, task).summary,
        undo=undo,
        verified_by=verified,
    )


def _blob(house: House, content: bytes) -> Blob:
    key = house.keys.subject_key(SUBJECT, create=False)
    assert key is not None, "the house's own key exists from its first event on"
    address, sealed = seal_blob(content, nonce=house.chance.token(NONCE_BYTES), key=key)
    return Blob(address=address, subject=SUBJECT, sealed=sealed)
