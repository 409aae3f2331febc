"""Scenarios: they name tasks, inputs and outcomes that there are, and say things of the right shape."""

from collections.abc import Iterator, Mapping
from typing import Any

from midwatch.base.classes import Outcome
from midwatch.runbook.cel.schema import Schema, coerce, properties_of, validate
from midwatch.runbook.cel.types import did_you_mean
from midwatch.runbook.errors import TestBlockError, ValueMismatchError
from midwatch.runbook.graph import Graph, inputs_schema, seen_schema
from midwatch.runbook.lint.order import unknown_tasks
from midwatch.runbook.lint.shapes import ANSWER, FAILURE, FAULTS, NUMBERS, SIGNAL, TASK_LISTS, fault_of
from midwatch.runbook.model import At, Kind, Runbook, Task, TestCase
from midwatch.runbook.source import Finding, Source

EXPECTATIONS = ("path", "ends", "effects", "asks", "rungs", "notified", "outputs", "out", *TASK_LISTS[1:])
LATER = "after"
_BY_PEOPLE = (Kind.MANUAL, Kind.AGENT)
_ASKED = (Kind.APPROVAL, Kind.COMMAND)
"""What a question may be about: of a command the gate itself may ask."""
_MOCKED = "mocks"


def test_findings(runbook: Runbook, graph: Graph, outs: Mapping[str, Schema]) -> list[Finding]:
    """Return what is wrong with the scenarios of a runbook.

    Args:
        runbook: as parsed.
        graph: of its tasks.
        outs: output schema of each task, of one item or round; empty where nothing is known.
    """
    findings: list[Finding] = []
    names: set[str] = set()
    for case in runbook.tests:
        if case.name in names:
            sentence = f"two tests are called `{case.name}`"
            hint = "Give each scenario a name of its own."
            findings.append(runbook.source.finding(TestBlockError, sentence, case.span.start, hint=hint))
        names.add(case.name)
        findings.extend(_Case(runbook, graph, outs, case).findings())
    return findings


class _Case:
    def __init__(self, runbook: Runbook, graph: Graph, outs: Mapping[str, Schema], case: TestCase) -> None:
        self._runbook = runbook
        self._source: Source = runbook.source
        self._graph = graph
        self._outs = outs
        self._case = case

    def findings(self) -> Iterator[Finding]:
        case = self._case
        for key, named in (("mocks", case.mocks), ("answers", case.answers)):
            yield from unknown_tasks(named.items(), self._source, self._graph, self._what(key))
        given = At(value=case.given, span=case.span)
        yield from self._fits(inputs_schema(self._runbook.header), given, self._what("given"))
        for name, at in case.mocks.items():
            task = self._graph.tasks.get(name)
            if task is not None:
                yield from self._mock(task, at)
        for name, at in case.answers.items():
            yield from self._answer(name, at)
        for name, at in case.events.items():
            yield from self._event(name, at)
        for at in case.faults:
            yield from self._fault(at)
        yield from self._expect()

    def _what(self, key: str) -> str:
        return f"`{key}:` of test `{self._case.name}`"

    def _wrong(self, sentence: str, at: At[Any], hint: str) -> Finding:
        return self._source.finding(TestBlockError, sentence, at.span.start, hint=hint)

    def _fits(self, schema: Schema, at: At[Any], what: str) -> Iterator[Finding]:
        try:
            validate(schema, coerce(schema, at.value), what=what)
        except ValueMismatchError as error:
            yield self._wrong(error.sentence, at, "Correct the value, or the schema that it should fit.")

    # ---------------------------------------------------------------------------------------- mocks

    def _mock(self, task: Task, at: At[Any]) -> Iterator[Finding]:
        name = task.name.value
        if task.kind in (Kind.APPROVAL, Kind.DECISION, Kind.WAIT, Kind.NOTIFY):
            instead = "under `answers:`" if task.kind is Kind.APPROVAL else "nothing: Midwatch does it itself"
            sentence = f"{self._what(_MOCKED)} has {name}, which is of kind `{task.kind}`"
            yield self._wrong(sentence, at, f"For that task write {instead}.")
            return
        what = f"the mock of {name} in test `{self._case.name}`"
        for value in at.value if isinstance(at.value, list) else [at.value]:
            yield from self._outcome(task, At(value=value, span=at.span), what)

    def _outcome(self, task: Task, at: At[Any], what: str) -> Iterator[Finding]:
        """Yield what is wrong with one outcome: an output, or `{fail: …, then: output}`."""
        value = at.value
        if isinstance(value, Mapping) and "fail" in value:
            fault = fault_of(FAILURE, value)
            if fault:
                hint = "Write `{fail: CODE, why: …, times: n, then: {…}}`."
                yield self._wrong(f"{what} is no failure: {fault}", at, hint)
            elif "then" in value:
                yield from self._outcome(task, At(value=value["then"], span=at.span), what)
            return
        if task.kind in _BY_PEOPLE and isinstance(value, Mapping) and LATER in value:
            yield from self._later(value[LATER], at, what)
            value = {key: part for key, part in value.items() if key != LATER}
        schema = self._outs.get(task.name.value, {})
        if not isinstance(value, Mapping):
            yield self._wrong(f"{what} is no output", at, "Write a mapping of fields to values.")
        elif schema:
            yield from self._fits(schema, At(value=value, span=at.span), what)

    def _later(self, value: object, at: At[Any], what: str) -> Iterator[Finding]:
        fault = fault_of(
            {"type": "object", "properties": {LATER: SIGNAL["properties"][LATER]}}, {LATER: value}
        )
        if fault:
            yield self._wrong(
                f"{what} has a wrong `{LATER}:`: {fault}", at, "Write a duration, such as `2m`."
            )

    # ------------------------------------------------------------------------ answers, events, faults

    def _answer(self, name: str, at: At[Any]) -> Iterator[Finding]:
        task = self._graph.tasks.get(name)
        what = f"the answer to {name} in test `{self._case.name}`"
        if task is not None and task.kind not in _ASKED:
            yield self._wrong(
                f"{what} is to no question: it is of kind `{task.kind}`", at, "Put it under `mocks:`."
            )
            return
        hint = "Write `timeout`, `{approve: who, after: 2m}`, `{deny: who, why: …}` or `{late: who}`."
        for value in at.value if isinstance(at.value, list) else [at.value]:
            fault = fault_of(ANSWER, value)
            if fault:
                yield self._wrong(f"{what} is none: {fault}", at, hint)

    def _event(self, name: str, at: At[Any]) -> Iterator[Finding]:
        waits = [task for task in self._graph.tasks.values() if task.wait is not None and task.wait.event]
        known = sorted({task.wait.event.value for task in waits if task.wait and task.wait.event})
        what = self._what("events")
        if name not in known:
            hint = f"{did_you_mean(name, known)}Waited for: {', '.join(known) or 'nothing'}."
            yield self._wrong(f"{what} has `{name}`, which no task waits for", at, hint)
            return
        for value in at.value if isinstance(at.value, list) else [at.value]:
            fault = fault_of(SIGNAL, value)
            if fault:
                yield self._wrong(
                    f"{what} has a wrong `{name}`: {fault}", at, "Write `[{data: {…}, after: 1m}]`."
                )

    def _fault(self, at: At[Any]) -> Iterator[Finding]:
        what = self._what("faults")
        if not isinstance(at.value, Mapping) or not (at.value.keys() & FAULTS.keys()):
            hint = f"Write one of: {', '.join(FAULTS)}."
            yield self._wrong(f"{what} has something that is no fault", at, hint)
            return
        kind = next(kind for kind in FAULTS if kind in at.value)
        fault = fault_of(FAULTS[kind], at.value)
        if fault:
            yield self._wrong(f"{what} has a wrong `{kind}`: {fault}", at, "See the reference of `tests:`.")
            return
        task = at.value.get("task") if kind == "crash" else at.value.get(kind) if kind != "stop" else None
        if task is not None:
            yield from unknown_tasks([(str(task), at)], self._source, self._graph, what)

    # --------------------------------------------------------------------------------- expectations

    def _expect(self) -> Iterator[Finding]:
        for key, at in self._case.expect.items():
            if key not in EXPECTATIONS and not key.startswith("x-"):
                hint = f"{did_you_mean(key, EXPECTATIONS)}Known: {', '.join(EXPECTATIONS)}."
                yield self._wrong(f"{self._what('expect')} has the unknown key `{key}`", at, hint)
            elif key == "ends" and at.value not in list(Outcome):
                hint = f"Write one of: {', '.join(Outcome)}."
                yield self._wrong(f"test `{self._case.name}` expects `ends: {at.value}`", at, hint)
            elif key in NUMBERS and (type(at.value) is not int or at.value < 0):
                sentence = f"test `{self._case.name}` expects `{key}: {at.value}`"
                yield self._wrong(sentence, at, "Write a whole number from 0.")
            elif key in TASK_LISTS:
                tasks = at.value if isinstance(at.value, list) else [at.value]
                names = ((str(task).partition("[")[0], at) for task in tasks)
                yield from unknown_tasks(
                    names, self._source, self._graph, f"`{key}:` of test `{self._case.name}`"
                )
            elif key == "outputs":
                yield from self._outputs(at)
            elif key == "out":
                yield from self._subset(self._run_schema(), at, "out")

    def _outputs(self, at: At[Any]) -> Iterator[Finding]:
        if not isinstance(at.value, Mapping):
            yield self._wrong(
                f"{self._what('outputs')} is no mapping", at, "Write `outputs: {task: {field: …}}`."
            )
            return
        yield from unknown_tasks(
            ((name, at) for name in at.value), self._source, self._graph, self._what("outputs")
        )
        for name, value in at.value.items():
            task = self._graph.tasks.get(name)
            if task is not None:
                schema = seen_schema(task, self._outs.get(name, {}))
                yield from self._subset(schema, At(value=value, span=at.span), f"outputs.{name}")

    def _subset(self, schema: Schema, at: At[Any], key: str) -> Iterator[Finding]:
        """Yield what a part of an output has that the whole can't have."""
        fields = properties_of(schema)
        if not isinstance(at.value, Mapping):
            yield self._wrong(f"{self._what(key)} is no mapping", at, "Write fields and values.")
            return
        for name, value in at.value.items():
            if fields and name not in fields:
                hint = f"{did_you_mean(name, fields)}It has: {', '.join(fields)}."
                yield self._wrong(f"{self._what(key)} expects `{name}`, which is never there", at, hint)
            elif name in fields and not isinstance(value, (Mapping, list)):
                yield from self._fits(
                    fields[name], At(value=value, span=at.span), self._what(f"{key}.{name}")
                )

    def _run_schema(self) -> Schema:
        header = self._runbook.header
        return {"properties": {name: at.value for name, at in header.out.items()}} if header else {}
