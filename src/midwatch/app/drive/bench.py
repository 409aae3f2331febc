"""What preparing works with: one action weighed, and facts that stand on a guard.

The guard is the version of policy and people that judged, and the lease on the target; the commit
checks both again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from midwatch.app.drive.judge import Case, judge
from midwatch.app.drive.read import failed, read_back, segment
from midwatch.app.drive.session import Guard, Segment
from midwatch.app.house import House, InForce
from midwatch.base.canonical import thawed_value
from midwatch.base.ids import EffectKey
from midwatch.base.units import SECOND_MS, EpochMs
from midwatch.effects.action import Action, Precondition
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import EffectDispatched, EffectRead, RunEvent, TaskFailed, TaskStarted
from midwatch.plan.model import Plan, PlanTask
from midwatch.policy.decision import Decision
from midwatch.ports.rows import LeaseRow
from midwatch.run.effecting import denial_of
from midwatch.run.errors import NotNowError
from midwatch.run.state import RunState, TaskStatus

SLACK_MS = 2 * SECOND_MS
"""How much longer than its time a call may take to be ended for certain."""

NOT_NOW_RETRY_MS = 15 * SECOND_MS
NOT_NOW_MAX = 40
"""How often an action that may not happen now is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Facts that stand on a guard, and the calls that may be sent once they are durable."""

    segment: Segment
    calls: tuple[EffectKey, ...] = ()
    seen: tuple[tuple[EffectKey, int], ...] = ()
    """Number of the latest event of each effect when it was prepared; 0 for a new one."""
    cancelled: bool = False
    behind: EffectKey | None = None
    """Nothing was prepared: this effect is under way on the same target, and comes first."""

    def stands_on(self, state: RunState) -> bool:
        """Return whether nothing happened since to what was prepared."""
        return self.cancelled == (state.cancel_why is not None) and all(
            n == (state.effects[key].n if key in state.effects else 0) for key, n in self.seen
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One action, sealed and judged."""

    task: PlanTask
    action: Action
    decision: Decision
    hold: "Hold"
    probes: tuple[EffectRead, ...]
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Who holds a target, as far as this run knows."""

    lease: LeaseRow | None
    """As the gate is to see it; None where nobody ever held the target."""
    fence: int = 0
    """The greatest that was ever given for the target."""
    ours: EffectKey | None = None
    """The effect of this very drive that is under way on it."""
    over: LeaseRow | None = None
    """What the database says of a lease whose effect ended, or that belongs to another effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What preparing works on."""

    house: House
    force: InForce
    plan: Plan
    state: RunState

    def prepared(self, facts: list[RunEvent], cause_n: int, **more: Any) -> Prepared:
        """Return the facts under a guard; `keys`, `calls`, `leases`, `freed`, `blobs` where there are any."""
        keys: tuple[EffectKey, ...] = more.get("keys", ())
        state = self.state
        return Prepared(
            segment=segment(
                self.house,
                self.plan,
                facts,
                cause_n,
                guard=Guard(facts_version=self.force.version, leases=more.get("leases", ())),
                freed=more.get("freed", ()),
                blobs=more.get("blobs", ()),
            ),
            calls=more.get("calls", ()),
            seen=tuple((key, state.effects[key].n if key in state.effects else 0) for key in keys),
            cancelled=state.cancel_why is not None,
        )


def check_precondition(
    bench: Bench, task: PlanTask, key: EffectKey, args: dict[str, Any]
) -> tuple[tuple[EffectRead, ...], Precondition | None, bool]:
    """Take the reading that an action relies on; return it, what is sealed of it, and whether it holds.

    Raises:
        MidwatchError: when the reading can't be taken.
    """
    wanted = task.precondition
    if wanted is None:
        return (), None, True
    event, holds = read_back(
        bench.house, bench.plan, bench.state, wanted, about=key, args=args, purpose="precondition"
    )
    seen = thawed_value(event.out)
    return (event,), Precondition(probe=wanted.probe, holds=wanted.holds, seen=seen), holds


def weigh(
    bench: Bench, task: PlanTask, action: Action, *, probes: tuple[EffectRead, ...], holds: bool
) -> Weighed:
    """Have the gate judge a sealed action."""
    hold = hold_on(bench, action)
    case = Case(
        plan=bench.plan,
        state=bench.state,
        task=task,
        action=action,
        precondition_holds=holds,
        lease=hold.lease,
    )
    decision = judge(bench.house, bench.force, case)
    return Weighed(task=task, action=action, decision=decision, hold=hold, probes=probes, holds=holds)


def hold_on(bench: Bench, action: Action) -> Hold:
    """Return who holds the target of an action: what is committed, and what this run did since.

    A lease belongs to one effect, so that two of one run on one target are ordered like those of two runs.
    """
    held = bench.house.store.lease(action.target)
    effects = bench.state.effects
    fence = max(0 if held is None else held.fence, bench.state.fences.get(action.target, 0))
    under_way = (key for key in bench.state.sent if effects[key].sealed["target"] == action.target)
    ours = next((key for key in sorted(under_way) if key != action.key), None)
    if held is None or held.run is None or held.key == action.key:
        return Hold(lease=held, fence=fence, ours=ours)
    known = None if held.key is None else effects.get(held.key)
    if known is not None and known.status not in {EffectStatus.DISPATCHED, EffectStatus.IN_DOUBT}:
        return Hold(lease=None, fence=fence, ours=ours, over=held)
    return Hold(lease=held, fence=fence, ours=ours, over=held)


def behind(
    bench: Bench, weighed: Sequence[Weighed], cause_n: int, *, keys: tuple[EffectKey, ...]
) -> Prepared | None:
    """Return that actions wait for another of this drive on their target, None where they need not."""
    ours = next((one.hold.ours for one in weighed if one.hold.ours is not None), None)
    if ours is None:
        return None
    probes = [probe for one in weighed for probe in one.probes]
    return replace(bench.prepared([*probes], cause_n, keys=keys), behind=ours)


def not_now(bench: Bench, owner: PlanTask, decision: Decision, *, iteration: int = 0) -> TaskFailed:
    """Return that a task waits for a better moment: it is tried again, so many times."""
    attempt = bench.state.attempt_of(owner.name, iteration)
    error = NotNowError(denial_of(decision.as_record()))
    retry = EpochMs(bench.house.clock.now_ms() + NOT_NOW_RETRY_MS)
    again = retry if attempt < NOT_NOW_MAX else None
    return failed(owner, attempt, error, retry=again, iteration=iteration)


def sent(bench: Bench, one: Weighed, *, attempt: int) -> tuple[list[RunEvent], LeaseRow]:
    """Return the facts that say an action is sent, and the lease on its target."""
    house, action = bench.house, one.action
    assert one.task.call is not None, "an acting task has a call"
    deadline_ms = EpochMs(house.clock.now_ms() + one.task.call.timeout_ms + SLACK_MS)
    fence = one.hold.fence + 1
    facts: list[RunEvent] = started(bench, one.task, action.iteration)
    facts.append(
        EffectDispatched(
            key=action.key,
            action=action.digest,
            attempt=attempt,
            worker=house.worker,
            deadline_ms=deadline_ms,
            fence=fence,
        )
    )
    lease = LeaseRow(
        resource=action.target, run=bench.state.run, key=action.key, fence=fence, until_ms=deadline_ms
    )
    return facts, lease


def started(bench: Bench, task: PlanTask, iteration: int) -> list[RunEvent]:
    """Return that the task's next attempt began, unless it is under way."""
    if bench.state.task(task.name, iteration).status is TaskStatus.STARTED:
        return []
    attempt = bench.state.attempt_of(task.name, iteration)
    return [TaskStarted(task=task.name, attempt=attempt, iteration=iteration)]


def overdue(one: Weighed) -> tuple[LeaseRow, ...]:
    """Return the lease of another effect on the target that is over or has run out: it may be taken."""
    return () if one.hold.over is None else (one.hold.over,)
