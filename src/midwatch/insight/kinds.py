"""Facts of loops, waits, hands, calls and messages in words: the same for the timeline and for why."""

from typing import Any

from midwatch.insight.telling import Telling
from midwatch.journal.events import Event
from midwatch.journal.run_events import (
    ChildBegun,
    ChildCalled,
    ChildEnded,
    ChildStopped,
    EventEmitted,
    HandAsked,
    HandClosed,
    HandDone,
    HandEscalated,
    HandRefused,
    LoopBegun,
    NoticeGiven,
    SignalReceived,
    SignalTaken,
    WaitBegun,
    WaitProbed,
)

KIND_FACTS = (
    *(LoopBegun, WaitBegun, WaitProbed, SignalReceived, SignalTaken),
    *(HandAsked, HandEscalated, HandDone, HandRefused, HandClosed),
    *(ChildCalled, ChildBegun, ChildStopped, ChildEnded, NoticeGiven, EventEmitted),
)
Words = tuple[str, dict[str, Any]]
"""A template of `words.tell`, and its values."""


def kind_words(payload: object) -> Words | None:
    """Return a fact of one of these kinds in words, None for any other and for what another line tells."""
    match payload:
        case LoopBegun(rounds=True):
            return "{task:code} goes round after round until it is so.", {"task": payload.task}
        case LoopBegun():
            return "{task:code} runs for {items:many item}.", {
                "task": payload.task,
                "items": len(payload.items),
            }
        case WaitBegun() | WaitProbed() | SignalReceived() | SignalTaken():
            return _wait_words(payload)
        case HandAsked() | HandEscalated() | HandDone() | HandRefused() | HandClosed():
            return _hand_words(payload)
        case ChildCalled() | ChildBegun() | ChildStopped() | ChildEnded():
            return _call_words(payload)
        case NoticeGiven():
            return "{task:code} told {people:and}: {message:says}", {
                "task": payload.task,
                "people": payload.people,
                "message": payload.message,
            }
        case EventEmitted():
            return "{task:code} emitted {type:code}: {data:brief}.", {
                "task": payload.task,
                "type": payload.type,
                "data": payload.data,
            }
        case _:
            return None


def _wait_words(payload: WaitBegun | WaitProbed | SignalReceived | SignalTaken) -> Words | None:
    match payload:
        case WaitBegun(kind="time"):
            words = "{task:code} waits until {due_ms:utc}."
            return words, {"task": payload.task, "due_ms": payload.due_ms}
        case WaitBegun(kind="event"):
            words = "{task:code} waits for {event:code}, until {due_ms:utc} at most."
            return words, {"task": payload.task, "event": payload.event, "due_ms": payload.due_ms}
        case WaitBegun():
            words = "{task:code} looks again and again, until {due_ms:utc} at most."
            return words, {"task": payload.task, "due_ms": payload.due_ms}
        case WaitProbed():
            return "{task:code} waits on: {why:says}.", {"task": payload.task, "why": payload.why}
        case SignalReceived():
            words = "{name:code} was signalled on {surface}: {data:brief}."
            return words, {"name": payload.name, "surface": payload.surface, "data": payload.data}
        case SignalTaken():
            return "{task:code} took the signal.", {"task": payload.task}


def _hand_words(payload: HandAsked | HandEscalated | HandDone | HandRefused | HandClosed) -> Words:
    hand = payload.hand
    match payload:
        case HandAsked():
            people = payload.ladder[0].people if payload.ladder else []
            words = "{task:code} was handed to {people:and} as {hand}: {title:says}."
            return words, {"task": payload.task, "people": people, "hand": hand, "title": payload.title}
        case HandEscalated(overdue=True):
            return "Nobody did {hand} in time; it stays with all who held it.", {"hand": hand}
        case HandEscalated():
            return "{hand} went up to {people:and}.", {"hand": hand, "people": payload.people}
        case HandDone():
            words = "{by} handed {hand} in on {surface}" if payload.ok else "{by} could not do {hand}"
            words += " after {latency_ms:span}" + (": {note:says}." if payload.note else ".")
            return words, {
                "by": payload.by,
                "hand": hand,
                "surface": payload.surface,
                "latency_ms": payload.latency_ms,
                "note": payload.note,
            }
        case HandRefused():
            words = "{by} handed {hand} in, and it did not count: {why:says} ({code})."
            return words, {"by": payload.by, "hand": hand, "why": payload.why, "code": payload.code}
        case HandClosed():
            words = "{hand} is closed: {outcome:code}, {why:says}."
            return words, {"hand": hand, "outcome": payload.outcome, "why": payload.why}


def _call_words(payload: ChildCalled | ChildBegun | ChildStopped | ChildEnded) -> Words | None:
    child = payload.child
    match payload:
        case ChildCalled():
            words = "{task:code} called {runbook:code} as {child}, with {inputs:brief}."
            return words, {
                "task": payload.task,
                "runbook": payload.runbook,
                "child": child,
                "inputs": payload.inputs,
            }
        case ChildBegun():
            return None
        case ChildStopped():
            return "{child} was told to stop: {why:says}.", {"child": child, "why": payload.why}
        case ChildEnded():
            words = "{child} ended as {outcome:code}: {why:says}; it gave {out:brief}."
            return words, {
                "child": child,
                "outcome": payload.outcome,
                "why": payload.why,
                "out": payload.out,
            }


def tell_kinds(telling: Telling, events: tuple[Event, ...], depth: int) -> None:
    """Tell the facts of these kinds among `events`, the newest first."""
    for event in reversed(events):
        words = kind_words(event.payload)
        if words is not None:
            telling.say(depth, event, words[0], **words[1])
