"""Inputs that are handles of secrets: they reach arguments that take one, and nothing else."""

import re
from collections.abc import Iterable, Iterator, Mapping

from midwatch.base.classes import Confidentiality
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ToolName
from midwatch.effects.manifest import Manifest
from midwatch.plan.parts.callees import Called
from midwatch.runbook.cel.schema import Schema, properties_of
from midwatch.runbook.errors import SecretUseError
from midwatch.runbook.expr import free_names
from midwatch.runbook.graph import INPUTS, Graph
from midwatch.runbook.lint.expressions import TEMPLATE
from midwatch.runbook.lint.tables import columns
from midwatch.runbook.model import At, Header, Runbook, Task
from midwatch.runbook.source import Finding, Span

FORMAT = Confidentiality.SECRET.value
_PLAIN = re.compile(r"inputs\.([a-z][a-z0-9_]*)")


def secret_use_findings(
    runbook: Runbook, graph: Graph, manifests: Mapping[ToolName, Manifest], called: Mapping[str, Called]
) -> list[Finding]:
    """Return each place where a secret input is read that isn't a secret argument."""
    header = runbook.header
    secrets = (
        frozenset(name for name, at in header.inputs.items() if _is_secret(at.value))
        if header
        else frozenset()
    )
    found: list[Finding] = []
    places = [(f"task {task.name.value}", at) for task in graph.tasks.values() for at in _read(task)]
    places.extend(("the header", at) for at in _outputs(header))
    for what, at in places:
        for name in _secrets_in(at.value, secrets):
            sentence = f"{what} reads the secret `{name}`, which would be shown or stored"
            found.append(runbook.source.finding(SecretUseError, sentence, at.span.start))
    for task in graph.tasks.values():
        for name, at, wanted in _handed(task, manifests, called):
            plain = _PLAIN.fullmatch(at.value.strip())
            is_handle = plain is not None and plain[1] in secrets
            if _secrets_in(at.value, secrets) and not (is_handle and _is_secret(wanted)):
                sentence = f"task {task.name.value} gives a secret to `{name}`, which takes none"
                found.append(runbook.source.finding(SecretUseError, sentence, at.span.start))
            elif _is_secret(wanted) and not is_handle:
                sentence = f"`{name}` of task {task.name.value} takes a secret, and is given something else"
                found.append(runbook.source.finding(SecretUseError, sentence, at.span.start))
    return found


def _is_secret(schema: Schema) -> bool:
    return schema.get("format") == FORMAT


def _secrets_in(source: str, secrets: frozenset[str]) -> list[str]:
    """Return the secrets that an expression reads; all of them where it reads the inputs as a whole."""
    try:
        names = free_names(source)
    except MidwatchError:
        return []  # reported with the expressions
    if INPUTS in names:
        return sorted(secrets)
    return sorted(name for name in secrets if f"{INPUTS}.{name}" in names)


def _handed(
    task: Task, manifests: Mapping[ToolName, Manifest], called: Mapping[str, Called]
) -> Iterator[tuple[str, At[str], Schema]]:
    """Yield each value that a task hands over, and the schema that takes it, where both are known."""
    manifest = manifests.get(ToolName(task.tool.value)) if task.tool else None
    one = called.get(task.name.value)
    given, wanted = task.args, properties_of(manifest.arguments) if manifest else None
    if task.callee is not None:
        given = task.callee.inputs
        wanted = {name: at.value for name, at in one.header.inputs.items()} if one else None
    for name, argument in given.items() if wanted is not None else ():
        yield name, At(value=argument.source or "null", span=argument.span), (wanted or {}).get(name, {})


def _read(task: Task) -> Iterable[At[str]]:
    """Yield each expression of a task whose value is shown, stored or compared."""
    loop, wait = task.loop, task.wait
    plain = (
        task.when,
        *task.ends.values(),
        *((loop.each, loop.until) if loop else ()),
        *((wait.at, wait.where, wait.holds) if wait else ()),
    )
    yield from (at for at in plain if at is not None)
    emit = task.notice.emit if task.notice else None
    for arguments in (task.bind, emit.data if emit else {}):
        yield from (At(value=one.source, span=one.span) for one in arguments.values() if one.source)
    texts = (task.ask.question if task.ask else None, task.notice.message if task.notice else None)
    prose = At(value=task.prose, span=task.name.span)
    for text in (*texts, prose):
        if text is not None:
            yield from (
                At(value=each.strip() or " ", span=text.span) for each in TEMPLATE.findall(text.value)
            )
    yield from (At(value=text, span=Span(at, at + len(text))) for text, at in columns(task))


def _outputs(header: Header | None) -> Iterable[At[str]]:
    return header.values.values() if header else ()
