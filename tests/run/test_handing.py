"""What people do by hand: whom it is with, what counts, what is refused, and when it is overdue."""

import pytest

from midwatch.app.change import request_cancel
from midwatch.app.errors import HandClosedError, HandMisfitError, HandNotYoursError
from midwatch.app.hand_in import HandIn, hand_in, holding
from midwatch.approvals.errors import UnknownPersonError
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import HandId, Principal, RunId, TaskName
from midwatch.base.units import HOUR_MS, MINUTE_MS, DurationMs
from midwatch.journal.run_events import HandAsked, HandRefused
from midwatch.plan.model import PlanHand, PlanRetry, PlanRung, TaskKind
from midwatch.run.errors import RunUnknownError
from midwatch.run.state import HandState, TaskStatus
from support.kinds import LADDER, Stage, auto, each, look, manual, of_kind, stage

FREED = {
    "type": "object",
    "properties": {"freed": {"type": "integer"}},
    "required": ["freed"],
    "additionalProperties": False,
}


@pytest.fixture
def things() -> Stage:
    return stage(all=["a", "b"])


def the_hand(things: Stage, run: RunId) -> HandState:
    state = things.state(run)
    return state.hands[state.open_hands[0]]


def give(things: Stage, hand: HandId, user: str = "ada", **more: object) -> bool:
    given = HandIn(hand=hand, os_user=user, surface="cli", **more)  # type: ignore[arg-type]
    repeated = hand_in(things.house.house, given).repeated
    things.pump()
    return repeated


def refused(things: Stage, run: RunId) -> list[tuple[str, str]]:
    return [(one.by, one.code) for one in things.facts(run) if isinstance(one, HandRefused)]


def test_what_was_handed_in_is_the_output_of_the_task(things: Stage) -> None:
    run = things.play(
        auto(manual("clean", out=FREED), look("after", "clean", args={"name": "string(clean.freed)"}))
    )
    hand = the_hand(things, run)
    assert (hand.purpose, hand.words, things.house.store.owner(run)) == ("manual", "Do it.", None)
    assert not give(things, hand.hand, out={"freed": 7.0}, note="emptied the bin")
    assert things.ends(run) == "no_action"
    assert things.out(run, "clean") == {"freed": 7}
    assert things.state(run).hands[hand.hand].note == "emptied the bin"


def test_what_does_not_fit_is_refused_with_the_schemas_word_and_recorded(things: Stage) -> None:
    run = things.play(auto(manual("clean", out=FREED)))
    hand = the_hand(things, run).hand
    with pytest.raises(HandMisfitError, match="freed"):
        give(things, hand, out={"freed": "much"})
    with pytest.raises(HandMisfitError, match="freed"):
        give(things, hand)
    assert refused(things, run) == [("person:ada", "MW637")] * 2
    assert things.status(run, "clean") is TaskStatus.STARTED
    things.check()


def test_only_who_holds_or_held_it_may_hand_in(things: Stage) -> None:
    run = things.play(auto(manual("clean")))
    hand = the_hand(things, run).hand
    for user, error in (
        ("grace", HandNotYoursError),
        ("eve", HandNotYoursError),
        ("mallory", UnknownPersonError),
    ):
        with pytest.raises(error):
            give(things, hand, user)
    assert refused(things, run) == [
        ("person:grace", "MW636"),
        ("person:eve", "MW636"),
        ("os_user:mallory", UnknownPersonError.code),
    ]
    things.pass_time(10 * MINUTE_MS)
    assert the_hand(things, run).rung == 1
    give(things, hand, "grace")
    assert things.ends(run) == "no_action"


def test_the_first_who_held_it_may_still_hand_in_after_it_went_up(things: Stage) -> None:
    run = things.play(auto(manual("clean")))
    things.pass_time(20 * MINUTE_MS)
    give(things, the_hand(things, run).hand, "ada")
    assert things.ends(run) == "no_action"


def test_handing_in_twice_changes_nothing_and_another_later_word_is_refused(things: Stage) -> None:
    run = things.play(auto(manual("clean", out=FREED), manual("more", "clean")))
    hand = the_hand(things, run).hand
    assert not give(things, hand, out={"freed": 7})
    count = things.state(run).n
    assert give(things, hand, out={"freed": 7})
    assert things.state(run).n == count
    with pytest.raises(HandClosedError, match="done already"):
        give(things, hand, out={"freed": 8})
    assert refused(things, run) == [("person:ada", "MW635")]
    things.check()


def test_it_stays_open_and_is_overdue_when_the_ladder_is_over(things: Stage) -> None:
    run = things.play(auto(manual("clean")))
    things.pass_time(3 * HOUR_MS)
    hand = the_hand(things, run)
    assert (hand.status, hand.overdue, hand.rung) == ("open", True, 2)
    assert set(holding(hand, things.house.clock.now_ms())) == {"person:ada", "person:grace"}
    assert things.house.store.hand_rows(only_open=True)[0].rung == 2
    give(things, hand.hand, "grace")
    assert things.ends(run) == "no_action"


def test_another_task_takes_its_place_where_the_runbook_names_one(things: Stage) -> None:
    late = look("late", is_routed=True, ends={"escalated": "true"})
    run = things.play(auto(manual("clean", on_timeout="late"), late))
    hand = the_hand(things, run).hand
    things.pass_time(2 * HOUR_MS)
    assert things.ends(run) == "escalated"
    assert things.state(run).task(TaskName("clean")).code == "MW622"
    with pytest.raises(HandClosedError):
        give(things, hand)
    assert refused(things, run) == [("person:ada", "MW635")]


def test_a_person_can_say_that_it_can_not_be_done(things: Stage) -> None:
    run = things.play(auto(manual("clean", out=FREED)))
    give(things, the_hand(things, run).hand, ok=False, note="the door is locked")
    assert things.ends(run) == "failed"
    task = things.state(run).task(TaskName("clean"))
    assert (task.code, task.why) == ("MW623", "the door is locked")


def test_a_retry_asks_anew(things: Stage) -> None:
    retry = PlanRetry(attempts_max=1, backoff_ms=DurationMs(MINUTE_MS))
    run = things.play(auto(manual("clean", retry=retry)))
    first = the_hand(things, run).hand
    give(things, first, ok=False)
    assert things.state(run).open_hands == ()
    things.pass_time(MINUTE_MS)
    second = the_hand(things, run)
    assert (second.attempt, second.hand != first) == (2, True)
    give(things, second.hand)
    assert things.ends(run) == "no_action"


def test_a_timeout_takes_it_away(things: Stage) -> None:
    run = things.play(auto(manual("clean", timeout_ms=DurationMs(5 * MINUTE_MS))))
    hand = the_hand(things, run).hand
    things.pass_time(5 * MINUTE_MS)
    assert things.ends(run) == "failed"
    assert things.state(run).task(TaskName("clean")).code == "MW620"
    assert things.state(run).hands[hand].status == "expired"


def test_an_agents_task_is_done_by_a_person_while_there_is_no_model(things: Stage) -> None:
    run = things.play(auto(of_kind(TaskKind.AGENT, "think", prose="Find the cause in {{ inputs.size() }}.")))
    hand = the_hand(things, run)
    assert hand.purpose == "agent"
    assert hand.words.startswith("No model is configured")
    assert hand.words.endswith("Find the cause in 0.")
    assert [rung.people for rung in hand.ladder] == [["ada", "grace"]]
    give(things, hand.hand)
    assert things.ends(run) == "no_action"


def test_words_that_can_not_be_made_fail_the_task(things: Stage) -> None:
    run = things.play(auto(manual("clean", prose="Free {{ nothing.there }}.")))
    assert things.ends(run) == "failed"


def test_each_item_is_handed_over_by_itself(things: Stage) -> None:
    measure = look("measure", args={"name": "'all'"})
    task = manual("clean", "measure", prose="Clean {{ item }}.", loop=each("measure.list", parallel=2))
    run = things.play(auto(measure, task))
    hands = [things.state(run).hands[name] for name in things.state(run).open_hands]
    assert [hand.words for hand in hands] == ["Clean a.", "Clean b."]
    for hand in hands:
        give(things, hand.hand)
    assert things.ends(run) == "no_action"
    rows = things.house.store.hand_rows(run=run)
    assert sorted((row.iteration, row.status) for row in rows) == [(1, "done"), (2, "done")]


def test_a_stopped_run_needs_nobody_any_more(things: Stage) -> None:
    run = things.play(auto(manual("clean")))
    hand = the_hand(things, run).hand
    request_cancel(things.house.house, run, by=Principal("person:ada"), why="enough")
    things.pump()
    assert things.ends(run) == "cancelled"
    assert things.state(run).hands[hand].status == "cancelled"
    with pytest.raises(MidwatchError, match="cancelled already"):
        give(things, hand)


def test_nobody_can_hand_in_what_was_never_asked(things: Stage) -> None:
    with pytest.raises(RunUnknownError):
        give(things, HandId("h-000000"))


def test_the_ladder_of_the_header_is_taken_where_the_task_has_none(things: Stage) -> None:
    plan = auto(of_kind(TaskKind.MANUAL, "clean", hand=PlanHand(ladder=()), sla_ms=DurationMs(MINUTE_MS)))
    ladder = (*LADDER, PlanRung(ask="person:nobody", within_ms=DurationMs(HOUR_MS)))
    run = things.play(auto(*plan.tasks, ladder=ladder))
    (asked,) = [fact for fact in things.facts(run) if isinstance(fact, HandAsked)]
    assert asked.ladder[0].until_ms - asked.ladder[0].from_ms == MINUTE_MS
    assert [rung.people for rung in asked.ladder] == [["ada"], ["ada", "grace"], []]
