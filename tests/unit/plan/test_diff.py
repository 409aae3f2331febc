"""Two versions told apart: what it may do more of, what it does otherwise, what is for people only."""

import re
from collections.abc import Iterable

import pytest

from midwatch.plan.diff.change import Change, Weight, duration_text, value_text
from midwatch.plan.diff.versions import Difference, Version, difference
from midwatch.plan.errors import RunbookRefusedError
from midwatch.runbook.parse import parse_runbook
from unit.plan.documents import GOOD, NAME, report_on, spoilt

MORE, OTHERWISE, LESS, PEOPLE = Weight.MORE, Weight.OTHERWISE, Weight.LESS, Weight.PEOPLE


def version(text: str) -> Version:
    return Version(report=report_on(text), runbook=parse_runbook(text.encode(), name=NAME)[0])


def apart(old: str, new: str) -> Difference:
    return difference(version(old), version(new))


def told(changes: Iterable[Change]) -> list[tuple[Weight, str, str]]:
    return [(change.weight, change.what, change.sentence) for change in changes]


@pytest.mark.parametrize(
    ("old", "new", "weight", "what", "words"),
    [
        ("mode: approve", "mode: auto", MORE, "mode", "the mode is `auto`, was `approve`"),
        ("mode: approve", "mode: observe", LESS, "mode", "the mode is `observe`"),
        ("effects: 2}", "effects: 3}", MORE, "budget.effects", "is 3, was 2"),
        ("usd: 0.50, ", "", MORE, "budget.usd_micro", "is without limit, was $0.50"),
        ("working_time: 10m", "working_time: 5m", LESS, "budget.working_time_ms", "is 5m, was 10m"),
        ('pattern: "^[a-z0-9]+$"', 'pattern: "^.*$"', MORE, "inputs", "input `volume` takes more"),
        ("minimum: 1}", "minimum: 2}", OTHERWISE, "inputs", "input `keep_days` takes something else"),
        ("sla: 10m", "sla: 20m", MORE, "approval.ladder", "`team:ops` holds the question for 20m, was 10m"),
        (
            '["team:ops", "oncall:ops"]',
            '["team:ops"]',
            MORE,
            "approval.ladder",
            "`oncall:ops` is no longer asked",
        ),
        ('["team:ops", ', '["team:ops", "team:all", ', MORE, "approval.ladder", "`team:all` may answer too"),
        ("expires: 1h", "expires: 2h", MORE, "approval.expires_ms", "a yes counts is 2h, was 1h"),
        (
            'question: "{{ decide.next }} on',
            'question: "Do {{ decide.next }} on',
            OTHERWISE,
            "approval.question",
            "",
        ),
        ("on_deny: leave", "on_deny: measure", OTHERWISE, "approval.on_deny", "what runs after a no"),
        (
            "days: inputs.keep_days}",
            "days: 1}",
            MORE,
            "call.args",
            "argument `days` is 1.0, was `inputs.keep_days`",
        ),
        ("force: false}", "force: true}", MORE, "call.args", "argument `force` is yes, was no"),
        (
            'paths: "measure.files.map(f, f.path)", force',
            "paths: \"['/']\", force",
            MORE,
            "call.args",
            "argument `paths`",
        ),
        (
            "bind: {volume: inputs.volume}",
            "bind: {volume: \"'x'\"}",
            OTHERWISE,
            "call.bind",
            "bound value `volume`",
        ),
        (
            "| < 80             | -             | done |",
            "| < 70             | -             | done |",
            MORE,
            "table.rows",
            "row 1 is",
        ),
        ("| [80..95)         | full", "| [80..90)         | full", MORE, "table.rows", "row 2 is"),
        ("on_fail: undo\n", "", MORE, "on_fail", "what happens when it fails is nothing, was `undo`"),
        ("retry: {max: 2", "retry: {max: 3", OTHERWISE, "retry.attempts_max", "is 3, was 2"),
        ("timeout: 5s", "timeout: 9s", OTHERWISE, "call.timeout_ms", "is 9s, was 5s"),
        ('when: decide.next == "drop"', "when: true", MORE, "when", "other a condition"),
        (
            "within: 1m}\nundo: put_back",
            "within: 2m}\nundo: put_back",
            MORE,
            "verify.within_ms",
            "is 2m, was 1m",
        ),
        ("for: 10s, ", "", OTHERWISE, "verify.for_ms", ""),
        (
            "There is little space left.",
            "There is no space left.",
            PEOPLE,
            "section",
            "`Meaning` has another text",
        ),
        ("## Task: Move", "## Task: Move them", PEOPLE, "title", "has the title"),
        ("Put them elsewhere.", "Put them away.", PEOPLE, "prose", "the text is another"),
        ('version: "1.2.0"', 'version: "1.3.0"', PEOPLE, "version", ""),
        ("resolved_within: 15m", "resolved_within: 20m", PEOPLE, "metrics", ""),
        ("used_pct: 12,", "used_pct: 13,", PEOPLE, "tests", "`there is space` plays otherwise"),
        (
            "metrics:",
            'triggers: [{schedule: "0 3 * * *"}]\nmetrics:',
            MORE,
            "triggers",
            "something else starts it",
        ),
        ("owner: team:ops", "owner: team:dba", OTHERWISE, "owner", ""),
        ("ends: resolved\n```\n\n## Undo", "ends: escalated\n```\n\n## Undo", OTHERWISE, "ends", ""),
    ],
)
def test_a_change_is_told_with_its_weight(old: str, new: str, weight: Weight, what: str, words: str) -> None:
    found = apart(GOOD, spoilt(old, new))
    matching = [change for change in found.changes if change.what == what and change.weight is weight]
    assert matching, told(found.changes)
    assert any(words in change.sentence for change in matching), told(found.changes)
    assert found.may_do_more == (weight is MORE)
    assert found.is_program_the_same == (weight is PEOPLE)


def test_the_same_document_has_no_differences() -> None:
    assert apart(GOOD, GOOD).changes == ()


def test_a_renamed_task_is_one_change() -> None:
    renamed = re.sub(r"\bmeasure\b", "look", GOOD)
    assert told(apart(GOOD, renamed).changes) == [
        (OTHERWISE, "task.renamed", "task measure is called look now"),
        (PEOPLE, "tests", "the scenario `there is space` plays otherwise"),
    ]


def test_what_it_may_do_more_stands_first() -> None:
    text = spoilt("There is little space left.", "None.").replace("effects: 2}", "effects: 9}")
    text = text.replace("tokens: 0", "tokens: 1").replace("working_time: 10m", "working_time: 1m")
    weights = [change.weight for change in apart(GOOD, text).changes]
    assert weights == sorted(weights, key=list(Weight).index)
    assert weights[0] is MORE


def test_tasks_that_come_and_go_are_weighed_by_what_they_do() -> None:
    start, end = GOOD.index("## Task: Drop"), GOOD.index("## Task: Leave it")
    without = (GOOD[:start] + GOOD[end:]).replace("actions: [move, drop]", "actions: [move]")
    gone, come = apart(GOOD, without), apart(without, GOOD)
    assert (LESS, "task.removed", "task drop is gone: it was a `command`") in told(gone.changes)
    assert (MORE, "task.added", "task drop is new: it calls `disk.drop` (irreversible)") in told(come.changes)


def test_a_document_with_errors_is_not_compared() -> None:
    with pytest.raises(RunbookRefusedError) as caught:
        apart(GOOD, spoilt("kind: command", "kind: comand"))
    assert caught.value.code == "MW192"


def test_documents_for_people_are_compared_as_texts() -> None:
    old, new = "# T\n\n## Meaning\n\na\n", "# T\n\n## Meaning\n\nb\n\n## Impact\n\nc\n"
    found = apart(old, new)
    assert [change.what for change in found.changes] == ["section", "section"]
    assert found.is_program_the_same
    assert apart(old, GOOD).may_do_more


@pytest.mark.parametrize(("ms", "text"), [(0, "0s"), (90_000, "1m30s"), (86_400_001, "1d1ms")])
def test_durations_are_told_as_they_are_written(ms: int, text: str) -> None:
    assert duration_text(ms) == text


def test_long_values_are_cut_short() -> None:
    assert len(value_text("x" * 500)) <= 120
    assert value_text({"$float": "0.5"}) == "0.5"
