"""From a task's loop, retry, wait, notice and hand to what the plan says of them."""

from collections.abc import Mapping
from typing import Any

from midwatch.base.ids import Digest, TaskName
from midwatch.base.units import DurationMs
from midwatch.plan.model import (
    PlanApproval,
    PlanBudget,
    PlanCallee,
    PlanEvent,
    PlanHand,
    PlanLoop,
    PlanNotice,
    PlanProbe,
    PlanRetry,
    PlanRung,
    PlanWait,
    WaitFor,
)
from midwatch.runbook.cel.schema import coerce, properties_of
from midwatch.runbook.graph import inputs_schema
from midwatch.runbook.model import Argument, Ask, At, Budget, Callee, Header, Probe, Runbook, Rung, Task

WAIT_FAILS = "fail"


def plan_budget(caps: Budget) -> PlanBudget:
    """Return the caps of a run or a task."""
    return PlanBudget(
        usd_micro=caps.usd_micro,
        tokens=caps.tokens,
        working_time_ms=caps.working_time_ms,
        tool_calls=caps.tool_calls,
        effects=caps.effects,
    )


def plan_ladder(ladder: tuple[Rung, ...]) -> tuple[PlanRung, ...]:
    """Return the rungs of a ladder."""
    return tuple(PlanRung(ask=rung.ask.value, within_ms=rung.within_ms, via=rung.via) for rung in ladder)


def plan_probe(probe: Probe | None) -> PlanProbe | None:
    """Return a reading that is taken again, or None."""
    if probe is None:
        return None
    return PlanProbe(
        probe=TaskName(probe.probe.value),
        holds=probe.holds.value,
        for_ms=probe.for_ms,
        within_ms=probe.within_ms,
    )


def plan_retry(task: Task) -> PlanRetry:
    """Return how a failed attempt is followed by another."""
    retry = task.retry
    return PlanRetry(
        attempts_max=retry.attempts_max,
        backoff_ms=retry.backoff_ms,
        backoff_ms_max=retry.cap_ms,
        codes=tuple(code.value for code in retry.codes),
    )


def plan_loop(task: Task, items_max: int | None) -> PlanLoop | None:
    """Return the loop of a task; `items_max` is what the schema of its list allows."""
    loop = task.loop
    if loop is None:
        return None
    limits = [limit for limit in (loop.times_max, items_max) if limit is not None]
    assert limits, "a loop without a limit was refused"
    return PlanLoop(
        each=loop.each.value if loop.each else "",
        name=loop.item,
        parallel=loop.parallel,
        goes_on=loop.goes_on,
        until=loop.until.value if loop.until else "",
        every_ms=loop.every_ms,
        times_max=min(limits),
    )


def plan_wait(task: Task) -> PlanWait | None:
    """Return what a task waits for."""
    wait = task.wait
    if wait is None:
        return None
    kind = WaitFor.EVENT if wait.event else WaitFor.PROBE if wait.probe else WaitFor.TIME
    late = _text(wait.on_timeout)
    return PlanWait(
        kind=kind,
        for_ms=wait.for_ms or DurationMs(0),
        at=_text(wait.at),
        event=_text(wait.event),
        where=_text(wait.where),
        probe=TaskName(wait.probe.value) if wait.probe else None,
        holds=_text(wait.holds),
        every_ms=wait.every_ms or DurationMs(0),
        within_ms=wait.within_ms or DurationMs(0),
        on_timeout="" if late == WAIT_FAILS else late,
    )


def plan_callee(callee: Callee, header: Header, plan: Digest) -> PlanCallee:
    """Return which plan a task runs, on what."""
    fields = properties_of(inputs_schema(header))
    sources, literals = _split(callee.inputs)
    return PlanCallee(
        runbook=header.id.value,
        plan=plan,
        inputs=sources,
        literals={name: coerce(fields.get(name, {}), value) for name, value in literals.items()},
        accept=tuple(outcome.value for outcome in callee.accept),
    )


def plan_notice(task: Task) -> PlanNotice | None:
    """Return whom a task tells what, or what it emits."""
    notice = task.notice
    if notice is None:
        return None
    emit = notice.emit
    sources, literals = _split(emit.data if emit else {})
    return PlanNotice(
        to=tuple(at.value for at in notice.to),
        message=_text(notice.message),
        via=notice.via,
        emit=PlanEvent(type=emit.type.value, source=emit.source.value, data=sources, literals=literals)
        if emit
        else None,
    )


def plan_hand(task: Task, ladder: tuple[PlanRung, ...]) -> PlanHand | None:
    """Return who does a task; `ladder` is the header's."""
    hand = task.hand
    if hand is None:
        return None
    own = plan_ladder(hand.ladder) or rungs_of(hand.asked, task, ladder)
    return PlanHand(
        ladder=own or ladder, on_timeout=TaskName(hand.on_timeout.value) if hand.on_timeout else None
    )


def plan_approval(task: Task, ask: Ask, ladder: tuple[PlanRung, ...]) -> PlanApproval:
    """Return what an approval asks, and whom; `ladder` is the header's."""
    own = rungs_of(ask.approvers, task, ladder) or ladder
    return PlanApproval(
        actions=tuple(TaskName(action.value) for action in ask.actions),
        question=ask.question.value if ask.question else task.title,
        ladder=own,
        expires_ms=ask.expires_ms or DurationMs(sum(rung.within_ms for rung in own)),
        on_timeout=TaskName(ask.on_timeout.value) if ask.on_timeout else None,
        on_deny=TaskName(ask.on_deny.value) if ask.on_deny else None,
    )


def rungs_of(asked: tuple[At[str], ...], task: Task, ladder: tuple[PlanRung, ...]) -> tuple[PlanRung, ...]:
    """Return one rung for each who is asked, over the channels that the header gives for the same name."""
    channels = {rung.ask: rung.via for rung in ladder}
    within_ms = task.sla_ms or DurationMs(0)
    return tuple(
        PlanRung(ask=who.value, within_ms=within_ms, via=channels.get(who.value, ())) for who in asked
    )


def included(runbook: Runbook) -> dict[str, Digest]:
    """Return the files whose tasks were taken in, each with its digest."""
    return {part.path: part.digest for part in runbook.source.parts[1:]}


def _split(arguments: Mapping[str, Argument]) -> tuple[dict[str, str], dict[str, Any]]:
    sources = {name: argument.source for name, argument in arguments.items() if argument.source}
    literals = {name: argument.value for name, argument in arguments.items() if not argument.source}
    return sources, literals


def _text(at: At[str] | None) -> str:
    return at.value if at is not None else ""
