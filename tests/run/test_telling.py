"""What a run says: to people, and as events for other systems."""

import pytest

from midwatch.base.ids import TaskName
from midwatch.journal.run_events import EventEmitted
from midwatch.run.state import TaskStatus
from support.kinds import Stage, auto, each, emit, look, notify, stage


@pytest.fixture
def things() -> Stage:
    return stage(all=["a", "b"])


def test_a_message_is_there_for_each_person_and_the_row_says_not_what(things: Stage) -> None:
    run = things.play(
        auto(
            look("see"),
            notify("tell", "see", message="It is {{ see.value }}.", to=("team:guardians", "person:ada")),
        )
    )
    assert things.ends(run) == "no_action"
    (notice,) = things.state(run).notices
    assert (notice.people, notice.message) == (("ada", "grace"), "It is 1.")
    rows = things.house.store.notice_rows(run=run)
    assert [(row.person, row.n) for row in rows] == [("grace", notice.n), ("ada", notice.n)]
    assert things.house.store.notice_rows(limit=1) == rows[:1]


def test_nobody_to_tell_fails_nothing(things: Stage) -> None:
    run = things.play(auto(notify("tell", message="Hello.", to=("team:gone",))))
    assert things.ends(run) == "no_action"
    assert things.state(run).notices[0].people == ()


def test_words_that_can_not_be_made_fail_the_task(things: Stage) -> None:
    run = things.play(auto(notify("tell", message="{{ nothing.there }}")))
    assert things.ends(run) == "failed"


def test_an_event_is_emitted_once_as_cloud_events_have_it(things: Stage) -> None:
    run = things.play(auto(look("see"), emit("tell", "see", data={"value": "see.value", "half": "0.5"})))
    assert things.ends(run) == "no_action"
    (event,) = [fact for fact in things.facts(run) if isinstance(fact, EventEmitted)]
    assert (event.specversion, event.type, event.source) == ("1.0", "midwatch.test", "/test")
    assert event.id == f"{run}/tell/0"
    assert event.time == "2026-09-21T14:13:20.000Z"
    assert things.out(run, "tell")["data"] == {"value": 1, "half": 0.5}


def test_each_item_is_told_by_itself(things: Stage) -> None:
    measure = look("measure", args={"name": "'all'"})
    run = things.play(
        auto(measure, notify("tell", "measure", message="{{ index }} {{ item }}", loop=each("measure.list")))
    )
    assert things.ends(run) == "no_action"
    assert [notice.message for notice in things.state(run).notices] == ["0 a", "1 b"]
    assert things.state(run).task(TaskName("tell"), 2).status is TaskStatus.SUCCEEDED
