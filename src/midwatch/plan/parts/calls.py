"""What a call hands over, against the inputs of the runbook that is called."""

from collections.abc import Iterable, Mapping

from midwatch.base.errors import MidwatchError
from midwatch.plan.errors import CalleeError
from midwatch.plan.parts.callees import Called
from midwatch.runbook.cel.fit import mismatch
from midwatch.runbook.cel.schema import Schema, coerce, properties_of, validate
from midwatch.runbook.cel.types import check, did_you_mean
from midwatch.runbook.errors import ValueMismatchError
from midwatch.runbook.graph import Graph, inputs_schema, scope_types
from midwatch.runbook.model import Argument, Callee, Runbook, Task
from midwatch.runbook.source import Finding, Source, Span


def call_findings(
    runbook: Runbook, graph: Graph, outs: Mapping[str, Schema], called: Mapping[str, Called]
) -> list[Finding]:
    """Return what is wrong with the values that are handed over to called runbooks."""
    found: list[Finding] = []
    for name, one in called.items():
        task = graph.tasks[name]
        if task.callee is not None:
            types = scope_types(graph, task, outs, inputs_schema(runbook.header))
            found.extend(_given(runbook.source, task, task.callee, types, inputs_schema(one.header)))
    return found


def _given(
    source: Source, task: Task, callee: Callee, types: Mapping[str, Schema], wanted: Schema
) -> Iterable[Finding]:
    name, known = task.name.value, properties_of(wanted)

    def fault(sentence: str, span: Span, hint: str) -> Finding:
        return source.finding(CalleeError, sentence, span.start, hint=hint)

    for key in wanted.get("required", ()):
        if key not in callee.inputs:
            sentence = f"task {name} doesn't give `{key}` to {callee.runbook.value}"
            yield fault(sentence, callee.runbook.span, f"Add `with: {{{key}: …}}`.")
    for key, argument in callee.inputs.items():
        if key not in known:
            hint = f"{did_you_mean(key, known)}It takes: {', '.join(known) or 'nothing'}."
            yield fault(f"{callee.runbook.value} takes no input `{key}`", argument.span, hint)
            continue
        why = _why_not(argument, types, known[key], key)
        if why:
            hint = "Give what the called runbook declares under `inputs:`."
            yield fault(
                f"what task {name} gives doesn't fit {callee.runbook.value}: {why}", argument.span, hint
            )


def _why_not(argument: Argument, types: Mapping[str, Schema], wanted: Schema, key: str) -> str:
    try:
        if argument.source:
            return mismatch(check(argument.source, types).schema, wanted, key)
        validate(wanted, coerce(wanted, argument.value), what=f"`{key}`")
    except ValueMismatchError as error:
        return error.sentence
    except MidwatchError:
        return ""  # reported with the expressions
    return ""
