"""From a sealed action to the gate's decision: the facts are gathered here, and nowhere else."""

from dataclasses import dataclass

from midwatch.app.house import House, InForce
from midwatch.approvals.quorum import Given, tally
from midwatch.base.classes import EffectClass, Mode, RetryClass
from midwatch.base.ids import EffectKey, Principal
from midwatch.base.labels import join
from midwatch.base.units import DAY_MS, DurationMs
from midwatch.effects.action import Action
from midwatch.effects.ledger import EffectStatus
from midwatch.plan.model import Plan, PlanRung, PlanTask
from midwatch.policy.decision import Decision
from midwatch.policy.facts import NO_CAP, NOBODY, Approved, Facts
from midwatch.policy.gate import requirements_for
from midwatch.ports.rows import LeaseRow
from midwatch.run.doing.budget import EFFECTS, TOOL_CALLS, USD_MICRO, rest_of
from midwatch.run.state import ApprovalState, RunState

FALLBACK_ASK = "team:guardians"
FALLBACK_WITHIN_MS = DurationMs(DAY_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One action before the gate, with what the gate may know of it."""

    plan: Plan
    state: RunState
    task: PlanTask
    action: Action
    precondition_holds: bool = True
    lease: LeaseRow | None = None
    """Who holds the target; None where nobody ever did."""


def judge(house: House, force: InForce, case: Case) -> Decision:
    """Return the decision of the policy in force about an action."""
    approvers = [rung.ask for rung in rungs(case.plan, case.task)]
    return force.rules.judge(facts_of(house, force, case), requirements_for(approvers))


def facts_of(house: House, force: InForce, case: Case) -> Facts:
    """Return everything that the gate judges an action on."""
    plan, state, action = case.plan, case.state, case.action
    started = state.started
    assert started is not None, "only a started run acts"
    rest = rest_of(plan, state)
    undo_by_person = case.task.is_undo and state.undo_by.startswith("person:")
    declared = house.tools.manifests.get(action.tool)
    return Facts(
        principal=action.agent,
        tool=action.tool,
        known=declared is not None,
        effect=EffectClass(action.effect),
        retry=declared.retry if declared is not None else RetryClass.UNSAFE,
        target=action.target,
        runbook=plan.runbook,
        run=state.run,
        initiator=action.initiator,
        mode=Mode(started.mode),
        profile=house.profile,
        practice=started.practice,
        granted=action.tool in plan.tools,
        halted=force.is_set("halt"),
        frozen=force.is_set("freeze"),
        revoked=force.is_set(f"revoked/{plan.document}"),
        effects_left=_cap(rest[EFFECTS], spared=case.task.is_undo),
        tool_calls_left=_cap(rest[TOOL_CALLS]),
        usd_left_micro=_cap(rest[USD_MICRO]),
        usd_needed_micro=0,
        denied_before=_is_denied_before(case),
        lease_free=_is_free(case.lease, action.key, house.clock.now_ms()),
        seal_lag_ms=house.seal_lag_ms(),
        args=join(action.labels.values()),
        guard=action.guard,
        undo_declared=case.task.undo is not None,
        is_undo=case.task.is_undo,
        precondition_holds=case.precondition_holds,
        person_confirmed=started.person_acts or undo_by_person,
        approved=approved(case, house.clock.now_ms()),
    )


def _is_denied_before(case: Case) -> bool:
    """Return whether a person said no to this: to doing it, or, where it takes something back, to that."""
    return any(
        (no.tool, no.target) == (case.action.tool, case.action.target)
        and case.plan.task(no.task).is_undo == case.task.is_undo
        for no in case.state.refusals
    )


def _cap(left: int | None, *, spared: bool = False) -> int:
    """Return what is left for the gate; an undo is never kept from happening by what was done before."""
    return NO_CAP if left is None or spared else left


def _is_free(lease: LeaseRow | None, key: EffectKey, now_ms: int) -> bool:
    return lease is None or lease.run is None or lease.key == key or lease.until_ms <= now_ms


def approved(case: Case, now_ms: int) -> Approved:
    """Return the leave that people gave for exactly this action, if it is still good."""
    asked = case.state.approval_of(case.action.key)
    if asked is None or not is_good(case.state, asked, case.action.key, case.action.digest, now_ms):
        return NOBODY
    found = tally(given_to(asked), asked.ladder, requester_of(case.state))
    return Approved(
        count=found.count,
        people=found.people,
        teams=found.teams,
        second_person=found.second_person,
        self_approved=found.self_approved,
    )


def requester_of(state: RunState) -> Principal:
    """Return who wants what is asked about: whoever asked for the undo, else for the run."""
    assert state.started is not None, "only a started run asks"
    return Principal(state.undo_by if state.undoing and state.undo_by else state.started.initiator)


def given_to(asked: ApprovalState) -> tuple[Given, ...]:
    """Return the answers that counted, in their order."""
    return tuple(Given(by=Principal(answer.by), answer=answer.answer) for answer in asked.answers)


def is_good(state: RunState, asked: ApprovalState, key: EffectKey, action: str, now_ms: int) -> bool:
    """Return whether an approval covers this very action, unexpired and not used up by another."""
    if action not in asked.actions:
        return False
    if key in asked.consumed:  # a repeated or retried call keeps the leave that its first dispatch used
        return state.effects[key].status in {EffectStatus.IN_DOUBT, EffectStatus.FAILED}
    return asked.status == "approved" and now_ms < asked.expires_ms


def rungs(plan: Plan, task: PlanTask) -> tuple[PlanRung, ...]:
    """Return the ladder that a question about the task goes up."""
    if task.approval is not None and task.approval.ladder:
        return task.approval.ladder
    for other in plan.tasks:
        if other.approval is not None and task.name in other.approval.actions and other.approval.ladder:
            return other.approval.ladder
    return plan.ladder or (PlanRung(ask=FALLBACK_ASK, within_ms=FALLBACK_WITHIN_MS),)
