"""The conformance kit of Open Workflow: each scenario is imported, run by the real engine, held to its words.

`make test` plays each scenario once undisturbed and once killed in the middle, `make nightly` once for each
write to the journal, killed with SIGKILL right after it.
"""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from suites.features import Scenario, scenarios
from suites.hands import Hand, Laid, assert_holds, hand, lay, outcome_of
from suites.petstore import petstore
from suites.vectors import vectors
from suites.worker import Order

SCENARIOS = scenarios(vectors("open-workflow/ctk/features"))


@pytest.fixture(scope="module")
def worker() -> Iterator[Hand]:
    with hand() as found:
        yield found


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with petstore() as (found, _):
        yield found


def logs(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.glob("log-*.txt")))


def assert_conforms(scenario: Scenario, laid: Laid) -> None:
    outcome = outcome_of(laid)
    for step in scenario.checks:
        assert_holds(step, outcome)


def commits_of(worker: Hand, scenario: Scenario, laid: Laid) -> int:
    """Run a scenario undisturbed, and return how many journal writes that took."""
    code = worker.work(Order(folder=str(laid.folder), inputs={"input": scenario.input}))
    assert code == 0, logs(laid.folder)
    return int((laid.folder / "count.txt").read_text())


def assert_survives(worker: Hand, scenario: Scenario, laid: Laid, at: int, name: str) -> bool:
    """Kill a worker after one write, let another finish, and return whether the first one was killed."""
    folder = laid.folder.parent / name
    folder.mkdir()
    shutil.copytree(laid.folder / "tools", folder / "tools")
    shutil.copy(laid.folder / "runbook.md", folder)
    killed = Laid(folder=folder, imported=laid.imported, ran=laid.ran)
    first = worker.work(Order(folder=str(folder), inputs={"input": scenario.input}, at=at))
    assert first in (0, -signal.SIGKILL), logs(folder)
    second = worker.work(Order(folder=str(folder), inputs={"input": scenario.input}))
    assert second == 0, logs(folder)
    assert_conforms(scenario, killed)
    shutil.rmtree(folder)
    return first != 0


def test_the_kit_has_twenty_one_scenarios() -> None:
    assert len(SCENARIOS) == 21


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_scenario_conforms_undisturbed_and_killed_half_way(
    scenario: Scenario, worker: Hand, address: str, tmp_path: Path
) -> None:
    laid = lay(scenario, tmp_path / "whole", address)
    commits = commits_of(worker, scenario, laid)
    assert_conforms(scenario, laid)

    assert assert_survives(worker, scenario, laid, (commits + 1) // 2, "half")


@pytest.mark.nightly
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_a_scenario_conforms_killed_after_each_write_to_the_journal(
    scenario: Scenario, worker: Hand, address: str, tmp_path: Path
) -> None:
    laid = lay(scenario, tmp_path / "whole", address)
    commits = commits_of(worker, scenario, laid)

    killed = [assert_survives(worker, scenario, laid, at, f"at-{at}") for at in range(1, commits + 1)]

    assert sum(killed) >= commits - 1, "the last write may come with the end"
