"""Runs that call each other: linked, within budget and mode, stopped together, begun once."""

from dataclasses import replace

import pytest

from midwatch.app.change import request_cancel
from midwatch.app.drive.driver import Driver
from midwatch.app.drive.family import children
from midwatch.app.drive.family.begin import begin_run
from midwatch.app.hand_in import HandIn, hand_in
from midwatch.base.classes import Mode
from midwatch.base.ids import Principal, RunId, TaskName
from midwatch.base.units import HOUR_MS, MINUTE_MS, DurationMs
from midwatch.journal.run_events import ChildEnded, RunStarted
from midwatch.plan.model import Plan, PlanBudget, PlanRetry
from midwatch.ports.store import RunFilter
from midwatch.run.state import ChildState, TaskStatus
from support.kinds import Stage, auto, back, call, each, lastly, look, manual, named, put, stage, wait_time

ADA = Principal("person:ada")
OUT = {"type": "object", "properties": {"seen": {"type": "integer"}, "gone": {}}}
INPUTS = {"type": "object", "properties": {"thing": {"type": "string"}}, "required": ["thing"]}
CHILD = named(
    auto(
        put("set", args={"name": "inputs.thing", "value": "5"}, undo="back"),
        look("see", "set", args={"name": "inputs.thing"}),
        back("back", thing="inputs.thing", value="set.before"),
        inputs=INPUTS,
        out=OUT,
        values={"seen": "see.value", "gone": "see.nothing"},
    ),
    "child",
)
SLOW = named(auto(manual("ask"), inputs={"type": "object"}), "slow")


@pytest.fixture
def things() -> Stage:
    return stage(all=["a", "b"])


def the_child(things: Stage, run: RunId, name: str = "call", iteration: int = 0) -> ChildState:
    child = things.state(run).child_of((TaskName(name), iteration))
    assert child is not None
    return child


def runs(things: Stage) -> int:
    return len(things.house.store.run_rows(RunFilter(limit=100)))


def finish(things: Stage, run: RunId) -> None:
    """Do by hand what a run wants done by hand."""
    for name in things.state(run).open_hands:
        hand_in(things.house.house, HandIn(hand=name, os_user="ada", surface="cli"))
    things.pump()


def test_a_called_run_gives_its_outputs_to_its_caller(things: Stage) -> None:
    calling = call("call", CHILD, inputs={"thing": "'x' + string(1)"})
    run = things.play(auto(calling, look("after", "call", args={"name": "string(call.seen)"})), CHILD)
    assert things.ends(run) == "no_action"
    assert things.out(run, "call") == {"seen": 5, "gone": None}
    child = the_child(things, run)
    assert things.things.values == {"x1": 5}
    started = things.state(child.child).started
    assert started is not None
    assert (started.parent, started.parent_task, started.depth) == (run, "call", 1)
    assert things.ends(child.child) == "resolved"
    assert things.house.store.owner(run) is None


def test_the_caller_is_parked_until_the_called_run_ends(things: Stage) -> None:
    run = things.play(auto(call("call", SLOW)), SLOW)
    assert things.status(run, "call") is TaskStatus.STARTED
    assert things.house.store.owner(run) is None
    finish(things, the_child(things, run).child)
    assert things.ends(run) == "no_action"


@pytest.mark.parametrize(("accept", "outcome"), [((), "failed"), (("failed",), "no_action")])
def test_what_counts_as_success_is_declared(things: Stage, accept: tuple[str, ...], outcome: str) -> None:
    things.things.broken["x"] = -1
    more = {"accept": accept} if accept else {}
    run = things.play(auto(call("call", CHILD, literals={"thing": "x"}, **more)), CHILD)
    assert things.ends(run) == outcome
    assert things.state(run).task(TaskName("call")).code == ("" if accept else "MW629")


def test_a_retry_calls_another_run(things: Stage) -> None:
    things.things.broken["x"] = 1
    retry = PlanRetry(attempts_max=1, backoff_ms=DurationMs(MINUTE_MS))
    run = things.play(auto(call("call", CHILD, literals={"thing": "x"}, retry=retry)), CHILD)
    first = the_child(things, run).child
    things.pass_time(MINUTE_MS)
    assert things.ends(run) == "no_action"
    assert the_child(things, run).child != first
    assert runs(things) == 3


def test_inputs_that_do_not_fit_start_nothing(things: Stage) -> None:
    run = things.play(auto(call("call", CHILD)), CHILD)
    assert things.ends(run) == "failed"
    assert (things.state(run).task(TaskName("call")).code, runs(things)) == ("MW614", 1)


def test_a_plan_that_is_not_there_starts_nothing(things: Stage) -> None:
    run = things.play(auto(call("call", SLOW)))
    assert things.ends(run) == "failed"
    assert (things.state(run).task(TaskName("call")).code, runs(things)) == ("MW613", 1)


def test_each_item_has_a_run_of_its_own(things: Stage) -> None:
    measure = look("measure", args={"name": "'all'"})
    calling = call("call", CHILD, "measure", inputs={"thing": "item"}, loop=each("measure.list", parallel=2))
    run = things.play(auto(measure, calling), CHILD)
    assert things.ends(run) == "no_action"
    assert things.things.values == {"a": 5, "b": 5}
    assert {the_child(things, run, iteration=n).child for n in (1, 2)} == set(things.state(run).children)


def test_a_called_run_is_never_freer_than_its_caller(things: Stage) -> None:
    run = things.play(auto(call("call", CHILD, literals={"thing": "x"})), CHILD, mode=Mode.PROPOSE)
    started = things.state(the_child(things, run).child).started
    assert started is not None
    assert started.mode == "propose"
    assert things.things.values == {}
    things.check()


def test_a_called_run_may_use_what_its_caller_has_left(things: Stage) -> None:
    plan = auto(
        put("first", args={"name": "'y'", "value": "2"}, undo="back"),
        call("call", CHILD, "first", literals={"thing": "x"}),
        back("back", thing="'y'"),
        budget=PlanBudget(effects=1, tool_calls=10),
    )
    run = things.play(plan, CHILD)
    child = the_child(things, run)
    assert child.caps == {"effects": 0, "tool_calls": 9}
    assert things.things.values == {"y": 2}
    assert things.state(child.child).task(TaskName("set")).code == "MW352"


def test_what_a_called_run_used_counts_for_its_caller(things: Stage) -> None:
    plan = auto(
        call("call", CHILD, literals={"thing": "x"}),
        look("see", "call"),
        budget=PlanBudget(effects=5, tool_calls=50),
    )
    run = things.play(plan, CHILD)
    assert things.ends(run) == "no_action"
    state = things.state(run)
    assert (state.dispatches, state.tool_calls) == (1, 3)


def test_so_many_runs_may_call_each_other_and_no_more(things: Stage) -> None:
    plans: list[Plan] = [named(auto(look("see")), "leaf")]
    for depth in range(6):
        plans.append(named(auto(call("call", plans[-1])), "p" * (depth + 1)))
    run = things.play(plans[-1], *plans[:-1])
    assert things.ends(run) == "failed"
    assert runs(things) == 6
    deepest = max(
        things.house.store.run_rows(RunFilter(limit=100)), key=lambda row: depth_of(things, row.run)
    )
    assert things.state(deepest.run).task(TaskName("call")).code == "MW630"


def depth_of(things: Stage, run: RunId) -> int:
    started = things.state(run).started
    return 0 if started is None else started.depth


def test_stopping_the_caller_stops_what_it_called_which_takes_back_what_it_did(things: Stage) -> None:
    slow = named(auto(*CHILD.tasks, manual("ask", "see"), lastly(look("tidy")), inputs=INPUTS), "slower")
    run = things.play(auto(call("call", slow, literals={"thing": "x"})), slow)
    assert things.things.values == {"x": 5}
    request_cancel(things.house.house, run, by=ADA, why="enough")
    things.pump()
    child = the_child(things, run)
    assert (things.ends(run), things.ends(child.child)) == ("cancelled", "cancelled")
    assert things.things.values == {"x": 1}
    assert things.state(child.child).cancel_by == ADA
    assert things.status(child.child, "tidy") is TaskStatus.SUCCEEDED


def test_a_called_run_that_takes_too_long_is_stopped(things: Stage) -> None:
    run = things.play(auto(call("call", SLOW, timeout_ms=DurationMs(HOUR_MS))), SLOW)
    things.pass_time(HOUR_MS)
    assert things.ends(run) == "failed"
    assert things.state(run).task(TaskName("call")).code == "MW620"
    assert things.ends(the_child(things, run).child) == "cancelled"


def test_a_called_run_that_is_stopped_by_itself_fails_the_call(things: Stage) -> None:
    run = things.play(auto(call("call", SLOW)), SLOW)
    request_cancel(things.house.house, the_child(things, run).child, by=ADA, why="no need")
    things.pump()
    assert things.ends(run) == "failed"
    assert things.state(run).task(TaskName("call")).code == "MW629"


def test_a_caller_that_was_killed_before_it_heard_hears_once(
    things: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = things.play(auto(call("call", SLOW)), SLOW)
    child = the_child(things, run).child

    class KilledError(BaseException):
        """The process ends here."""

    def killed(*_: object) -> None:
        raise KilledError

    monkeypatch.setattr("midwatch.app.drive.driver.tell_parent", killed)
    with pytest.raises(KilledError):
        finish(things, child)
    monkeypatch.setattr("midwatch.app.drive.driver.tell_parent", children.tell_parent)
    things.house.engine.adopt(("w1",))
    for _ in range(2):
        Driver(replace(things.house.house))(child)
    things.pump()
    assert things.ends(run) == "no_action"
    assert len([fact for fact in things.facts(run) if isinstance(fact, ChildEnded)]) == 1


def test_a_run_that_was_begun_before_is_not_begun_again(
    things: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        """The process ends here."""

    real = begin_run

    def begun_then_killed(*given: object, **more: object) -> None:
        real(*given, **more)  # type: ignore[arg-type]
        raise KilledError

    monkeypatch.setattr(children, "begin_run", begun_then_killed)
    with pytest.raises(KilledError):
        things.play(auto(call("call", SLOW)), SLOW)
    monkeypatch.setattr(children, "begin_run", real)
    things.house.engine.adopt(("w1",))
    things.pump()
    parent = next(row.run for row in things.house.store.run_rows(RunFilter(limit=9)) if row.runbook != "slow")
    child = the_child(things, parent).child
    assert len([fact for fact in things.facts(child) if isinstance(fact, RunStarted)]) == 1
    finish(things, child)
    assert things.ends(parent) == "no_action"
    assert runs(things) == 2


def test_a_wait_in_a_called_run_is_no_matter_for_the_caller(things: Stage) -> None:
    waiting = named(auto(wait_time("pause", for_ms=MINUTE_MS)), "waiting")
    run = things.play(auto(call("call", waiting)), waiting)
    things.pass_time(MINUTE_MS)
    assert things.ends(run) == "no_action"
