"""What is told of a plan before it runs: ways, worst cases, limits, and what untrusted values decide."""

from dataclasses import replace
from pathlib import Path

import pytest

from midwatch.adapters.tools.manifests import load_manifests
from midwatch.base.ids import TaskName
from midwatch.base.units import DurationMs
from midwatch.plan.ahead.outlook import Outlook, outlook
from midwatch.plan.ahead.ways import WAYS_MAX, ways_through
from midwatch.plan.ahead.worst import Load, probes_max, worst_case
from midwatch.plan.compile import Compiled
from midwatch.plan.model import Plan, PlanProbe, PlanTask, TaskKind
from midwatch.plan.review import lint_text
from midwatch.run.effecting import _interval_ms
from unit.plan.documents import GOOD, MANIFESTS, report_on, spoilt
from unit.plan.whole import whole_report

ROOT = Path(__file__).parents[3]


def seen(text: str = GOOD) -> Outlook:
    found = outlook(report_on(text), MANIFESTS)
    assert found is not None
    return found


def ways_of(text: str = GOOD) -> set[str]:
    return {" ".join(sorted(way)) for way in seen(text).worst.ways.ways}


def test_each_way_through_a_runbook_is_told_once() -> None:
    assert ways_of() == {
        "decide measure",
        "ask decide measure move",
        "ask decide leave measure",
        "ask decide drop measure",
        "ask decide drop leave measure",
    }


def test_a_failure_that_hands_over_is_a_way_of_its_own() -> None:
    assert "ask decide drop measure" in ways_of(spoilt("on_fail: leave\nends: resolved", "ends: resolved"))
    assert "ask decide drop leave measure" not in ways_of(
        spoilt("on_fail: leave\nends: resolved", "ends: resolved")
    )


def test_conditions_with_one_text_have_one_value() -> None:
    text = GOOD.replace('when: decide.next == "move"', "when: measure.used_pct > 90.0").replace(
        'when: decide.next == "drop"', "when: measure.used_pct > 90.0"
    )
    together = {way for way in ways_of(text) if "move" in way or "drop" in way}
    assert together
    assert all("move" in way and "drop" in way for way in together)


def test_the_worst_case_counts_loops_attempts_and_probes() -> None:
    report = whole_report()
    found = outlook(report, MANIFESTS)
    assert found is not None
    load = found.worst.load
    assert (load.effects, load.undone) == (5, 5)
    assert load.asks == 1 + 5  # the approval, and five undos that the gate may ask about
    assert load.runs == 8
    assert load.notices == 2 + 1
    assert load.tokens == 4000
    assert load.usd_micro is None
    assert load.waiting_ms is None  # a moment that is computed
    assert found.worst.capped.usd_micro == 1_000_000
    assert found.worst.capped.tool_calls == 90
    assert found.worst.ways.is_complete
    assert [(limit.task, limit.what, limit.times) for limit in found.worst.limits] == [
        ("measure", "rounds", 10),
        ("measure", "attempts", 3),
        ("sort", "items", 5),
        ("move", "items", 5),
        ("breathe", "wait", 1),
        ("later", "wait", 1),
        ("deployed", "wait", 1),
        ("space", "wait", 1),
        ("hosts", "items", 8),
    ]


@pytest.mark.parametrize(
    ("old", "new", "figure", "more"),
    [
        ("retry: {max: 2, backoff: 1s}", "retry: {max: 3, backoff: 1s}", "tool_calls", 1),
        ("retry: {max: 2, backoff: 1s}", "retry: {max: 2, backoff: 2s}", "waiting_ms", 3_000),
        ("retry: {max: 2, backoff: 1s}", "retry: {max: 2, backoff: 1s, cap: 1s}", "waiting_ms", -1_000),
        ("timeout: 5s", "timeout: 6s", "working_ms", 3_000),
        ("expires: 1h", "expires: 2h", "waiting_ms", 3_600_000),
        ("actions: [move, drop]", "actions: [drop]", "asks", -1),
    ],
)
def test_what_is_written_moves_the_worst_case(old: str, new: str, figure: str, more: int) -> None:
    before, after = seen().worst.load, seen(spoilt(old, new)).worst.load
    assert getattr(after, figure) - getattr(before, figure) == more


def test_items_at_the_same_time_cost_calls_and_not_time() -> None:
    compiled = whole_report().compiled
    assert compiled is not None

    def alone(name: str, parallel: int) -> Load:
        task = compiled.plan.task(TaskName(name))
        assert task.loop is not None
        task = replace(task, needs=(), loop=replace(task.loop, parallel=parallel))
        return worst_case(Compiled(plan=replace(compiled.plan, tasks=(task,)), callees=compiled.callees)).load

    one, four = alone("hosts", 1), alone("hosts", 4)
    assert one.tool_calls == four.tool_calls
    assert one.working_ms is not None
    assert four.working_ms == one.working_ms // 4


@pytest.mark.parametrize("within_ms", [0, 1, 250, 5_000, 60_000, 1_000_000])
def test_probes_are_counted_as_they_are_taken(within_ms: int) -> None:
    probe = PlanProbe(probe=TaskName("look"), holds="true", within_ms=DurationMs(within_ms))
    assert probes_max(probe) == -(-within_ms // _interval_ms(probe)) + 1


def test_too_many_ways_are_said_to_be_too_many_and_sums_stand_for_them() -> None:
    plan = report_on(GOOD).plan
    assert plan is not None
    many = tuple(
        PlanTask(name=TaskName(f"t{n}"), title="", kind=TaskKind.NOTIFY, prose="", when=f"inputs.a > {n}")
        for n in range(60)
    )
    wide: Plan = replace(plan, tasks=(*plan.tasks, *many))
    ways = ways_through(wide)
    assert not ways.is_complete
    assert len(ways.ways) <= WAYS_MAX
    assert worst_case(Compiled(plan=wide)).load.effects == 2


def test_what_untrusted_values_could_choose_is_told() -> None:
    found = seen().influences
    assert "measure.files" in found.sources
    assert [(one.task, one.what, one.acts) for one in found.chosen] == [
        ("move", "argument paths", True),
        ("drop", "argument paths", True),
    ]
    assert found.chosen[0].reads == ("measure.files",)


def test_items_events_and_agents_are_untrusted_and_hands_are_not() -> None:
    found = outlook(whole_report(), MANIFESTS)
    assert found is not None
    chosen = {(one.task, one.what) for one in found.influences.chosen}
    assert ("move", "its items") in chosen
    assert ("deployed", "when it goes on") in chosen
    assert "cause.cause" in found.influences.declassified
    assert "cause.evidence" in found.influences.sources
    assert "deployed.app" in found.influences.sources
    assert not any(source.startswith("hand") for source in found.influences.sources)


def test_the_example_tells_what_a_reader_of_it_would_tell() -> None:
    manifests = load_manifests([ROOT / "examples" / "tools"])
    text = (ROOT / "examples" / "pg-connections.runbook.md").read_bytes()
    found = outlook(lint_text(text, name="pg", manifests=manifests), manifests)
    assert found is not None
    assert {" ".join(sorted(way)) for way in found.worst.ways.ways} == {
        "decide diagnose measure",
        "decide diagnose hand_over measure",
        "ask decide diagnose free measure targets",
        "ask decide diagnose free hand_over measure targets",
        "ask decide diagnose hand_over measure targets",
        "ask decide diagnose measure shrink",
        "ask decide diagnose hand_over measure",
    }
    assert (found.worst.load.effects, found.worst.load.asks) == (1, 2)
    assert [(one.task, one.what) for one in found.influences.chosen] == [("free", "argument sessions")]
