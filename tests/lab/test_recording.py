"""A run that took place, turned into a scenario, takes the same path again."""

from pathlib import Path
from typing import Any

import pytest

from midwatch.cli.commands.testing.gather import gather
from midwatch.lab.errors import NotRecordableError
from midwatch.lab.files import read_cases
from midwatch.lab.play import Played, play
from midwatch.lab.recording.record import duration_text, recorded
from midwatch.lab.recording.sample import Disguise, sample_of
from midwatch.lab.scenario import scenario_of
from midwatch.runbook.blocks.fields import duration_ms
from midwatch.runbook.expr import validate
from midwatch.wiring.lint import lint_file
from midwatch.wiring.manifests import manifests
from support.scenarios import EXAMPLE_FILES, SHIPPED_FILES, example, house, played


def again(path: Path, one: Played) -> Played:
    """Return the replay of a run, from its text alone."""
    declared = manifests(house())
    report = lint_file(house(), path, path.read_bytes(), declared)
    document = gather(house(), path)
    assert document.playbook is not None
    assert report.checked is not None
    text = recorded(document.playbook.plan, one.events, declared, name="again")
    source, cases, findings = read_cases(
        text.encode(), name="again.yaml", checked=report.checked, manifests=declared
    )
    assert [finding.sentence for finding in findings] == [], text
    return play(document.playbook, scenario_of(cases[0], source))


@pytest.mark.parametrize("path", [*EXAMPLE_FILES, *SHIPPED_FILES], ids=lambda path: path.name)
def test_a_recorded_run_goes_the_same_way(path: Path) -> None:
    document = gather(house(), path)
    for scenario in document.scenarios:
        if scenario.crashes:
            continue  # a crash leaves no trace in the journal: that is its point
        first = document.play(scenario)
        second = again(path, first)
        assert [one.sentence for one in second.findings] == [], scenario.name
        assert first.seen is not None
        assert second.seen is not None
        assert second.seen.begun == first.seen.begun


def test_personal_fields_are_samples() -> None:
    document = example("leaked-credential")
    assert document.playbook is not None
    mocks = {"find": {"owner": "Kim Secret", "used_h": 9.5, "works": False, "service": "billing"}}
    done = played(document, given={"key": "k-1"}, mocks=mocks)
    text = recorded(document.playbook.plan, done.events, manifests(house()), name="x")
    assert "Kim Secret" not in text
    assert "find.owner" in text
    assert "9.5" in text


def test_a_run_that_goes_on_is_not_recorded() -> None:
    document = example("replica-lag")
    assert document.playbook is not None
    done = played(document, given={"replica": "r"}, mocks={"measure": {"lag_s": 900, "writers": 0}})
    with pytest.raises(NotRecordableError) as caught:
        recorded(document.playbook.plan, done.events, {}, name="x")
    assert caught.value.code == "MW657"


@pytest.mark.parametrize("length_ms", [1, 999, 1_000, 61_001, 3_600_000, 90_061_007])
def test_a_duration_is_written_as_runbooks_read_it(length_ms: int) -> None:
    assert duration_ms(duration_text(length_ms)) == length_ms


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 9},
        {"type": "string", "maxLength": 3},
        {"type": "integer", "minimum": 4},
        {"type": "integer", "exclusiveMinimum": 4},
        {"enum": ["b", "a"]},
        {"const": 7},
        {"type": ["null", "string"]},
        {"type": "boolean"},
        {"type": "array", "minItems": 2, "items": {"type": "integer"}},
        {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
    ],
)
def test_a_sample_fits_its_schema(schema: dict[str, Any]) -> None:
    validate(schema, sample_of(schema), what="the sample")


def test_a_sample_keeps_shape_and_equality_of_what_it_hides() -> None:
    people = [
        {"name": "Kim", "home": "/home/kim", "age": 44},
        {"name": "Ada", "home": "/home/ada", "age": 36},
    ]
    disguise = Disguise()
    hidden = disguise.of(people, {})
    assert hidden == [
        {"name": "Aaa", "home": "/aaaa/aaa", "age": 1},
        {"name": "Aab", "home": "/aaaa/aab", "age": 2},
    ]
    assert disguise.of(people, {}) == hidden


def test_a_sample_that_can_keep_no_shape_fits_its_schema_all_the_same() -> None:
    schema = {"type": "string", "pattern": "^[xyz]+$", "default": "xyz"}
    assert Disguise().of("zyx", schema) == "xyz"
    assert Disguise().of("folder", {"enum": ["file", "folder"]}) == "folder"
