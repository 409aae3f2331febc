"""What the audit expects of the tables, whatever becomes of a run while it is read."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from midwatch.app.drive.project import changed_rows
from midwatch.app.folding import Folding, key_of
from midwatch.base.ids import Principal, RunId, StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.events import Erased, Event, Payload, StoredEvent
from midwatch.journal.run_events import EffectConfirmed, EffectProposed
from midwatch.ports.rows import Row
from midwatch.run.evolve import fold
from midwatch.run.state import RunState
from unit.insight.made_run import RUN, RUNS

STREAM = StreamId(f"run/{RUN}")


def events_of(name: str) -> list[Event]:
    """Return a run whose sealed actions say what stands in the rows of effects."""
    return [
        replace(event, payload=replace(event.payload, sealed={"effect": "write", **event.payload.sealed}))
        if isinstance(event.payload, EffectProposed)
        else event
        for event in RUNS[name]().events
    ]


def folded(events: Iterable[Event], ends: Mapping[StreamId, int]) -> Folding:
    folding = Folding(ends)
    for event in events:
        folding.visit(stored(event), event.actor, event.payload)
    return folding


def stored(event: Event) -> StoredEvent:
    """Return the event as a row of the store; folding looks at stream, number and moment alone."""
    envelope = event.envelope
    return StoredEvent(
        row=envelope.n,
        position=None,
        stream=envelope.stream,
        n=envelope.n,
        type=envelope.type,
        at_ms=envelope.at_ms,
        leaf=b"",
        leaf_hash=b"",
        subject="",
        sealed=b"",
    )


def rows(folding: Folding) -> dict[tuple[str, ...], Row]:
    assert folding.broken == []
    return folding.rows


def none_of(stream: StreamId) -> list[Event]:
    raise AssertionError(f"{stream} need not be read again")


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_run_means_the_same_rows_wherever_its_end_is_believed_to_be(name: str) -> None:
    events = events_of(name)
    known = folded(events, {STREAM: len(events)})
    known.finish(none_of)
    unknown = folded(events, {})
    unknown.finish(none_of)
    assert rows(known) == rows(unknown)
    assert ("runs", RUN) in rows(known)
    for end in range(1, len(events)):
        grown = folded(events, {STREAM: end})
        grown.finish(lambda _: events)
        assert rows(grown) == rows(known)
        assert (grown.plans, grown.cards, grown.runs) == (known.plans, known.cards, 1)


def test_the_rows_of_a_run_are_those_of_its_state() -> None:
    name = min(RUNS)
    events = events_of(name)
    folding = folded(events, {STREAM: len(events)})
    state = fold(RunId(RUN), events)
    assert rows(folding) == {key_of(row): row for row in changed_rows(RunState(run=state.run), state)}


def erased(event: Event) -> Event:
    return replace(event, payload=Erased())


@pytest.mark.parametrize("at", [0, 1, -1])
@pytest.mark.parametrize("end", [2, None])
def test_of_an_erased_run_nothing_is_expected(at: int, end: int | None) -> None:
    events = events_of(min(RUNS))
    events[at] = erased(events[at])
    folding = folded(events, {STREAM: end or len(events)})
    folding.finish(lambda _: events)
    assert folding.broken == []
    assert folding.rows == {}
    assert folding.left_out == {RUN}


def test_a_fact_that_can_not_follow_is_named_and_its_run_left_out() -> None:
    events = events_of(min(RUNS))
    odd: Payload = EffectConfirmed(key="nobody/proposed/0/0/0", out={})
    for end in (len(events), 2):
        folding = Folding({STREAM: end})
        for event in events[:3]:
            folding.visit(stored(event), event.actor, event.payload)
        last = events[3]
        folding.visit(stored(last)._replace(at_ms=EpochMs(5)), Principal("agent:x"), odd)
        wrong = [*events[:3], Event(envelope=last.envelope, actor=Principal("agent:x"), payload=odd)]
        folding.finish(lambda _, wrong=wrong: wrong)  # type: ignore[misc] # the list of this round
        assert [finding.place for finding in folding.broken] == [f"{STREAM}#4"]
        assert folding.rows == {}
        assert folding.left_out == {RUN}
