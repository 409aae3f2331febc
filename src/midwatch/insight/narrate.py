"""A run's timeline: one line for each event that means something to a person.

Left out is what another line tells: a read's call (its task's line has it), a proposal (the judgement
or the question has it), a use of a leave (the dispatch has it).
"""

from collections.abc import Sequence
from typing import assert_never

from midwatch.insight.causes.ran import is_acting
from midwatch.insight.explanation import Sentence
from midwatch.insight.history import READING, History, every, history_of, inside, last
from midwatch.insight.kinds import kind_words
from midwatch.insight.telling import sentence_of
from midwatch.journal.events import Erased, Event
from midwatch.journal.run_events import (
    AnswerRefused,
    ApprovalAnswered,
    ApprovalAsked,
    ApprovalClosed,
    ApprovalConsumed,
    ApprovalEscalated,
    CancelRequested,
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
    RunEnded,
    RunStarted,
    TaskFailed,
    TaskRouted,
    TaskSkipped,
    TaskStarted,
    TaskSucceeded,
    UndoRequested,
)
from midwatch.plan.model import Plan, TaskKind

_TaskFact = TaskStarted | TaskSucceeded | TaskFailed | TaskSkipped | TaskRouted
_EffectFact = (
    EffectProposed
    | EffectJudged
    | EffectDispatched
    | EffectConfirmed
    | EffectFailed
    | EffectInDoubt
    | EffectVoided
    | EffectVerified
    | EffectUndone
)
_ApprovalFact = (
    ApprovalAsked | ApprovalEscalated | ApprovalAnswered | AnswerRefused | ApprovalClosed | ApprovalConsumed
)
_RunFact = RunStarted | UndoRequested | CancelRequested | RunEnded


def story(plan: Plan, events: Sequence[Event]) -> tuple[Sentence, ...]:
    """Return the timeline, oldest first; each line has its moment, the caller makes it relative.

    Args:
        plan: the one that the run is bound to.
        events: of one run, from its first on, in order; as many as there are.
    """
    history = history_of(events)
    return tuple(line for event in events if (line := _line(plan, history, event)) is not None)


def _line(plan: Plan, history: History, event: Event) -> Sentence | None:
    match event.payload:
        case Erased():
            words = "A fact of type {type:code} that was erased."
            return sentence_of(0, event, words, type=event.envelope.type)
        case EffectRead():
            return _read(event, event.payload)
        case TaskStarted() | TaskSucceeded() | TaskFailed() | TaskSkipped() | TaskRouted():
            return _task(plan, history, event, event.payload)
        case (
            EffectProposed()
            | EffectJudged()
            | EffectDispatched()
            | EffectConfirmed()
            | EffectFailed()
            | EffectInDoubt()
            | EffectVoided()
            | EffectVerified()
            | EffectUndone()
        ):
            return _effect(history, event, event.payload)
        case (
            ApprovalAsked()
            | ApprovalEscalated()
            | ApprovalAnswered()
            | AnswerRefused()
            | ApprovalClosed()
            | ApprovalConsumed()
        ):
            return _approval(event, event.payload)
        case RunStarted() | UndoRequested() | CancelRequested() | RunEnded():
            return _run(event, event.payload)
        case _:
            said = kind_words(event.payload)
            return None if said is None else sentence_of(0, event, said[0], **said[1])


def _run(event: Event, payload: _RunFact) -> Sentence:
    match payload:
        case RunStarted():
            words = "{initiator} started {title:says}, in mode {mode:code}"
            words += ", as practice." if payload.practice else "."
            return sentence_of(
                0, event, words, initiator=payload.initiator, title=payload.title, mode=payload.mode
            )
        case UndoRequested():
            words = "{actor} wants {keys:many effect} taken back"
            words += ": {why:says}." if payload.why else "."
            return sentence_of(0, event, words, actor=event.actor, keys=len(payload.keys), why=payload.why)
        case CancelRequested():
            words = "{actor} wants the run to stop"
            words += ": {why:says}." if payload.why else "."
            return sentence_of(0, event, words, actor=event.actor, why=payload.why)
        case RunEnded():
            words = "Ended as {outcome:code}: {why:says}. It cost {cost:usd}."
            return sentence_of(
                0, event, words, outcome=payload.outcome, why=payload.why, cost=payload.cost_micro_usd
            )
        case _:
            assert_never(payload)


def _read(event: Event, read: EffectRead) -> Sentence | None:
    """Return a line for a probe that says something by itself: it did not hold, or it settles a doubt."""
    if read.purpose == READING or (read.holds and read.purpose != "settle"):
        return None
    why = inside(read.out, "why") or ""
    if not read.ok:
        words = "{task:code} could not be read again" + (": {why:says}." if why else ".")
    else:
        words = "{task:code} was read again, and what must hold " + (
            "held." if read.holds else "did not hold."
        )
    return sentence_of(0, event, words, task=read.task, why=why, about=read.about)


def _task(plan: Plan, history: History, event: Event, payload: _TaskFact) -> Sentence | None:
    match payload:
        case TaskStarted():
            return None
        case TaskSucceeded():
            return _succeeded(plan, history, event, payload)
        case TaskFailed():
            words = "{task:code} failed: {why:says} ({code})"
            words += "; again at {retry_at_ms:utc}." if payload.retry_at_ms is not None else "."
            return sentence_of(
                0,
                event,
                words,
                task=payload.task,
                why=payload.why,
                code=payload.code,
                retry_at_ms=payload.retry_at_ms,
            )
        case TaskSkipped():
            return sentence_of(
                0, event, "{task:code} was skipped: {why:says}.", task=payload.task, why=payload.why
            )
        case TaskRouted():
            words = "{by:code} leads to {task:code} ({because:code})."
            return sentence_of(0, event, words, task=payload.task, by=payload.by, because=payload.because)
        case _:
            assert_never(payload)


def _succeeded(plan: Plan, history: History, event: Event, payload: TaskSucceeded) -> Sentence | None:
    task = next((task for task in plan.tasks if task.name == payload.task), None)
    if task is None or is_acting(task) or task.kind is TaskKind.APPROVAL:
        return None
    if task.kind is TaskKind.DECISION:
        words = "{task:code} decided"
        words += " by {rows:many row}: {out:brief}." if payload.matched else ": no row matched."
        rows = len(payload.matched)
        return sentence_of(0, event, words, task=payload.task, rows=rows, out=payload.out)
    reads = [read for _, read in every(history.tasks.get(payload.task, ()), EffectRead) if read.ok]
    words = "{task:code} read"
    words += " with {tool:code} in {duration_ms:span}: {out:brief}." if reads else ": {out:brief}."
    return sentence_of(
        0,
        event,
        words,
        task=payload.task,
        tool=reads[-1].tool if reads else "",
        duration_ms=reads[-1].duration_ms if reads else 0,
        out=payload.out,
    )


def _effect(history: History, event: Event, payload: _EffectFact) -> Sentence | None:
    proposed = last(history.effects.get(payload.key, ()), EffectProposed)
    task = payload.key.split("/")[1] if "/" in payload.key else payload.key
    tool = proposed[1].tool if proposed is not None else ""
    target = inside(proposed[1].sealed, "target") if proposed is not None else ""

    def line(words: str, **values: object) -> Sentence:
        return sentence_of(0, event, words, task=task, key=payload.key, **values)

    match payload:
        case EffectProposed():
            return None
        case EffectJudged(outcome="denied" | "not_now"):
            words = (
                "The gate said no to {task:code}"
                if payload.outcome == "denied"
                else "Not now for {task:code}"
            )
            says = inside(payload.decision, "says") or []
            return line(words + (": {says:and}" if says else "."), says=says)
        case EffectJudged():
            return None
        case EffectDispatched():
            words = "{task:code} was sent" + (": {tool:code} on {target:code}" if tool else "")
            words += ", attempt {attempt}." if payload.attempt > 1 else "."
            return line(words, tool=tool, target=target, attempt=payload.attempt)
        case EffectConfirmed(by="tool"):
            words = "{task:code} was done in {duration_ms:span}: {out:brief}."
            return line(words, duration_ms=payload.duration_ms, out=payload.out)
        case EffectConfirmed():
            return line("{task:code} was done, said {by}.", by=payload.by)
        case EffectFailed():
            return line(
                "{task:code} did not happen: {why:says} ({code}).", why=payload.why, code=payload.code
            )
        case EffectInDoubt():
            return line("Nobody saw whether {task:code} happened: {why:says}.", why=payload.why)
        case EffectVoided():
            words = "{task:code} will not be sent as it was sealed ({outcome:code}): {why:says}."
            return line(words, outcome=payload.outcome, why=payload.why)
        case EffectVerified():
            words = "{task:code} was read back and holds." if payload.holds else ""
            return line(words or "{task:code} was read back: {why:says}.", why=payload.why)
        case EffectUndone():
            return line(
                _UNDONE.get(payload.status, _UNDONE["undoing"]), by_key=payload.by_key, why=payload.why
            )
        case _:
            assert_never(payload)


_UNDONE = {
    "undoing": "{task:code} is being taken back.",
    "undone": "{task:code} was taken back.",
    "undo_failed": "{task:code} could not be taken back: {why:says}.",
}


def _approval(event: Event, payload: _ApprovalFact) -> Sentence | None:
    def line(words: str, **values: object) -> Sentence:
        return sentence_of(0, event, words, approval=payload.approval, **values)

    match payload:
        case ApprovalAsked():
            people = payload.ladder[0].people if payload.ladder else []
            words = "Question {approval} was put to {people:and}: {question:says}"
            if inside(payload.requirement, "count") == 0:
                words = "Card {approval} shows what would have run: {question:says}"
            return line(words, people=people, question=payload.question, expires_ms=payload.expires_ms)
        case ApprovalEscalated():
            return line("Question {approval} went up to {people:and}.", people=payload.people)
        case ApprovalAnswered():
            words = "{by} answered {answer:code} to {approval} on {surface} after {latency_ms:span}"
            words += ", recorded as {recorded_as:says}" if payload.recorded_as else ""
            words += ": {why:says}." if payload.why else "."
            return line(
                words,
                by=payload.by,
                answer=payload.answer,
                surface=payload.surface,
                latency_ms=payload.latency_ms,
                recorded_as=payload.recorded_as,
                why=payload.why,
            )
        case AnswerRefused():
            words = "{by} answered {answer:code} to {approval}, and it did not count: {why:says} ({code})."
            return line(words, by=payload.by, answer=payload.answer, why=payload.why, code=payload.code)
        case ApprovalClosed():
            words = "Question {approval} is closed: {outcome:code}"
            words += ", {why:says}." if payload.why else "."
            return line(words, outcome=payload.outcome, why=payload.why)
        case ApprovalConsumed():
            return None
        case _:
            assert_never(payload)
