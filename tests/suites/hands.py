"""The side of the test: an imported runbook in a folder, workers that run it, and what its journal says."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crash.worker import TESTS, config
from midwatch.app.audit import audit
from midwatch.app.drive.session import load_state
from midwatch.app.house import SUBJECT
from midwatch.base.classes import Mode
from midwatch.base.ids import run_stream
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.open_workflow.read import mapped
from midwatch.exchange.tree import read_tree
from midwatch.journal.chain import open_entry
from midwatch.journal.run_events import TaskSucceeded
from midwatch.ports.store import RunFilter
from midwatch.run.state import RunState
from midwatch.wiring.opening import opened_house
from suites.features import Scenario, Step
from suites.worker import RUNBOOK, Order, told

FINISH = "finish"


class Hand:
    """A program that forks one worker at a time; see `suites.worker`."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "suites.worker"],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def work(self, order: Order) -> int:
        """Have a worker do it, and return its exit code: negative for the signal that ended it."""
        assert self._program.stdin is not None
        self._program.stdin.write(told(order) + "\n")
        self._program.stdin.flush()
        self._said("pid")
        return os.waitstatus_to_exitcode(self._said("status"))

    def _said(self, name: str) -> int:
        assert self._program.stdout is not None
        line = self._program.stdout.readline()
        assert line, "the program that forks workers has ended"
        return int(json.loads(line)[name])

    def close(self) -> None:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        with suppress(BrokenPipeError):
            self._program.stdin.close()
        self._program.wait()
        self._program.stdout.close()


@contextmanager
def hand() -> Iterator[Hand]:
    """Give a hand, and end it."""
    found = Hand()
    try:
        yield found
    finally:
        found.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A scenario's runbook in a folder."""

    folder: Path
    imported: Imported
    ran: dict[str, str]
    """Pointer of a task of the document to the name of ours."""


def lay(scenario: Scenario, folder: Path, address: str) -> Laid:
    """Import a scenario's workflow into a folder; what it calls is reached at an address of this machine."""
    root = read_tree(scenario.definition.encode(), name="workflow.yaml")
    imported, ran = mapped(root, Wish(mode=Mode.APPROVE))
    tools = folder / "tools"
    tools.mkdir(parents=True)
    (folder / RUNBOOK).write_text(imported.text, encoding="utf-8")
    for name, text in imported.files.items():
        reached = re.sub(r'^("https://[^"]+") = ""$', rf'\1 = "{address}"', text, flags=re.MULTILINE)
        (tools / name).write_text(reached, encoding="utf-8")
    return Laid(folder=folder, imported=imported, ran=ran)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run."""

    state: RunState
    order: list[str]
    """Names of the document's tasks, in the order in which they succeeded."""
    output: Any
    fault: Any


def outcome_of(laid: Laid) -> Outcome:
    """Audit the house of a folder, and return what its one run came to."""
    with opened_house(replace(config(laid.folder), tools=()), need_engine=False) as opened:
        assert audit(opened.house).findings == ()
        (row,) = opened.house.store.run_rows(RunFilter())
        state, _ = load_state(opened.house, row.run)
        key = opened.house.keys.subject_key(SUBJECT, create=False)
        events = [open_entry(entry, key).payload for entry in opened.house.store.entries(run_stream(row.run))]
    succeeded = [event.task for event in events if isinstance(event, TaskSucceeded)]
    names = {ours: pointer.rpartition("/")[2] for pointer, ours in laid.ran.items() if pointer}
    finish = state.tasks.get(laid.ran.get("", ""))  # type: ignore[call-overload]
    failed = [task.why for task in state.tasks.values() if task.status == "failed"]
    return Outcome(
        state=state,
        order=[names[task] for task in succeeded if task in names],
        output=None if finish is None else finish.out.get("output"),
        fault=_problem(failed[-1]) if failed else None,
    )


def _problem(why: str) -> Any:
    start = why.find("{")
    try:
        return json.loads(why[start:])
    except ValueError:
        return why


# ------------------------------------------------------------------------------------------------ checks


def assert_holds(step: Step, outcome: Outcome) -> None:
    """Assert what a line of a scenario says."""
    words, output = step.words, outcome.output
    if words == "When the workflow is executed":
        return
    if "should complete" in words:
        assert outcome.state.outcome == "resolved", (outcome.state.outcome, outcome.fault)
        if "with output" in words:
            assert output == step.value, output
    elif "should fault" in words:
        assert outcome.state.outcome == "failed", outcome.state.outcome
        if "with error" in words:
            assert isinstance(outcome.fault, dict), outcome.fault
            assert {key: outcome.fault.get(key) for key in step.value} == step.value, outcome.fault
    elif "should have properties" in words:
        for path in step.quoted:
            at(output, path)
    elif "property with value" in words:
        assert at(output, step.quoted[0]) == step.value, output
    elif "containing" in words:
        assert len(at(output, step.quoted[0])) == int(words.split("containing ")[1].split()[0]), output
    else:
        _assert_order(words, outcome.order)


def at(value: Any, path: str) -> Any:
    """Return what stands under a dotted path; it must be there."""
    for part in path.split("."):
        assert isinstance(value, dict), (path, value)
        assert part in value, (path, value)
        value = value[part]
    return value


def _assert_order(words: str, order: list[str]) -> None:
    found = re.fullmatch(r"And (\w+) should run (first|last|after (\w+))", words)
    assert found is not None, f"no check for: {words}"
    match found[2]:
        case "first":
            assert order[0] == found[1], order
        case "last":
            assert order[-1] == found[1], order
        case _:
            assert order.index(found[1]) > order.index(found[3]), order
