"""What failures lead to, what comes last, and what becomes of a run that a person stops."""

from dataclasses import replace

import pytest

from midwatch.app.change import request_cancel
from midwatch.app.hand_in import HandIn, hand_in
from midwatch.base.classes import Mode
from midwatch.base.ids import Principal, RunId, TaskName
from midwatch.base.units import HOUR_MS, MINUTE_MS, SECOND_MS, DurationMs, EpochMs
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import CancelRequested, EffectUndone, RunEnded, TaskSkipped, UndoRequested
from midwatch.plan.model import OnStop, PlanRetry, PlanTask
from midwatch.run.retry import retry_at
from midwatch.run.state import TaskStatus
from support.houses import plan_of
from support.kinds import Stage, auto, back, each, lastly, look, manual, names, notify, put, stage, wait_time

ADA = Principal("person:ada")
NOTHING_OF_TRY = "has(try.before) ? 'yes' : 'thing'"


@pytest.fixture
def things() -> Stage:
    return stage(all=["a", "b", "c"])


def undone(things: Stage, run: RunId) -> list[str]:
    facts = [one for one in things.facts(run) if isinstance(one, EffectUndone)]
    return [one.key.split("/")[1] for one in facts if one.status == "undone"]


def stuck(name: str, *needs: str, on_fail: str = "") -> PlanTask:
    return put(name, *needs, args={"name": "'stuck'", "value": "1"}, undo="back", on_fail=on_fail)


TWO = (
    put("first", args={"name": "'a'", "value": "2"}, undo="back_first"),
    put("second", "first", args={"name": "'b'", "value": "3"}, undo="back_second"),
    back("back_first", thing="'a'", value="first.before"),
    back("back_second", thing="'b'", value="second.before"),
)


# Joins


@pytest.mark.parametrize(("join", "status"), [("2", "succeeded"), ("3", "skipped"), ("any", "succeeded")])
def test_so_many_of_what_it_needs_must_have_succeeded(things: Stage, join: str, status: str) -> None:
    things.things.broken["stuck"] = -1
    run = things.play(
        auto(
            look("one"),
            look("two"),
            stuck("three", on_fail="continue"),
            look("four", when="false"),
            look("last", "one", "two", "four", join=join),
            back("back"),
        )
    )
    things.check()
    assert things.status(run, "last") == status


def test_a_join_waits_until_all_are_settled(things: Stage) -> None:
    run = things.play(
        auto(look("one"), wait_time("two", for_ms=MINUTE_MS), look("last", "one", "two", join="1"))
    )
    assert things.status(run, "last") is None
    things.pass_time(MINUTE_MS)
    assert things.status(run, "last") is TaskStatus.SUCCEEDED


# Retries


def test_pauses_double_up_to_the_cap_and_only_for_the_codes_that_are_named() -> None:
    retry = PlanRetry(
        attempts_max=4, backoff_ms=DurationMs(100), backoff_ms_max=DurationMs(300), codes=("MW599", "timeout")
    )
    at = [retry_at(retry, attempt=n, code="MW599", now_ms=EpochMs(1000)) for n in range(1, 6)]
    assert at == [1100, 1200, 1300, 1300, None]
    assert retry_at(retry, attempt=1, code="MW598", now_ms=EpochMs(1000)) is None
    assert retry_at(retry, attempt=1, code="MW598", now_ms=EpochMs(1000), is_timeout=True) == 1100
    assert retry_at(retry, attempt=1, code="MW620", now_ms=EpochMs(1000)) == 1100


# Failures


def test_a_failure_without_an_effect_of_its_own_takes_back_all_that_was_done_above_it(things: Stage) -> None:
    check = look("check", "second", args={"name": "item"}, loop=each("second.nothing"), on_fail="undo")
    run = things.play(auto(*TWO, check))
    assert things.ends(run) == "failed"
    assert undone(things, run) == ["second", "first"]
    assert things.things.values == {"a": 1, "b": 1}


def test_a_failure_with_an_undo_of_its_own_takes_back_only_that(things: Stage) -> None:
    things.things.lists["all"] = ["x", "y"]
    things.things.broken["y"] = -1
    own = put(
        "own",
        "second",
        "measure",
        args={"name": "item", "value": "9"},
        loop=each("measure.list"),
        undo="back_own",
        on_fail="undo",
    )
    measure = look("measure", args={"name": "'all'"})
    run = things.play(auto(measure, *TWO, own, back("back_own", thing="item", value="own.before")))
    assert things.ends(run) == "failed"
    assert undone(things, run) == ["own"]
    assert things.things.values == {"a": 2, "b": 3, "x": 1}


def test_what_needs_a_task_whose_failure_is_no_matter_goes_on_and_reads_nothing_of_it(things: Stage) -> None:
    things.things.broken["stuck"] = -1
    run = things.play(
        auto(
            stuck("try", on_fail="continue"),
            look("after", "try", args={"name": NOTHING_OF_TRY}, ends={"resolved": "true"}),
            back("back"),
        )
    )
    assert things.ends(run) == "resolved"
    assert things.status(run, "try") is TaskStatus.FAILED
    assert things.out(run, "after") == {"value": 1}


def test_a_failure_that_escalates_is_handed_to_people_and_ends_escalated(things: Stage) -> None:
    things.things.broken["stuck"] = -1
    run = things.play(auto(stuck("try", on_fail="escalate"), back("back")))
    (name,) = things.state(run).open_hands
    hand = things.state(run).hands[name]
    assert (hand.purpose, "stuck is stuck" in hand.words) == ("escalation", True)
    assert things.state(run).outcome == ""
    hand_in(things.house.house, HandIn(hand=name, os_user="ada", surface="cli"))
    things.pump()
    assert things.ends(run) == "escalated"


def test_a_failure_that_nobody_takes_over_ends_escalated_too(things: Stage) -> None:
    things.things.broken["stuck"] = -1
    run = things.play(auto(stuck("try", on_fail="escalate"), back("back")))
    things.pass_time(25 * HOUR_MS)
    assert things.ends(run) == "escalated"


# What comes last


def test_last_tasks_run_after_a_failure_and_read_what_there_is(things: Stage) -> None:
    things.things.broken["stuck"] = -1
    run = things.play(
        auto(
            look("see"),
            stuck("try", "see"),
            lastly(look("tidy", args={"name": NOTHING_OF_TRY})),
            lastly(notify("say", "tidy", message="It was {{ tidy.value }}.")),
            back("back"),
        )
    )
    assert things.ends(run) == "failed"
    assert things.state(run).notices[0].message == "It was 1."
    assert [fact for fact in things.facts(run) if isinstance(fact, RunEnded)] == [things.facts(run)[-1]]


def test_last_tasks_wait_for_everything_else(things: Stage) -> None:
    run = things.play(auto(manual("ask"), lastly(look("tidy"))))
    assert things.status(run, "tidy") is None
    (name,) = things.state(run).open_hands
    hand_in(things.house.house, HandIn(hand=name, os_user="ada", surface="cli"))
    things.pump()
    assert things.status(run, "tidy") is TaskStatus.SUCCEEDED
    assert things.ends(run) == "no_action"


def test_a_last_task_that_fails_fails_the_run(things: Stage) -> None:
    run = things.play(auto(look("see"), lastly(look("tidy", args={"name": "see.nothing"}))))
    assert things.ends(run) == "failed"


# Stopping


def test_a_stopped_run_takes_back_what_it_did_then_does_what_comes_last(things: Stage) -> None:
    run = things.play(auto(*TWO, wait_time("pause", "second", for_ms=HOUR_MS), lastly(look("tidy"))))
    assert things.things.values == {"a": 2, "b": 3}
    request_cancel(things.house.house, run, by=ADA, why="enough")
    things.pump()
    assert things.ends(run) == "cancelled"
    assert undone(things, run) == ["second", "first"]
    assert things.things.values == {"a": 1, "b": 1}
    facts = [type(fact) for fact in things.facts(run)]
    order = [CancelRequested, TaskSkipped, UndoRequested, EffectUndone, RunEnded]
    assert [kind for kind in dict.fromkeys(facts) if kind in order] == order
    assert things.state(run).task(TaskName("tidy")).n > max(
        effect.n for effect in things.state(run).effects.values() if effect.status is EffectStatus.UNDONE
    )


@pytest.mark.parametrize("how", ["said", "declared"])
def test_what_was_done_is_left_where_that_is_wished(things: Stage, how: str) -> None:
    on_stop = OnStop.LEAVE if how == "declared" else OnStop.UNDO
    run = things.play(auto(*TWO, wait_time("pause", "second", for_ms=HOUR_MS), on_stop=on_stop))
    request_cancel(things.house.house, run, by=ADA, why="enough", leave=how == "said")
    things.pump()
    assert things.ends(run) == "cancelled"
    assert things.things.values == {"a": 2, "b": 3}


def test_who_stops_a_run_wishes_the_undo_too_so_nobody_is_asked(things: Stage) -> None:
    plan = plan_of(*TWO, wait_time("pause", "second", for_ms=HOUR_MS), mode=Mode.AUTO)
    run = things.play(plan)
    request_cancel(things.house.house, run, by=ADA, why="enough")
    things.pump()
    assert things.ends(run) == "cancelled"
    assert not things.state(run).approvals
    assert things.state(run).undo_by == ADA


def test_a_stopped_loop_starts_no_further_item(things: Stage) -> None:
    things.things.broken["b"] = 3
    retry = PlanRetry(attempts_max=5, backoff_ms=DurationMs(10 * SECOND_MS))
    measure = look("measure", args={"name": "'all'"})
    loop = put(
        "set",
        "measure",
        args={"name": "item", "value": "5"},
        loop=each("measure.list"),
        undo="back",
        retry=retry,
    )
    run = things.play(auto(measure, loop, back("back", thing="item", value="set.before")))
    request_cancel(things.house.house, run, by=ADA, why="enough")
    things.pump()
    assert things.ends(run) == "cancelled"
    assert things.things.writes == [("a", 5), ("a", 1)]
    assert things.status(run, "set") is TaskStatus.SKIPPED
    assert names("set")[0] in things.state(run).loops


def test_a_task_whose_own_condition_does_not_hold_waits_for_what_may_lead_to_it() -> None:
    on = stage()
    on.things.broken["thing"] = -1
    plan = auto(
        look("first"),
        put("act", "first", on_fail="mend", undo=TaskName("back")),
        back("back"),
        replace(look("mend", "first"), when="false", is_routed=True),
        look("after", "mend"),
    )
    run = on.play(plan)
    assert on.status(run, "mend") is TaskStatus.SUCCEEDED
    assert on.status(run, "after") is TaskStatus.SUCCEEDED


def test_it_is_skipped_once_nothing_leads_to_it_any_more() -> None:
    on = stage()
    plan = auto(
        look("first"),
        look("act", "first", on_fail="mend"),
        replace(look("mend", "first"), when="false", is_routed=True),
        look("after", "mend"),
    )
    run = on.play(plan)
    assert on.ends(run) == "no_action"
    assert on.status(run, "mend") is TaskStatus.SKIPPED


def test_it_does_not_wait_for_a_task_that_waits_for_it() -> None:
    on = stage()
    plan = auto(
        look("first"),
        replace(look("mend", "first"), when="false", is_routed=True),
        look("act", "mend", on_fail="mend"),
    )
    run = on.play(plan)
    assert on.ends(run) == "no_action"
    assert on.status(run, "act") is TaskStatus.SKIPPED


def test_two_that_wait_for_each_other_are_skipped_when_nothing_else_goes_on() -> None:
    on = stage()
    plan = auto(
        look("first"),
        replace(look("one", "first"), when="false", is_routed=True),
        replace(look("two", "first"), when="false", is_routed=True),
        look("under_one", "one", on_fail="two"),
        look("under_two", "two", on_fail="one"),
    )
    run = on.play(plan)
    assert on.ends(run) == "no_action"
    assert [on.status(run, name) for name in ("one", "two", "under_one", "under_two")] == [
        TaskStatus.SKIPPED
    ] * 4
