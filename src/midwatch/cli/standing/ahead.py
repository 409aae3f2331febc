"""What a runbook may do at most, in words and as a record."""

from collections.abc import Callable, Mapping
from typing import Any

from midwatch.cli.screen import Screen, Styled
from midwatch.cli.words import count, exactly, money
from midwatch.plan.ahead.influence import Influence
from midwatch.plan.ahead.outlook import Outlook, task_line
from midwatch.plan.ahead.worst import Limit, Load

_NO_LIMIT = "no limit"
_Words = Callable[[int], str]
_FIGURES: Mapping[str, tuple[str, _Words]] = {
    "effects": ("effects", str),
    "undone": ("effects taken back", str),
    "asks": ("questions before something acts", str),
    "hands": ("tasks done by people", str),
    "notices": ("people and teams told", str),
    "runs": ("other runs", str),
    "tool_calls": ("calls of tools", str),
    "tokens": ("tokens", str),
    "usd_micro": ("dollars", money),
    "working_ms": ("working time", exactly),
    "waiting_ms": ("waiting, for people too", exactly),
}


def ahead_record(seen: Outlook) -> dict[str, Any]:
    """Return the outlook as plain JSON."""
    worst, plan, open_to = seen.worst, seen.compiled.plan, seen.influences
    return {
        "name": seen.name,
        "runbook": plan.runbook,
        "plan": seen.digest,
        "calls": [
            {"runbook": callee.runbook, "plan": digest} for digest, callee in seen.compiled.callees.items()
        ],
        "tasks": [
            {"task": task.name, "kind": task.kind.value, "needs": list(task.needs), "says": task_line(task)}
            for task in plan.tasks
        ],
        "ways": len(worst.ways.ways),
        "ways_are_all": worst.ways.is_complete,
        "most": dict(worst.load.items()),
        "within_budget": dict(worst.capped.items()),
        "limits": [
            {
                "task": limit.task,
                "what": limit.what,
                "times": limit.times,
                "parallel": limit.parallel,
                "within_ms": limit.within_ms,
            }
            for limit in worst.limits
        ],
        "untrusted": {
            "sources": list(open_to.sources),
            "declassified": list(open_to.declassified),
            "chosen": [
                {
                    "task": one.task,
                    "what": one.what,
                    "source": one.source,
                    "reads": list(one.reads),
                    "acts": one.acts,
                }
                for one in open_to.chosen
            ],
        },
    }


def say_ahead(screen: Screen, seen: Outlook) -> None:
    """Write the outlook in words."""
    plan = seen.compiled.plan
    screen.line(Styled(plan.title or plan.runbook, "bold"), f" ({plan.runbook}, plan {seen.digest[7:19]})")
    screen.line()
    for task in plan.tasks:
        screen.line(f"  {task.name}: {task_line(task)}")
    screen.line()
    ways = seen.worst.ways
    number = count(len(ways.ways), "way") if ways.is_complete else f"More than {len(ways.ways)} ways"
    screen.line(f"{number} through it. On the worst of them, at most:")
    _say_figures(screen, seen.worst.load, seen.worst.capped)
    if seen.worst.limits:
        screen.line()
        screen.line("Limits:")
        for limit in seen.worst.limits:
            screen.line(f"  {limit.task}: {_limit(limit)}")
    _say_calls(screen, seen)
    _say_untrusted(screen, seen)


def _say_figures(screen: Screen, load: Load, capped: Load) -> None:
    within = dict(capped.items())
    for name, most in load.items():
        words, say = _FIGURES[name]
        cap = within[name]
        if most == 0 and cap == 0:
            continue
        text = _NO_LIMIT if most is None else say(most)
        if cap is not None and cap != most:
            text += f", held to {say(cap)} by the budget"
        screen.line(f"  {words}: {text}")


def _limit(limit: Limit) -> str:
    if limit.what == "wait":
        return f"waits at most {exactly(limit.within_ms)}" if limit.within_ms else "waits until a moment"
    beside = f", {limit.parallel} at the same time" if limit.parallel > 1 else ""
    return f"at most {limit.times} {limit.what}{beside}"


def _say_calls(screen: Screen, seen: Outlook) -> None:
    if seen.compiled.callees:
        screen.line()
        screen.line("Calls, pinned:")
        for digest, plan in seen.compiled.callees.items():
            screen.line(f"  {plan.runbook}: plan {digest[7:19]}")


def _say_untrusted(screen: Screen, seen: Outlook) -> None:
    open_to = seen.influences
    screen.line()
    if not open_to.sources:
        screen.line("Nothing that it reads is untrusted.")
        return
    screen.line(f"Untrusted: {', '.join(open_to.sources)}. Who owns that could choose:")
    for one in open_to.chosen:
        screen.line(f"  {one.task}: {_chosen(one)}")
    if not open_to.chosen:
        screen.line("  nothing that a task does.")
    if open_to.declassified:
        screen.line(f"Trusted within their schemas: {', '.join(open_to.declassified)}.")


def _chosen(one: Influence) -> str:
    acts = " (it acts)" if one.acts else ""
    return f"{one.what}{acts}" + (f", by {one.source}" if one.source else ", by a condition above")
