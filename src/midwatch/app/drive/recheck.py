"""Checking an action once more, right before it is sent: the same bytes, the world, the policy, the leave."""

from midwatch.app.drive.ask import Question, ask
from midwatch.app.drive.bench import (
    Bench,
    Prepared,
    Weighed,
    behind,
    check_precondition,
    not_now,
    overdue,
    sent,
    started,
    weigh,
)
from midwatch.app.drive.judge import is_good
from midwatch.app.drive.read import failed
from midwatch.app.drive.seal import Wanted, seal
from midwatch.app.house import House
from midwatch.base.canonical import thawed_value
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import EffectKey
from midwatch.effects.action import Precondition
from midwatch.effects.ledger import EffectStatus
from midwatch.journal.run_events import (
    ApprovalConsumed,
    EffectJudged,
    EffectRead,
    EffectVoided,
    RunEvent,
)
from midwatch.plan.model import Plan, PlanTask
from midwatch.policy.decision import Denial, Verdict
from midwatch.run.asking import closing_facts
from midwatch.run.commands import Dispatch
from midwatch.run.effecting import denial_of, is_wanted_again
from midwatch.run.errors import ForbiddenError, OtherActionError, PreconditionError
from midwatch.run.state import EffectState, RunState

_SENT_BEFORE = frozenset({EffectStatus.IN_DOUBT, EffectStatus.FAILED})
"""States of an effect that is to be sent again; it can't be asked about anew."""


def prepare_dispatch(house: House, plan: Plan, state: RunState, command: Dispatch) -> Prepared:
    """Check a sealed action once more, right before it is sent: the same bytes, the world, the policy."""
    bench = Bench(house=house, force=house.in_force(), plan=plan, state=state)
    effect = state.effects[command.key]
    task = plan.task(effect.task)
    keys = _hangs_together(bench, effect)
    try:
        one = _weigh_again(bench, task, effect)
    except MidwatchError as error:
        return bench.prepared(_void(bench, effect, error, task=task), effect.n, keys=keys)
    waiting = behind(bench, (one,), effect.n, keys=keys)
    if waiting is not None:
        return waiting
    probes: list[RunEvent] = list(one.probes)
    if one.action.digest != effect.action:
        other = OtherActionError("what would be sent is no longer what was sealed")
        was_sent = task if not _may_be_void(bench, effect) else None
        return bench.prepared([*probes, *_void(bench, effect, other, task=was_sent)], effect.n, keys=keys)
    if not one.holds:
        broken = PreconditionError("what it relies on no longer holds")
        return bench.prepared([*probes, *_void(bench, effect, broken, task=task)], effect.n, keys=keys)
    if one.decision.kind is Denial.NOT_NOW:
        later: list[RunEvent] = [*probes, not_now(bench, task, one.decision, iteration=effect.iteration)]
        return bench.prepared(later, effect.n, keys=keys)
    match one.decision.outcome:
        case Verdict.ALLOWED:
            return _dispatched(bench, effect, one)
        case Verdict.ASKED if effect.status not in _SENT_BEFORE:
            return _asked_for_more(bench, effect, one)
        case Verdict.ASKED if _may_be_void(bench, effect):
            stale = OtherActionError("the policy in force wants another leave")
            return bench.prepared([*probes, *_void(bench, effect, stale, task=None)], effect.n, keys=keys)
        case Verdict.ASKED | Verdict.DENIED:
            return bench.prepared([*probes, *_denied_now(bench, effect, one)], effect.n, keys=keys)


def _weigh_again(bench: Bench, task: PlanTask, effect: EffectState) -> Weighed:
    sealed = effect.sealed["precondition"]
    precondition = None
    probes: tuple[EffectRead, ...] = ()
    holds = True
    if sealed is not None:
        precondition = Precondition(
            probe=sealed["probe"], holds=sealed["holds"], seen=thawed_value(sealed["seen"])
        )
    wanted = Wanted(
        plan=bench.plan,
        state=bench.state,
        task=task,
        key=effect.key,
        nonce=str(effect.sealed["nonce"]),
        iteration=effect.iteration,
        precondition=precondition,
    )
    action = seal(bench.house, wanted)
    if sealed is not None and effect.status is not EffectStatus.IN_DOUBT:
        probes, _, holds = check_precondition(bench, task, effect.key, dict(action.args))
    return weigh(bench, task, action, probes=probes, holds=holds)


def _void(bench: Bench, effect: EffectState, why: MidwatchError, *, task: PlanTask | None) -> list[RunEvent]:
    """Return the facts that take an action's leave away; with a task, that it failed for it too."""
    facts: list[RunEvent] = []
    if _may_be_void(bench, effect):
        voided = EffectVoided(key=effect.key, action=effect.action, outcome="void", why=why.sentence)
        facts.extend((voided, *_leave_closed(bench, effect, "void", why.sentence)))
    if task is not None:
        facts.append(_failed(bench, effect, task, why))
    return facts


def _may_be_void(bench: Bench, effect: EffectState) -> bool:
    """Return whether the seal may be thrown away for a new one.

    It never was sent; or it is an undo that did not happen for certain, and that somebody wants again.
    """
    if effect.status is EffectStatus.FAILED:
        return is_wanted_again(bench.state, bench.plan.task(effect.task), effect)
    return effect.status is not EffectStatus.IN_DOUBT


def _failed(bench: Bench, effect: EffectState, task: PlanTask, error: MidwatchError) -> RunEvent:
    attempt = bench.state.attempt_of(effect.task, effect.iteration)
    return failed(task, attempt, error, iteration=effect.iteration)


def _hangs_together(bench: Bench, effect: EffectState) -> tuple[EffectKey, ...]:
    """Return the keys of the bundle whose leave may be taken away together with this effect's."""
    asked = bench.state.approval_of(effect.key)
    return (effect.key,) if asked is None or asked.status != "approved" else asked.keys


def _leave_closed(bench: Bench, effect: EffectState, outcome: str, why: str) -> list[RunEvent]:
    """Return the facts that take a leave away from what was not sent yet of its bundle: it is asked anew."""
    asked = bench.state.approval_of(effect.key)
    if asked is None or asked.status != "approved":
        return []
    closed = closing_facts(bench.state, asked, outcome=outcome, why=why)
    return [fact for fact in closed if not (isinstance(fact, EffectVoided) and fact.key == effect.key)]


def _denied_now(bench: Bench, effect: EffectState, one: Weighed) -> list[RunEvent]:
    """Return what follows where the policy in force says no, or wants more for what was sent before."""
    why = denial_of(one.decision.as_record())
    if effect.status in _SENT_BEFORE:
        return [_failed(bench, effect, one.task, ForbiddenError(why))]
    judged = EffectJudged(
        key=effect.key, action=effect.action, outcome="denied", decision=one.decision.as_record()
    )
    return [judged, *_leave_closed(bench, effect, "void", why)]


def _asked_for_more(bench: Bench, effect: EffectState, one: Weighed) -> Prepared:
    """Ask anew: the policy in force wants more than was given, or what was given has run out."""
    before = bench.state.approval_of(effect.key)
    question = Question(
        plan=bench.plan,
        state=bench.state,
        owner=one.task,
        actions=((one.task, one.action, one.decision),),
        supersedes=before.approval if before is not None else "",
    )
    asked, blob = ask(bench.house, bench.force, question)
    judged = EffectJudged(
        key=effect.key, action=effect.action, outcome="asked", decision=one.decision.as_record()
    )
    closed = _leave_closed(bench, effect, "superseded", "the policy in force wants another leave")
    facts = [*one.probes, *started(bench, one.task, effect.iteration), *closed, judged, asked]
    return bench.prepared(facts, effect.n, keys=_hangs_together(bench, effect), blobs=(blob,))


def _dispatched(bench: Bench, effect: EffectState, one: Weighed) -> Prepared:
    facts: list[RunEvent] = list(one.probes)
    if effect.status not in _SENT_BEFORE:
        facts.append(
            EffectJudged(
                key=effect.key, action=effect.action, outcome="allowed", decision=one.decision.as_record()
            )
        )
    asked = bench.state.approval_of(effect.key)
    now_ms = bench.house.clock.now_ms()
    if (
        asked is not None
        and effect.key not in asked.consumed
        and is_good(bench.state, asked, effect.key, effect.action, now_ms)
    ):
        facts.append(ApprovalConsumed(approval=asked.approval, key=effect.key, action=effect.action))
    said, lease = sent(bench, one, attempt=effect.attempt + 1)
    keys = (effect.key,)
    freed = overdue(one)
    return bench.prepared([*facts, *said], effect.n, keys=keys, calls=keys, leases=(lease,), freed=freed)
