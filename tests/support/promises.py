"""What must hold of every history, checked at each commit and before each acting call.

An opinion of its own: who must have said yes is worked out here from the table at the head of the
default policy, not by the gate.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from midwatch.app.drive.session import load_plan
from midwatch.app.house import SUBJECT, House
from midwatch.base.canonical import thawed_value
from midwatch.base.classes import EffectClass, Mode, Profile, RetryClass
from midwatch.base.ids import EffectKey, HandId, OwnerToken, RunId, TaskName
from midwatch.base.labels import join, label_from
from midwatch.effects.ledger import HAPPENED, EffectStatus
from midwatch.journal.chain import open_entry
from midwatch.journal.events import Erased, Event
from midwatch.journal.run_events import (
    AnswerRefused,
    ApprovalAnswered,
    ApprovalConsumed,
    ChildCalled,
    EffectConfirmed,
    EffectDispatched,
    EffectFailed,
    EffectJudged,
    EffectRead,
    EffectUndone,
    HandDone,
    HandRefused,
    RunEnded,
    RunEvent,
    RunStarted,
    SignalTaken,
    TaskFailed,
    TaskRouted,
    TaskSkipped,
    TaskSucceeded,
    UndoRequested,
)
from midwatch.plan.model import OnStop, Plan, PlanTask
from midwatch.ports.store import Change
from midwatch.ports.tools import ToolCall
from midwatch.run.dataflow import applies, scope_of
from midwatch.run.evolve import evolve
from midwatch.run.state import SETTLED, ApprovalState, EffectState, RunState, TaskStatus
from support.world import RETRY, World

_OVER = {EffectStatus.DENIED, EffectStatus.EXPIRED, EffectStatus.VOID}


@dataclass(slots=True)
class Promises:
    """Follows the journal of one house and keeps what is broken."""

    house: House
    world: World
    policy: str = ""
    """Digest of the policy in force."""
    yeses_min: int = 0
    """How many yeses the policy in force wants beyond the table's."""
    is_halted: bool = False
    lied: set[EffectKey] = field(default_factory=set)
    """Effects of which a person said what is not so."""
    broken: list[str] = field(default_factory=list)
    states: dict[RunId, RunState] = field(default_factory=dict)
    facts: list[RunEvent] = field(default_factory=list)
    """Everything that was committed to runs, in its order."""
    sent: Counter[EffectKey] = field(default_factory=Counter)
    """How often each acting call reached the world."""
    fences: dict[str, int] = field(default_factory=dict)
    """The greatest fencing token that was given for each target."""
    _outcomes: set[tuple[RunId, str, int, int]] = field(default_factory=set)

    def check(self, holds: object, sentence: str) -> None:
        if not holds:
            self.broken.append(sentence)
            raise AssertionError(sentence)

    # At each commit

    def committed(self, change: Change, owner_before: OwnerToken | None) -> None:
        if change.run is None:
            return
        if change.owner is not None:
            self.check(
                owner_before == change.owner, f"{change.run} was written to by a drive it is not owned by"
            )
        key = self.house.keys.subject_key(SUBJECT, create=False)
        batch: list[RunEvent] = []
        for entry in change.entries:
            event = open_entry(entry, key)
            assert not isinstance(event.payload, Erased)
            before = self.states.get(change.run) or RunState(run=change.run)
            self.check(event.envelope.n == before.n + 1, f"{event.ref} is not the next event")
            after = evolve(before, event)
            self.facts.append(event.payload)
            if before.started is not None:
                plan = load_plan(self.house, before.started.plan)
                self._fact(event, event.payload, before, plan, batch)
            self.states[change.run] = after
            batch.append(event.payload)

    def _fact(
        self, event: Event, payload: object, before: RunState, plan: Plan, batch: Sequence[RunEvent]
    ) -> None:
        if before.outcome:
            self._after_end(event, payload, before, plan)
        match payload:
            case TaskSucceeded() | TaskFailed() | TaskSkipped():
                self._outcome(event, payload, before, plan)
            case EffectDispatched():
                self._dispatched(event, payload, before, plan, batch)
            case EffectConfirmed():
                key = EffectKey(payload.key)
                if payload.by.startswith("person:"):
                    self._settled(event, before.effects[key])
                    self._note_lie(key, is_true=self.world.applied[key] > 0)
                self.check(
                    self.world.applied[key] or key in self.lied, f"{key} is confirmed and did not happen"
                )
            case EffectFailed():
                key = EffectKey(payload.key)
                if payload.by.startswith("person:"):
                    self._settled(event, before.effects[key])
                    self._note_lie(key, is_true=self.world.applied[key] == 0)
                self.check(
                    not self.world.applied[key] or key in self.lied,
                    f"{key} failed for certain, and it happened",
                )
            case EffectUndone(status="undone"):
                self._undone(payload, before)
            case ApprovalAnswered():
                self._answered(event, payload, before, plan)
            case ApprovalConsumed():
                self._consumed(event, payload, before)
            case RunEnded():
                self._ended(before, plan)
            case HandDone():
                self._handed_in(event, payload, before)
            case SignalTaken():
                inbox = {signal.n for signal in before.inbox}
                self.check(payload.signal_n in inbox, f"{event.ref} takes a signal that is not there")
            case ChildCalled():
                known_child = payload.child in before.children
                self.check(not known_child, f"{event.ref} calls {payload.child} twice")
            case RunStarted(parent=parent) if parent:
                self.check(False, f"{event.ref} begins twice")  # noqa: FBT003
            case _:
                pass

    def _settled(self, event: Event, effect: EffectState) -> None:
        self.check(
            event.envelope.at_ms >= effect.settle_after_ms,
            f"{event.ref} settles {effect.key} while whoever sent it may still carry it out",
        )

    def _note_lie(self, key: EffectKey, *, is_true: bool) -> None:
        if not is_true:
            self.lied.add(key)

    def _after_end(self, event: Event, payload: object, before: RunState, plan: Plan) -> None:
        if isinstance(payload, UndoRequested | AnswerRefused | HandRefused):
            return
        if isinstance(payload, EffectConfirmed | EffectFailed) and payload.by.startswith("person:"):
            task = plan.task(before.effects[EffectKey(payload.key)].task)
            self.check(task.is_undo, f"{event.ref} settles a doubt of a run that had ended")
            return
        self.check(before.undoing, f"{event.ref} changes a run that had ended")
        if isinstance(payload, TaskSucceeded | TaskFailed | TaskSkipped | TaskRouted):
            named = next(task for task in plan.tasks if task.name == payload.task)
            self.check(named.is_undo, f"{event.ref} changes a task of a run that had ended")

    def _outcome(
        self, event: Event, payload: TaskSucceeded | TaskFailed | TaskSkipped, before: RunState, plan: Plan
    ) -> None:
        task = next(task for task in plan.tasks if task.name == payload.task)
        known = before.task(task.name, payload.iteration)
        if task.is_undo:
            return
        self._iteration(event, payload, before)
        self.check(known.status not in SETTLED, f"{event.ref}: `{task.name}` had its outcome already")
        if isinstance(payload, TaskSkipped):
            return
        self.check(
            payload.attempt >= known.attempt,
            f"{event.ref}: attempt {payload.attempt} of `{task.name}` is over",
        )
        outcome = (before.run, payload.task, payload.iteration, payload.attempt)
        self.check(outcome not in self._outcomes, f"{event.ref}: `{task.name}` ends its attempt twice")
        self._outcomes.add(outcome)

    def _iteration(
        self, event: Event, payload: TaskSucceeded | TaskFailed | TaskSkipped, before: RunState
    ) -> None:
        """Check that an iteration is one of its loop, and that a loop ends after its iterations."""
        loop = next((loop for name, loop in before.loops.items() if name == payload.task), None)
        if payload.iteration:
            self.check(loop is not None, f"{event.ref} is about an iteration of no loop")
            most = len(loop.items) if loop is not None and loop.items else payload.iteration
            self.check(payload.iteration <= most, f"{event.ref} is about an item that is not there")
        elif loop is not None:
            self.check(not loop.going, f"{event.ref}: a loop ends before {sorted(loop.going)}")
            is_whole = loop.begin > len(loop.items) or not isinstance(payload, TaskSucceeded)
            self.check(is_whole, f"{event.ref}: a loop ends without item {loop.begin}")

    # Dispatch

    def _leased(self, where: str, event: Event, payload: EffectDispatched, effect: EffectState) -> None:
        """Check that the fence is fresh, and that nothing else is under way on the target."""
        target = str(effect.sealed["target"])
        self.check(payload.fence > self.fences.get(target, 0), f"{where} with fence {payload.fence} again")
        self.fences[target] = payload.fence
        for other in (one for state in self.states.values() for one in state.effects.values()):
            is_there = other.status is EffectStatus.DISPATCHED and other.sealed["target"] == target
            self.check(
                not is_there or other.key == effect.key or other.deadline_ms <= event.envelope.at_ms,
                f"{where} while {other.key} is under way on {target}",
            )

    def _dispatched(
        self, event: Event, payload: EffectDispatched, before: RunState, plan: Plan, batch: Sequence[RunEvent]
    ) -> None:
        key = EffectKey(payload.key)
        effect = before.effects[key]
        task = plan.task(effect.task)
        where = f"{event.ref} sends {key}"
        self.check(payload.action == effect.action, f"{where}, which is not what was sealed")
        self.check(not self.is_halted, f"{where} while everything is halted")
        self.check(payload.attempt == effect.attempt + 1, f"{where} with a wrong attempt")
        manifest = self.world.manifests[task.call.tool] if task.call is not None else None
        self.check(
            manifest is not None and effect.sealed["manifest"] == manifest.digest,
            f"{where}, whose manifest is another now",
        )
        self._needs(where, before, plan, task)
        self._leased(where, event, payload, effect)
        is_repeated = effect.status in {EffectStatus.IN_DOUBT, EffectStatus.FAILED}
        if effect.status is EffectStatus.IN_DOUBT:
            self.check(
                RETRY[task.call.tool if task.call else "look"]  # type: ignore[index]
                in {RetryClass.IDEMPOTENT, RetryClass.KEYED},
                f"{where} again without knowing whether it happened",
            )
        if not is_repeated:
            self._judged(where, effect, task, batch)
        wanted, second = self._wanted(before, task, effect)
        if wanted:
            self._leave(where, event, before, effect, batch, wanted=wanted, second=second)

    def _needs(self, where: str, before: RunState, plan: Plan, task: PlanTask) -> None:
        if task.is_undo:
            self.check(before.undoing, f"{where} and nobody wants anything undone")
            return
        if before.task(task.name).routed_by is not None:
            return
        needs = [before.task(need).status for need in task.needs]
        self.check(all(status in SETTLED for status in needs), f"{where} before what it needs")
        succeeded = sum(status is TaskStatus.SUCCEEDED for status in needs)
        enough = min(1, len(needs)) if task.join == "any" else len(needs)
        self.check(succeeded >= enough, f"{where} without what it needs")
        self.check(applies(task, scope_of(plan, before)), f"{where} though its condition does not hold")

    def _judged(self, where: str, effect: EffectState, task: PlanTask, batch: Sequence[RunEvent]) -> None:
        judged = [fact for fact in batch if isinstance(fact, EffectJudged) and fact.key == effect.key]
        self.check(judged and judged[-1].outcome == "allowed", f"{where} without the gate's word")
        self.check(judged[-1].action == effect.action, f"{where}, and the gate judged another action")
        self.check(
            judged[-1].decision["policy"] == self.policy,
            f"{where} under a policy that is not in force any more",
        )
        if task.precondition is not None:
            holds = [
                fact.holds
                for fact in batch
                if isinstance(fact, EffectRead) and (fact.purpose, fact.about) == ("precondition", effect.key)
            ]
            self.check(holds and holds[-1], f"{where} without looking whether its precondition holds")

    def _wanted(self, before: RunState, task: PlanTask, effect: EffectState) -> tuple[int, bool]:
        """Return how many yeses the table asks for, and whether one must be a second person's."""
        started = before.started
        assert started is not None
        mode = Mode(started.mode)
        self.check(mode in {Mode.APPROVE, Mode.AUTO}, f"{effect.key} is sent in mode {mode}")
        if task.is_undo and before.undo_by.startswith("person:"):
            return 0, False
        labels = join([label_from(text) for text in effect.sealed["labels"].values()])
        is_final = effect.sealed["effect"] == EffectClass.IRREVERSIBLE
        second = is_final or (task.undo is None and not task.is_undo)
        wanted = 1 if mode is Mode.APPROVE or second or labels.integrity == "untrusted" else 0
        return max(wanted, self.yeses_min), second or (wanted > 0 and self.house.profile is Profile.TEAM)

    def _leave(
        self,
        where: str,
        event: Event,
        before: RunState,
        effect: EffectState,
        batch: Sequence[RunEvent],
        *,
        wanted: int,
        second: bool,
    ) -> None:
        good = [asked for asked in before.approvals.values() if self._covers(asked, effect)]
        self.check(good, f"{where} without an approval of exactly this action")
        asked = good[-1]
        initiator = before.started.initiator if before.started is not None else ""
        requester = before.undo_by if before.undoing else initiator
        people = {answer.by for answer in asked.answers if answer.answer == "approve"}
        self.check(len(people) >= wanted, f"{where} with {len(people)} of {wanted} yeses")
        self.check(not second or people - {requester}, f"{where} without a second person's yes")
        self.check(all(answer.answer == "approve" for answer in asked.answers), f"{where} over a no")
        if effect.status not in {EffectStatus.IN_DOUBT, EffectStatus.FAILED}:
            used = [fact for fact in batch if isinstance(fact, ApprovalConsumed) and fact.key == effect.key]
            self.check(len(used) == 1, f"{where} without using its approval up")
            self.check(event.envelope.at_ms < asked.expires_ms, f"{where} after its approval expired")

    def _covers(self, asked: ApprovalState, effect: EffectState) -> bool:
        return effect.key in asked.consumed and effect.action in asked.actions

    # Approvals

    def _answered(self, event: Event, payload: ApprovalAnswered, before: RunState, plan: Plan) -> None:
        asked = before.approvals[next(name for name in before.approvals if name == payload.approval)]
        who = payload.by
        self.check(asked.status == "open", f"{event.ref} answers a question that is {asked.status}")
        self.check(who.startswith("person:"), f"{event.ref}: {who} is no person, and was counted")
        self.check(event.envelope.at_ms < asked.expires_ms, f"{event.ref} came too late, and was counted")
        reached = [rung for rung in asked.ladder if rung.from_ms <= event.envelope.at_ms]
        people = {f"person:{name}" for rung in reached for name in rung.people}
        self.check(who in people, f"{event.ref}: {who} was not asked, and was counted")
        requester = before.undo_by if before.undoing else before.started.initiator if before.started else ""
        if self.house.profile is Profile.TEAM:
            self.check(who != requester, f"{event.ref}: the requester was counted in profile team")
            self.check(who != plan.owner, f"{event.ref}: the author was counted in profile team")

    def _consumed(self, event: Event, payload: ApprovalConsumed, before: RunState) -> None:
        key = EffectKey(payload.key)
        used = [asked for asked in before.approvals.values() if asked.approval == payload.approval]
        asked = used[0]
        self.check(asked.status == "approved", f"{event.ref} uses up what is {asked.status}")
        self.check(key not in asked.consumed, f"{event.ref} uses an approval up twice")
        self.check(payload.action in asked.actions, f"{event.ref} uses an approval of something else")

    def _handed_in(self, event: Event, payload: HandDone, before: RunState) -> None:
        hand = before.hands[HandId(payload.hand)]
        self.check(hand.status == "open", f"{event.ref} hands in what is {hand.status}")
        reached = [rung for rung in hand.ladder if rung.from_ms <= event.envelope.at_ms]
        people = {f"person:{name}" for rung in reached for name in rung.people}
        self.check(payload.by in people, f"{event.ref}: {payload.by} never held it")
        wanted = hand.out_schema.get("properties", {})
        if payload.ok and "value" in wanted:
            self.check(isinstance(payload.out.get("value"), int), f"{event.ref} hands in what does not fit")

    # Ends

    def _undone(self, payload: EffectUndone, before: RunState) -> None:
        key, by_key = EffectKey(payload.key), EffectKey(payload.by_key)
        if {key, by_key} & self.lied or key not in self.world.before:
            return
        self.check(self.world.applied[by_key], f"{key} is undone, and nothing took it back")
        taken_back = (one for one in before.effects.values() if one.status is EffectStatus.UNDONE)
        others = [one.key for one in taken_back if one.undone_by == by_key]
        self.check(not others, f"{key} is undone by what took {others} back")
        thing = before.effects[key].sealed["args"]["name"]
        writers = [writer for name, writer in self.world.writers if name == thing]
        # A plan's undo goes back to what its run measured: another effect may have come in between.
        measured = before.task(TaskName("measure")).out.get("value", self.world.before[key])
        is_alone = all(writer.startswith(before.run) for writer in writers)
        if is_alone and writers[-2:] == [key, by_key] and measured == self.world.before[key]:
            value = self.world.value(thing)
            self.check(
                value == self.world.before[key], f"{key} is undone, and {thing} is {value}, not as it was"
            )

    def _ended(self, before: RunState, plan: Plan) -> None:
        for effect in before.effects.values():
            under_way = {EffectStatus.DISPATCHED, EffectStatus.IN_DOUBT, EffectStatus.UNDOING}
            self.check(
                effect.status not in under_way, f"{before.run} ends while {effect.key} is {effect.status}"
            )
        self.check(not before.open_approvals, f"{before.run} ends with an open question")
        self.check(not before.open_hands, f"{before.run} ends while people do something by hand")
        self.check(not before.live_children, f"{before.run} ends before what it called")
        last = [task for task in plan.tasks if task.is_finally]
        self.check(
            all(before.task(task.name).status in SETTLED for task in last),
            f"{before.run} ends without what comes last",
        )
        if before.cancel_why is not None and not before.cancel_leave and plan.on_stop is OnStop.UNDO:
            self._all_taken_back(before, plan)
        for task in plan.tasks:
            status = before.task(task.name).status
            if before.cancel_why is None and not task.is_undo:
                self.check(
                    status in SETTLED or (status is None and task.is_routed),
                    f"{before.run} ends while `{task.name}` is {status}",
                )

    def _all_taken_back(self, before: RunState, plan: Plan) -> None:
        """Check that a stopped run left nothing that it could have taken back."""
        tried = {EffectStatus.UNDONE, EffectStatus.UNDO_FAILED}
        for effect in before.effects.values():
            if effect.status in HAPPENED and plan.task(effect.task).undo is not None:
                self.check(effect.status in tried, f"{before.run} was stopped, and left {effect.key}")

    # Before each acting call

    def about_to_act(self, call: ToolCall, *, is_stale: bool) -> None:
        """Check that the journal holds, durably, what reaches the world now."""
        state = self.states.get(RunId(call.key.partition("/")[0]))
        effect = state.effects.get(call.key) if state is not None else None
        self.sent[call.key] += 1
        if effect is None:
            self.check(False, f"{call.key} reached the world, and the journal knows nothing of it")  # noqa: FBT003
            return
        self.check(
            effect.status is EffectStatus.DISPATCHED or is_stale,
            f"{call.key} reached the world while it is {effect.status} in the journal",
        )
        self.check(effect.status not in _OVER, f"{call.key} reached the world though it is {effect.status}")
        self.check(
            (effect.tool, thawed_value(effect.sealed["args"])) == (call.tool, dict(call.args)),
            f"{call.key} reached the world as something else than what was sealed",
        )
        self.check(
            self.sent[call.key] <= effect.attempt,
            f"{call.key} reached the world more often than was recorded",
        )

    # At the end of everything

    def count_effects(self) -> None:
        """Check that every effect took place at most once, whatever its retry class."""
        for key, times in self.world.applied.items():
            self.check(times <= 1 or key in self.lied, f"{key} took place {times} times")
