"""Timeline, progress, findings and cost."""

import json
from dataclasses import replace

import pytest

from midwatch.insight.cost import cost
from midwatch.insight.explanation import Sentence
from midwatch.insight.findings import findings, gravity
from midwatch.insight.narrate import story
from midwatch.insight.progress import TaskStanding, progress
from midwatch.insight.scope import conjuncts, false_parts
from midwatch.insight.words import pair_words, span_words, tell, usd_words, value_words
from midwatch.plan.model import Plan
from unit.insight import made_run as made
from unit.insight.made_run import RUNS, made_plan, with_erased


def lines(run: made.MadeRun) -> list[str]:
    return [line.text for line in story(made_plan(), run.events)]


def standings(run: made.MadeRun) -> dict[str, TaskStanding]:
    return {str(view.name): view.status for view in progress(made_plan(), run.events)}


def test_a_story_has_one_line_for_each_event_that_means_something() -> None:
    assert lines(made.held()) == [
        "system:start started Rounds of this host, in mode `approve`.",
        "`disks` read with `host.filesystems` in 18 ms: used_pct = 96.5, fullest = /var, count = 3.",
        (
            "`caches` read with `host.caches` in 640 ms: "
            "worth_mb = 512, count = 2, bytes = 536870912 (512.0 MiB), entries: 2 items."
        ),
        "`space` decided by 2 rows: rows: 2 items.",
        "`verdict` decided by 1 row: next = act.",
        "`places` read with `files.state` in 9 ms: files: 2 items.",
        f"Question {made.ASKED} was put to ada and bob: Put this host in order?",
        (
            f"person:eve answered `approve` to {made.ASKED}, "
            "and it did not count: the ladder does not name you (MW403)."
        ),
        f"Question {made.ASKED} went up to ada.",
        (
            f"person:ada answered `approve` to {made.ASKED} on cli after 2 min 4 s, "
            "recorded as self-approved (solo)."
        ),
        f"Question {made.ASKED} is closed: `approved`.",
        "`tidy` was sent: `files.quarantine` on `host:quarantine`.",
        "`tidy` was done in 83 ms: count = 2, bytes = 536870912 (512.0 MiB), moved: 2 items.",
        "`tidy` was read back and holds.",
        '`leave` was skipped: its condition does not hold: verdict.next == "nothing".',
        "Ended as `resolved`: every effect holds. It cost $0.00.",
    ]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("undone", "`tidy` was taken back."),
        ("undo failed", "`tidy` could not be taken back: it was purged."),
        ("denied", "`ask` leads to `leave` (`on_deny`)."),
        (
            "sealed anew",
            "Question a-3f9k2m is closed: `void`, what would be sent is no longer what was sealed.",
        ),
        ("in doubt", "Nobody saw whether `tidy` happened: the worker that sent it is gone."),
        ("settled", "`places` was read again, and what must hold held."),
        ("failed", "`tidy` did not happen: it lies on another device (EXDEV)."),
        ("unverified", "`places` was read again, and what must hold did not hold."),
        (
            "forbidden",
            "The gate said no to `tidy`: A person already refused this on this target in this run.",
        ),
        ("unread", "person:ada wants the run to stop: wrong host."),
    ],
)
def test_a_story_tells_the_bad_turns_too(name: str, line: str) -> None:
    assert line in lines(RUNS[name]())


def test_an_erased_fact_keeps_its_line() -> None:
    told = story(made_plan(), with_erased(made.held().events, {3}))
    assert told[1].text == "A fact of type `task.succeeded` that was erased."


def test_progress_knows_what_is_under_way_before_anything_is_written() -> None:
    run = made.MadeRun(events=made.looked().events[:1])
    assert standings(run) == {
        "disks": TaskStanding.RUNNING,
        "caches": TaskStanding.RUNNING,
        "space": TaskStanding.WAITING,
        "verdict": TaskStanding.WAITING,
        "places": TaskStanding.WAITING,
        "ask": TaskStanding.WAITING,
        "tidy": TaskStanding.WAITING,
        "leave": TaskStanding.WAITING,
    }


@pytest.mark.parametrize(
    ("name", "task", "standing"),
    [
        ("held", "tidy", TaskStanding.DONE),
        ("undone", "tidy", TaskStanding.DONE),
        ("undone", "put_back", TaskStanding.DONE),
        ("undo failed", "tidy", TaskStanding.FAILED),
        ("denied", "ask", TaskStanding.FAILED),
        ("denied", "tidy", TaskStanding.SKIPPED),
        ("in doubt", "tidy", TaskStanding.IN_DOUBT),
        ("failed", "tidy", TaskStanding.FAILED),
        ("nothing", "leave", TaskStanding.DONE),
        ("sealed anew", "tidy", TaskStanding.ASKING),
    ],
)
def test_progress_says_where_a_task_stands(name: str, task: str, standing: TaskStanding) -> None:
    assert standings(RUNS[name]())[task] is standing


def test_an_open_question_is_shown_with_its_words() -> None:
    view = next(view for view in progress(made_plan(), made.asked().events) if view.name == "ask")
    assert view.status is TaskStanding.ASKING
    assert view.detail == f"{made.ASKED}: Put this host in order?"


def test_an_attempt_that_follows_another_is_retrying() -> None:
    run = made.MadeRun(events=made.unread().events[:3])
    assert standings(run)["disks"] is TaskStanding.RETRYING


def test_findings_come_gravest_first_with_their_values() -> None:
    found = findings(made_plan(), made.held().events)
    assert [(view.severity, view.sentence, view.task, view.row) for view in found] == [
        ("critical", "/var is about to be full.", "space", 2),
        ("info", "Caches take up 512 MB.", "space", 3),
    ]
    assert found[0].evidence == {"disks.used_pct": 96.5}
    assert found[1].out == {"remedy": "quarantine"}


def test_a_run_that_found_nothing_has_no_findings() -> None:
    assert findings(made_plan(), made.nothing().events) == ()


def test_a_table_with_one_first_row_gives_one_finding() -> None:
    plan = made_plan()
    table = replace(
        made.VERDICT,
        outputs=("severity", "finding"),
        rows=(
            (("true",), ("odd", "Something is to be done.")),
            (("-",), ("ok", "")),
        ),
    )
    tasks = tuple(replace(task, table=table) if task.name == "verdict" else task for task in plan.tasks)
    changed: Plan = replace(plan, tasks=tasks)
    assert [view.severity for view in findings(changed, made.held().events)] == ["critical", "odd", "info"]
    assert findings(changed, made.nothing().events) == ()


def test_a_severity_of_ones_own_comes_right_after_critical() -> None:
    words = ["info", "odd", "critical", "warning"]
    assert sorted(words, key=gravity) == ["critical", "odd", "warning", "info"]


def test_cost_counts_calls_and_the_time_of_tools_and_people() -> None:
    spent = cost(made.held().events)
    assert spent.as_record() == {
        "acting_ms": 83,
        "asking_ms": 124_000,
        "effects": 1,
        "elapsed_ms": made.held().now_ms - made.START_MS - 7,
        "micro_usd": 0,
        "reading_ms": 18 + 640 + 9 + 3 * 12,
        "tool_calls": 7,
    }


def test_money_of_reads_and_effects_adds_up() -> None:
    run = made.looked()
    run.add(
        made.read("disks", "host.filesystems", cost_micro_usd=1_500),
        replace(made.CONFIRMED, cost_micro_usd=500),
    )
    assert cost(run.events).micro_usd == 2_000


@pytest.mark.parametrize("name", RUNS)
def test_every_view_is_json(name: str) -> None:
    events = RUNS[name]().events
    plan = made_plan()
    records = [line.as_record() for line in story(plan, events)]
    records += [view.as_record() for view in progress(plan, events)]
    records += [view.as_record() for view in findings(plan, events)]
    records.append(dict(cost(events).as_record()))
    assert json.loads(json.dumps(records)) == records


def test_a_condition_is_taken_apart_at_its_ands() -> None:
    assert conjuncts('a.x > 1 && b.y == "p && q" && c.exists(r, r.m && r.n)') == (
        "a.x > 1",
        'b.y == "p && q"',
        "c.exists(r, r.m && r.n)",
    )
    assert conjuncts("a.x && b.y || c.z") == ("a.x && b.y || c.z",)


def test_only_the_false_parts_of_a_condition_are_named() -> None:
    parts = false_parts("a.x > 1 && a.y > 1", {"a": {"x": 2, "y": 0}})
    assert [(part.source, part.names) for part in parts] == [("a.y > 1", {"a.y": 0})]


def test_values_are_never_read_as_templates() -> None:
    assert tell("{a:says} and {b}", a="{b.secret}", b={"x": 1}) == "{b.secret} and {x: 1}"


def test_words_for_values() -> None:
    assert span_words(999) == "999 ms"
    assert span_words(61_000) == "1 min 1 s"
    assert usd_words(1_250_000) == "$1.25"
    assert usd_words(1_500) == "$0.001500"
    assert value_words(list(range(100))) == "100 items"
    assert value_words("a b") == '"a b"'
    assert pair_words({f"n{number}": number for number in range(9)}).endswith("n7 = 7 and others")


def test_a_sentence_without_a_fact_has_no_place() -> None:
    assert Sentence(text="x").as_record() == {
        "at_ms": None, "depth": 0, "ref": "", "text": "x", "type": "", "values": {},
    }  # fmt: skip
