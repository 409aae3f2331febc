"""The model: one installation, and everything that people, the world and fate may do to it, in any order."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from midwatch.base.classes import Mode, Profile
from midwatch.base.ids import RunId, ToolName
from midwatch.base.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from midwatch.ports.store import StoreFullError
from support.plans import PLANS
from support.stand import Stand

RUNS_MAX = 8
AUDIT_EVERY = 10
PASSES_MS = (SECOND_MS, 5 * SECOND_MS, 20 * SECOND_MS, 11 * MINUTE_MS, 3 * HOUR_MS, 2 * DAY_MS)

plans = st.deferred(lambda: st.sampled_from(sorted(PLANS)))
modes = st.sampled_from([Mode.APPROVE] * 4 + [Mode.AUTO] * 5 + [Mode.PROPOSE, Mode.OBSERVE])
initiators = st.sampled_from(["system:start", "system:start", "person:ada", "person:grace"])
things = st.sampled_from(["own", "own", "shared"])
pick = st.integers(0, 7)
acting_fault = st.sampled_from(
    ["", "failed", "busy", "busy", "silent before", "silent after", "killed before", "killed after"]
)
acting_faults = st.lists(acting_fault | st.just("frozen after"), min_size=1, max_size=3)
reading_faults = st.lists(st.sampled_from(["", "failed", "busy", "silent"]), min_size=1, max_size=3)
users = st.sampled_from(["ada", "ada", "grace", "eve", "mallory"])
delays = st.integers(0, 3)
changes = st.sampled_from(["two", "closed", "halt", "drift", "late", "late"])
"""What changes under the feet of whoever has a yes in hand."""
afterwards = st.sampled_from(["", "drive", "drive", "approve", "approve", "wait", "wait"])
"""What follows at once, so that things also go on in between."""


class WatchMachine(RuleBasedStateMachine):
    """Rules do things; what must hold is checked by `Promises` at each commit, and here after each step."""

    stand: Stand
    steps: int = 0

    @initialize(
        profile=st.sampled_from(Profile),
        is_slow=st.booleans(),
        plan=plans,
        mode=modes,
        initiator=initiators,
        then=afterwards,
    )
    def open(
        self, *, profile: Profile, is_slow: bool, plan: str, mode: Mode, initiator: str, then: str
    ) -> None:
        self.stand = Stand(profile=profile, is_slow=is_slow)
        self.start(plan, mode, initiator, "shared", then)

    def _go_on(self, then: str) -> None:
        if then == "approve":
            self.stand.approve_all()
            self.stand.hand_in_all()
        if then == "wait":
            self.stand.wait()
        if then:
            self.stand.pump()

    # The installation

    @rule(plan=plans, mode=modes, initiator=initiators, thing=things, then=afterwards)
    def start(self, plan: str, mode: Mode, initiator: str, thing: str, then: str) -> None:
        count = len(self.stand.states)
        if count < RUNS_MAX:
            name = f"own-{count}" if thing == "own" else thing
            self.stand.start(PLANS[plan], mode=mode, initiator=initiator, thing=name)
        self._go_on(then)

    @rule(then=st.sampled_from(["one", "drive", "approve", "approve", "wait", "wait"]))
    def it_goes_on(self, then: str) -> None:
        if then == "one":
            self.stand.pump(1)
        else:
            self._go_on(then)

    @rule(duration_ms=st.sampled_from(PASSES_MS), then=afterwards)
    def time_passes(self, duration_ms: int, then: str) -> None:
        self.stand.advance(duration_ms)
        self._go_on(then)

    @rule(what=st.sampled_from(["joins", "dies"]), then=afterwards)
    def a_process(self, what: str, then: str) -> None:
        process = self.stand.now
        if what == "joins":
            self.stand.join()
        else:
            process.is_dead = True
            self.stand.succeed(process)
        self._go_on(then)

    @rule(after=st.integers(0, 5), what=st.sampled_from(["before", "after", "full"]), then=afterwards)
    def a_commit_will_break(self, after: int, what: str, then: str) -> None:
        self.stand.now.trouble = (after, what)
        self._go_on(then)

    # The world

    @rule(faults=acting_faults, then=afterwards)
    def acting_will_fail(self, faults: list[str], then: str) -> None:
        self.stand.world.acting_faults = list(faults)
        self._go_on(then)

    @rule(faults=reading_faults, then=afterwards)
    def reading_will_fail(self, faults: list[str], then: str) -> None:
        self.stand.world.reading_faults = list(faults)
        self._go_on(then)

    @rule(what=st.sampled_from(["drift", "drift", "flap"]), then=afterwards)
    def the_world_changes(self, what: str, then: str) -> None:
        if what == "drift":
            self.stand.world.gauge = 1 - self.stand.world.gauge
        else:
            self.stand.world.lies = 4
        self._go_on(then)

    @rule(tool=st.sampled_from(["put", "put", "give", "set", "melt"]), then=afterwards)
    def a_manifest_changes(self, tool: str, then: str) -> None:
        self.stand.redeclare(ToolName(tool))
        self._go_on(then)

    # People

    @precondition(lambda self: self.stand.disk.approval_rows())
    @rule(at=pick, user=users, said=st.sampled_from(["approve", "approve", "deny"]), then=afterwards)
    def somebody_answers(self, at: int, user: str, said: str, then: str) -> None:
        asked = self.stand.disk.approval_rows()
        error = self.stand.answer(asked[-1 - at % len(asked)].approval, said, user)
        assert error is None or error.code.startswith(("MW4", "MW706")), error
        self._go_on(then)

    @rule(what=changes, moment=st.sampled_from(["call", "look"]), delay=delays)
    def something_changes_between_a_yes_and_the_act(self, what: str, moment: str, delay: int) -> None:
        self.stand.approve_all()
        self._plan(lambda: self._change(what), delay, moment)
        self.stand.pump()

    @rule(what=changes | st.just("manifests"))
    def something_changes_before_a_yes_is_acted_on(self, what: str) -> None:
        self.stand.approve_all()
        self._change(what)
        self.stand.pump()

    @rule(at=pick, what=st.sampled_from(["person:ada", "person:grace", "cancel", "leave"]), then=afterwards)
    def somebody_wants_it_undone_or_to_end(self, at: int, what: str, then: str) -> None:
        if what in {"cancel", "leave"}:
            self.stand.cancel(self._run(at), leave=what == "leave")
        else:
            self.stand.undo(self._run(at), what)
        self._go_on(then)

    @precondition(lambda self: self.stand.doubts)
    @rule(at=pick, is_true=st.sampled_from([True, True, False]), then=afterwards)
    def somebody_settles_a_doubt(self, *, at: int, is_true: bool, then: str) -> None:
        doubts = self.stand.doubts
        self.stand.settle(doubts[at % len(doubts)], is_true=is_true)
        self._go_on(then)

    @precondition(lambda self: self.stand.disk.hand_rows())
    @rule(at=pick, user=users, ok=st.booleans(), fits=st.sampled_from([True, True, False]), then=afterwards)
    def somebody_hands_in(self, *, at: int, user: str, ok: bool, fits: bool, then: str) -> None:
        hands = self.stand.disk.hand_rows()
        error = self.stand.hand_in(hands[-1 - at % len(hands)].hand, user, ok=ok, fits=fits)
        assert error is None or error.code in {"MW404", "MW635", "MW636", "MW637", "MW706"}, error
        self._go_on(then)

    @rule(at=pick, name=st.sampled_from(["go", "go", "stop"]), id=st.sampled_from(["", "1"]), then=afterwards)
    def somebody_signals(self, at: int, name: str, id: str, then: str) -> None:  # noqa: A002 - as its field
        error = self.stand.signal(self._run(at), name, id=id)
        assert error is None or error.code in {"MW632", "MW634", "MW706"}, error
        self._go_on(then)

    @rule(what=st.sampled_from(["default", "default", "default", "two", "closed", "halt"]), then=afterwards)
    def the_gate_changes(self, what: str, then: str) -> None:
        self.stand.halt(is_on=what == "halt")
        self.stand.enforce("default" if what == "halt" else what)
        self._go_on(then)

    # In the midst of a drive

    @rule(
        what=st.sampled_from(
            [
                *("frozen", "silent", "silent", "joined", "cancel", "undo", "settle"),
                *("approve", "deny", "hand in", "signal"),
            ]
        ),
        at=pick,
        delay=delays,
        moment=st.sampled_from(["call", "call", "look"]),
        then=afterwards,
    )
    def others_will_act_meanwhile(self, what: str, at: int, delay: int, moment: str, then: str) -> None:
        self._plan(lambda: self._act_as_others(what, at), delay, moment)
        self._go_on(then)

    @rule(
        what=changes,
        moment=st.sampled_from(["call", "look"]),
        delay=delays,
        then=afterwards,
    )
    def things_will_change_meanwhile(self, what: str, delay: int, moment: str, then: str) -> None:
        self._plan(lambda: self._change(what), delay, moment)
        self._go_on(then)

    def _plan(self, act: Callable[[], None], delay: int, moment: str) -> None:
        """Let something happen at one of the next calls, or after one of the next looks at the policy."""
        planned: list[Callable[[], None]] = [lambda: None] * delay
        planned.append(act)
        if moment == "call":
            self.stand.world.meanwhile = planned
        else:
            self.stand.after_gate = planned

    def _act_as_others(self, what: str, at: int) -> None:
        stand = self.stand
        asked = stand.disk.approval_rows(only_open=True)
        match what:
            case "frozen":
                stand.succeed(stand.now)
            case "silent":
                stand.lose(stand.now)
            case "joined":
                before = stand.now
                stand.join()
                stand.pump()
                stand.now = before
            case "cancel":
                stand.cancel(self._run(at))
            case "undo":
                stand.undo(self._run(at), "person:ada")
            case "hand in":
                stand.hand_in_all()
            case "signal":
                stand.signal(self._run(at), "go")
            case "settle" if stand.doubts:
                stand.settle(stand.doubts[at % len(stand.doubts)])
            case "approve" | "deny" if asked:
                stand.answer(asked[at % len(asked)].approval, what, "ada")
            case _:
                pass

    def _change(self, what: str) -> None:
        if what == "drift":
            self.stand.world.gauge = 1 - self.stand.world.gauge
        elif what == "late":
            self.stand.advance(2 * DAY_MS)
        elif what == "halt":
            self.stand.halt(is_on=True)
        elif what == "manifests":
            for tool in ("put", "give", "set", "melt"):
                self.stand.redeclare(ToolName(tool))
        else:
            self.stand.enforce(what)

    def _run(self, at: int) -> RunId:
        states = self.stand.states
        return states[at % len(states)].run

    # What must hold

    @invariant()
    def no_promise_is_broken(self) -> None:
        if not hasattr(self, "stand"):
            return
        assert not self.stand.promises.broken, self.stand.promises.broken
        troubles = [error for error in self.stand.troubles if not isinstance(error, StoreFullError)]
        assert not troubles, troubles
        self.stand.compare_rows()
        self.steps += 1
        if self.steps % AUDIT_EVERY == 0:
            self.stand.audit()

    def teardown(self) -> None:
        if hasattr(self, "stand") and not self.stand.promises.broken:
            self.stand.drain()
            self.no_promise_is_broken()
            self.stand.audit()
