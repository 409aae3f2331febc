"""Everybody outside of the run: who answers, hands in, signals, stops; each when the scenario says."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

from midwatch.app.answer import Attempt, answer
from midwatch.app.change import request_cancel
from midwatch.app.drive.session import load_state
from midwatch.app.hand_in import HandIn, hand_in, holding
from midwatch.app.signal import SignalSent, signal
from midwatch.approvals.errors import UnknownGroupError
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ApprovalId, HandId, PersonId, Principal, RunId
from midwatch.base.units import EpochMs
from midwatch.lab.errors import AnswerLostError, WhoUnknownError
from midwatch.lab.scenario import Fails, Gives, Says, Silent
from midwatch.lab.stage import Stage
from midwatch.ports.rows import ApprovalRow, HandRow

TESTER = Principal("system:test")
SURFACE = "scenario"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Something of the scenario that did not count, and why."""

    kind: type[MidwatchError]
    key: str
    """`answers`, `mocks` or `events`."""
    name: str
    sentence: str


class Crowd:
    """What is still to come from outside, in the order of its moments."""

    def __init__(self, *, stage: Stage, run: RunId) -> None:
        """Note what comes by itself: events, and a stop."""
        self.stage = stage
        self.run = run
        self.lost: list[Lost] = []
        self._coming: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()
        self._seen: set[ApprovalId | HandId] = set()
        self._said: dict[str, int] = {}
        """How many of a task's answers were used."""
        self._by: dict[ApprovalId, set[PersonId]] = {}
        scenario = self.stage.scenario
        for event in scenario.events:
            sent = SignalSent(
                run=self.run, name=event.name, by=TESTER, surface=SURFACE, data=dict(event.data)
            )
            self._at(scenario.start_ms + event.after_ms, partial(self._signal, sent))
        if scenario.stop_ms is not None:
            self._at(
                scenario.start_ms + scenario.stop_ms,
                lambda: request_cancel(self.stage.house, self.run, by=TESTER, why="the scenario stops it"),
            )

    def look(self) -> None:
        """Note what people will do about questions and work that are new."""
        for asked in self.stage.store.approval_rows(only_open=True):
            if asked.approval not in self._seen:
                self._seen.add(asked.approval)
                self._plan_answer(asked)
        for hand in self.stage.store.hand_rows(only_open=True):
            if hand.hand not in self._seen:
                self._seen.add(hand.hand)
                self._plan_hand(hand)

    def next_ms(self) -> EpochMs | None:
        """Return the moment of what comes next, None where nothing does."""
        return EpochMs(self._coming[0][0]) if self._coming else None

    def act(self) -> None:
        """Do what is due now."""
        now_ms = self.stage.clock.now_ms()
        while self._coming and self._coming[0][0] <= now_ms:
            _, _, work = heapq.heappop(self._coming)
            self.stage.survive(work)

    def _at(self, at_ms: int, work: Callable[[], None]) -> None:
        heapq.heappush(self._coming, (at_ms, next(self._numbers), work))

    def _signal(self, sent: SignalSent) -> None:
        self._try("events", sent.name, lambda: signal(self.stage.house, sent))

    def _try(self, key: str, name: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except MidwatchError as error:
            self.lost.append(Lost(kind=AnswerLostError, key=key, name=name, sentence=error.sentence))
            return False
        return True

    # -------------------------------------------------------------------------------------- answers

    def _plan_answer(self, asked: ApprovalRow) -> None:
        said = self._next_said(asked)
        if said is None:
            return
        begin_ms = asked.expires_ms if said.is_late else asked.asked_ms
        now_ms = self.stage.clock.now_ms()
        self._at(max(now_ms, begin_ms + (said.after_ms or 0)), lambda: self._answer(asked, said))

    def _next_said(self, asked: ApprovalRow) -> Says | None:
        given = self.stage.scenario.answers.get(asked.task, ()) if asked.run == self.run else ()
        if not given:
            return None
        index = self._said.get(asked.task, 0)
        self._said[asked.task] = index + 1
        return given[min(index, len(given) - 1)]

    def _answer(self, asked: ApprovalRow, said: Says) -> None:
        house = self.stage.house
        user = self._user_for(asked, said.who)
        if user is None:
            return
        attempt = Attempt(
            approval=asked.approval,
            answer="approve" if said.approves else "deny",
            os_user=user,
            surface=SURFACE,
            why=said.why,
        )
        if said.is_late:
            try:
                answer(house, attempt)
            except MidwatchError:
                return  # that it came too late is what the scenario is about
            lost = f"the late answer of {said.who} counted"
            self.lost.append(Lost(kind=AnswerLostError, key="answers", name=asked.task, sentence=lost))
            return
        counted = self._try("answers", asked.task, lambda: answer(house, attempt))
        row = house.store.approval_row(asked.approval)
        more = self._said.get(asked.task, 0) < len(self.stage.scenario.answers[asked.task])
        if counted and more and row is not None and row.status == "open":
            self._plan_answer(asked)

    def _user_for(self, asked: ApprovalRow, who: str) -> str | None:
        """Return the operating-system user of somebody who did not answer this question yet."""
        people = self.stage.playbook.people
        ask = who if ":" in who else f"person:{who}"
        try:
            members = people.resolve(ask, self.stage.clock.now_ms())
        except UnknownGroupError as error:
            self.lost.append(
                Lost(kind=WhoUnknownError, key="answers", name=asked.task, sentence=error.sentence)
            )
            return None
        used = self._by.setdefault(asked.approval, set())
        fresh = [one for one in members if one not in used] or list(members)
        return self._user_of(fresh, used, asked.task, who, "answers")

    def _user_of(
        self, members: Sequence[PersonId], used: set[PersonId], task: str, who: str, key: str
    ) -> str | None:
        known = self.stage.playbook.people.people
        found = next((one for one in members if known[one].os_users), None)
        if found is None:
            sentence = f"nobody of {who} has an operating-system user, so nobody can answer"
            self.lost.append(Lost(kind=WhoUnknownError, key=key, name=task, sentence=sentence))
            return None
        used.add(found)
        return known[found].os_users[0]

    # ---------------------------------------------------------------------------------------- hands

    def _plan_hand(self, hand: HandRow) -> None:
        if hand.run != self.run:
            return
        if hand.purpose == "escalation":
            self._at(hand.asked_ms, lambda: self._hand_in(hand, Gives(out={})))
            return
        script = self.stage.scenario.scripts.get(hand.task)
        if script is None:
            return
        outcome = script.at(self.stage.tools.next_index(hand.task))
        if not isinstance(outcome, Silent):
            self._at(hand.asked_ms + outcome.after_ms, lambda: self._hand_in(hand, outcome))

    def _hand_in(self, row: HandRow, outcome: Gives | Fails) -> None:
        house = self.stage.house
        state, _ = load_state(house, row.run)
        hand = state.hands[row.hand]
        members = [PersonId(who.removeprefix("person:")) for who in holding(hand, house.clock.now_ms())]
        user = self._user_of(members, set(), row.task, hand.ladder[0].ask, "mocks")
        if user is None:
            return
        given = HandIn(
            hand=row.hand,
            os_user=user,
            surface=SURFACE,
            out=dict(outcome.out) if isinstance(outcome, Gives) else {},
            ok=isinstance(outcome, Gives),
            note=outcome.why if isinstance(outcome, Fails) else "",
        )
        self._try("mocks", row.task, lambda: hand_in(house, given))
