"""The worst cases of a plan: at most so many effects, questions, calls, tokens, dollars and minutes.

Every figure is the most of any one way through the plan (`ways`), with every loop at its limit and
every attempt used. None stands for what nothing limits. A cap of the budget is stated beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from midwatch.base.classes import EffectClass
from midwatch.base.ids import Digest, TaskName
from midwatch.plan.ahead.ways import Way, Ways, ways_through
from midwatch.plan.compile import Compiled
from midwatch.plan.model import Plan, PlanBudget, PlanProbe, PlanRetry, PlanTask, TaskKind, WaitFor

PROBES_PER_WINDOW = 20
PROBE_INTERVAL_MS_MAX = 5_000
PROBE_INTERVAL_MS_MIN = 250

Most = int | None
"""A number, or None where nothing limits it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What tasks may take together."""

    effects: Most = 0
    undone: Most = 0
    """Effects that take others back."""
    asks: Most = 0
    """Questions to people before something acts: approvals, and what the gate may ask by itself."""
    hands: Most = 0
    """Tasks that a person does."""
    notices: Most = 0
    """People or teams that are told."""
    tool_calls: Most = 0
    tokens: Most = 0
    usd_micro: Most = 0
    working_ms: Most = 0
    waiting_ms: Most = 0
    """For people, events and times."""
    runs: Most = 0
    """Other runs that are begun."""

    def plus(self, other: "Load") -> "Load":
        """Return both together."""
        return self._with(other, lambda one, two: None if one is None or two is None else one + two)

    def times(self, number: int) -> "Load":
        """Return it so many times."""
        return Load(**{name: None if one is None else one * number for name, one in self.items()})

    def most(self, other: "Load") -> "Load":
        """Return the larger of both, figure by figure."""
        return self._with(other, lambda one, two: None if one is None or two is None else max(one, two))

    def capped(self, budget: PlanBudget) -> "Load":
        """Return it within a budget."""
        caps: Mapping[str, Most] = {
            "effects": budget.effects,
            "tool_calls": budget.tool_calls,
            "tokens": budget.tokens,
            "usd_micro": budget.usd_micro,
            "working_ms": budget.working_time_ms,
        }
        given = dict(self.items())
        for name, cap in caps.items():
            if cap is not None:
                one = given[name]
                given[name] = cap if one is None else min(one, cap)
        return Load(**given)

    def items(self) -> Iterable[tuple[str, Most]]:
        """Yield each figure with its name."""
        return ((one.name, getattr(self, one.name)) for one in fields(self))

    def _with(self, other: "Load", step: Any) -> "Load":
        return Load(**{name: step(one, getattr(other, name)) for name, one in self.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The stated limit of one loop, fan-out, wait or retry."""

    task: TaskName
    what: str
    times: int
    parallel: int = 1
    within_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """What a plan may do at most."""

    ways: Ways
    load: Load
    """By its tasks alone, the budget aside."""
    capped: Load
    """Within the budget."""
    limits: tuple[Limit, ...]


def worst_case(compiled: Compiled) -> Worst:
    """Return what a plan may do at most, with everything that it calls."""
    measure = _Measure(compiled)
    ways, load = measure.of_plan(compiled.plan)
    return Worst(
        ways=ways, load=load, capped=load.capped(compiled.plan.budget), limits=tuple(_limits(compiled.plan))
    )


def probes_max(probe: PlanProbe) -> int:
    """Return how often a reading is taken again at most, to see whether something holds."""
    window_ms = probe.within_ms + probe.for_ms
    interval_ms = min(PROBE_INTERVAL_MS_MAX, max(PROBE_INTERVAL_MS_MIN, window_ms // PROBES_PER_WINDOW))
    return -(-window_ms // interval_ms) + 1


class _Measure:
    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._known: dict[Digest, Load] = {}

    def of_plan(self, plan: Plan) -> tuple[Ways, Load]:
        ways = ways_through(plan)
        tasks = {task.name: task for task in plan.tasks}
        asked = frozenset(
            name for task in plan.tasks if task.approval is not None for name in task.approval.actions
        )
        loads = {
            name: self._of_task(task, tasks, asks_itself=name not in asked) for name, task in tasks.items()
        }
        whole: Way = frozenset(name for name, task in tasks.items() if not task.is_undo)
        total = Load()
        for way in ways.ways if ways.is_complete else (whole,):
            one = Load()
            for name in sorted(way):
                one = one.plus(loads[name])
            total = total.most(one)
        return ways, total

    def _of_task(self, task: PlanTask, tasks: Mapping[TaskName, PlanTask], *, asks_itself: bool) -> Load:
        times = task.loop.times_max if task.loop else 1
        rounds = -(-times // (task.loop.parallel if task.loop else 1))
        tries = 1 + task.retry.attempts_max
        one = self._once(task, tries, asks_itself=asks_itself)
        undo = tasks.get(task.undo) if task.undo is not None else None
        if undo is not None:
            back = self._once(undo, 1 + undo.retry.attempts_max, asks_itself=True)
            one = one.plus(
                Load(undone=1, asks=back.asks, tool_calls=back.tool_calls, working_ms=back.working_ms)
            )
        load = one.times(times)
        if rounds != times:
            serial = one.times(rounds)
            given = {**dict(load.items()), "working_ms": serial.working_ms, "waiting_ms": serial.waiting_ms}
            load = Load(**given)
        pause_ms = task.loop.every_ms * (times - 1) if task.loop else 0
        return load.plus(Load(waiting_ms=pause_ms + _backoff_ms(task.retry) * rounds))

    def _once(self, task: PlanTask, tries: int, *, asks_itself: bool) -> Load:
        """Return what one item or round of a task may take."""
        match task.kind:
            case TaskKind.COMMAND:
                return _command(task, tries, asks_itself=asks_itself)
            case TaskKind.DECISION:
                return Load()
            case TaskKind.APPROVAL:
                return Load(asks=1, waiting_ms=task.approval.expires_ms if task.approval else 0)
            case TaskKind.AGENT | TaskKind.MANUAL:
                return _by_hand(task, tries)
            case TaskKind.WAIT:
                return _wait(task)
            case TaskKind.CALL:
                return self._call(task, tries)
            case TaskKind.NOTIFY:
                return Load(notices=len(task.notice.to) if task.notice else 0)

    def _call(self, task: PlanTask, tries: int) -> Load:
        name = task.callee.plan if task.callee is not None else None
        plan = self._compiled.callees.get(name) if name is not None else None
        if name is None or plan is None:
            return Load(
                runs=tries, effects=None, asks=None, tool_calls=None, working_ms=None, waiting_ms=None
            )
        if name not in self._known:
            self._known[name] = self.of_plan(plan)[1].capped(plan.budget).plus(Load(runs=1))
        return self._known[name].times(tries)


def _command(task: PlanTask, tries: int, *, asks_itself: bool) -> Load:
    call = task.call
    if call is None:
        return Load()
    verify = task.verify
    looks = (probes_max(verify) if verify else 0) + (1 if task.precondition else 0)
    window_ms = verify.within_ms + verify.for_ms if verify else 0
    is_acting = call.effect is not EffectClass.READ
    return Load(
        effects=1 if is_acting and not task.is_undo else 0,
        asks=1 if is_acting and asks_itself else 0,
        tool_calls=tries + looks,
        working_ms=tries * call.timeout_ms + window_ms,
    )


def _by_hand(task: PlanTask, tries: int) -> Load:
    """Return what a person's task may take, or an agent's: the larger of both ways to do it."""
    hand, budget = task.hand, task.budget
    ladder_ms = sum(rung.within_ms for rung in hand.ladder) if hand else 0
    is_bounded = hand is not None and (hand.on_timeout is not None or task.timeout_ms > 0)
    waiting_ms = (min(ladder_ms, task.timeout_ms) if task.timeout_ms else ladder_ms) if is_bounded else None
    load = Load(hands=1, waiting_ms=waiting_ms)
    if task.kind is TaskKind.AGENT and budget is not None:
        calls = budget.tool_calls if task.tools else 0
        working_ms = task.timeout_ms or budget.working_time_ms
        load = load.plus(
            Load(tokens=budget.tokens, usd_micro=budget.usd_micro, tool_calls=calls, working_ms=working_ms)
        )
    return load.times(tries)


def _wait(task: PlanTask) -> Load:
    wait = task.wait
    if wait is None:
        return Load()
    if wait.kind is WaitFor.TIME:
        return Load(waiting_ms=wait.for_ms or None)
    looks = wait.within_ms // wait.every_ms + 1 if wait.every_ms else 0
    return Load(waiting_ms=wait.within_ms, tool_calls=looks)


def _backoff_ms(retry: PlanRetry) -> int:
    pauses = (retry.backoff_ms * 2**number for number in range(retry.attempts_max))
    return sum(min(pause, retry.backoff_ms_max) if retry.backoff_ms_max else pause for pause in pauses)


def _limits(plan: Plan) -> Iterable[Limit]:
    for task in plan.tasks:
        if task.loop is not None:
            what = "items" if task.loop.each else "rounds"
            yield Limit(task=task.name, what=what, times=task.loop.times_max, parallel=task.loop.parallel)
        if task.retry.attempts_max:
            yield Limit(task=task.name, what="attempts", times=1 + task.retry.attempts_max)
        if task.wait is not None:
            yield Limit(
                task=task.name, what="wait", times=1, within_ms=task.wait.within_ms or task.wait.for_ms
            )
