"""Answering a question to the Guardians: one use case behind every surface.

Whether an answer counts is decided by `approvals.answer.decide`, on the state of the transaction that
records it. A refused attempt is a fact too.
"""

from dataclasses import dataclass

from midwatch.app.drive.judge import given_to, requester_of
from midwatch.app.drive.session import load_plan
from midwatch.app.house import House, InForce
from midwatch.app.write import Write, append_to_run
from midwatch.approvals.answer import (
    Accepted,
    AnswerAttempt,
    Entitlement,
    OpenQuestion,
    Refused,
    Repeated,
    decide,
)
from midwatch.approvals.errors import UnknownPersonError
from midwatch.approvals.ladder import entitled
from midwatch.approvals.quorum import need_from
from midwatch.base.classes import EffectClass
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ApprovalId, Digest, Principal, RunId
from midwatch.journal.run_events import RunEvent
from midwatch.policy.answering import AnswerFacts
from midwatch.run.asking import closing_facts
from midwatch.run.errors import RunUnknownError
from midwatch.run.state import ApprovalState, RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Somebody's answer, as a surface took it."""

    approval: ApprovalId
    answer: str
    """`approve` or `deny`."""
    os_user: str
    """Who it is, as the surface knows it; looked up in `people.toml`."""
    surface: str
    bundle: Digest | None = None
    """Of the card that was shown; None where the surface shows the newest one itself."""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of an attempt that was not refused."""

    run: RunId
    sentence: str
    decided: bool
    """Whether the question has its outcome now."""
    repeated: bool
    """Whether the same answer was given before, so that nothing happened."""


def answer(house: House, attempt: Attempt) -> Answered:
    """Record an answer, and hand the run on where it decides the question.

    Raises:
        RunUnknownError: MW611, when there is no such question.
        MidwatchError: MW4xx, when the answer does not count; the attempt is recorded all the same.
    """
    row = house.store.approval_row(attempt.approval)
    if row is None:
        raise RunUnknownError(f"there is no question {attempt.approval}", approval=attempt.approval)
    found: Accepted | Repeated | Refused | None = None

    def weigh(state: RunState) -> Write:
        nonlocal found
        asked = state.approvals[attempt.approval]
        force = house.in_force()
        who = _principal(force, attempt.os_user)
        seen = AnswerAttempt(
            who=who,
            os_user=attempt.os_user,
            answer=attempt.answer,
            bundle=attempt.bundle or asked.bundle,
            card=asked.card,
            surface=attempt.surface,
            why=attempt.why,
        )
        now_ms = house.clock.now_ms()
        entitlement = None if who is None else _entitlement(house, force, state, asked, seen)
        found = decide(_question(state, asked), seen, entitlement, now_ms=now_ms)
        facts = _facts(state, asked, found)
        drive = isinstance(found, Accepted) and found.closed is not None
        actor = who or Principal("system:surface")
        return Write(facts=facts, cause_n=asked.n, actor=actor, drive=drive, facts_version=force.version)

    append_to_run(house, row.run, weigh)
    match found:
        case Accepted():
            decided = found.closed is not None
            return Answered(run=row.run, sentence=found.sentence, decided=decided, repeated=False)
        case Repeated():
            return Answered(run=row.run, sentence=found.sentence, decided=False, repeated=True)
        case Refused():
            raise found.error
        case None:
            raise AssertionError("append_to_run decides at least once")


def _principal(force: InForce, os_user: str) -> Principal | None:
    try:
        return force.people.person_of_os_user(os_user).principal
    except UnknownPersonError:
        return None


def _question(state: RunState, asked: ApprovalState) -> OpenQuestion:
    started = state.started
    assert started is not None, "only a started run asks"
    return OpenQuestion(
        approval=asked.approval,
        bundle=asked.bundle,
        status=asked.status,
        run_ended=bool(state.outcome) and not state.undoing,
        asked_ms=asked.asked_ms,
        expires_ms=asked.expires_ms,
        requester=requester_of(state),
        need=need_from(asked.requirement),
        ladder=asked.ladder,
        answers=given_to(asked),
    )


def _entitlement(
    house: House, force: InForce, state: RunState, asked: ApprovalState, seen: AnswerAttempt
) -> Entitlement | None:
    started = state.started
    assert started is not None, "only a started run asks"
    assert seen.who is not None, "a stranger is refused before"
    classes = list(EffectClass)
    highest = max((EffectClass(state.effects[key].sealed["effect"]) for key in asked.keys), key=classes.index)
    owner = load_plan(house, started.plan).owner
    facts = AnswerFacts(
        who=seen.who,
        approval=asked.approval,
        answer=seen.answer,
        requester=requester_of(state),
        authors=frozenset({Principal(owner)} if owner.startswith("person:") else ()),
        people=entitled(asked.ladder, house.clock.now_ms()),
        effect=highest,
        second_person=bool(asked.requirement["second_person"]),
        profile=house.profile,
    )
    try:
        ruling = force.rules.may_answer(facts)
    except MidwatchError:
        return None
    return Entitlement(allowed=ruling.allowed, rule=ruling.rule, says=ruling.says)


def _facts(state: RunState, asked: ApprovalState, found: Accepted | Repeated | Refused) -> list[RunEvent]:
    match found:
        case Accepted(answered=answered, closed=None):
            return [answered]
        case Accepted(answered=answered, closed=closed) if closed is not None:
            if closed.outcome == "approved":
                return [answered, closed]
            return [answered, *closing_facts(state, asked, outcome=closed.outcome, why=closed.why)]
        case Refused(event=event):
            return [event]
        case _:
            return []
