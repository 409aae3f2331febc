"""What facts of particular kinds of task change: loops, waits, hands, calls, notices."""

from collections.abc import Mapping
from typing import Any, assert_never

from midwatch.base.canonical import thawed_value
from midwatch.base.ids import Digest, HandId, RunId, TaskName
from midwatch.base.units import EpochMs
from midwatch.base.values import changed
from midwatch.journal.run_events import (
    ChildBegun,
    ChildCalled,
    ChildEnded,
    ChildStopped,
    EventEmitted,
    HandAsked,
    HandClosed,
    HandDone,
    HandEscalated,
    HandRefused,
    LoopBegun,
    NoticeGiven,
    SignalReceived,
    SignalTaken,
    WaitBegun,
    WaitProbed,
)
from midwatch.run.state import (
    SETTLED,
    ChildState,
    HandState,
    LoopState,
    Notice,
    RunState,
    Signal,
    TaskState,
    TaskStatus,
    WaitState,
    thawed,
)

WaitFact = WaitBegun | WaitProbed | SignalReceived | SignalTaken
HandFact = HandAsked | HandEscalated | HandDone | HandRefused | HandClosed
CallFact = ChildCalled | ChildBegun | ChildStopped | ChildEnded
KindFact = WaitFact | HandFact | CallFact | NoticeGiven | EventEmitted


def loop_begun(payload: LoopBegun, n: int) -> LoopState:
    """Return a loop of which no iteration is known yet."""
    return LoopState(items=tuple(thawed_value(item) for item in payload.items), n=n)


def loop_after(loop: LoopState, iteration: int, turn: TaskState, n: int) -> LoopState:
    """Return the loop after a fact about one of its iterations, which stands as `turn` now."""
    begin, ahead = loop.begin, loop.ahead
    if iteration >= begin:
        ahead = ahead | {iteration}
        while begin in ahead:
            ahead -= {begin}
            begin += 1
    is_over = turn.status in SETTLED
    return changed(
        loop,
        begin=begin,
        ahead=ahead,
        going=loop.going - {iteration} if is_over else loop.going | {iteration},
        failed=(*loop.failed, iteration) if turn.status is TaskStatus.FAILED else loop.failed,
        last=iteration if is_over else loop.last,
        n=n,
    )


def kind_after(state: RunState, payload: KindFact, n: int, at_ms: EpochMs) -> RunState:
    """Return the run after a fact about a wait, a hand, a call or a notice."""
    match payload:
        case WaitBegun() | WaitProbed() | SignalReceived() | SignalTaken():
            return _wait_fact(state, payload, n, at_ms)
        case HandAsked():
            return _hand_asked(state, payload, n, at_ms)
        case HandEscalated() | HandDone() | HandRefused() | HandClosed():
            return _hand_fact(state, payload, n)
        case ChildCalled():
            return _called(state, payload, n)
        case ChildBegun() | ChildStopped() | ChildEnded():
            return _call_fact(state, payload, n)
        case NoticeGiven():
            notice = Notice(
                n=n,
                place=(TaskName(payload.task), payload.iteration),
                to=tuple(payload.to),
                people=tuple(payload.people),
                message=payload.message,
                at_ms=at_ms,
            )
            return changed(state, notices=(*state.notices, notice))
        case EventEmitted():
            return state
        case _:
            assert_never(payload)


def _wait_fact(state: RunState, payload: WaitFact, n: int, at_ms: EpochMs) -> RunState:
    match payload:
        case WaitBegun():
            wait = WaitState(due_ms=EpochMs(payload.due_ms), event=payload.event, n=n)
            return changed(state, waits={**state.waits, TaskName(payload.task): wait})
        case WaitProbed():
            wait = changed(state.waits[TaskName(payload.task)], probed_ms=at_ms, n=n)
            return changed(state, waits={**state.waits, TaskName(payload.task): wait})
        case SignalReceived():
            signal = Signal(n=n, name=payload.name, data=thawed(payload.data), id=payload.id)
            ids = state.signal_ids | ({(payload.name, payload.id)} if payload.id else set())
            return changed(state, inbox=(*state.inbox, signal), signal_ids=ids)
        case SignalTaken():
            rest = tuple(signal for signal in state.inbox if signal.n != payload.signal_n)
            return changed(state, inbox=rest)
        case _:
            assert_never(payload)


def _hand_asked(state: RunState, payload: HandAsked, n: int, at_ms: EpochMs) -> RunState:
    place = (TaskName(payload.task), payload.iteration)
    hand = HandState(
        hand=HandId(payload.hand),
        place=place,
        attempt=payload.attempt,
        purpose=payload.purpose,
        title=payload.title,
        words=payload.words,
        out_schema=thawed(payload.out),
        ladder=tuple(payload.ladder),
        asked_ms=at_ms,
        due_ms=EpochMs(payload.due_ms),
        n=n,
    )
    return changed(
        state,
        hands=state.hands.having(hand.hand, hand),
        handed=state.handed.having((place, payload.purpose == "escalation"), hand.hand),
        open_hands=(*state.open_hands, hand.hand),
    )


def _hand_fact(
    state: RunState, payload: HandEscalated | HandDone | HandRefused | HandClosed, n: int
) -> RunState:
    hand = state.hands[HandId(payload.hand)]
    still_open: tuple[HandId, ...] = state.open_hands
    match payload:
        case HandEscalated():
            hand = changed(hand, rung=payload.rung, overdue=payload.overdue, n=n)
        case HandDone():
            hand = changed(
                hand,
                status="done" if payload.ok else "failed",
                by=payload.by,
                out=thawed(payload.out),
                note=payload.note,
                n=n,
            )
            still_open = tuple(one for one in still_open if one != hand.hand)
        case HandClosed():
            hand = changed(hand, status=payload.outcome, note=payload.why, n=n)
            still_open = tuple(one for one in still_open if one != hand.hand)
        case HandRefused():
            return state
        case _:
            assert_never(payload)
    return changed(state, hands=state.hands.having(hand.hand, hand), open_hands=still_open)


def _called(state: RunState, payload: ChildCalled, n: int) -> RunState:
    place = (TaskName(payload.task), payload.iteration)
    child = ChildState(
        child=RunId(payload.child),
        place=place,
        attempt=payload.attempt,
        runbook=payload.runbook,
        plan=Digest(payload.plan),
        inputs=thawed(payload.inputs),
        caps=_caps(payload.caps),
        n=n,
    )
    return changed(
        state,
        children=state.children.having(child.child, child),
        called=state.called.having(place, child.child),
        live_children=(*state.live_children, child.child),
    )


def _call_fact(state: RunState, payload: ChildBegun | ChildStopped | ChildEnded, n: int) -> RunState:
    child = state.children[RunId(payload.child)]
    more: dict[str, Any] = {}
    match payload:
        case ChildBegun():
            child = changed(child, begun=True, n=n)
        case ChildStopped():
            child = changed(child, stop_why=payload.why, n=n)
        case ChildEnded():
            child = changed(
                child,
                begun=True,
                outcome=payload.outcome,
                why=payload.why,
                out=thawed(payload.out),
                n=n,
            )
            more = {
                "live_children": tuple(one for one in state.live_children if one != child.child),
                "cost_micro_usd": state.cost_micro_usd + payload.cost_micro_usd,
                "dispatches": state.dispatches + payload.effects,
                "tool_calls": state.tool_calls + payload.tool_calls,
            }
        case _:
            assert_never(payload)
    return changed(state, children=state.children.having(child.child, child), **more)


def _caps(caps: Mapping[str, int]) -> Mapping[str, int]:
    return dict(caps)
