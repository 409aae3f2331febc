"""Telling a question to the Guardians: how it ended, who answered, whom it was put to, and why."""

from midwatch.insight.history import every, inside, last
from midwatch.insight.telling import Telling
from midwatch.journal.events import Event
from midwatch.journal.run_events import (
    AnswerRefused,
    ApprovalAnswered,
    ApprovalAsked,
    ApprovalClosed,
    ApprovalEscalated,
)

_ENDED = {
    "approved": "Question {approval} was approved",
    "denied": "Question {approval} was denied",
    "expired": "Question {approval} expired",
    "cancelled": "Question {approval} was cancelled",
    "superseded": "Question {approval} was replaced by another one",
    "shadow": "Card {approval} shows what would have run",
    "void": "Question {approval} is void: its leave counts no more",
}


def tell_approval(telling: Telling, approval: str, depth: int) -> None:
    """Tell one question, back from its end; then the one that it replaced."""
    if not telling.begin(f"approval:{approval}"):
        return
    events = telling.history.approvals.get(approval, ())
    asked = last(events, ApprovalAsked)
    _tell_end(telling, approval, asked, depth)
    for event, answered in reversed(every(events, ApprovalAnswered)):
        _tell_answer(telling, event, answered, depth)
    for event, refused in reversed(every(events, AnswerRefused)):
        telling.say(
            depth,
            event,
            "{by} tried to answer {answer:code} on {surface}, and it did not count: {why:says} ({code}).",
            by=refused.by,
            answer=refused.answer,
            surface=refused.surface,
            why=refused.why,
            code=refused.code,
        )
    for event, up in reversed(every(events, ApprovalEscalated)):
        telling.say(
            depth,
            event,
            "Question {approval} went up the ladder, to {people:and}.",
            approval=approval,
            people=up.people,
        )
    if asked is not None:
        _tell_asked(telling, *asked, depth + 1)
        if asked[1].supersedes:
            _tell_replaced(telling, *asked, depth + 1)
            tell_approval(telling, asked[1].supersedes, depth + 2)


def _tell_end(telling: Telling, approval: str, asked: tuple[Event, ApprovalAsked] | None, depth: int) -> None:
    events = telling.history.approvals.get(approval, ())
    for event, closed in reversed(every(events, ApprovalClosed)):
        words = _ENDED.get(closed.outcome, "Question {approval} ended as {outcome:code}")
        words += ": {why:says}." if closed.why else "."
        telling.say(depth, event, words, approval=approval, outcome=closed.outcome, why=closed.why)
    if asked is not None and last(events, ApprovalClosed) is None:
        event, payload = asked
        words = "Question {approval} is open; it expires at {expires_ms:utc}."
        telling.say(depth, event, words, approval=approval, expires_ms=payload.expires_ms)


def _tell_answer(telling: Telling, event: Event, answered: ApprovalAnswered, depth: int) -> None:
    words = "{by} answered {answer:code} on {surface} after {latency_ms:span}"
    words += ", recorded as {recorded_as:says}" if answered.recorded_as else ""
    words += ", and said: {why:says}" if answered.why else ""
    telling.say(
        depth,
        event,
        words + ".",
        by=answered.by,
        answer=answered.answer,
        surface=answered.surface,
        latency_ms=answered.latency_ms,
        recorded_as=answered.recorded_as,
        why=answered.why,
        card=answered.card,
        bundle=answered.bundle,
    )


def _tell_asked(telling: Telling, event: Event, asked: ApprovalAsked, depth: int) -> None:
    telling.say(
        depth,
        event,
        'Question {approval} was "{question:says}", about {actions:many action} (bundle {bundle:short}).',
        approval=asked.approval,
        question=asked.question,
        actions=len(asked.actions),
        bundle=asked.bundle,
        keys=asked.keys,
    )
    requirement = asked.requirement
    if inside(requirement, "count") == 0:
        return
    words = "It needed {count:many yes} of {approvers:and}" if _count(requirement) == 1 else ""
    words = words or "It needed a yes of {count} different people of {approvers:and}"
    words += ", each for another group" if inside(requirement, "teams_distinct") else ""
    words += ", one of them not who asked for the run" if inside(requirement, "second_person") else ""
    telling.say(
        depth,
        event,
        words + ".",
        count=_count(requirement),
        approvers=inside(requirement, "approvers") or [],
        requirement=requirement,
    )
    for rung in asked.ladder:
        telling.say(
            depth,
            event,
            "It was put to {ask:code}, which was {people:and}, from {from_ms:utc} until {until_ms:utc}.",
            ask=rung.ask,
            people=rung.people,
            from_ms=rung.from_ms,
            until_ms=rung.until_ms,
            via=rung.via,
        )


def _count(requirement: dict[str, object]) -> int:
    count = inside(requirement, "count")
    return count if isinstance(count, int) else 1


def _tell_replaced(telling: Telling, event: Event, asked: ApprovalAsked, depth: int) -> None:
    telling.say(
        depth,
        event,
        "Question {approval} took the place of {supersedes}.",
        approval=asked.approval,
        supersedes=asked.supersedes,
    )
