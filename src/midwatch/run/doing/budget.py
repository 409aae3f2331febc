"""What is left of a run's budget, and what a run that it calls may have of that."""

from collections.abc import Mapping

from midwatch.plan.model import Plan, PlanBudget
from midwatch.run.state import RunState

EFFECTS, TOOL_CALLS, USD_MICRO = "effects", "tool_calls", "usd_micro"


def _declared(budget: PlanBudget) -> dict[str, int | None]:
    return {EFFECTS: budget.effects, TOOL_CALLS: budget.tool_calls, USD_MICRO: budget.usd_micro}


def rest_of(plan: Plan, state: RunState) -> dict[str, int | None]:
    """Return what the run may still use, by name; None where there is no cap.

    What a called run may use counts as used until it has ended.
    """
    given: Mapping[str, int] = state.started.caps if state.started is not None else {}
    used = {EFFECTS: state.dispatches, TOOL_CALLS: state.tool_calls, USD_MICRO: state.cost_micro_usd}
    rest: dict[str, int | None] = {}
    for name, cap in _declared(plan.budget).items():
        caps = [one for one in (cap, given.get(name)) if one is not None]
        reserved = sum(state.children[child].caps.get(name, 0) for child in state.live_children)
        rest[name] = max(0, min(caps) - used[name] - reserved) if caps else None
    return rest


def caps_for(plan: Plan, state: RunState, callee: Plan) -> dict[str, int]:
    """Return what a called run may use: what it declares itself, within the rest of its caller."""
    caps: dict[str, int] = {}
    declared = _declared(callee.budget)
    for name, rest in rest_of(plan, state).items():
        own = declared[name]
        if rest is not None:
            caps[name] = rest if own is None else min(own, rest)
    return caps
