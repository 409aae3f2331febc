"""Expressions, each checked against what it may read at its place."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.errors import MidwatchError
from midwatch.runbook.cel.evaluation import free_names
from midwatch.runbook.cel.schema import ONE_OF, Schema
from midwatch.runbook.cel.types import CelType, check
from midwatch.runbook.errors import (
    ExpressionError,
    ExpressionSyntaxError,
    ExpressionTypeError,
    NotAboveError,
    UnknownNameError,
)
from midwatch.runbook.graph import Graph, scope_types
from midwatch.runbook.lint.tables import columns
from midwatch.runbook.model import At, Kind, Probe, Task
from midwatch.runbook.source import Finding, Source, Span

TEMPLATE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def expression_findings(
    source: Source, graph: Graph, outs: Mapping[str, Schema], inputs: Schema
) -> list[Finding]:
    """Return what is wrong with the expressions of a runbook."""
    checker = _Checker(source=source, graph=graph, outs=outs, inputs=inputs)
    for task in graph.tasks.values():
        checker.task(task)
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
        types = scope_types(self.graph, task, self.outs, self.inputs)
        own = {**types, task.name.value: self.outs.get(task.name.value, {})}
        if task.when is not None:
            self._condition(task, task.when, types, "when")
        for outcome, at in task.ends.items():
            self._condition(task, at, own, f"ends.{outcome}")
        for key, arguments in (("args", task.args), ("bind", task.bind)):
            for name, argument in arguments.items():
                if argument.source:
                    self.check(task, At(value=argument.source, span=argument.span), types, f"{key}.{name}")
        if task.ask is not None and task.ask.question is not None:
            self._question(task, task.ask.question, types)
        for name, schema in task.out.items():
            if ONE_OF in schema.value:
                self._one_of(task, name, schema, types)
        if task.kind is Kind.DECISION:
            for text, offset in columns(task):
                self.check(task, At(value=text, span=Span(offset, offset + len(text))), types, "a column")
        if task.precondition is not None or task.verify is not None:
            self._probes(task)

    def check(self, task: Task, at: At[str], types: Mapping[str, Schema], key: str) -> CelType | None:
        """Return the type of an expression, or None where it is wrong, which is reported."""
        try:
            roots = {name.partition(".")[0] for name in free_names(at.value)} - types.keys()
            if roots & self.graph.lost:
                return None
            outside = sorted(roots & self.graph.tasks.keys())
            if outside:
                self._not_above(task, at, outside[0])
                return None
            return check(at.value, types)
        except ExpressionError as error:
            place = place_in(self.source, at, int(error.facts.get("offset", 0)))
            facts: dict[str, Any] = dict(error.facts)
            sentence = f"`{key}:` of task {task.name.value}: {error.sentence}"
            if isinstance(error, ExpressionSyntaxError) and key.startswith(("args", "bind")):
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
        if found is not None and found.name not in ("bool", "dyn"):
            sentence = f"`{key}:` of task {task.name.value} gives {found.name}, not true or false"
            hint = "Write a comparison, such as `measure.used_pct > 80.0`."
            self.findings.append(self.source.finding(ExpressionTypeError, sentence, at.span.start, hint=hint))

    def _question(self, task: Task, question: At[str], types: Mapping[str, Schema]) -> None:
        for match in TEMPLATE.finditer(question.value):
            offset = place_in(self.source, question, match.start(1))
            source = match[1].strip()
            start = offset + len(match[1]) - len(match[1].lstrip())
            self.check(
                task, At(value=source or " ", span=Span(start, start + len(source))), types, "question"
            )
        rest = TEMPLATE.sub("", question.value)
        if "{{" in rest or "}}" in rest:
            sentence = f"`question:` of task {task.name.value} has `{{{{` without `}}}}`"
            self.findings.append(self.source.finding(ExpressionSyntaxError, sentence, question.span.start))

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
                types = {"args": args, "probe": self.outs.get(probe.probe.value, {})}
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
