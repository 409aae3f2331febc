"""Runs with every kind of task are told: the timeline, why, how far they are, and what is shown for whom."""

import pytest

from midwatch.app.hand_in import HandIn, hand_in
from midwatch.app.signal import SignalSent, signal
from midwatch.base.ids import Principal, RunId, run_stream
from midwatch.base.units import MINUTE_MS
from midwatch.insight.kinds import KIND_FACTS, kind_words
from midwatch.insight.narrate import story
from midwatch.insight.progress import TaskStanding, TaskView, progress
from midwatch.insight.why import why
from midwatch.journal.chain import open_entry
from midwatch.journal.events import Event
from midwatch.plan.model import Plan
from support.kinds import (
    SUBJECT,
    Stage,
    auto,
    back,
    call,
    each,
    emit,
    lastly,
    look,
    manual,
    named,
    notify,
    put,
    stage,
    wait_event,
    wait_time,
)

CHILD = named(auto(look("see")), "child")
PLAN = auto(
    look("measure", args={"name": "'all'"}),
    put("set", "measure", args={"name": "item", "value": "5"}, loop=each("measure.list"), undo="back"),
    wait_time("pause", "set", for_ms=MINUTE_MS),
    wait_event("go", "go", "pause"),
    manual("clean", "go"),
    call("call", CHILD, "clean"),
    notify("tell", "call", message="All is well."),
    emit("emit", "tell", data={"n": "1"}),
    lastly(look("tidy")),
    back("back", thing="item", value="set.before"),
)


def events(things: Stage, run: RunId) -> tuple[Event, ...]:
    key = things.house.house.keys.subject_key(SUBJECT, create=False)
    return tuple(open_entry(one, key) for one in things.house.store.entries(run_stream(run)))


@pytest.fixture
def told() -> tuple[Plan, tuple[Event, ...]]:
    things = stage(all=["a", "b"])
    run = things.play(PLAN, CHILD)
    things.pass_time(MINUTE_MS)
    sent = SignalSent(run=run, name="go", by=Principal("person:ada"), surface="cli", data={"n": 1})
    signal(things.house.house, sent)
    things.pump()
    hand = things.state(run).open_hands[0]
    hand_in(things.house.house, HandIn(hand=hand, os_user="ada", surface="cli", note="swept"))
    things.pump()
    assert things.ends(run) == "resolved"
    return PLAN, events(things, run)


def test_the_timeline_has_a_line_for_everything_that_means_something(
    told: tuple[Plan, tuple[Event, ...]],
) -> None:
    text = "\n".join(line.text for line in story(*told))
    for words in (
        "`set` runs for 2 items.",
        "`pause` waits until 2026-",
        "`go` waits for `go`",
        "`go` was signalled on cli: n = 1.",
        "`clean` was handed to ada as h-",
        "handed h-",
        "swept",
        "`call` called `child` as r-",
        "ended as `no_action`",
        "`tell` told ada and grace: All is well.",
        "`emit` emitted `midwatch.test`: n = 1.",
    ):
        assert words in text


def test_any_part_of_it_can_be_told(told: tuple[Plan, tuple[Event, ...]]) -> None:
    plan, all_events = told
    for length in range(1, len(all_events) + 1):
        some = all_events[:length]
        assert story(plan, some)
        views = progress(plan, some)
        assert [view.name for view in views][:3] == ["measure", "set", "pause"]
        for task in plan.tasks:
            assert why(plan, some, task.name).sentences is not None


def test_why_names_who_did_it_by_hand_and_what_was_called(told: tuple[Plan, tuple[Event, ...]]) -> None:
    plan, all_events = told
    by_hand = " ".join(one.text for one in why(plan, all_events, "clean").sentences)
    assert "`person:ada` handed" in by_hand or "person:ada handed" in by_hand
    called = " ".join(one.text for one in why(plan, all_events, "call").sentences)
    assert "called `child`" in called


def view_of(views: tuple[TaskView, ...], name: str) -> TaskView:
    return next(view for view in views if view.name == name)


def test_how_far_it_is_says_what_is_waited_for(told: tuple[Plan, tuple[Event, ...]]) -> None:
    plan, all_events = told
    seen: set[tuple[str, TaskStanding, str]] = set()
    for length in range(1, len(all_events) + 1):
        seen |= {(view.name, view.status, view.detail) for view in progress(plan, all_events[:length])}
    assert ("set", TaskStanding.RUNNING, "1 of 2 done") in seen
    assert any(name == "pause" and detail.startswith("until 2026") for name, _, detail in seen)
    assert any(name == "clean" and status is TaskStanding.ASKING for name, status, _ in seen)
    assert any(name == "call" and detail.startswith("called r-") for name, _, detail in seen)
    ends = {view.status for view in progress(plan, all_events)}
    assert ends == {TaskStanding.DONE}


def test_every_such_fact_is_known_to_the_words() -> None:
    assert len(set(KIND_FACTS)) == len(KIND_FACTS)
    assert kind_words(object()) is None
