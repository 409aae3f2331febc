"""Expressions, each checked against what it may read at its place."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.errors import MidwatchError
from midwatch.runbook.cel.evaluation import free_names
from midwatch.runbook.cel.fit import mismatch
from midwatch.runbook.cel.schema import ONE_OF, Schema
from midwatch.runbook.cel.types import CelType, check
from midwatch.runbook.errors import (
    ExpressionError,
    ExpressionSyntaxError,
    ExpressionTypeError,
    LoopError,
    NotAboveError,
    TooComplexError,
    UnknownNameError,
)
from midwatch.runbook.graph import PREVIOUS, Graph, base_types, scope_types, seen_schema
from midwatch.runbook.lint.tables import columns
from midwatch.runbook.model import Argument, At, Kind, Loop, Probe, Runbook, Task, Waiting
from midwatch.runbook.source import Finding, Source, Span

TEMPLATE = re.compile(r"\{\{((?:(?!\{\{|\}\}).){0,2000})\}\}", re.DOTALL)
TEMPLATES_MAX = 200
EVENT = "event"
PROBE = "probe"
_CONDITIONS = ("bool", "dyn")


def expression_findings(
    runbook: Runbook, graph: Graph, outs: Mapping[str, Schema], inputs: Schema
) -> list[Finding]:
    """Return what is wrong with the expressions of a runbook."""
    checker = _Checker(source=runbook.source, graph=graph, outs=outs, inputs=inputs)
    for task in graph.tasks.values():
        checker.task(task)
    checker.outputs(runbook)
    return checker.findings


def argument_types(graph: Graph, task: Task, outs: Mapping[str, Schema], inputs: Schema) -> dict[str, Schema]:
    """Return what is known of each declared argument of a command; one that can't be checked is unknown."""
    types = scope_types(graph, task, outs, inputs)
    found: dict[str, Schema] = {}
    for name, argument in task.args.items():
        found[name] = {"const": argument.value} if not argument.source else {}
        if argument.source:
            try:
                found[name] = check(argument.source, types).schema
            except MidwatchError:
                continue
    return found


def place_in(source: Source, at: At[str], offset: int) -> int:
    """Return where a character of a value stands in the document, as nearly as can be told."""
    begin = source.text.find(at.value, at.span.start, at.span.end + 2)
    return begin + min(offset, len(at.value)) if begin >= 0 else at.span.start


@dataclass(slots=True, kw_only=True)
class _Checker:
    source: Source
    graph: Graph
    outs: Mapping[str, Schema]
    inputs: Schema
    findings: list[Finding] = field(default_factory=list)
    reported: set[tuple[str, str]] = field(default_factory=set)

    def task(self, task: Task) -> None:
        before = base_types(self.graph, task, self.outs, self.inputs)
        types = scope_types(self.graph, task, self.outs, self.inputs)
        out = self.outs.get(task.name.value, {})
        if task.when is not None:
            self._condition(task, task.when, before, "when")
        for outcome, at in task.ends.items():
            self._condition(task, at, {**before, task.name.value: seen_schema(task, out)}, f"ends.{outcome}")
        if task.loop is not None:
            self._loop(task, task.loop, before, {**before, task.name.value: out})
        for key, arguments in _arguments(task):
            for name, argument in arguments.items():
                if argument.source:
                    self.check(task, At(value=argument.source, span=argument.span), types, f"{key}.{name}")
        if task.ask is not None and task.ask.question is not None:
            self._message(task, task.ask.question, types, "question")
        if task.notice is not None and task.notice.message is not None:
            self._message(task, task.notice.message, types, "message")
        if task.kind is Kind.AGENT and task.span.end > 0:
            self._prompt(task, types)
        for name, schema in task.out.items():
            if ONE_OF in schema.value:
                self._one_of(task, name, schema, types)
        if task.kind is Kind.DECISION:
            for text, offset in columns(task):
                self.check(task, At(value=text, span=Span(offset, offset + len(text))), types, "a column")
        if task.wait is not None:
            self._wait(task, task.wait, types, out)
        if task.precondition is not None or task.verify is not None:
            self._probes(task)

    def outputs(self, runbook: Runbook) -> None:
        """Check the outputs of the whole run: they read any task's."""
        header = runbook.header
        types = {name: seen_schema(task, self.outs.get(name, {})) for name, task in self.graph.tasks.items()}
        for name, at in header.values.items() if header else ():
            found = self._checked("the header", at, {**types, "inputs": self.inputs}, f"out.{name}.value")
            declared = header.out[name].value if header and name in header.out else {}
            fault = mismatch(found.schema, declared, name) if found is not None else ""
            if fault:
                sentence = f"`out.{name}.value` of the header doesn't fit: {fault}"
                hint = "Correct the schema beside it, or the expression."
                self.findings.append(
                    self.source.finding(ExpressionTypeError, sentence, at.span.start, hint=hint)
                )

    def check(self, task: Task, at: At[str], types: Mapping[str, Schema], key: str) -> CelType | None:
        """Return the type of an expression, or None where it is wrong, which is reported."""
        try:
            roots = {name.partition(".")[0] for name in free_names(at.value)} - types.keys()
        except ExpressionError:
            roots = set()
        if roots & self.graph.lost:
            return None
        outside = sorted(roots & self.graph.tasks.keys())
        if outside:
            self._not_above(task, at, outside[0])
            return None
        if PREVIOUS in roots and task.loop is not None and task.loop.each and task.loop.parallel > 1:
            sentence = f"task {task.name.value} reads `{PREVIOUS}`, but its items run at the same time"
            hint = "Take `parallel:` out, so that one item follows the other."
            offset = self._offset_of(at, PREVIOUS)
            self.findings.append(self.source.finding(LoopError, sentence, offset, hint=hint))
            return None
        return self._checked(f"task {task.name.value}", at, types, key)

    def _checked(self, what: str, at: At[str], types: Mapping[str, Schema], key: str) -> CelType | None:
        try:
            return check(at.value, types)
        except ExpressionError as error:
            place = place_in(self.source, at, int(error.facts.get("offset", 0)))
            facts: dict[str, Any] = dict(error.facts)
            sentence = f"`{key}:` of {what}: {error.sentence}"
            if isinstance(error, ExpressionSyntaxError) and key.startswith(("args", "bind", "with", "data")):
                facts["hint"] = "A text is written in quotes inside of quotes."
            self.findings.append(self.source.finding(type(error), sentence, place, **facts))
            return None

    def _not_above(self, task: Task, at: At[str], read: str) -> None:
        offset = self._offset_of(at, read)
        name = task.name.value
        if (name, read) in self.reported:
            return
        self.reported.add((name, read))
        sentence = f"task {name} reads the output of {read}, which is not among its needs"
        self.findings.append(self.source.finding(NotAboveError, sentence, offset, read=read, task=name))

    def _offset_of(self, at: At[str], name: str) -> int:
        found = re.search(rf"\b{re.escape(name)}\b", at.value)
        return place_in(self.source, at, found.start() if found else 0)

    def _condition(self, task: Task, at: At[str], types: Mapping[str, Schema], key: str) -> None:
        found = self.check(task, at, types, key)
        if found is not None and found.name not in _CONDITIONS:
            sentence = f"`{key}:` of task {task.name.value} gives {found.name}, not true or false"
            hint = "Write a comparison, such as `measure.used_pct > 80.0`."
            self.findings.append(self.source.finding(ExpressionTypeError, sentence, at.span.start, hint=hint))

    # --------------------------------------------------------------------------------- loops, waits

    def _loop(
        self, task: Task, loop: Loop, before: Mapping[str, Schema], after: Mapping[str, Schema]
    ) -> None:
        if loop.each is not None:
            found = self.check(task, loop.each, before, "foreach")
            if found is not None and found.name not in ("list", "dyn"):
                sentence = f"`foreach:` of task {task.name.value} gives {found.name}, not a list"
                hint = "Name a list, such as `measure.apps`."
                self.findings.append(
                    self.source.finding(ExpressionTypeError, sentence, loop.each.span.start, hint=hint)
                )
        if loop.until is not None:
            self._condition(task, loop.until, after, "until")

    def _wait(self, task: Task, wait: Waiting, types: Mapping[str, Schema], out: Schema) -> None:
        if wait.at is not None:
            found = self.check(task, wait.at, types, "at")
            if found is not None and found.name not in ("string", "dyn"):
                sentence = f"`at:` of task {task.name.value} gives {found.name}, not a text"
                hint = "Give a moment as RFC 3339 has it, such as `'2026-11-27T03:00:00Z'`."
                self.findings.append(
                    self.source.finding(ExpressionTypeError, sentence, wait.at.span.start, hint=hint)
                )
        if wait.where is not None:
            self._condition(task, wait.where, {**types, EVENT: out}, "where")
        if wait.holds is not None and wait.probe is not None:
            self._condition(task, wait.holds, {**types, PROBE: self.outs.get(wait.probe.value, {})}, "holds")

    # ------------------------------------------------------------------------------------- messages

    def _message(self, task: Task, text: At[str], types: Mapping[str, Schema], key: str) -> None:
        for match in TEMPLATE.finditer(text.value):
            offset = place_in(self.source, text, match.start(1))
            source = match[1].strip()
            start = offset + len(match[1]) - len(match[1].lstrip())
            self.check(task, At(value=source or " ", span=Span(start, start + len(source))), types, key)
        rest = TEMPLATE.sub("", text.value)
        if "{{" in rest or "}}" in rest:
            sentence = f"`{key}:` of task {task.name.value} has `{{{{` without `}}}}`"
            self.findings.append(self.source.finding(ExpressionSyntaxError, sentence, text.span.start))

    def _prompt(self, task: Task, types: Mapping[str, Schema]) -> None:
        """Check what an agent's prose reads; each expression is found again by its own text."""
        if task.prose.count("{{") > TEMPLATES_MAX:
            sentence = f"the prose of task {task.name.value} holds more than {TEMPLATES_MAX} expressions"
            limit = f"{TEMPLATES_MAX} expressions"
            self.findings.append(
                self.source.finding(TooComplexError, sentence, task.name.span.start, limit=limit)
            )
            return
        for match in TEMPLATE.finditer(task.prose):
            start = self.source.text.find(match[0])
            span = Span(start + 2, start + len(match[0]) - 2) if start >= 0 else task.name.span
            self.check(task, At(value=match[1].strip() or " ", span=span), types, "prompt")

    def _one_of(
        self, task: Task, name: str, schema: At[Mapping[str, Any]], types: Mapping[str, Schema]
    ) -> None:
        text = schema.value[ONE_OF]
        found = self.check(task, At(value=str(text), span=schema.span), types, f"out.{name}.{ONE_OF}")
        if found is not None and found.name not in ("list", "dyn"):
            sentence = f"`{ONE_OF}:` of {task.name.value}.{name} gives {found.name}, not a list"
            hint = "Name a list, such as `measure.apps`."
            self.findings.append(
                self.source.finding(ExpressionTypeError, sentence, schema.span.start, hint=hint)
            )

    # --------------------------------------------------------------------------------------- probes

    def _probes(self, task: Task) -> None:
        known = argument_types(self.graph, task, self.outs, self.inputs)
        is_whole = task.text is None and not task.bind
        args: Schema = {"type": "object", "properties": known, "additionalProperties": not is_whole}
        probes: Iterable[tuple[str, Probe | None]] = (
            ("precondition", task.precondition),
            ("verify", task.verify),
        )
        for key, probe in probes:
            if probe is not None:
                types = {"args": args, PROBE: self.outs.get(probe.probe.value, {})}
                self._probe(task, key, probe, types)

    def _probe(self, task: Task, key: str, probe: Probe, types: Mapping[str, Schema]) -> None:
        try:
            roots = {name.partition(".")[0] for name in free_names(probe.holds.value)}
        except ExpressionError:
            roots = set()
        foreign = sorted((roots & self.graph.tasks.keys()) - types.keys())
        if foreign:
            sentence = f"`{key}:` of task {task.name.value} reads `{foreign[0]}`; it knows `args` and `probe`"
            offset = self._offset_of(probe.holds, foreign[0])
            hint = "`probe` is the new reading; `args` are the arguments of the task. "
            self.findings.append(
                self.source.finding(UnknownNameError, sentence, offset, hint=hint, known="args, probe")
            )
            return
        self._condition(task, probe.holds, types, key)


def _arguments(task: Task) -> Iterable[tuple[str, Mapping[str, Argument]]]:
    yield from (("args", task.args), ("bind", task.bind))
    if task.callee is not None:
        yield "with", task.callee.inputs
    if task.notice is not None and task.notice.emit is not None:
        yield "data", task.notice.emit.data
