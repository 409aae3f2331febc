"""From a runbook to a plan so complete that running it makes no choices.

What an approval's `approvers:` and `sla:` mean: they are its ladder. Each of them holds the question for
`sla`, in their order, over the channels that the header's ladder gives for the same name. An approval
without `approvers:` takes the header's ladder as it is. It expires when the last rung does, unless
`expires:` says later.

The program digest leaves out what only people read: title, version, prose (except an agent's prompt)
and the document's digest.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from midwatch.base.canonical import digest
from midwatch.base.ids import Digest, TaskName, ToolName
from midwatch.base.labels import TRUSTED, Label, join
from midwatch.base.units import DurationMs
from midwatch.plan.codec import plan_record
from midwatch.plan.errors import RunbookRefusedError
from midwatch.plan.labels import Labels
from midwatch.plan.model import (
    SEMANTICS,
    Aggregate,
    HitPolicy,
    Plan,
    PlanApproval,
    PlanBudget,
    PlanProbe,
    PlanRetry,
    PlanRung,
    PlanTable,
    PlanTask,
    PlanTool,
    TaskKind,
)
from midwatch.plan.tools import Manifests, outs_with, tool_findings
from midwatch.runbook.cel.schema import ONE_OF, Schema, coerce, properties_of
from midwatch.runbook.graph import graph_of, inputs_schema
from midwatch.runbook.lint.document import lint_document
from midwatch.runbook.model import Ask, Header, Kind, Probe, Runbook, Task
from midwatch.runbook.source import Finding, Severity
from midwatch.runbook.table import read_table

DEFAULT_TIMEOUT_MS = DurationMs(30_000)


def compile_plan(runbook: Runbook, manifests: Manifests) -> Plan:
    """Return the plan of a runbook that was parsed without errors.

    Raises:
        RunbookRefusedError: MW192, with the first error's sentence, place and excerpt.
    """
    findings = compile_findings(runbook, manifests)
    refuse(runbook.source.name, findings)
    return build(runbook, manifests)


def compile_findings(runbook: Runbook, manifests: Manifests) -> list[Finding]:
    """Return what keeps a runbook from being compiled, and warnings: the document's own and the tools'."""
    outs = outs_with(graph_of(runbook), manifests)
    findings = lint_document(runbook, outs)
    if runbook.header is not None:
        findings.extend(tool_findings(runbook, manifests))
    return findings


def refuse(name: str, findings: list[Finding]) -> None:
    """Raise for the first error among findings.

    Raises:
        RunbookRefusedError: MW192.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        first = min(errors, key=lambda finding: (finding.line, finding.column))
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise RunbookRefusedError(
            f"{name} can't be run: {first.code}: {first.sentence}{more}",
            place=first.place,
            excerpt=first.excerpt,
            name=name,
            errors=len(errors),
        )


def build(runbook: Runbook, manifests: Manifests) -> Plan:
    """Return the plan of a runbook without errors.

    Raises:
        RunbookRefusedError: MW192, it has no header.
    """
    header = runbook.header
    if header is None or not runbook.tasks:
        lacks = "header" if header is None else "task"
        raise RunbookRefusedError(
            f"{runbook.source.name} can't be run: it has no {lacks}",
            place=runbook.source.place(0),
            name=runbook.source.name,
            errors=1,
        )
    builder = _Builder(runbook, header, manifests)
    plan = Plan(
        semantics=SEMANTICS,
        runbook=header.id.value,
        version=header.version,
        title=header.title,
        owner=header.owner,
        document=runbook.source.digest,
        program=Digest(""),
        mode=header.mode,
        inputs=inputs_schema(header),
        tools=tuple(ToolName(tool.value) for tool in header.tools),
        budget=_budget(header),
        ladder=_header_ladder(header),
        tasks=tuple(builder.task(task) for task in runbook.tasks),
    )
    return replace(plan, program=program_digest(plan))


def program_digest(plan: Plan) -> Digest:
    """Return the digest over what the machine executes, whatever the prose around it says."""
    record = plan_record(plan)
    for name in ("document", "program", "title", "version"):
        del record[name]
    for task in record["tasks"]:
        del task["title"]
        if task["kind"] != TaskKind.AGENT:
            del task["prose"]
    return digest(record)


def _budget(header: Header) -> PlanBudget:
    caps = header.budget
    return PlanBudget(
        usd_micro=caps.usd_micro,
        tokens=caps.tokens,
        working_time_ms=caps.working_time_ms,
        tool_calls=caps.tool_calls,
        effects=caps.effects,
    )


def _header_ladder(header: Header) -> tuple[PlanRung, ...]:
    return tuple(
        PlanRung(ask=rung.ask.value, within_ms=rung.within_ms, via=rung.via) for rung in header.ladder
    )


class _Builder:
    """Compiles the tasks of one runbook."""

    def __init__(self, runbook: Runbook, header: Header, manifests: Manifests) -> None:
        self._source = runbook.source
        self._ladder = _header_ladder(header)
        self._manifests = manifests
        self._graph = graph_of(runbook)
        self._outs = outs_with(self._graph, manifests)
        self._labels = Labels(self._graph, manifests, self._outs)

    def task(self, task: Task) -> PlanTask:
        name = task.name.value
        return PlanTask(
            name=TaskName(name),
            title=task.title,
            kind=TaskKind(task.kind.value),
            prose=task.prose,
            needs=tuple(TaskName(need.value) for need in task.needs),
            join=task.join,
            when=task.when.value if task.when else "",
            guard=self._labels.guard(task),
            call=self._call(task) if task.kind is Kind.COMMAND else None,
            table=self._table(task) if task.kind is Kind.DECISION else None,
            approval=self._approval(task, task.ask) if task.ask else None,
            out=_plan_schema(self._outs[name]),
            precondition=_probe(task.precondition),
            verify=_probe(task.verify),
            undo=TaskName(task.undo.value) if task.undo else None,
            is_undo=self._graph.is_undo(task),
            is_routed=name in self._graph.routed,
            retry=PlanRetry(attempts_max=task.retry_max, backoff_ms=task.backoff_ms),
            on_fail=task.on_fail.value if task.on_fail else "",
            ends={outcome.value: at.value for outcome, at in task.ends.items()},
            sla_ms=task.sla_ms or DurationMs(0),
        )

    def _call(self, task: Task) -> PlanTool:
        assert task.tool is not None, "a command without a tool was refused"
        manifest = self._manifests[ToolName(task.tool.value)]
        schemas = properties_of(manifest.arguments)
        literals: dict[str, Any] = {
            name: coerce(schemas.get(name, {}), argument.value)
            for name, argument in task.args.items()
            if not argument.source
        }
        if task.text is not None:
            literals[manifest.text_argument] = task.text.value
        args = {name: argument.source for name, argument in task.args.items() if argument.source}
        bind = {name: argument.source or _written(argument.value) for name, argument in task.bind.items()}
        labels: dict[str, Label] = dict.fromkeys(literals, TRUSTED)
        labels.update({name: self._labels.of_source(source) for name, source in args.items()})
        if bind:
            labels[manifest.bound_argument] = join(self._labels.of_source(source) for source in bind.values())
        own_ms = task.timeout_ms.value if task.timeout_ms else manifest.timeout_ms
        return PlanTool(
            tool=manifest.tool,
            manifest=manifest.digest,
            effect=manifest.effect,
            retry=manifest.retry,
            args=args,
            literals=literals,
            bind=bind,
            bound_argument=manifest.bound_argument if bind else "",
            labels=labels,
            target=manifest.target,
            timeout_ms=DurationMs(min(own_ms, manifest.timeout_ms)),
        )

    def _table(self, task: Task) -> PlanTable:
        table, _ = read_table(self._source, task)
        assert table is not None, "a decision without a table was refused"
        return PlanTable(
            hit=HitPolicy(table.hit),
            inputs=tuple(column.value for column in table.inputs),
            outputs=table.outputs,
            rows=tuple(
                (tuple(cell.text for cell in cells), values)
                for cells, values in zip(table.tests, table.values, strict=True)
            ),
            aggregate=Aggregate(table.aggregate) if table.aggregate else None,
            default=table.default,
            priorities=table.priorities,
        )

    def _approval(self, task: Task, ask: Ask) -> PlanApproval:
        channels = {rung.ask: rung.via for rung in self._ladder}
        sla_ms = task.sla_ms or DurationMs(0)
        ladder = tuple(
            PlanRung(ask=who.value, within_ms=sla_ms, via=channels.get(who.value, ()))
            for who in ask.approvers
        )
        ladder = ladder or self._ladder
        return PlanApproval(
            actions=tuple(TaskName(action.value) for action in ask.actions),
            question=ask.question.value if ask.question else task.title,
            ladder=ladder,
            expires_ms=ask.expires_ms or DurationMs(sum(rung.within_ms for rung in ladder)),
            on_timeout=TaskName(ask.on_timeout.value) if ask.on_timeout else None,
            on_deny=TaskName(ask.on_deny.value) if ask.on_deny else None,
        )


def _probe(probe: Probe | None) -> PlanProbe | None:
    if probe is None:
        return None
    return PlanProbe(
        probe=TaskName(probe.probe.value),
        holds=probe.holds.value,
        for_ms=probe.for_ms,
        within_ms=probe.within_ms,
    )


def _written(value: Any) -> str:
    """Return a plain value as CEL, so that every bound value is one expression."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        case list():
            return f"[{', '.join(map(_written, value))}]"
        case _:
            return "{" + ", ".join(f"{_written(key)}: {_written(item)}" for key, item in value.items()) + "}"


def _plan_schema(schema: Schema) -> Mapping[str, Any]:
    """Return the schema as the plan carries it: our own keyword under a name that validators pass over."""
    fields = properties_of(schema)
    if not any(ONE_OF in field for field in fields.values()):
        return schema
    renamed = {
        name: {f"x-{key}" if key == ONE_OF else key: value for key, value in field.items()}
        for name, field in fields.items()
    }
    return {**schema, "properties": renamed}
