"""Whether an answer counts: one decision behind every surface.

The checks go from the question to the person: is it open, in time, about this very plan; who is it,
may they, did they before; is it enough. The first that fails is the one that is named and recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from midwatch.approvals import errors
from midwatch.approvals.ladder import rung_at
from midwatch.approvals.quorum import Given, Need, is_met, missing
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ApprovalId, Digest, Principal
from midwatch.base.units import EpochMs, between
from midwatch.journal.run_events import AnswerRefused, ApprovalAnswered, ApprovalClosed, Rung

APPROVE = "approve"
DENY = "deny"
SELF_APPROVED = "self-approved (solo)"

_REFUSED_BY: dict[str, type[MidwatchError]] = {
    "answer.agent": errors.AgentAnswersError,
    "answer.not_on_ladder": errors.NotOnLadderError,
    "answer.requester": errors.RequesterAnswersError,
    "answer.author": errors.AuthorAnswersError,
    "answer.second_person": errors.SecondPersonNeededError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A question as the journal knows it; it may have been closed meanwhile."""

    approval: ApprovalId
    bundle: Digest
    status: str
    """`open`, or its outcome."""
    run_ended: bool
    asked_ms: EpochMs
    expires_ms: EpochMs
    requester: Principal
    """Who asked for the run."""
    need: Need
    ladder: Sequence[Rung]
    answers: Sequence[Given]
    """Those that counted, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerAttempt:
    """Somebody's attempt to answer."""

    who: Principal | None
    """None where nobody knows who it is."""
    os_user: str
    answer: str
    """`approve` or `deny`."""
    bundle: Digest
    """Of the card that was shown."""
    card: str
    """Address of the bytes that were shown."""
    surface: str
    """`cli`, `web` …"""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """What the policy says about this person and this answer (`policy.answering.Ruling`)."""

    allowed: bool
    rule: str
    """Id of the rule that refuses; empty where allowed."""
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The answer counts."""

    answered: ApprovalAnswered
    closed: ApprovalClosed | None
    """The outcome, where this answer decided it."""
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The same person gave the same answer before: nothing happens a second time."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The answer doesn't count."""

    error: MidwatchError
    event: AnswerRefused

    @property
    def code(self) -> str:
        """The error's code."""
        return self.error.code

    @property
    def sentence(self) -> str:
        """The error's sentence."""
        return self.error.sentence


def decide(
    question: OpenQuestion, attempt: AnswerAttempt, entitlement: Entitlement | None, *, now_ms: EpochMs
) -> Accepted | Repeated | Refused:
    """Return whether the answer counts and what follows, the same for every surface.

    Args:
        question: as of the transaction that will record the answer.
        attempt: who says what, about which card.
        entitlement: what the policy says; None where the person is unknown, or the policy gave no answer.
        now_ms: when the answer arrived.
    """
    if attempt.who is not None and _is_repeated(question, attempt):
        return Repeated(sentence=f"{attempt.who} gave this answer before; nothing happens a second time")
    error = _why_not(question, attempt, entitlement, now_ms)
    if error is not None:
        return _refused(question, attempt, error)
    assert attempt.who is not None, "an unknown person was refused above"
    answered = ApprovalAnswered(
        approval=question.approval,
        bundle=question.bundle,
        answer=attempt.answer,
        by=attempt.who,
        surface=attempt.surface,
        latency_ms=between(question.asked_ms, now_ms),
        card=attempt.card,
        recorded_as=SELF_APPROVED if attempt.answer == APPROVE and attempt.who == question.requester else "",
        why=attempt.why,
    )
    return _accepted(question, attempt, answered)


def _is_repeated(question: OpenQuestion, attempt: AnswerAttempt) -> bool:
    same = (given for given in reversed(question.answers) if given.by == attempt.who)
    last = next(same, None)
    return last is not None and last.answer == attempt.answer and question.bundle == attempt.bundle


def _why_not(
    question: OpenQuestion, attempt: AnswerAttempt, entitlement: Entitlement | None, now_ms: EpochMs
) -> MidwatchError | None:
    """Return the first reason why the answer doesn't count."""
    name = question.approval
    if attempt.answer not in {APPROVE, DENY}:
        return errors.UnknownAnswerError(f"{attempt.answer!r} is no answer", approval=name)
    if question.status == "open" and question.run_ended:
        return errors.RunOverError(f"the run of {name} ended before the answer came", approval=name)
    if question.status == "expired" or (question.status == "open" and _is_late(question, now_ms)):
        return errors.AnswerLateError(f"{name} expired before the answer came", approval=name)
    if question.status != "open":
        return _closed(question, attempt)
    if attempt.bundle != question.bundle:
        return errors.OtherBundleError(
            f"the card that was answered is not the one that {name} asks about now",
            approval=name,
            shown=attempt.bundle,
            asked=question.bundle,
        )
    if attempt.who is None:
        return errors.UnknownPersonError(
            f"the user {attempt.os_user!r} is nobody in people.toml", os_user=attempt.os_user
        )
    if entitlement is None or not entitlement.allowed:
        return _not_entitled(question, attempt.who, entitlement)
    return None


def _is_late(question: OpenQuestion, now_ms: EpochMs) -> bool:
    return now_ms >= question.expires_ms or rung_at(question.ladder, now_ms) is None


def _closed(question: OpenQuestion, attempt: AnswerAttempt) -> MidwatchError:
    name = question.approval
    if any(given.by == attempt.who for given in question.answers):
        return errors.AnsweredBeforeError(
            f"{attempt.who} answered {name} before, and it is {question.status}", approval=name
        )
    return errors.QuestionClosedError(f"{name} is {question.status} already", approval=name)


def _not_entitled(question: OpenQuestion, who: Principal, entitlement: Entitlement | None) -> MidwatchError:
    rule = entitlement.rule if entitlement is not None else "cannot_judge"
    says = entitlement.says if entitlement is not None else "The policy gave no answer."
    kind = _REFUSED_BY.get(rule, errors.NotEntitledError)
    return kind(f"{who} may not answer {question.approval}: {says}", approval=question.approval, rule=rule)


def _refused(question: OpenQuestion, attempt: AnswerAttempt, error: MidwatchError) -> Refused:
    event = AnswerRefused(
        approval=question.approval,
        answer=attempt.answer,
        by=attempt.who or f"os_user:{attempt.os_user}",
        surface=attempt.surface,
        code=error.code,
        why=error.sentence,
    )
    return Refused(error=error, event=event)


def _accepted(question: OpenQuestion, attempt: AnswerAttempt, answered: ApprovalAnswered) -> Accepted:
    name = question.approval
    if attempt.answer == DENY:
        why = attempt.why or f"{answered.by} said no"
        closed = ApprovalClosed(approval=name, outcome="denied", why=why)
        return Accepted(answered=answered, closed=closed, sentence=f"{name} is denied by {answered.by}")
    given = (*question.answers, Given(by=Principal(answered.by), answer=APPROVE))
    if is_met(question.need, given, question.ladder, question.requester):
        closed = ApprovalClosed(approval=name, outcome="approved")
        return Accepted(answered=answered, closed=closed, sentence=f"{name} is approved by {answered.by}")
    rest = missing(question.need, given, question.ladder, question.requester)
    return Accepted(
        answered=answered, closed=None, sentence=f"the yes of {answered.by} counts; it takes {rest}"
    )


def with_answer(question: OpenQuestion, accepted: Accepted) -> OpenQuestion:
    """Return the question after an accepted answer."""
    given = Given(by=Principal(accepted.answered.by), answer=accepted.answered.answer)
    return replace(
        question,
        answers=(*question.answers, given),
        status=accepted.closed.outcome if accepted.closed is not None else question.status,
    )
