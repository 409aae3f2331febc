"""The rule of each field of a plan's record that has one; the others are told as they are."""

from collections.abc import Iterator, Mapping
from typing import Any

from midwatch.plan.diff.change import Change, Weight, duration_text
from midwatch.plan.diff.weigh import (
    EFFECTS,
    MODES,
    Place,
    Rule,
    each_of,
    guarding,
    labels,
    ladder,
    listed,
    measured,
    plainly,
    ranked,
    schema,
    weight_if_acting,
)


def _usd(micro: Any) -> str:
    return f"${micro / 1_000_000:.2f}"


def _steering(words: str) -> Rule:
    """Return the rule of what decides whether a task runs."""

    def rule(place: Place, old: Any, new: Any) -> Iterator[Change]:
        for each in guarding(words)(place, old, new):
            yield place.change(weight_if_acting(place), each.sentence, old, new)

    return rule


def _failing(place: Place, old: Any, new: Any) -> Iterator[Change]:
    for each in plainly("what happens when it fails")(place, old, new):
        weight = weight_if_acting(place) if new == "continue" or old in ("undo", "escalate") else each.weight
        yield place.change(weight, each.sentence, old, new)


def _waiting_for(place: Place, old: Any, new: Any) -> Iterator[Change]:
    come, gone = [name for name in new if name not in old], [name for name in old if name not in new]
    for name in gone:
        yield place.change(weight_if_acting(place), f"{place.whose} no longer waits for `{name}`", old, new)
    for name in come:
        yield place.change(Weight.OTHERWISE, f"{place.whose} waits for `{name}` too", old, new)
    if not come and not gone:
        yield place.change(Weight.OTHERWISE, f"{place.whose} names its needs in another order", old, new)


NESTED = frozenset(
    {
        *("approval", "budget", "call", "callee", "hand", "loop", "notice"),
        *("precondition", "retry", "verify", "wait"),
    }
)
"""Objects whose fields have rules of their own, where both versions have them."""

RULES: Mapping[str, Rule] = {
    # of a whole runbook
    "mode": ranked("the mode", MODES),
    "inputs": schema("input"),
    "tools": listed("tool", Weight.MORE, Weight.LESS),
    "ladder": ladder,
    "owner": plainly("the owner"),
    "on_stop": plainly("what a stop does with its effects"),
    "out": schema("output"),
    "values": each_of("output"),
    "runbook": plainly("the id"),
    "budget.usd_micro": measured("money it may spend", _usd),
    "budget.tokens": measured("tokens"),
    "budget.working_time_ms": measured("working time", duration_text),
    "budget.tool_calls": measured("calls of tools"),
    "budget.effects": measured("calls that act"),
    # of a task
    "needs": _waiting_for,
    "join": _steering("`join`"),
    "when": _steering("a condition"),
    "on_fail": _failing,
    "undo": guarding("an undo"),
    "verify": guarding("a check that it worked"),
    "verify.holds": guarding("a condition that shows that it worked"),
    "verify.for_ms": plainly("how long the check must hold (ms)"),
    "verify.within_ms": measured("time until the check holds", duration_text, zero_is_none=True),
    "precondition": guarding("a precondition"),
    "precondition.holds": guarding("precondition"),
    "retry.attempts_max": measured("further attempts"),
    "timeout_ms": measured("time it may take", duration_text, zero_is_none=True),
    "sla_ms": measured("time to do it", duration_text, zero_is_none=True),
    "loop.times_max": measured("most items or rounds"),
    "loop.parallel": measured("items at the same time"),
    "call.tool": _steering("the tool"),
    "call.effect": ranked("the effect class", EFFECTS),
    "call.args": each_of("argument"),
    "call.bind": each_of("bound value"),
    "call.labels": labels,
    "call.target": _steering("the target"),
    "call.timeout_ms": measured("time a call may take", duration_text),
    "approval.actions": listed("action it asks for", Weight.OTHERWISE, Weight.MORE),
    "approval.ladder": ladder,
    "approval.expires_ms": measured("time for which a yes counts", duration_text),
    "approval.on_timeout": plainly("what runs when nobody answers"),
    "approval.on_deny": plainly("what runs after a no"),
    "approval.question": plainly("the question"),
    "hand.ladder": ladder,
    "callee.plan": plainly("the version of the runbook that it calls"),
    "callee.inputs": each_of("input"),
    "notice.to": listed("who is told,", Weight.OTHERWISE, Weight.OTHERWISE),
}
"""By path: a field of the whole runbook, or of a task."""

FOR_PEOPLE = frozenset({"document", "program", "version", "title", "semantics"})
"""Fields of a plan that say nothing about what it does, or are told from the document."""
DERIVED = frozenset({"is_routed", "guard", "name", "title", "prose", "table", "tasks"})
"""Fields of a task that follow from others, or have a telling of their own."""
