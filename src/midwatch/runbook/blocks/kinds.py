"""What waits, calls, notices and people's hands say of themselves."""

from collections.abc import Mapping
from enum import StrEnum

from midwatch.base.classes import Outcome
from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.blocks.header import asked_of, ladder_of
from midwatch.runbook.errors import MissingKeyError, NoticeError, WaitError
from midwatch.runbook.model import Argument, At, Callee, Emit, Hand, Notice, Waiting
from midwatch.runbook.yaml import Mapping as MappingTree
from midwatch.runbook.yaml import Scalar, Sequence, Tree, plain

_WAYS = ("for", "at", "event", "probe")
_BELONGS = {"where": ("event",), "holds": ("probe",), "every": ("probe",), "within": ("event", "probe")}
_BELONGS_TOO = {"on_timeout": ("event", "probe"), "out": ("event",)}


def arguments_of(fields: Fields, key: str) -> Mapping[str, Argument]:
    """Return a mapping of names to expressions and plain values."""
    return {name: _argument(tree) for name, tree in fields.entries(key).items()}


def _argument(tree: Tree) -> Argument:
    """Return a text as an expression and anything else as the value that it is."""
    match tree:
        case Scalar(value=str(source)):
            return Argument(span=tree.span, source=source.strip() or " ")
        case Scalar() | Sequence() | MappingTree():
            return Argument(span=tree.span, value=plain(tree))


def waiting_of(fields: Fields) -> Waiting:
    """Return what a wait waits for; more or less than one thing is a mistake."""
    wait = Waiting(
        for_ms=fields.duration("for"),
        at=fields.at_text("at"),
        event=fields.at_name("event"),
        where=fields.at_text("where"),
        probe=fields.at_name("probe"),
        holds=fields.at_text("holds"),
        every_ms=fields.duration("every"),
        within_ms=fields.duration("within"),
        on_timeout=fields.at_name("on_timeout"),
    )
    fields.get("out")
    ways = [key for key in _WAYS if fields.get(key) is not None]
    if len(ways) != 1:
        said = " and ".join(f"`{key}:`" for key in ways) or "nothing"
        hint = "Keep one of `for:`, `at:`, `event:` and `probe:`."
        fields.report(WaitError, f"{fields.what} waits for {said}", fields.tree.span, hint=hint)
        return wait
    for key, owners in {**_BELONGS, **_BELONGS_TOO}.items():
        if fields.get(key) is not None and ways[0] not in owners:
            hint = f"Take `{key}:` out; it belongs to {' and '.join(f'`{owner}:`' for owner in owners)}."
            fields.report(WaitError, f"{fields.what} has `{key}:`", fields.span(key), hint=hint)
    if ways == ["probe"]:
        for key, example in (("holds", 'holds: "probe.used_pct < 80.0"'), ("every", "every: 30s")):
            if fields.get(key) is None:
                sentence = f"{fields.what} lacks `{key}:`"
                fields.report(MissingKeyError, sentence, fields.span("probe"), key=key, example=example)
    return wait


def hand_of(fields: Fields) -> Hand:
    """Return who does a task; `approvers:` or `ladder:`, else the header's ladder."""
    asked = (asked_of(fields, tree, "approvers") for tree in fields.items("approvers", "people to ask"))
    return Hand(
        asked=tuple(filter(None, asked)),
        ladder=ladder_of(fields),
        on_timeout=fields.at_name("on_timeout"),
    )


class _Accepted(StrEnum):
    """Outcomes of a called run that may count as success; a cancelled one never does."""

    RESOLVED = "resolved"
    NO_ACTION = "no_action"
    ESCALATED = "escalated"
    FAILED = "failed"


def callee_of(fields: Fields) -> Callee | None:
    """Return which runbook is called, on what; None where it isn't named."""
    runbook = fields.required("call", "./other.runbook.md")
    inputs = arguments_of(fields, "with")
    accepted: list[Outcome] = []
    for at in fields.texts("accept", "outcomes"):
        if at.value in list(_Accepted):
            accepted.append(Outcome(at.value))
        else:
            tree = Scalar(value=at.value, written=at.value, span=at.span)
            fields.wrong(tree, "accept", f"one of {', '.join(_Accepted)}")
    if runbook is None:
        return None
    if fields.get("accept") is None:
        return Callee(runbook=runbook, inputs=inputs)
    return Callee(runbook=runbook, inputs=inputs, accept=tuple(accepted))


def notice_of(fields: Fields) -> Notice:
    """Return whom a task tells what, or what it emits; both or neither is a mistake."""
    to = (asked_of(fields, tree, "to") for tree in fields.items("to", "people to tell"))
    notice = Notice(
        to=tuple(filter(None, to)),
        message=fields.at_text("message"),
        via=tuple(channel.value for channel in fields.texts("via", "channels")),
        emit=_emit(fields),
    )
    told = [key for key in ("to", "message") if fields.get(key) is not None]
    if fields.get("emit") is not None and told:
        hint = "Write two tasks: one that tells people, one that emits the event."
        fields.report(NoticeError, f"{fields.what} tells people and emits", fields.span("emit"), hint=hint)
    elif fields.get("emit") is None and len(told) < 2:  # noqa: PLR2004 - `to:` and `message:`
        lacks = "message" if told == ["to"] else "to"
        hint = 'Write `to: ["team:ops"]` and `message: "…"`, or `emit: {type: …, source: …}`.'
        fields.report(NoticeError, f"{fields.what} lacks `{lacks}:`", fields.tree.span, hint=hint)
    return notice


def _emit(fields: Fields) -> Emit | None:
    below = fields.mapping("emit")
    if below is None:
        return None
    kind = below.required("type", "com.example.disk.freed")
    source = below.required("source", "/midwatch/disk")
    data = arguments_of(below, "data")
    below.close()
    empty = At(value="", span=below.tree.span)
    return Emit(type=kind or empty, source=source or empty, data=data)
