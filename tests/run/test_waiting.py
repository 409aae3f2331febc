"""Waits: for a moment, a signal, a reading. They are rows; nothing runs meanwhile."""

from typing import Any

import pytest

from midwatch.app.change import request_cancel
from midwatch.app.errors import SignalLateError, SignalMisfitError, SignalUnknownError
from midwatch.app.signal import SignalSent, signal
from midwatch.base.ids import Principal, RunId, TaskName
from midwatch.base.units import HOUR_MS, MINUTE_MS, SECOND_MS, EpochMs
from midwatch.journal.run_events import EffectRead, SignalTaken
from midwatch.run.doing.waits import moment_of
from midwatch.run.errors import MomentError
from midwatch.run.state import TaskStatus
from support.kinds import Stage, auto, look, stage, wait_event, wait_probe, wait_time

ADA = Principal("person:ada")
DATA = {"type": "object", "properties": {"host": {"type": "string"}}, "required": ["host"]}


@pytest.fixture
def things() -> Stage:
    return stage()


def send(things: Stage, run: RunId, name: str, **more: Any) -> bool:
    is_new = signal(things.house.house, SignalSent(run=run, name=name, by=ADA, surface="cli", **more))
    things.pump()
    return is_new


def test_a_wait_for_a_time_is_over_when_it_has_passed(things: Stage) -> None:
    run = things.play(auto(wait_time("pause", for_ms=MINUTE_MS), look("after", "pause")))
    assert things.house.store.owner(run) is None
    assert things.house.store.due(things.house.clock.now_ms()) == []
    things.pass_time(MINUTE_MS - 1)
    assert things.status(run, "pause") is TaskStatus.STARTED
    things.pass_time(1)
    assert things.ends(run) == "no_action"
    assert things.status(run, "after") is TaskStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("at", "is_over"), [("'2020-01-01T00:00:00Z'", True), ("'2126-01-01T02:00:00+02:00'", False)]
)
def test_a_wait_for_a_moment_that_is_past_is_over_at_once(things: Stage, at: str, is_over: bool) -> None:  # noqa: FBT001
    run = things.play(auto(wait_time("pause", at=at)))
    assert bool(things.state(run).outcome) is is_over
    things.check()


def test_a_moment_has_an_offset_and_is_a_text() -> None:
    assert moment_of("1970-01-01T01:00:01.5+01:00") == 1500
    for wrong in ("2026-11-27", "2026-11-27T03:00:00", "soon", 12):
        with pytest.raises(MomentError, match="no moment"):
            moment_of(wrong)


def test_a_wait_for_no_moment_fails(things: Stage) -> None:
    run = things.play(auto(wait_time("pause", at="'soon'")))
    assert things.ends(run) == "failed"
    assert things.state(run).task(TaskName("pause")).code == "MW628"


def test_a_signal_ends_a_wait_and_its_data_is_the_output(things: Stage) -> None:
    run = things.play(
        auto(wait_event("wait", "rebooted", out=DATA), look("after", "wait", args={"name": "wait.host"}))
    )
    assert send(things, run, "rebooted", data={"host": "db1"})
    assert things.ends(run) == "no_action"
    assert things.out(run, "wait") == {"host": "db1"}


def test_a_signal_that_comes_early_is_kept_and_counts_once(things: Stage) -> None:
    run = things.play(
        auto(
            wait_time("pause", for_ms=MINUTE_MS),
            wait_event("first", "go", "pause"),
            wait_event("second", "go", "first"),
        )
    )
    send(things, run, "go", data={"n": 1})
    send(things, run, "go", data={"n": 2})
    assert len(things.state(run).inbox) == 2
    things.pass_time(MINUTE_MS)
    assert things.ends(run) == "no_action"
    assert (things.out(run, "first"), things.out(run, "second")) == ({"n": 1}, {"n": 2})
    assert things.state(run).inbox == ()
    assert len([one for one in things.facts(run) if isinstance(one, SignalTaken)]) == 2


def test_a_signal_that_is_not_meant_is_left_for_others(things: Stage) -> None:
    run = things.play(auto(wait_event("wait", "go", where="event.n > 1")))
    send(things, run, "go", data={"n": 1})
    assert things.state(run).outcome == ""
    send(things, run, "go", data={"n": 2})
    assert things.ends(run) == "no_action"
    assert [one.data for one in things.state(run).inbox] == [{"n": 1}]


def test_the_same_signal_counts_once(things: Stage) -> None:
    run = things.play(auto(wait_event("first", "go"), wait_event("second", "go", "first")))
    assert send(things, run, "go", id="4711")
    assert not send(things, run, "go", id="4711")
    assert things.status(run, "second") is TaskStatus.STARTED
    things.check()


def test_signals_that_nothing_takes_are_refused(things: Stage) -> None:
    run = things.play(auto(wait_event("wait", "go", out=DATA)))
    with pytest.raises(SignalUnknownError, match="it waits for go"):
        send(things, run, "stop")
    with pytest.raises(SignalMisfitError, match="host"):
        send(things, run, "go", data={"host": 7})
    request_cancel(things.house.house, run, by=ADA, why="enough")
    things.pump()
    with pytest.raises(SignalLateError, match="ended"):
        send(things, run, "go", data={"host": "db1"})
    assert things.ends(run) == "cancelled"


@pytest.mark.parametrize(
    ("on_timeout", "outcome"), [("", "failed"), ("continue", "resolved"), ("late", "escalated")]
)
def test_a_signal_that_does_not_come(things: Stage, on_timeout: str, outcome: str) -> None:
    run = things.play(
        auto(
            wait_event("wait", "go", within_ms=HOUR_MS, on_timeout=on_timeout),
            look("after", "wait", ends={"resolved": "!has(wait.n)"}),
            look("late", is_routed=True, ends={"escalated": "true"}),
        )
    )
    things.pass_time(HOUR_MS)
    assert things.ends(run) == outcome
    assert things.state(run).task(TaskName("wait")).code == "MW621"


def test_a_wait_for_a_reading_looks_now_and_then(things: Stage) -> None:
    run = things.play(
        auto(
            look("probe"),
            wait_probe("wait", "probe", "probe.value > 3", "probe", every_ms=30 * SECOND_MS),
            look("after", "wait", args={"name": "string(wait.value)"}),
        )
    )
    assert things.house.store.owner(run) is None
    things.pass_time(30 * SECOND_MS)
    things.things.values["thing"] = 4
    things.pass_time(29 * SECOND_MS)
    assert things.status(run, "wait") is TaskStatus.STARTED
    things.pass_time(SECOND_MS)
    assert things.ends(run) == "no_action"
    assert things.out(run, "wait") == {"value": 4}
    reads = [one for one in things.facts(run) if isinstance(one, EffectRead) and one.purpose == "wait"]
    assert len(reads) == 3


def test_a_reading_that_never_holds_is_looked_at_once_more_at_the_end(things: Stage) -> None:
    run = things.play(
        auto(
            look("probe"),
            wait_probe("wait", "probe", "probe.value > 3", within_ms=90 * SECOND_MS, every_ms=MINUTE_MS),
        )
    )
    things.pass_time(MINUTE_MS)
    things.pass_time(30 * SECOND_MS)
    assert things.ends(run) == "failed"
    reads = [one for one in things.facts(run) if isinstance(one, EffectRead) and one.purpose == "wait"]
    assert len(reads) == 3


def test_a_stopped_run_waits_for_nothing(things: Stage) -> None:
    run = things.play(auto(wait_event("wait", "go"), wait_time("pause", for_ms=HOUR_MS)))
    request_cancel(things.house.house, run, by=ADA, why="enough")
    things.pump()
    assert things.ends(run) == "cancelled"
    assert things.house.store.due(EpochMs(things.house.clock.now_ms() + 10 * HOUR_MS)) == []
