"""Tasks that run several times: once for each item, or round after round."""

import sys

import pytest

from midwatch.app.answer import Attempt, answer
from midwatch.app.change import request_undo
from midwatch.base.classes import Mode
from midwatch.base.ids import ApprovalId, Principal, TaskName
from midwatch.base.units import MINUTE_MS, SECOND_MS, DurationMs
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import EffectProposed, LoopBegun, TaskSucceeded
from midwatch.plan.model import Plan, PlanRetry
from midwatch.run.decide import decide
from midwatch.run.effecting import Flight, World
from midwatch.run.evolve import Fold
from midwatch.run.state import RunState, TaskStatus
from support.houses import approval, plan_of
from support.kinds import Stage, auto, back, each, look, names, put, rounds, stage

ITEM = {"name": "item", "value": "index + 10"}
SUM = "see.items[0].value + see.items[2].value"
OF_EACH = "measure.list"
MEASURE = look("measure", args={"name": "'all'"})


@pytest.fixture
def things() -> Stage:
    return stage(all=["a", "b", "c"])


def say(things: Stage, approval: ApprovalId, word: str) -> None:
    attempt = Attempt(approval=approval, answer=word, os_user="ada", surface="cli", why="so")
    answer(things.house.house, attempt)


def test_a_task_runs_once_for_each_item_in_its_order(things: Stage) -> None:
    run = things.play(auto(MEASURE, put("set", "measure", args=ITEM, loop=each(OF_EACH), undo="back"), BACK))
    assert things.ends(run) == "resolved"
    assert things.things.writes == [("a", 10), ("b", 11), ("c", 12)]
    assert things.out(run, "set") == {"items": [{"before": 1}] * 3, "failed": []}
    assert [fact.items for fact in things.facts(run) if isinstance(fact, LoopBegun)] == [["a", "b", "c"]]
    assert {effect.key for effect in things.state(run).effects.values()} == {
        f"{run}/set/{number}/0/0" for number in (1, 2, 3)
    }


BACK = back("back", thing="item", value="set.before + index * 0")


def test_undo_takes_each_item_back_the_newest_first_with_what_it_saw(things: Stage) -> None:
    run = things.play(auto(MEASURE, put("set", "measure", args=ITEM, loop=each(OF_EACH), undo="back"), BACK))
    things.things.writes.clear()
    request_undo(things.house.house, run, by=Principal("person:ada"))
    things.pump()
    things.check()
    assert things.things.writes == [("c", 1), ("b", 1), ("a", 1)]
    effects = things.state(run).effects
    assert {effects[key].status for key in effects if "/set/" in key} == {EffectStatus.UNDONE}


def test_an_empty_list_is_done_at_once(things: Stage) -> None:
    things.things.lists["all"] = []
    run = things.play(auto(MEASURE, look("see", "measure", args={"name": "item"}, loop=each(OF_EACH))))
    assert things.ends(run) == "no_action"
    assert things.out(run, "see") == {"items": [], "failed": []}


def test_more_items_than_allowed_run_for_none(things: Stage) -> None:
    loop = each(OF_EACH, times_max=2)
    run = things.play(auto(MEASURE, put("set", "measure", args=ITEM, loop=loop, undo="back"), BACK))
    assert things.ends(run) == "failed"
    assert things.state(run).task(TaskName("set")).code == "MW624"
    assert things.things.writes == []


def test_what_is_no_list_fails(things: Stage) -> None:
    run = things.play(auto(MEASURE, look("see", "measure", loop=each("measure.list[0]"))))
    assert things.ends(run) == "failed"
    assert things.state(run).task(TaskName("see")).code == "MW625"


def test_the_first_item_that_fails_stops_the_others(things: Stage) -> None:
    things.things.broken["b"] = -1
    loop = each(OF_EACH)
    run = things.play(auto(MEASURE, put("set", "measure", args=ITEM, loop=loop, undo="back"), BACK))
    assert things.ends(run) == "failed"
    assert things.things.writes == [("a", 10)]
    task = things.state(run).task(TaskName("set"))
    assert (task.code, "item 1 failed with MW599" in task.why) == ("MW627", True)


def test_others_go_on_where_the_runbook_says_so(things: Stage) -> None:
    things.things.broken["b"] = -1
    loop = each(OF_EACH, goes_on=True)
    run = things.play(auto(MEASURE, put("set", "measure", args=ITEM, loop=loop, undo="back"), BACK))
    assert things.ends(run) == "resolved"
    assert things.out(run, "set") == {
        "items": [{"before": 1}, {"before": 1}],
        "failed": [{"index": 1, "code": "MW599", "why": "b is stuck"}],
    }


def test_each_item_has_its_own_retries(things: Stage) -> None:
    things.things.broken.update(a=1, c=2)
    retry = PlanRetry(attempts_max=2, backoff_ms=DurationMs(2 * SECOND_MS))
    task = put("set", "measure", args=ITEM, loop=each(OF_EACH), undo="back", retry=retry)
    run = things.play(auto(MEASURE, task, BACK))
    for _ in range(6):
        things.pass_time(5 * SECOND_MS)
    assert things.ends(run) == "resolved"
    assert [things.state(run).task(TaskName("set"), n).attempt for n in (1, 2, 3)] == [2, 1, 3]


def test_previous_is_the_output_of_the_item_before(things: Stage) -> None:
    args = {"name": "has(previous.before) ? item + string(previous.before) : item", "value": "1"}
    run = things.play(auto(MEASURE, put("set", "measure", args=args, loop=each(OF_EACH), undo="back"), BACK))
    assert things.ends(run) == "resolved"
    assert [name for name, _ in things.things.writes] == ["a", "b1", "c1"]


def test_so_many_items_run_beside_each_other_as_allowed(things: Stage) -> None:
    things.things.lists["all"] = [f"n{number}" for number in range(7)]
    plan = plan_of(
        MEASURE,
        put("set", "measure", args=ITEM, loop=each(OF_EACH, parallel=3), undo="back"),
        BACK,
        mode=Mode.APPROVE,
    )
    run = things.play(plan)
    assert len(things.state(run).questions) == 3
    while things.state(run).questions:
        assert len(things.state(run).questions) <= 3
        asked = things.state(run).questions[0]
        say(things, asked, "approve")
        things.pump()
    assert things.ends(run) == "resolved"
    assert len(things.things.writes) == 7


def test_one_question_covers_an_action_for_each_item(things: Stage) -> None:
    plan = plan_of(
        MEASURE,
        approval("ask", ("set",), needs=names("measure"), on_timeout=TaskName("late")),
        put("set", "ask", args=ITEM, loop=each(OF_EACH), undo="back"),
        look("late", is_routed=True),
        BACK,
        mode=Mode.APPROVE,
    )
    run = things.play(plan)
    (asked,) = things.state(run).open_approvals
    assert len(asked.keys) == 3
    assert things.things.writes == []
    answer(
        things.house.house, Attempt(approval=asked.approval, answer="approve", os_user="ada", surface="cli")
    )
    things.pump()
    assert things.ends(run) == "resolved"
    assert things.things.writes == [("a", 10), ("b", 11), ("c", 12)]
    assert len(things.state(run).approvals[asked.approval].consumed) == 3


def test_a_no_to_the_question_denies_every_item(things: Stage) -> None:
    plan = plan_of(
        MEASURE,
        approval("ask", ("set",), needs=names("measure")),
        put("set", "ask", args=ITEM, loop=each(OF_EACH), undo="back"),
        BACK,
        mode=Mode.APPROVE,
    )
    run = things.play(plan)
    (asked,) = things.state(run).open_approvals
    say(things, asked.approval, "deny")
    things.pump()
    assert things.ends(run) == "no_action"
    assert things.things.writes == []


def test_a_list_too_long_to_ask_about_fails_the_action_and_asks_nothing(things: Stage) -> None:
    plan = plan_of(
        MEASURE,
        approval("ask", ("set",), needs=names("measure")),
        put("set", "ask", args=ITEM, loop=each(OF_EACH, times_max=1), undo="back"),
        BACK,
        mode=Mode.APPROVE,
    )
    run = things.play(plan)
    assert things.ends(run) == "failed"
    assert not things.state(run).approvals
    assert things.status(run, "ask") is TaskStatus.SKIPPED


def test_rounds_go_on_until_something_holds_of_the_tasks_own_output(things: Stage) -> None:
    task = look("see", loop=rounds("see.value > 3", 5, every_ms=30 * SECOND_MS))
    run = things.play(auto(task))
    assert things.state(run).outcome == ""
    things.things.values["thing"] = 4
    things.pass_time(29 * SECOND_MS)
    assert things.state(run).outcome == ""
    things.pass_time(SECOND_MS)
    assert things.ends(run) == "no_action"
    assert things.out(run, "see") == {"value": 4}
    assert things.state(run).loops[TaskName("see")].last == 2


def test_rounds_have_an_end(things: Stage) -> None:
    run = things.play(auto(look("see", loop=rounds("see.value > 3", 3, every_ms=MINUTE_MS))))
    for _ in range(3):
        things.pass_time(MINUTE_MS)
    assert things.ends(run) == "failed"
    assert things.state(run).task(TaskName("see")).code == "MW626"


def test_a_task_below_a_loop_reads_what_all_items_gave(things: Stage) -> None:
    things.things.values.update(a=1, b=2, c=3)
    plan = auto(
        MEASURE,
        look("see", "measure", args={"name": "item"}, loop=each(OF_EACH, parallel=2)),
        put(
            "set",
            "see",
            args={"name": "'sum'", "value": "see.items[0].value + see.items[2].value"},
            undo="back",
        ),
        back("back", thing="'sum'"),
    )
    run = things.play(plan)
    assert things.ends(run) == "resolved"
    assert things.things.values["sum"] == 4


def test_a_long_loop_costs_no_more_for_its_last_item_than_for_its_first() -> None:
    """Count what `decide` looks at, not how long it takes."""
    things = stage(all=[f"n{number}" for number in range(1000)])
    plan = auto(MEASURE, look("see", "measure", args={"name": "item"}, loop=each(OF_EACH, parallel=4)))
    run = things.play(plan)
    assert things.ends(run) == "no_action"
    assert len(things.out(run, "see")["items"]) == 1000
    events = [fact for fact in things.facts(run) if isinstance(fact, TaskSucceeded) and fact.iteration]
    assert len(events) == 1000
    state = things.state(run)
    early = _prefix(things, state, 20)
    late = _prefix(things, state, 1900)
    assert _looked_at(plan, late) <= 2 * _looked_at(plan, early)


def _prefix(things: Stage, state: RunState, count: int) -> RunState:
    folding = Fold(RunState(run=state.run))
    for number, fact in enumerate(things.facts(state.run)[:count], 1):
        folding.fact(fact, number, things.house.clock.now_ms(), "system:driver")
    return folding.state()


def _looked_at(plan: Plan, state: RunState) -> int:
    calls = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    world = World(now_ms=state.started_ms, flight=Flight())
    sys.setprofile(count)
    try:
        decide(plan, state, world)
    finally:
        sys.setprofile(None)
    return calls


def test_effects_of_iterations_say_which(things: Stage) -> None:
    run = things.play(auto(MEASURE, put("set", "measure", args=ITEM, loop=each(OF_EACH), undo="back"), BACK))
    proposed = [fact for fact in things.facts(run) if isinstance(fact, EffectProposed)]
    assert [(fact.iteration, fact.sealed["iteration"]) for fact in proposed] == [(1, 1), (2, 2), (3, 3)]
    rows = [row for row in things.house.store.task_rows(run) if row.task == "set"]
    assert sorted((row.iteration, row.status) for row in rows) == [(n, "succeeded") for n in range(4)]
