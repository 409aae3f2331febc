"""A task block (`task:`), key by key."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from midwatch.base.classes import EffectClass, Outcome
from midwatch.base.units import DurationMs
from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.blocks.header import asked_of, budget_of
from midwatch.runbook.errors import MissingKeyError, WrongValueError
from midwatch.runbook.model import Argument, Ask, At, Kind, Probe, Task
from midwatch.runbook.yaml import Mapping as MappingTree
from midwatch.runbook.yaml import Scalar, Sequence, Tree, plain

RETRY_MAX = 20
_JOINS = ("all", "any")


def task_of(fields: Fields, title: str, prose: str) -> Task | None:
    """Return the task of a block, or None where it has no name or kind; the findings say what is wrong."""
    name = fields.at_name("task")
    if name is not None:
        fields.what = f"task {name.value}"
    kind = fields.at_choice("kind", Kind)
    if kind is None and fields.get("kind") is None:
        sentence = f"{fields.what} lacks `kind:`"
        fields.report(MissingKeyError, sentence, fields.tree.span, key="kind", example="kind: command")
    if name is None or kind is None:
        return None
    task = Task(
        name=name,
        title=title,
        kind=kind.value,
        prose=prose,
        needs=fields.names("needs"),
        join=_join(fields),
        when=fields.at_text("when"),
        ends=_ends(fields),
        span=fields.tree.span,
    )
    match kind.value:
        case Kind.COMMAND:
            task = _command(fields, task)
        case Kind.AGENT:
            task = _agent(fields, task)
        case Kind.DECISION:
            task = _decision(fields, task)
        case Kind.APPROVAL:
            task = replace(task, ask=_ask(fields), sla_ms=fields.duration("sla"))
        case Kind.MANUAL:
            task = replace(task, out=fields.schemas("out"), sla_ms=fields.duration("sla"))
    fields.close()
    return task


def _command(fields: Fields, task: Task) -> Task:
    tool = fields.required("tool", "pg.read")
    timeout_ms = fields.duration("timeout")
    retry = fields.mapping("retry")
    retry_max, backoff_ms = 0, DurationMs(0)
    if retry is not None:
        retry_max = retry.integer("max", low=0, high=RETRY_MAX) or 0
        backoff_ms = retry.duration("backoff") or DurationMs(0)
        retry.close()
    return replace(
        task,
        tool=tool,
        effect=fields.at_choice("effect", EffectClass),
        args=_arguments(fields, "args"),
        bind=_arguments(fields, "bind"),
        out=fields.schemas("out"),
        declassify=fields.names("declassify", "fields"),
        precondition=_probe(fields, "precondition", "holds"),
        verify=_probe(fields, "verify", "until"),
        undo=fields.at_name("undo"),
        timeout_ms=None if timeout_ms is None else At(value=timeout_ms, span=fields.span("timeout")),
        retry_max=retry_max,
        backoff_ms=backoff_ms,
        on_fail=fields.at_name("on_fail"),
        example=fields.plain("example"),
    )


def _decision(fields: Fields, task: Task) -> Task:
    default = fields.mapping("default")
    values: dict[str, At[tuple[Any, ...]]] = {}
    for name, tree in fields.entries("values").items():
        if isinstance(tree, Sequence):
            values[name] = At(value=tuple(plain(item) for item in tree.items), span=tree.span)
        else:
            fields.wrong(tree, f"values.{name}", "a list, the most important value first")
    return replace(
        task,
        hit=fields.at_text("hit"),
        aggregate=fields.at_text("aggregate"),
        default=None
        if default is None
        else At(
            value={key.written: At(value=plain(tree), span=tree.span) for key, tree in default.tree.entries},
            span=default.tree.span,
        ),
        values=values,
        out=fields.schemas("out"),
        declassify=fields.names("declassify", "fields"),
    )


def _agent(fields: Fields, task: Task) -> Task:
    return replace(
        task,
        tools=fields.texts("tools", "tools"),
        budget=budget_of(fields),
        out=fields.schemas("out"),
        declassify=fields.names("declassify", "fields"),
        on_fail=fields.at_name("on_fail"),
        example=fields.plain("example"),
    )


def _ask(fields: Fields) -> Ask:
    approvers = (asked_of(fields, tree, "approvers") for tree in fields.items("approvers", "people to ask"))
    return Ask(
        actions=fields.names("actions"),
        question=fields.at_text("question"),
        approvers=tuple(filter(None, approvers)),
        expires_ms=fields.duration("expires"),
        on_timeout=fields.at_name("on_timeout"),
        on_deny=fields.at_name("on_deny"),
    )


def _join(fields: Fields) -> str:
    found = fields.at_text("join")
    if found is None:
        return "all"
    if found.value not in _JOINS:
        fields.report(
            WrongValueError,
            f"`join:` of {fields.what} is `{found.value}`",
            found.span,
            hint="Write `all` or `any`.",
        )
        return "all"
    return found.value


def _arguments(fields: Fields, key: str) -> Mapping[str, Argument]:
    return {name: _argument(tree) for name, tree in fields.entries(key).items()}


def _argument(tree: Tree) -> Argument:
    """Return a text as an expression and anything else as the value that it is."""
    match tree:
        case Scalar(value=str(source)):
            return Argument(span=tree.span, source=source.strip() or " ")
        case Scalar() | Sequence() | MappingTree():
            return Argument(span=tree.span, value=plain(tree))


def _probe(fields: Fields, key: str, condition: str) -> Probe | None:
    below = fields.mapping(key)
    if below is None:
        return None
    probe = below.at_name("probe")
    if probe is None and below.get("probe") is None:
        below.report(
            MissingKeyError,
            f"{below.what} lacks `probe:`",
            below.tree.span,
            key="probe",
            example="probe: measure",
        )
    holds = below.required(condition, '"probe.used_pct < 80.0"')
    for_ms, within_ms = (
        (below.duration("for"), below.duration("within")) if condition == "until" else (None, None)
    )
    below.close()
    if probe is None or holds is None:
        return None
    return Probe(
        probe=probe,
        holds=holds,
        for_ms=for_ms or DurationMs(0),
        within_ms=within_ms or DurationMs(0),
        span=below.tree.span,
    )


def _ends(fields: Fields) -> Mapping[Outcome, At[str]]:
    """Return the outcomes that a task says, each with the condition; a word alone is one without."""
    tree = fields.get("ends")
    if tree is None:
        return {}
    if isinstance(tree, Scalar):
        found = fields.at_choice("ends", Outcome)
        return {} if found is None else {found.value: At(value="true", span=found.span)}
    ends: dict[Outcome, At[str]] = {}
    words = [outcome.value for outcome in Outcome]
    for name, condition in fields.entries("ends").items():
        text = fields.as_text(condition, f"ends.{name}")
        if name not in words:
            hint = f"Write one of: {', '.join(words)}."
            fields.report(
                WrongValueError, f"`ends:` of {fields.what} names `{name}`", condition.span, hint=hint
            )
        elif text is not None:
            ends[Outcome(name)] = text
    return ends
