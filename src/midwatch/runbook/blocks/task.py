"""A task block (`task:`), key by key."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, assert_never

from midwatch.base.classes import EffectClass, Outcome
from midwatch.base.units import DurationMs
from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.blocks.header import asked_of, budget_of
from midwatch.runbook.blocks.kinds import arguments_of, callee_of, hand_of, notice_of, waiting_of
from midwatch.runbook.blocks.loop import loop_of, retry_of
from midwatch.runbook.errors import MissingKeyError, WrongValueError
from midwatch.runbook.model import Ask, At, Kind, Probe, Task
from midwatch.runbook.source import Span
from midwatch.runbook.yaml import Scalar, Sequence, plain

_JOINS = ("all", "any")
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")


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
        join_at=fields.span("join"),
        when=fields.at_text("when"),
        loop=loop_of(fields),
        finally_at=_finally(fields),
        on_fail=None if kind.value is Kind.APPROVAL else fields.at_name("on_fail"),
        ends=_ends(fields),
        span=fields.tree.span,
    )
    return _of_kind(fields, task)


def _of_kind(fields: Fields, task: Task) -> Task:
    match task.kind:
        case Kind.COMMAND:
            task = _command(fields, task)
        case Kind.AGENT:
            task = _agent(fields, task)
        case Kind.DECISION:
            task = _decision(fields, task)
        case Kind.APPROVAL:
            task = replace(task, ask=_ask(fields), sla_ms=fields.duration("sla"))
        case Kind.MANUAL:
            task = replace(_by_hand(fields, task), out=fields.schemas("out"))
        case Kind.WAIT:
            task = replace(task, wait=waiting_of(fields), out=fields.schemas("out"))
        case Kind.CALL:
            task = replace(_again(fields, task), callee=callee_of(fields))
        case Kind.NOTIFY:
            task = replace(task, notice=notice_of(fields), retry=retry_of(fields))
        case _:
            assert_never(task.kind)
    fields.close()
    return task


def _command(fields: Fields, task: Task) -> Task:
    tool = fields.required("tool", "pg.read")
    return replace(
        _again(fields, task),
        tool=tool,
        effect=fields.at_choice("effect", EffectClass),
        args=arguments_of(fields, "args"),
        bind=arguments_of(fields, "bind"),
        out=fields.schemas("out"),
        declassify=fields.names("declassify", "fields"),
        precondition=_probe(fields, "precondition", "holds"),
        verify=_probe(fields, "verify", "until"),
        undo=fields.at_name("undo"),
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
        _again(fields, _by_hand(fields, task)),
        tools=fields.texts("tools", "tools"),
        budget=budget_of(fields),
        out=fields.schemas("out"),
        declassify=fields.names("declassify", "fields"),
        example=fields.plain("example"),
    )


def _again(fields: Fields, task: Task) -> Task:
    """Return the task with the time that it has, and how it is tried again."""
    timeout_ms = fields.duration("timeout")
    at = None if timeout_ms is None else At(value=timeout_ms, span=fields.span("timeout"))
    return replace(task, timeout_ms=at, retry=retry_of(fields))


def _by_hand(fields: Fields, task: Task) -> Task:
    """Return the task with who does it, and by when."""
    if task.kind is Kind.MANUAL:
        timeout_ms = fields.duration("timeout")
        at = None if timeout_ms is None else At(value=timeout_ms, span=fields.span("timeout"))
        task = replace(task, timeout_ms=at)
    return replace(task, hand=hand_of(fields), sla_ms=fields.duration("sla"))


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


def _finally(fields: Fields) -> Span | None:
    """Return where `finally:` stands; one that can't be read counts as said."""
    is_there = fields.get("finally") is not None
    return fields.span("finally") if fields.flag("finally") is not False and is_there else None


def _join(fields: Fields) -> str:
    found = fields.at_text("join")
    if found is None:
        return "all"
    if found.value not in _JOINS and not _NUMBER.fullmatch(found.value):
        hint = "Write `all`, `any` or a number."
        fields.report(WrongValueError, f"`join:` of {fields.what} is `{found.value}`", found.span, hint=hint)
        return "all"
    return found.value


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
