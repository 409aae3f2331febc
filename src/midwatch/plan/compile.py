"""From a runbook to a plan so complete that running it makes no choices.

What an approval's `approvers:` and `sla:` mean: they are its ladder. Each of them holds the question for
`sla`, in their order, over the channels that the header's ladder gives for the same name. An approval
without `approvers:` takes the header's ladder as it is. It expires when the last rung does, unless
`expires:` says later.

The program digest leaves out what only people read: title, version, prose (except an agent's prompt)
and the document's digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from midwatch.base.canonical import digest
from midwatch.base.classes import Confidentiality, Integrity
from midwatch.base.ids import Digest, TaskName, ToolName
from midwatch.base.labels import TRUSTED, Label, join
from midwatch.base.units import DurationMs
from midwatch.plan.codec import plan_digest, plan_record
from midwatch.plan.errors import RunbookRefusedError
from midwatch.plan.labels import SECRET_FORMAT, Labels
from midwatch.plan.model import (
    SEMANTICS,
    Aggregate,
    HitPolicy,
    OnStop,
    Plan,
    PlanCallee,
    PlanTable,
    PlanTask,
    PlanTool,
    TaskKind,
)
from midwatch.plan.parts.build import (
    included,
    plan_approval,
    plan_budget,
    plan_callee,
    plan_hand,
    plan_ladder,
    plan_loop,
    plan_notice,
    plan_probe,
    plan_retry,
    plan_wait,
)
from midwatch.plan.parts.callees import Called, called_outs, run_schema
from midwatch.plan.parts.prompt import canonical_prompt
from midwatch.plan.tools import Manifests, outs_with
from midwatch.runbook.cel.schema import ONE_OF, Schema, coerce, properties_of
from midwatch.runbook.graph import graph_of, inputs_schema
from midwatch.runbook.lint.loops import items_max
from midwatch.runbook.model import Header, Kind, Runbook, Task
from midwatch.runbook.source import Finding, Severity
from midwatch.runbook.table import read_table

DEFAULT_TIMEOUT_MS = DurationMs(30_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A plan, and those of all runbooks that it calls: what is stored when it is started."""

    plan: Plan
    callees: Mapping[Digest, Plan] = field(default_factory=dict)
    """Each plan by its digest: of what it calls, of what that calls, and so on."""


def refuse(name: str, findings: list[Finding]) -> None:
    """Raise for the first error among findings.

    Raises:
        RunbookRefusedError: MW192.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        first = min(errors, key=lambda finding: finding.offset)
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise RunbookRefusedError(
            f"{name} can't be run: {first.code}: {first.sentence}{more}",
            place=first.place,
            excerpt=first.excerpt,
            name=name,
            errors=len(errors),
        )


def build(
    runbook: Runbook,
    manifests: Manifests,
    called: Mapping[str, Called] | None = None,
    inputs: Mapping[str, Label] | None = None,
    *,
    guard: Label = TRUSTED,
) -> Compiled:
    """Return the plan of a runbook without errors, with those that it calls.

    Args:
        runbook: without errors.
        manifests: every declared tool.
        called: name of each call task to the runbook that it calls.
        inputs: for a runbook that is called: label of each value that its caller hands over.
        guard: for a runbook that is called: label of what led to the call.

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
    given = {**secret_labels(header), **(inputs or {})}
    builder = _Builder(runbook, header, manifests, called or {}, given, guard=guard)
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
        budget=plan_budget(header.budget),
        ladder=plan_ladder(header.ladder),
        tasks=tuple(builder.task(task) for task in runbook.tasks),
        out=run_schema(header) if header.out else {},
        values={name: at.value for name, at in header.values.items()},
        on_stop=OnStop(header.on_stop.value),
        includes=included(runbook),
    )
    return Compiled(plan=replace(plan, program=program_digest(plan)), callees=builder.callees)


def secret_labels(header: Header) -> dict[str, Label]:
    """Return the label of each input whose value is the handle of a secret."""
    secret = Label(integrity=Integrity.OPERATOR, confidentiality=Confidentiality.SECRET)
    return {name: secret for name, at in header.inputs.items() if at.value.get("format") == SECRET_FORMAT}


def program_digest(plan: Plan) -> Digest:
    """Return the digest over what the machine executes, whatever the prose around it says."""
    record = plan_record(plan)
    for name in ("document", "program", "title", "version"):
        del record[name]
    for task in record["tasks"]:
        del task["title"]
        if task["kind"] == TaskKind.AGENT:
            task["prose"] = canonical_prompt(task["prose"])
        else:
            del task["prose"]
    return digest(record)


class _Builder:
    """Compiles the tasks of one runbook."""

    def __init__(
        self,
        runbook: Runbook,
        header: Header,
        manifests: Manifests,
        called: Mapping[str, Called],
        inputs: Mapping[str, Label],
        *,
        guard: Label,
    ) -> None:
        self.callees: dict[Digest, Plan] = {}
        self._source = runbook.source
        self._ladder = plan_ladder(header.ladder)
        self._manifests = manifests
        self._called = called
        self._graph = graph_of(runbook)
        self._outs = outs_with(self._graph, manifests, called_outs(called))
        self._inputs = inputs_schema(header)
        self._labels = Labels(self._graph, manifests, self._outs, called, inputs, guard=guard)

    def task(self, task: Task) -> PlanTask:
        name = task.name.value
        out = self._outs[name]
        if task.callee is not None:
            out = run_schema(self._called[name].header)
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
            approval=plan_approval(task, task.ask, self._ladder) if task.ask else None,
            out=_plan_schema(out),
            precondition=plan_probe(task.precondition),
            verify=plan_probe(task.verify),
            undo=TaskName(task.undo.value) if task.undo else None,
            is_undo=self._graph.is_undo(task),
            is_routed=name in self._graph.routed,
            retry=plan_retry(task),
            loop=plan_loop(task, items_max(self._graph, task, self._outs, self._inputs)),
            wait=plan_wait(task),
            callee=self._callee(task),
            notice=plan_notice(task),
            hand=plan_hand(task, self._ladder),
            tools=tuple(ToolName(tool.value) for tool in task.tools),
            budget=plan_budget(task.budget) if task.kind is Kind.AGENT else None,
            timeout_ms=task.timeout_ms.value
            if task.timeout_ms and task.kind is not Kind.COMMAND
            else DurationMs(0),
            is_finally=task.finally_at is not None,
            on_fail=task.on_fail.value if task.on_fail else "",
            ends={outcome.value: at.value for outcome, at in task.ends.items()},
            sla_ms=task.sla_ms or DurationMs(0),
        )

    def _callee(self, task: Task) -> PlanCallee | None:
        if task.callee is None:
            return None
        called = self._called[task.name.value]
        given = self._labels.of_arguments(task.callee.inputs, task)
        compiled = build(called.runbook, self._manifests, called.below, given, guard=self._labels.guard(task))
        name = plan_digest(compiled.plan)
        self.callees.update({**compiled.callees, name: compiled.plan})
        return plan_callee(task.callee, called.header, name)

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
        labels.update({name: self._labels.of_source(source, task) for name, source in args.items()})
        if bind:
            bound = (self._labels.of_source(source, task) for source in bind.values())
            labels[manifest.bound_argument] = join(bound)
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
