"""How often a task runs: `foreach:`, `until:` and `retry:`."""

from enum import StrEnum

from midwatch.base.units import DurationMs
from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.errors import LoopError
from midwatch.runbook.model import At, Loop, Retry
from midwatch.runbook.yaml import Scalar

RETRY_MAX = 20
TIMES_MAX = 1_000
PARALLEL_MAX = 32
_OF_FOREACH = ("as", "parallel", "on_item_fail")
_OF_UNTIL = ("every",)


class ItemFailure(StrEnum):
    """What a failed item means for the others."""

    STOP = "stop"
    CONTINUE = "continue"


def loop_of(fields: Fields) -> Loop | None:
    """Return the loop of a task, or None where it runs once."""
    is_wait = fields.tree.get("kind") is not None and fields.text("kind") == "wait"
    each = _source(fields, "foreach", "a list, such as `measure.apps`", "[]")
    until = _source(fields, "until", "true or false, such as `size(look.found) > 0`", "true")
    loop = Loop(
        each=each,
        name=fields.at_name("as"),
        parallel=fields.integer("parallel", low=1, high=PARALLEL_MAX) or 1,
        goes_on=fields.choice("on_item_fail", ItemFailure, ItemFailure.STOP) is ItemFailure.CONTINUE,
        until=until,
        every_ms=DurationMs(0) if is_wait else fields.duration("every") or DurationMs(0),
        times_max=_times_max(fields),
        span=each.span if each else until.span if until else fields.tree.span,
    )
    lonely = () if each else _OF_FOREACH
    lonely = lonely if until or is_wait else (*lonely, *_OF_UNTIL)
    lonely = lonely if each or until else (*lonely, "max")
    for key in lonely:
        if fields.get(key) is not None:
            needed = "`foreach:`" if key in _OF_FOREACH else "`until:`" if key in _OF_UNTIL else "a loop"
            hint = f"Add {needed}, or take `{key}:` out."
            sentence = f"{fields.what} has `{key}:` without {needed}"
            fields.report(LoopError, sentence, fields.span(key), hint=hint)
    return loop if each or until else None


def _source(fields: Fields, key: str, gives: str, instead: str) -> At[str] | None:
    """Return an expression; one that can't be read is reported, and another stands for it."""
    tree = fields.get(key)
    if tree is None or isinstance(tree, Scalar):
        return None if tree is None else fields.as_text(tree, key) or At(value=instead, span=tree.span)
    fields.wrong(tree, key, f"an expression that gives {gives}")
    return At(value=instead, span=tree.span)


def _times_max(fields: Fields) -> int | None:
    found = fields.integer("max", low=1, high=TIMES_MAX)
    is_wrong = found is None and fields.get("max") is not None
    unreadable = any(
        fields.get(key) and not isinstance(fields.get(key), Scalar) for key in ("foreach", "until")
    )
    return TIMES_MAX if is_wrong or unreadable else found


def retry_of(fields: Fields) -> Retry:
    """Return how a failed attempt is followed by another."""
    below = fields.mapping("retry")
    if below is None:
        return Retry()
    below.asked.add("jitter")
    jitter = below.text("jitter", "none")
    retry = Retry(
        attempts_max=below.integer("max", low=0, high=RETRY_MAX) or 0,
        backoff_ms=below.duration("backoff") or DurationMs(0),
        cap_ms=below.duration("cap") or DurationMs(0),
        codes=below.texts("on", "codes"),
    )
    if jitter != "none":
        below.wrong(below.tree.get("jitter") or below.tree, "jitter", "`none`: a run can be replayed")
    below.close()
    return retry
