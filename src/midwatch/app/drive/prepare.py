"""Preparing new actions: seal, read what they rely on, have them judged; then ask, or say one is sent."""

from midwatch.app.drive.ask import Question, ask, propose
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
from midwatch.app.drive.read import failed
from midwatch.app.drive.seal import Wanted, arguments_of, new_nonce, seal
from midwatch.app.house import House
from midwatch.base.errors import MidwatchError
from midwatch.journal.run_events import (
    EffectJudged,
    EffectProposed,
    EffectVoided,
    RunEvent,
    TaskSkipped,
    TaskSucceeded,
)
from midwatch.plan.model import Plan, PlanTask
from midwatch.policy.decision import Denial, Verdict
from midwatch.ports.store import Blob
from midwatch.run.commands import Prepare
from midwatch.run.dataflow import key_of, scope_at
from midwatch.run.effecting import denial_of
from midwatch.run.errors import ForbiddenError, PreconditionError
from midwatch.run.state import RunState


def prepare_new(house: House, plan: Plan, state: RunState, command: Prepare) -> Prepared:
    """Seal and judge actions that nothing was decided about yet; ask, or send the one that may go."""
    bench = Bench(house=house, force=house.in_force(), plan=plan, state=state)
    keys = tuple(key_of(state, name, iteration) for name, iteration in command.tasks)
    owner_name, at = (command.asking, 0) if command.asking is not None else command.tasks[0]
    owner, attempt = plan.task(owner_name), state.attempt_of(owner_name, at)
    try:
        weighed = [_weigh_new(bench, plan.task(name), iteration) for name, iteration in command.tasks]
    except MidwatchError as error:
        fact = failed(owner, attempt, error, iteration=at)
        return bench.prepared([fact], command.cause_n, keys=keys)
    waiting = behind(bench, weighed, command.cause_n, keys=keys)
    if waiting is not None:
        return waiting
    probes: list[RunEvent] = [probe for one in weighed for probe in one.probes]
    broken = next((one for one in weighed if not one.holds), None)
    if broken is not None:
        assert broken.task.precondition is not None, "only a declared precondition can be broken"
        unmet = PreconditionError(f"`{broken.task.name}` relies on: {broken.task.precondition.holds}")
        fact = failed(owner, attempt, unmet, iteration=at)
        return bench.prepared([*probes, fact], command.cause_n, keys=keys)
    later = next((one for one in weighed if one.decision.kind is Denial.NOT_NOW), None)
    if later is not None:
        wait = not_now(bench, owner, later.decision, iteration=at)
        return bench.prepared([*probes, wait], command.cause_n, keys=keys)
    if any(one.decision.outcome is Verdict.DENIED for one in weighed):
        return _denied(bench, command, owner, weighed)
    if any(one.decision.outcome is Verdict.ASKED for one in weighed):
        return _asking(bench, command, owner, weighed)
    return _allowed(bench, command, weighed)


def _weigh_new(bench: Bench, task: PlanTask, iteration: int) -> Weighed:
    key = key_of(bench.state, task.name, iteration)
    scope = scope_at(bench.plan, bench.state, (task.name, iteration))
    args = arguments_of(bench.house, task, scope)
    probes, precondition, holds = check_precondition(bench, task, key, dict(args))
    wanted = Wanted(
        plan=bench.plan,
        state=bench.state,
        task=task,
        key=key,
        nonce=new_nonce(bench.house),
        iteration=iteration,
        precondition=precondition,
        args=args,
    )
    return weigh(bench, task, seal(bench.house, wanted), probes=probes, holds=holds)


def _proposed(one: Weighed, outcome: str) -> list[RunEvent]:
    action = one.action
    return [
        EffectProposed(
            key=action.key,
            task=one.task.name,
            tool=action.tool,
            action=action.digest,
            sealed=action.as_record(),
            iteration=action.iteration,
        ),
        EffectJudged(
            key=action.key, action=action.digest, outcome=outcome, decision=one.decision.as_record()
        ),
    ]


def _denied(bench: Bench, command: Prepare, owner: PlanTask, weighed: list[Weighed]) -> Prepared:
    """Return what follows when one action of a bundle is denied: none of it is asked about."""
    facts: list[RunEvent] = [probe for one in weighed for probe in one.probes]
    why = ""
    shadow = False
    for one in weighed:
        if one.decision.outcome is Verdict.DENIED:
            facts.extend(_proposed(one, "denied"))
            why = why or denial_of(one.decision.as_record())
            shadow = shadow or one.decision.kind is Denial.SHADOW
        else:
            facts.append(_proposed(one, "asked")[0])
            reason = "another action of its bundle is denied"
            facts.append(
                EffectVoided(key=one.action.key, action=one.action.digest, outcome="void", why=reason)
            )
    blobs: tuple[Blob, ...] = ()
    if shadow:
        shown, blob = propose(bench.house, bench.force, _question(bench, command, owner, weighed))
        facts.extend(shown)
        blobs = (blob,)
    if command.asking is not None:
        facts.append(
            TaskSkipped(task=owner.name, why=f"nothing runs in this mode: {why}")
            if shadow
            else failed(owner, bench.state.attempt_of(owner.name), ForbiddenError(why))
        )
    keys = tuple(one.action.key for one in weighed)
    return bench.prepared(facts, command.cause_n, keys=keys, blobs=blobs)


def _question(bench: Bench, command: Prepare, owner: PlanTask, weighed: list[Weighed]) -> Question:
    return Question(
        plan=bench.plan,
        state=bench.state,
        owner=owner,
        actions=tuple((one.task, one.action, one.decision) for one in weighed),
        supersedes=command.supersedes,
    )


def _asking(bench: Bench, command: Prepare, owner: PlanTask, weighed: list[Weighed]) -> Prepared:
    asked, blob = ask(bench.house, bench.force, _question(bench, command, owner, weighed))
    facts: list[RunEvent] = [probe for one in weighed for probe in one.probes]
    at = 0 if command.asking is not None else weighed[0].action.iteration
    facts.extend(started(bench, owner, at))
    for one in weighed:
        facts.extend(_proposed(one, "asked"))
    facts.append(asked)
    keys = tuple(one.action.key for one in weighed)
    return bench.prepared(facts, command.cause_n, keys=keys, blobs=(blob,))


def _allowed(bench: Bench, command: Prepare, weighed: list[Weighed]) -> Prepared:
    facts: list[RunEvent] = [probe for one in weighed for probe in one.probes]
    for one in weighed:
        facts.extend(_proposed(one, "allowed"))
    keys = tuple(one.action.key for one in weighed)
    if command.asking is not None:
        attempt = bench.state.attempt_of(command.asking)
        done = TaskSucceeded(task=command.asking, attempt=attempt, out={"answer": "not needed", "by": []})
        return bench.prepared([*facts, done], command.cause_n, keys=keys)
    one = weighed[0]
    before = bench.state.effects.get(one.action.key)
    said, lease = sent(bench, one, attempt=1 + (before.attempt if before is not None else 0))
    return bench.prepared(
        [*facts, *said], command.cause_n, keys=keys, calls=keys, leases=(lease,), freed=overdue(one)
    )
