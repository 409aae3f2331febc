"""Automations of Systems Manager, Orquesta and Rundeck as runbooks that people follow."""

from pathlib import Path

import pytest

from midwatch.base.classes import Mode
from midwatch.exchange.formats import import_document
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.report import UNREAD, Fate, leaf_count
from midwatch.exchange.tree import read_tree
from midwatch.plan.model import Plan, PlanTask
from midwatch.plan.review import lint_text

SAMPLES = Path(__file__).parents[2] / "suites" / "samples"


def imported(name: str, wish: Wish | None = None) -> Imported:
    path = SAMPLES / name
    return import_document(path.read_bytes(), name=name, wish=wish or Wish())


def plan_of(found: Imported) -> Plan:
    report = lint_text(found.text.encode(), name="x", manifests={})
    assert [f"{one.place}: {one.sentence}" for one in report.errors] == []
    assert report.plan is not None
    return report.plan


def tasks_of(name: str) -> dict[str, PlanTask]:
    return {str(task.name): task for task in plan_of(imported(name)).tasks}


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_part_is_accounted_for_and_none_is_overlooked(path: Path) -> None:
    found = imported(path.name)

    assert sum(map(found.report.parts, Fate)) == leaf_count(read_tree(path.read_bytes(), name="x").tree)
    assert not [item.pointer for item in found.report.items if item.how == UNREAD]
    assert plan_of(found).mode is Mode.PROPOSE
    assert plan_of(imported(path.name, Wish(mode=Mode.APPROVE))).mode is Mode.APPROVE


def test_an_automation_goes_the_ways_of_its_branch() -> None:
    tasks = tasks_of("restart-instance.ssm.yaml")

    assert tasks["ask_somebody"].when == 'choose_environment.next == "choice_1"'
    assert set(tasks["restart"].needs) == {"choose_environment", "ask_somebody"}
    assert tasks["restart"].join == "any"
    assert tasks["restart"].on_fail == "tell_somebody"
    assert not tasks["tell_somebody"].needs
    assert tasks["nothing_to_do"].when == 'choose_environment.next == "otherwise"'
    assert tasks["check_again"].needs == ("let_it_start",)


def test_orquesta_s_edges_become_needs_conditions_and_on_fail() -> None:
    tasks = tasks_of("disk-cleanup.orquesta.yaml")

    assert tasks["check_disk"].on_fail == "page_somebody"
    assert tasks["clean_logs"].when == 'check_disk.next == "way_1"'
    assert set(tasks["check_again"].needs) == {"clean_logs", "clean_caches"}
    assert tasks["check_again"].join == "all"
    assert tasks["say_fine"].join == "any"


def test_a_job_is_its_steps_in_order_and_its_options_are_inputs() -> None:
    found = imported("restart-app.rundeck.yaml")
    plan = plan_of(found)
    tasks = {str(task.name): task for task in plan.tasks}

    assert tasks["drain_the_node"].needs == ("look_at_the_sessions",)
    assert tasks["drain_the_node"].on_fail == "drain_the_node_failed"
    assert tasks["sudo_systemctl_restart_app"].needs == ("drain_the_node",)
    inputs = plan.inputs["properties"]
    assert inputs["node"]["pattern"] == "^[a-z0-9-]+$"
    assert inputs["mode"]["enum"] == ["gentle", "hard"]
    assert inputs["token"]["format"] == "secret"
    other = next(item for item in found.report.items if item.pointer == "/1")
    assert other.fate is Fate.NOT


def test_a_jump_back_hands_over_to_a_person() -> None:
    text = (
        "schemaVersion: '0.3'\nmainSteps:\n"
        "- {name: first, action: aws:executeScript}\n"
        "- {name: second, action: aws:executeScript, nextStep: first}\n"
    )
    found = import_document(text.encode(), name="x.yaml", wish=Wish())
    tasks = {str(task.name): task for task in plan_of(found).tasks}

    assert tasks["back_to_first"].needs == ("second",)
    assert tasks["back_to_first"].ends == {"escalated": "true"}
    assert any(item.fate is Fate.NOT and "circle" in item.how for item in found.report.items)
