"""A command task against the manifest of its tool: name, effect class, arguments, grant."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from midwatch.base.classes import EffectClass
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ToolName
from midwatch.effects.manifest import Manifest
from midwatch.plan.errors import (
    ArgumentError,
    DeclassifyError,
    EffectMismatchError,
    ManifestError,
    NoApprovalError,
    NoUndoError,
    NoVerifyError,
    ProbeError,
    TimeoutWarningError,
    ToolNotGrantedError,
    UndoError,
    UnknownToolError,
)
from midwatch.plan.labels import is_bounded
from midwatch.runbook.cel.fit import mismatch
from midwatch.runbook.cel.schema import (
    Schema,
    coerce,
    is_closed,
    properties_of,
    schema_fault,
    validate,
)
from midwatch.runbook.cel.types import did_you_mean
from midwatch.runbook.errors import MissingKeyError, TimeoutActsError, ValueMismatchError
from midwatch.runbook.expr import check
from midwatch.runbook.graph import Graph, graph_of, inputs_schema, needed, out_schema, scope_types
from midwatch.runbook.lint.approvals import acting_after, acts
from midwatch.runbook.model import Argument, At, Kind, Runbook, Task
from midwatch.runbook.source import Finding, Severity, Span

Manifests = Mapping[ToolName, Manifest]


def outs_with(
    graph: Graph, manifests: Manifests, called: Mapping[str, Schema] | None = None
) -> dict[str, Schema]:
    """Return the output schema of each task, of one item or round.

    A command's own stands within what its tool's manifest declares; a wait for a probe gives the reading.

    Args:
        graph: of the runbook.
        manifests: every declared tool.
        called: output schema of each call task, from the called runbook.
    """
    outs: dict[str, Schema] = {}
    for name, task in graph.tasks.items():
        own = out_schema(task)
        manifest = manifests.get(ToolName(task.tool.value)) if task.tool else None
        if task.kind is Kind.CALL:
            outs[name] = (called or {}).get(name, {})
        elif manifest is None or not manifest.out or task.kind is not Kind.COMMAND:
            outs[name] = own
        elif own:
            outs[name] = {**manifest.out, "properties": {**properties_of(manifest.out), **properties_of(own)}}
        else:
            outs[name] = manifest.out
    for name, task in graph.tasks.items():
        if task.wait is not None and task.wait.probe is not None:
            outs[name] = outs.get(task.wait.probe.value, {})
    return outs


def is_acting(task: Task, manifests: Manifests) -> bool:
    """Return whether a task may change something; a tool without manifest counts by what the task says."""
    if task.kind is not Kind.COMMAND or task.tool is None:
        return False
    manifest = manifests.get(ToolName(task.tool.value))
    effect = manifest.effect if manifest else task.effect.value if task.effect else EffectClass.READ
    return effect is not EffectClass.READ


def tool_findings(
    runbook: Runbook, manifests: Manifests, called: Mapping[str, Schema] | None = None
) -> list[Finding]:
    """Return what is wrong between the tasks of a runbook and the tools that they call."""
    graph = graph_of(runbook)
    outs = outs_with(graph, manifests, called)
    checker = _Checker(
        runbook=runbook, graph=graph, manifests=manifests, outs=outs, inputs=inputs_schema(runbook.header)
    )
    checker.grant()
    for task in graph.tasks.values():
        checker.task(task)
    return checker.findings


@dataclass(slots=True, kw_only=True)
class _Checker:
    runbook: Runbook
    graph: Graph
    manifests: Manifests
    outs: Mapping[str, Schema]
    inputs: Schema
    findings: list[Finding] = field(default_factory=list)

    def report(
        self,
        kind: type[MidwatchError],
        sentence: str,
        span: Span,
        severity: Severity = Severity.ERROR,
        **facts: str | int,
    ) -> None:
        self.findings.append(self.runbook.source.finding(kind, sentence, span.start, severity, **facts))

    def task(self, task: Task) -> None:
        name = task.name.value
        for at in (*task.tools, *((task.tool,) if task.tool else ())):
            self._granted(name, at)
        for at in task.declassify:
            self._declassified(task, at)
        for key, at in (
            ("precondition.probe", task.precondition.probe if task.precondition else None),
            ("verify.probe", task.verify.probe if task.verify else None),
            ("probe", task.wait.probe if task.wait else None),
        ):
            other = self.graph.tasks.get(at.value) if at else None
            if at is not None and other is not None:
                self._probed(name, key, at, other)
        if task.on_fail is not None and task.on_fail.value == "undo" and task.undo is None:
            self._undone_above(task, task.on_fail)
        if task.ask is not None:
            self._silence(task)
        manifest = self.manifests.get(ToolName(task.tool.value)) if task.tool else None
        if manifest is not None and task.kind is Kind.COMMAND:
            self._command(task, manifest)

    def _probed(self, name: str, key: str, at: At[str], other: Task) -> None:
        if other.kind is not Kind.COMMAND or is_acting(other, self.manifests):
            sentence = f"`{key}` of task {name} is {at.value}, which doesn't only read"
            self.report(ProbeError, sentence, at.span)
        elif other.loop is not None:
            sentence = f"`{key}` of task {name} is {at.value}, which gives no single reading: it has a loop"
            self.report(ProbeError, sentence, at.span)

    def _undone_above(self, task: Task, at: At[str]) -> None:
        """Check that `on_fail: undo` of a task without an undo has something above to take back."""
        above = (self.graph.tasks[name] for name in self.graph.above[task.name.value])
        if not any(one.undo is not None for one in above):
            sentence = f"task {task.name.value} says `on_fail: undo`; neither it nor a task above has an undo"
            self.report(UndoError, sentence, at.span, hint="Add `undo:`, or let `on_fail:` name a task.")

    # -------------------------------------------------------------------------------- grant, effect

    def grant(self) -> None:
        """Warn of tools that the header grants and nobody declares: a typo, or a manifest left behind."""
        for at in self.runbook.header.tools if self.runbook.header else ():
            if ToolName(at.value) not in self.manifests:
                self._unknown(
                    f"the header grants `{at.value}`, which no manifest declares", at, Severity.WARNING
                )

    def _unknown(self, sentence: str, at: At[str], severity: Severity) -> None:
        known = sorted(self.manifests)
        hint = did_you_mean(at.value, known)
        facts = {"hint": hint, "tool": at.value, "known": ", ".join(known) or "none"}
        self.report(UnknownToolError, sentence, at.span, severity, **facts)

    def _granted(self, name: str, at: At[str]) -> None:
        if ToolName(at.value) not in self.manifests:
            sentence = f"task {name} calls `{at.value}`, which no manifest declares"
            self._unknown(sentence, at, Severity.ERROR)
            return
        granted = [tool.value for tool in self.runbook.header.tools] if self.runbook.header else []
        if at.value not in granted:
            sentence = f"task {name} calls `{at.value}`, which the header doesn't grant"
            self.report(ToolNotGrantedError, sentence, at.span, tool=at.value)

    def _command(self, task: Task, manifest: Manifest) -> None:
        name = task.name.value
        fault = schema_fault(manifest.arguments) or (schema_fault(manifest.out) if manifest.out else "")
        if fault:
            sentence = f"the manifest of {manifest.tool} has a wrong schema: {fault}"
            self.report(
                ManifestError, sentence, task.tool.span if task.tool else task.span, tool=manifest.tool
            )
            return
        if not self.outs[name]:
            sentence = (
                f"task {name} lacks `out:`, and the manifest of {manifest.tool} declares no output either"
            )
            self.report(
                MissingKeyError,
                sentence,
                task.name.span,
                key="out",
                example="out: {used_pct: {type: number}}",
            )
        elif is_closed(manifest.out):
            for field_name, at in task.out.items():
                if field_name not in properties_of(manifest.out):
                    known = list(properties_of(manifest.out))
                    hint = f"{did_you_mean(field_name, known)}It gives: {', '.join(known)}."
                    self.report(ArgumentError, f"{manifest.tool} gives no `{field_name}`", at.span, hint=hint)
        self._effect(task, manifest)
        self._arguments(task, manifest)
        if task.timeout_ms is not None and task.timeout_ms.value > manifest.timeout_ms:
            sentence = (
                f"task {name} asks for {task.timeout_ms.value} ms; {manifest.tool} has {manifest.timeout_ms}"
            )
            self.report(
                TimeoutWarningError,
                sentence,
                task.timeout_ms.span,
                Severity.WARNING,
                limit_ms=manifest.timeout_ms,
            )
        if manifest.effect is not EffectClass.READ:
            self._acting(task, manifest)

    def _effect(self, task: Task, manifest: Manifest) -> None:
        says = task.effect.value if task.effect else EffectClass.READ
        if says is not manifest.effect:
            span = task.effect.span if task.effect else task.tool.span if task.tool else task.span
            sentence = (
                f"task {task.name.value} says `effect: {says}`, but {manifest.tool} is `{manifest.effect}`"
            )
            if task.effect is None:
                sentence = f"task {task.name.value} doesn't say that {manifest.tool} is `{manifest.effect}`"
            self.report(EffectMismatchError, sentence, span, declared=manifest.effect.value)

    def _acting(self, task: Task, manifest: Manifest) -> None:
        name = task.name.value
        if task.verify is None:
            probe = next(
                (
                    other
                    for other in self.graph.tasks
                    if not is_acting(self.graph.tasks[other], self.manifests)
                ),
                "measure",
            )
            self.report(
                NoVerifyError, f"task {name} acts, and nothing verifies it", task.name.span, probe=probe
            )
        if manifest.effect is EffectClass.IRREVERSIBLE and not self._is_asked_for(task):
            sentence = f"task {name} is irreversible, and no approval above it asks for it"
            self.report(NoApprovalError, sentence, task.name.span, task=name)
        if manifest.effect is EffectClass.WRITE and task.undo is None and not self.graph.is_undo(task):
            hint = f" that calls `{manifest.undone_by}`" if manifest.undone_by else ""
            self.report(
                NoUndoError, f"task {name} writes, and nothing takes it back", task.name.span, hint=hint
            )
        undo = self.graph.tasks.get(task.undo.value) if task.undo else None
        if task.undo is not None and undo is not None and not is_acting(undo, self.manifests):
            hint = "An undo calls a tool that writes."
            self.report(
                UndoError, f"undo task {undo.name.value} of {name} changes nothing", task.undo.span, hint=hint
            )
        if task.undo is not None and self.graph.is_undo(task):
            hint = "Take `undo:` out of the undo task."
            self.report(UndoError, f"undo task {name} has an undo itself", task.undo.span, hint=hint)

    def _is_asked_for(self, task: Task) -> bool:
        """Return whether every way to a task leads through an approval that names it."""

        def passes(name: str, seen: frozenset[str]) -> bool:
            one = self.graph.tasks.get(name)
            if one is None or name in seen:
                return False
            if one.ask is not None and (
                not one.ask.actions or any(action.value == task.name.value for action in one.ask.actions)
            ):
                return True
            ways = [passes(need.value, seen | {name}) for need in one.needs]
            return sum(ways) > len(ways) - needed(one.join, len(ways)) and bool(ways)

        return passes(task.name.value, frozenset())

    def _silence(self, task: Task) -> None:
        acting = frozenset(
            name for name, other in self.graph.tasks.items() if is_acting(other, self.manifests)
        )
        said = frozenset(name for name in acting if acts(self.graph.tasks[name]))
        ask = task.ask
        routes = (("on_timeout", ask.on_timeout), ("on_deny", ask.on_deny)) if ask else ()
        for key, at in routes:
            found = acting_after(self.graph, at.value, acting) if at is not None else ""
            if at is not None and found and found not in said:
                self.report(
                    TimeoutActsError,
                    f"`{key}:` of approval {task.name.value} leads to {found}, which acts",
                    at.span,
                )

    def _declassified(self, task: Task, at: At[str]) -> None:
        fields = properties_of(self.outs[task.name.value])
        if at.value not in fields:
            hint = did_you_mean(at.value, fields)
            sentence = (
                f"task {task.name.value} declassifies `{at.value}`, which it doesn't give. {hint}".strip()
            )
            self.report(DeclassifyError, sentence, at.span)
        elif not is_bounded(fields[at.value]):
            sentence = f"task {task.name.value} declassifies `{at.value}`, whose schema doesn't bound it"
            self.report(DeclassifyError, sentence, at.span)

    # ------------------------------------------------------------------------------------ arguments

    def _arguments(self, task: Task, manifest: Manifest) -> None:
        given = self._given(task, manifest)
        known = properties_of(manifest.arguments)
        place = task.tool.span if task.tool else task.span
        for name in sorted(set(manifest.arguments.get("required", ())) - given.keys()):
            hint = f"Add `args: {{{name}: …}}`."
            if name == manifest.text_argument:
                hint = "Put the command into a fence below the task's block, after a line of prose."
            self.report(
                ArgumentError,
                f"task {task.name.value} doesn't give `{name}` to {manifest.tool}",
                place,
                hint=hint,
            )
        for name, argument in task.args.items():
            if name not in known and (is_closed(manifest.arguments) or not known):
                hint = f"{did_you_mean(name, known)}It takes: {', '.join(known) or 'nothing'}."
                self.report(
                    ArgumentError, f"{manifest.tool} takes no argument `{name}`", argument.span, hint=hint
                )
            else:
                self._fits(task, manifest, name, argument)

    def _given(self, task: Task, manifest: Manifest) -> dict[str, Span]:
        given = {name: argument.span for name, argument in task.args.items()}
        if task.text is not None:
            if not manifest.text_argument:
                hint = "Take the fence out, or say what it is for in a table or a list."
                self.report(
                    ArgumentError,
                    f"{manifest.tool} takes no text, but task {task.name.value} has a fence",
                    task.text.span,
                    hint=hint,
                )
            elif manifest.text_argument in given:
                hint = f"Keep the fence or `args: {{{manifest.text_argument}: …}}`."
                self.report(
                    ArgumentError, f"`{manifest.text_argument}` is given twice", task.text.span, hint=hint
                )
            else:
                given[manifest.text_argument] = task.text.span
                self._literal(
                    task,
                    manifest,
                    manifest.text_argument,
                    Argument(span=task.text.span, value=task.text.value),
                )
        if task.bind:
            span = next(iter(task.bind.values())).span
            if not manifest.bound_argument:
                self.report(
                    ArgumentError,
                    f"{manifest.tool} takes no bound values",
                    span,
                    hint="Give them under `args:`.",
                )
            else:
                given[manifest.bound_argument] = span
        return given

    def _fits(self, task: Task, manifest: Manifest, name: str, argument: Argument) -> None:
        if not argument.source:
            self._literal(task, manifest, name, argument)
            return
        types = scope_types(self.graph, task, self.outs, self.inputs)
        try:
            found = check(argument.source, types)
        except MidwatchError:
            return  # reported with the expressions
        fault = mismatch(found.schema, properties_of(manifest.arguments).get(name, {}), name)
        if fault:
            hint = "Give what the manifest declares; see `arguments` there."
            self.report(
                ArgumentError,
                f"`{argument.source}` doesn't fit {manifest.tool}: {fault}",
                argument.span,
                hint=hint,
            )

    def _literal(self, task: Task, manifest: Manifest, name: str, argument: Argument) -> None:
        schema = properties_of(manifest.arguments).get(name, {})
        try:
            validate(schema, coerce(schema, argument.value), what=f"`{name}` of task {task.name.value}")
        except ValueMismatchError as error:
            hint = "Give what the manifest declares; see `arguments` there."
            self.report(ArgumentError, error.sentence, argument.span, hint=hint)
