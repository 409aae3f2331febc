"""The plans that the model runs: every shape of a run that this release knows."""

from dataclasses import replace
from typing import Any

from midwatch.base.classes import EffectClass, Mode, RetryClass
from midwatch.base.ids import TaskName
from midwatch.base.labels import UNTRUSTED
from midwatch.base.units import HOUR_MS, MINUTE_MS, SECOND_MS, DurationMs
from midwatch.plan.codec import plan_bytes, plan_digest
from midwatch.plan.model import (
    HitPolicy,
    Plan,
    PlanCallee,
    PlanHand,
    PlanLoop,
    PlanNotice,
    PlanProbe,
    PlanRetry,
    PlanRung,
    PlanTable,
    PlanTask,
    PlanWait,
    TaskKind,
    WaitFor,
)
from support.houses import approval, command, plan_of
from support.world import RETRY

NAME = "inputs.name"
UP = {"name": NAME, "value": "measure.value + 1"}
BACK = {"name": NAME, "value": "measure.value"}
SEES_IT = "probe.value == args.value"


def _names(*names: str) -> tuple[TaskName, ...]:
    return tuple(TaskName(name) for name in names)


def look(name: str, *needs: str, tool: str = "look", **more: Any) -> PlanTask:
    args = {} if tool == "gauge" else {"name": NAME}
    return command(name, tool, args=args, needs=_names(*needs), **more)


def act(name: str, tool: str, *needs: str, **more: Any) -> PlanTask:
    effect = EffectClass.IRREVERSIBLE if tool in {"burn", "melt"} else EffectClass.WRITE
    retry: RetryClass = next(retry for known, retry in RETRY.items() if known == tool)
    more.setdefault("args", UP)
    return command(name, tool, effect=effect, retry_class=retry, needs=_names(*needs), **more)


def back(name: str, tool: str, **more: Any) -> PlanTask:
    more.setdefault("args", BACK)
    return act(name, tool, is_undo=True, **more)


def reading(probe: str, *, for_ms: int = 0, within_ms: int = 0, holds: str = SEES_IT) -> PlanProbe:
    return PlanProbe(
        probe=TaskName(probe), holds=holds, for_ms=DurationMs(for_ms), within_ms=DurationMs(within_ms)
    )


RETRIES: dict[str, Any] = {"retry": PlanRetry(attempts_max=2, backoff_ms=DurationMs(2 * SECOND_MS))}
STEADY = reading("weather", holds="probe.value == 1")

CHAIN = plan_of(
    look("measure", **RETRIES),
    act("first", "put", "measure", undo="back", verify=reading("measure"), **RETRIES),
    look("between", "first"),
    act("second", "give", "between", undo="again", args={"name": "inputs.name + '-b'", "value": "7"}),
    look("report", "second", ends={"resolved": "true"}),
    back("back", "put", verify=reading("measure")),
    back("again", "give", args={"name": "inputs.name + '-b'", "value": "second.before"}),
)
BRANCHES = plan_of(
    look("measure"),
    act("left", "put", "measure", undo="back", args={"name": "inputs.name + '-l'", "value": "5"}, **RETRIES),
    act("right", "give", "measure", undo="again", args={"name": "inputs.name + '-r'", "value": "6"}),
    look("beside", "measure", **RETRIES),
    look("all_done", "left", "right", "beside", join="all"),
    look("any_done", "left", "right", join="any", ends={"resolved": "true"}),
    back("back", "put", args={"name": "inputs.name + '-l'", "value": "left.before"}),
    back("again", "give", args={"name": "inputs.name + '-r'", "value": "right.before"}),
)
AHEAD = plan_of(
    look("measure"),
    look("weather", tool="gauge"),
    approval("ask", ("one", "two"), needs=_names("measure"), on_deny="sorry", on_timeout="late"),
    act("one", "put", "ask", undo="back", precondition=STEADY, verify=reading("measure"), **RETRIES),
    act("two", "give", "ask", args={"name": "inputs.name + '-b'", "value": "7"}, **RETRIES),
    look("sorry", is_routed=True, ends={"no_action": "true"}),
    look("late", is_routed=True, ends={"escalated": "true"}),
    back("back", "put"),
)
TWO_STEPS = plan_of(
    look("measure"),
    look("weather", tool="gauge"),
    approval("ask", ("one", "two"), needs=_names("measure")),
    act("one", "give", "ask", undo="back", **RETRIES),
    act("two", "put", "one", args={"name": "inputs.name + '-b'", "value": "7"}, precondition=STEADY),
    back("back", "give"),
)
CROWDED = plan_of(
    look("measure"),
    look("weather", tool="gauge"),
    act("give", "give", "measure", undo="again", args={"name": NAME, "value": "7"}),
    act("pour", "pour", "measure", undo="back", args={"name": NAME, "by": "1"}, **RETRIES),
    act("put", "put", "measure", undo="down", precondition=STEADY, **RETRIES),
    look("report", "give", "pour", "put", join="any", ends={"resolved": "true"}),
    back("again", "give", args={"name": NAME, "value": "1"}),
    back("back", "pour", args={"name": NAME, "by": "-1"}),
    back("down", "put"),
)
FINAL = plan_of(
    look("measure"),
    look("weather", tool="gauge"),
    act("melt", "melt", "measure", precondition=STEADY, **RETRIES),
    act("burn", "burn", "melt", args={"name": "inputs.name + '-b'", "value": "9"}),
)
FLAPPING = plan_of(
    look("measure"),
    look("control", tool="check"),
    act(
        "change",
        "put",
        "measure",
        undo="back",
        verify=reading("control", for_ms=20 * SECOND_MS, within_ms=MINUTE_MS),
        on_fail="undo",
        **RETRIES,
    ),
    look("report", "change", ends={"resolved": "true"}),
    back("back", "put", verify=reading("control")),
)
RESCUED = plan_of(
    look("measure"),
    act("pour", "pour", "measure", undo="back", args={"name": NAME, "by": "1"}, on_fail="rescue", **RETRIES),
    look("rescue", is_routed=True, ends={"escalated": "true"}),
    look("report", "pour", ends={"resolved": "true"}),
    back("back", "pour", args={"name": NAME, "by": "-1"}),
)
PROBED = plan_of(
    look("measure"),
    act("change", "set", "measure", undo="back", verify=reading("measure"), **RETRIES),
    look("report", "change", ends={"resolved": "true"}),
    back("back", "set", verify=reading("measure")),
)
DECIDED = plan_of(
    look("measure"),
    PlanTask(
        name=TaskName("choice"),
        title="Choice",
        kind=TaskKind.DECISION,
        prose="",
        needs=_names("measure"),
        table=PlanTable(
            hit=HitPolicy.FIRST,
            inputs=("measure.value",),
            outputs=("do",),
            rows=((("< 5",), ("more",)), (("-",), ("less",))),
        ),
    ),
    act("more", "put", "choice", undo="back", when="choice.do == 'more'"),
    act("less", "pour", "choice", args={"name": NAME, "by": "-1"}, when="choice.do == 'less'"),
    look("after", "more", "less", join="any"),
    back("back", "put"),
)


WANTED = {"type": "object", "properties": {"value": {"type": "integer"}}, "required": ["value"]}
THREE = "[inputs.name + '-0', inputs.name + '-1', inputs.name + '-2']"
SHORT = (
    PlanRung(ask="person:ada", within_ms=DurationMs(10 * MINUTE_MS)),
    PlanRung(ask="team:guardians", within_ms=DurationMs(HOUR_MS)),
)


def every(name: str, tool: str, *needs: str, **more: Any) -> PlanTask:
    """Return a task that acts once for each of three things."""
    loop = PlanLoop(
        each=THREE,
        parallel=more.pop("parallel", 1),
        goes_on=more.pop("goes_on", False),
        times_max=more.pop("times_max", 3),
    )
    return act(name, tool, *needs, args={"name": "item", "value": "index + 5"}, loop=loop, **more)


def other(kind: TaskKind, name: str, *needs: str, **more: Any) -> PlanTask:
    return PlanTask(name=TaskName(name), title=name, kind=kind, prose="Do it.", needs=_names(*needs), **more)


def _wait(name: str, *needs: str, **more: Any) -> PlanTask:
    return other(TaskKind.WAIT, name, *needs, wait=PlanWait(**more))


LOOPED = plan_of(
    look("measure"),
    every("each", "put", "measure", undo="back", parallel=2, **RETRIES),
    every("more", "give", "each", undo="again", goes_on=True, **RETRIES),
    look("see", "more", loop=PlanLoop(until="see.value > 100", times_max=2), on_fail="continue"),
    look("report", "more", ends={"resolved": "true"}),
    back("back", "put", args={"name": "item", "value": "each.before"}),
    back("again", "give", args={"name": "item", "value": "more.before"}),
)
BUNDLED = plan_of(
    look("measure"),
    approval("ask", ("each", "one"), needs=_names("measure")),
    every("each", "give", "ask", undo="back", **RETRIES),
    act("one", "put", "each", args={"name": "inputs.name + '-b'", "value": "7"}, undo="again"),
    back("back", "give", args={"name": "item", "value": "each.before"}),
    back("again", "put", args={"name": "inputs.name + '-b'", "value": "one.before"}),
)
HANDED = plan_of(
    look("measure"),
    act("first", "give", "measure", undo="back", **RETRIES),
    other(
        TaskKind.MANUAL,
        "clean",
        "first",
        hand=PlanHand(ladder=SHORT, on_timeout=TaskName("late")),
        out=WANTED,
        retry=PlanRetry(attempts_max=1, backoff_ms=DurationMs(SECOND_MS)),
    ),
    other(TaskKind.AGENT, "think", "clean", out=WANTED, on_fail="escalate"),
    look("late", is_routed=True, ends={"escalated": "true"}),
    other(
        TaskKind.NOTIFY, "tell", is_finally=True, notice=PlanNotice(to=("team:guardians",), message="Over.")
    ),
    look("tidy", "tell", is_finally=True),
    back("back", "give"),
)
PATIENT = plan_of(
    look("measure"),
    look("weather", tool="gauge"),
    act("first", "put", "measure", undo="back", **RETRIES),
    _wait("pause", "first", kind=WaitFor.TIME, for_ms=DurationMs(20 * SECOND_MS)),
    _wait(
        "go", "first", kind=WaitFor.EVENT, event="go", within_ms=DurationMs(HOUR_MS), on_timeout="continue"
    ),
    _wait("again", "go", kind=WaitFor.EVENT, event="go", within_ms=DurationMs(HOUR_MS), on_timeout="late"),
    _wait(
        "calm",
        "pause",
        kind=WaitFor.PROBE,
        probe=TaskName("weather"),
        holds="probe.value == 1",
        every_ms=DurationMs(5 * SECOND_MS),
        within_ms=DurationMs(MINUTE_MS),
    ),
    look("late", is_routed=True),
    look("both", "again", "calm", join="1", ends={"resolved": "true"}),
    back("back", "put"),
)
CALLEE = replace(
    plan_of(
        act("deep", "give", args={"name": "inputs.name + '-c'", "value": "4"}, undo="back", **RETRIES),
        other(TaskKind.MANUAL, "check", "deep", hand=PlanHand(ladder=SHORT), out=WANTED),
        look("tidy", is_finally=True),
        back("back", "give", args={"name": "inputs.name + '-c'", "value": "deep.before"}),
    ),
    runbook="callee",
    mode=Mode.AUTO,
    values={"value": "check.value"},
)
CALLING = plan_of(
    act("first", "put", args={"name": NAME, "value": "9"}, undo="back", **RETRIES),
    other(
        TaskKind.CALL,
        "call",
        "first",
        callee=PlanCallee(runbook="callee", plan=plan_digest(CALLEE), inputs={"name": "inputs.name"}),
        on_fail="undo",
        retry=PlanRetry(attempts_max=1, backoff_ms=DurationMs(SECOND_MS)),
    ),
    look("report", "call", ends={"resolved": "call.value == 3"}),
    back("back", "put", args={"name": NAME, "value": "first.before"}),
)
CALLEES: dict[str, tuple[bytes, ...]] = {"calling": (plan_bytes(CALLEE),)}
"""The plans that a plan calls, by its name."""


def _tainted(plan: Plan) -> Plan:
    """Return the plan with arguments that others can write to, as a log or a ticket gives them."""
    tasks = [
        replace(task, call=replace(task.call, labels=dict.fromkeys(task.call.labels, UNTRUSTED)))
        if task.call is not None and task.call.effect is not EffectClass.READ
        else task
        for task in plan.tasks
    ]
    return replace(plan, tasks=tuple(tasks))


_PLANS = {
    "chain": CHAIN,
    "branches": BRANCHES,
    "ahead": AHEAD,
    "two_steps": TWO_STEPS,
    "crowded": CROWDED,
    "final": FINAL,
    "flapping": FLAPPING,
    "rescued": RESCUED,
    "probed": PROBED,
    "decided": DECIDED,
    "tainted": _tainted(CHAIN),
    "looped": LOOPED,
    "bundled": BUNDLED,
    "handed": HANDED,
    "patient": PATIENT,
    "calling": CALLING,
}
PLANS: dict[str, Plan] = {
    name: replace(plan, runbook=name, mode=Mode.AUTO, owner="person:grace" if name == "chain" else plan.owner)
    for name, plan in _PLANS.items()
}
"""Every plan by name; a start lowers the mode."""
