"""Telling one effect: what was done and whether it held, under which leave, what the gate said, and why."""

from collections.abc import Mapping

from midwatch.base.classes import RetryClass
from midwatch.effects.ledger import EffectStatus, may_repeat
from midwatch.insight.causes.approval import tell_approval
from midwatch.insight.causes.ran import tell_ran
from midwatch.insight.history import every, inside, last, standing, thawed
from midwatch.insight.scope import seen
from midwatch.insight.telling import Telling
from midwatch.journal.events import Event
from midwatch.journal.run_events import (
    ApprovalAsked,
    ApprovalConsumed,
    EffectConfirmed,
    EffectDispatched,
    EffectFailed,
    EffectInDoubt,
    EffectJudged,
    EffectProposed,
    EffectRead,
    EffectUndone,
    EffectVerified,
    EffectVoided,
    UndoRequested,
)
from midwatch.plan.model import PlanTask
from midwatch.policy.facts import whole_facts

_S = EffectStatus
_STANDING = {
    _S.PROPOSED: "was proposed, and nothing was decided about it yet",
    _S.ALLOWED: "is allowed, and was not sent yet",
    _S.ASKED: "waits for people: nothing was sent",
    _S.DENIED: "was denied: nothing was sent",
    _S.EXPIRED: "was not done: nobody entitled answered in time, and nothing was sent",
    _S.VOID: "was not done: its leave is void, and nothing was sent",
    _S.DISPATCHED: "was sent, and what came of it is not known yet",
    _S.CONFIRMED: "was done",
    _S.FAILED: "did not happen",
    _S.IN_DOUBT: "may have happened: nobody saw how it ended",
    _S.VERIFIED: "was done, was read back, and holds",
    _S.UNVERIFIED: "was done, was read back, and does not hold",
    _S.UNDOING: "was done, and is being taken back",
    _S.UNDONE: "was done, and was taken back",
    _S.UNDO_FAILED: "was done, and could not be taken back",
}
_GATE = {
    "allowed": "The gate allowed it",
    "asked": "The gate wanted people to say yes",
    "denied": "The gate denied it",
    "not_now": "The gate said: not at this moment",
}
_WEIGHED = (
    "mode",
    "profile",
    "effect",
    "args",
    "guard",
    "undo_declared",
    "precondition_holds",
    "person_confirmed",
)
"""The facts of a decision that are told; the others are in its evidence."""


def tell_effect(telling: Telling, key: str, depth: int) -> None:
    """Tell one effect, from what became of it back to the start of the run."""
    if not telling.begin(f"effect:{key}"):
        return
    events = telling.history.effects.get(key, ())
    tell_standing(telling, key, depth)
    _tell_undo(telling, events, depth)
    _tell_read_back(telling, key, events, depth)
    _tell_outcome(telling, key, events, depth)
    _tell_sent(telling, key, events, depth + 1)
    _tell_gate(telling, events, depth + 1, sent=True)
    _tell_leave(telling, key, events, depth + 1)
    _tell_gate(telling, events, depth + 3, sent=False)
    for event, proposed in reversed(every(events, EffectProposed)):
        _tell_proposed(telling, event, proposed, depth + 3)
    tell_ran(telling, task_of(key), depth + 4)


def task_of(key: str) -> str:
    """Return the task that an effect belongs to, or nothing for what is no key."""
    parts = key.split("/")
    return parts[1] if len(parts) > 1 else ""


def tell_standing(telling: Telling, key: str, depth: int) -> None:
    """Tell in one sentence where an effect stands."""
    events = telling.history.effects.get(key, ())
    found = standing(events)
    if found is None:
        return
    status, event = found
    proposed = last(events, EffectProposed)
    words = "{task:code} " + _STANDING[status]
    words += " ({tool:code} on {target:code})." if proposed is not None else "."
    telling.say(
        depth,
        event,
        words,
        task=task_of(key),
        tool=proposed[1].tool if proposed is not None else "",
        target=inside(proposed[1].sealed, "target") if proposed is not None else "",
        key=key,
        status=status,
    )


def _tell_undo(telling: Telling, events: tuple[Event, ...], depth: int) -> None:
    for event, undone in reversed(every(events, EffectUndone)):
        match undone.status:
            case "undone":
                words = "It was taken back by {by_key:code}."
            case "undo_failed":
                words = "{by_key:code} could not take it back: {why:says}."
            case _:
                words = "{by_key:code} began to take it back."
        telling.say(depth, event, words, by_key=undone.by_key, why=undone.why)
        if undone.status != "undoing":
            tell_standing(telling, undone.by_key, depth + 1)
    for event, wanted in reversed(every(events, UndoRequested)):
        words = "{actor} asked that it be taken back"
        words += ": {why:says}." if wanted.why else "."
        telling.say(depth, event, words, actor=event.actor, why=wanted.why)


def _tell_read_back(telling: Telling, key: str, events: tuple[Event, ...], depth: int) -> None:
    task = telling.task(task_of(key))
    probes = [(event, read) for event, read in every(events, EffectRead) if read.purpose == "verify"]
    verified = last(events, EffectVerified)
    if probes:
        holds = task.verify.holds if task is not None and task.verify is not None else ""
        _tell_probe(telling, probes[-1], holds, events, depth)
    elif verified is not None:
        words = "What must hold of it did: {why:code}." if verified[1].holds else "Read back: {why:says}."
        telling.say(depth, verified[0], words, why=verified[1].why)
    elif last(events, EffectConfirmed) is not None and task is not None and task.verify is None:
        telling.say(depth, None, "Nothing reads it back: {task:code} declares no `verify`.", task=task.name)


def _tell_probe(
    telling: Telling, told: tuple[Event, EffectRead], holds: str, events: tuple[Event, ...], depth: int
) -> None:
    """Tell one reading back: which probe, what it showed, and whether what must hold did."""
    event, read = told
    out = thawed(read.out)
    if not read.ok:
        reason = inside(read.out, "why") or ""
        words = "{probe:code} could not be read" + (": {why:says}." if reason else ".")
        telling.say(depth, event, words, probe=read.task, why=reason, out=out)
        return
    proposed = last(events, EffectProposed)
    args = thawed(inside(proposed[1].sealed, "args") or {}) if proposed is not None else {}
    found = seen(holds, {"args": args, "probe": out}) if holds else None
    names = found.names if found is not None and found.names else out
    words = "{probe:code} was read again with {tool:code} in {duration_ms:span}, and "
    words += "{holds:code}" if holds else "what must hold"
    words += " held" if read.holds else " did not hold"
    words += ", with {names:brief}."
    telling.say(
        depth,
        event,
        words,
        probe=read.task,
        tool=read.tool,
        duration_ms=read.duration_ms,
        holds=holds,
        names=names,
        out=out,
    )


def _tell_outcome(telling: Telling, key: str, events: tuple[Event, ...], depth: int) -> None:
    for event in reversed(events):
        match event.payload:
            case EffectConfirmed():
                _tell_confirmed(telling, event, event.payload, depth)
            case EffectFailed(code=code, why=why, by=by):
                words = "It did not happen, said the {by}: {why:says} ({code})."
                words = (
                    words if by in {"tool", "probe"} else "It did not happen, said {by}: {why:says} ({code})."
                )
                telling.say(depth, event, words, by=by, why=why, code=code)
            case EffectInDoubt(why=why, settle_after_ms=settle_after_ms):
                words = "Nobody saw whether it happened: {why:says}. Looked into from {settle_after_ms:utc}."
                telling.say(depth, event, words, why=why, settle_after_ms=settle_after_ms)
            case EffectVoided(why=why, outcome=outcome):
                words = "It will not be sent as it was sealed ({outcome:code}): {why:says}."
                telling.say(depth, event, words, why=why, outcome=outcome)
            case EffectRead(purpose="settle"):
                task = telling.task(task_of(key))
                holds = task.verify.holds if task is not None and task.verify is not None else ""
                _tell_probe(telling, (event, event.payload), holds, events, depth)
            case _:
                continue
    found = standing(events)
    if found is not None and found[0] is EffectStatus.IN_DOUBT:
        _tell_next(telling, telling.task(task_of(key)), depth)


def _tell_confirmed(telling: Telling, event: Event, confirmed: EffectConfirmed, depth: int) -> None:
    match confirmed.by:
        case "tool":
            words = "The tool answered after {duration_ms:span}: {out:pairs}."
        case "probe":
            words = "Nobody saw the call end; a probe found that it happened."
        case _:
            words = "{by} said that it happened."
    telling.say(depth, event, words, by=confirmed.by, duration_ms=confirmed.duration_ms, out=confirmed.out)


def _tell_next(telling: Telling, task: PlanTask | None, depth: int) -> None:
    """Tell what settles a doubt: a repetition under the same key, a probe, or a person."""
    if task is None or task.call is None:
        return
    retry = task.call.retry
    if may_repeat(retry):
        words = "Its tool is {retry:code}, so the call is sent again under the same key."
    elif retry is RetryClass.PROBE and task.verify is not None:
        words = "Its tool is {retry:code}, so the world is asked before anything else."
    else:
        words = (
            "Its tool is {retry:code}: it is not sent again by itself, only a person can say what happened."
        )
    telling.say(depth, None, words, retry=retry)


def _tell_sent(telling: Telling, key: str, events: tuple[Event, ...], depth: int) -> None:
    for event, sent in reversed(every(events, EffectDispatched)):
        words = "It was sent, attempt {attempt}, as action {action:short}."
        telling.say(
            depth,
            event,
            words,
            attempt=sent.attempt,
            action=sent.action,
            worker=sent.worker,
            fence=sent.fence,
        )
    task = telling.task(task_of(key))
    before = [(event, read) for event, read in every(events, EffectRead) if read.purpose == "precondition"]
    if before:
        holds = task.precondition.holds if task is not None and task.precondition is not None else ""
        _tell_probe(telling, before[-1], holds, events, depth)


def _tell_leave(telling: Telling, key: str, events: tuple[Event, ...], depth: int) -> None:
    """Tell under which leave it was sent: who answered, or that a rule was enough."""
    consumed = every(events, ApprovalConsumed)
    for event, used in reversed(consumed):
        words = "It went out under the leave of question {approval}, which is used up for it."
        telling.say(depth, event, words, approval=used.approval)
    for event, asked in reversed(every(events, ApprovalAsked)):
        if telling.has_begun(f"approval:{asked.approval}"):
            words = "{task:code} is one of the actions of question {approval}."
            telling.say(depth, event, words, task=task_of(key), approval=asked.approval)
        tell_approval(telling, asked.approval, depth)
    if last(events, EffectDispatched) is not None and not consumed and last(events, ApprovalAsked) is None:
        judged = last(events, EffectJudged)
        at = judged[0] if judged is not None else None
        telling.say(depth, at, "No person was asked for it: the rules in force were enough.")


def _tell_gate(telling: Telling, events: tuple[Event, ...], depth: int, *, sent: bool) -> None:
    """Tell the judgement under which it was sent, or all others."""
    judgements = every(events, EffectJudged)
    dispatched = last(events, EffectDispatched)
    sent_n = dispatched[0].envelope.n if dispatched is not None else 0
    under_n = max((event.envelope.n for event, _ in judgements if event.envelope.n < sent_n), default=0)
    for event, judged in reversed(judgements):
        if sent is not (event.envelope.n == under_n):
            continue
        decision = judged.decision
        says = inside(decision, "says") or []
        errors = inside(decision, "errors") or []
        facts = inside(decision, "facts")
        facts = whole_facts(facts) if isinstance(facts, Mapping) and facts else {}
        words = _GATE.get(judged.outcome, "The gate said {outcome:code}")
        words += ": " + " ".join(f"{{say_{number}:says}}" for number in range(len(says))) if says else "."
        words += " Rules {reasons:and}" if inside(decision, "reasons") else " No rule"
        words += " of policy {policy:short}" if inside(decision, "policy") else ""
        words += ", on {facts:pairs}." if facts else "."
        words += " While judging, this went wrong: {errors:and}." if errors else ""
        telling.say(
            depth,
            event,
            words,
            outcome=judged.outcome,
            reasons=inside(decision, "reasons") or [],
            policy=inside(decision, "policy") or "",
            facts={name: facts[name] for name in _WEIGHED if name in facts},
            errors=errors,
            **{f"say_{number}": say for number, say in enumerate(says)},
        )


def _tell_proposed(telling: Telling, event: Event, proposed: EffectProposed, depth: int) -> None:
    sealed = proposed.sealed
    words = "It was sealed as action {action:short}: {tool:code} on {target:code} with {args:whole}"
    words += ", by {agent} for {initiator}." if inside(sealed, "agent") else "."
    telling.say(
        depth,
        event,
        words,
        action=proposed.action,
        tool=proposed.tool,
        target=inside(sealed, "target") or "",
        args=inside(sealed, "args") or {},
        agent=inside(sealed, "agent") or "",
        initiator=inside(sealed, "initiator") or "",
        labels=inside(sealed, "labels") or {},
        guard=inside(sealed, "guard") or "",
    )
