"""What a run has besides readings and effects: loops, waits, calls, hands, messages."""

from typing import Any

from midwatch.app.hand_in import holding
from midwatch.app.house import House
from midwatch.approvals.visible import visible
from midwatch.cli.screen import Screen, Styled, padded
from midwatch.cli.words import ago, ahead, stamp
from midwatch.run.state import HandState, RunState, TaskStatus

_LABEL = 16


def kind_records(house: House, state: RunState) -> dict[str, Any]:
    """Return these for machines."""
    started = state.started
    return {
        "parent": started.parent if started is not None else "",
        "calls": [
            {
                "run": child.child,
                "runbook": child.runbook,
                "task": child.place[0],
                "iteration": child.place[1],
                "outcome": child.outcome,
            }
            for child in state.children.values()
        ],
        "hands": [hand_record(house, hand) for hand in state.hands.values()],
        "notices": [
            {"to": list(notice.to), "people": list(notice.people), "message": notice.message}
            for notice in state.notices
        ],
        "loops": {
            name: {"items": len(loop.items), "failed": len(loop.failed), "last": loop.last}
            for name, loop in state.loops.items()
        },
        "inbox": [{"name": signal.name, "data": dict(signal.data)} for signal in state.inbox],
        "out": dict(state.out),
    }


def show_kinds(screen: Screen, house: House, state: RunState) -> None:
    """Write these, as far as there are any."""
    now_ms = house.clock.now_ms()

    def line(label: str, words: str) -> None:
        screen.line("  ", Styled(padded(label, _LABEL), "dim"), f" {words}")

    if state.started is not None and state.started.parent:
        line("called by", f"{state.started.parent}, task {state.started.parent_task}")
    for name, loop in state.loops.items():
        settled = loop.begin - 1 + len(loop.ahead) - len(loop.going)
        of = f" of {len(loop.items)}" if loop.items else ""
        failed = f", {len(loop.failed)} failed" if loop.failed else ""
        line("loop", f"{name}: {settled}{of} done{failed}")
    for name, wait in state.waits.items():
        if state.task(name).status is TaskStatus.STARTED:
            what = f"for `{visible(wait.event)}` " if wait.event else ""
            line("wait", f"{name}: {what}until {stamp(wait.due_ms)} ({ahead(wait.due_ms, now_ms)})")
    for child in state.children.values():
        line("calls", f"{child.child}  {child.runbook}, {child.outcome or 'under way'}")
    for notice in state.notices:
        who = ", ".join(notice.people) or "nobody"
        line("message", f"to {who}: {visible(notice.message)}")
    for signal in state.inbox:
        line("signal", f"`{visible(signal.name)}` waits to be taken")
    for hand in state.open_hands:
        show_hand(screen, house, state.hands[hand])


def hand_record(house: House, hand: HandState) -> dict[str, Any]:
    """Return something to be done by hand for machines."""
    return {
        "hand": hand.hand,
        "task": hand.place[0],
        "iteration": hand.place[1],
        "purpose": hand.purpose,
        "status": hand.status,
        "title": hand.title,
        "words": hand.words,
        "wanted": dict(hand.out_schema),
        "asked_ms": hand.asked_ms,
        "due_ms": hand.due_ms,
        "overdue": hand.overdue,
        "holders": list(holding(hand, house.clock.now_ms())),
        "by": hand.by,
        "note": hand.note,
        "done": f"midwatch done {hand.hand}{_example(hand)}",
    }


def show_hand(screen: Screen, house: House, hand: HandState) -> None:
    """Write something to be done by hand: what, by whom, by when, and the command that hands it in."""
    now_ms = house.clock.now_ms()
    record = hand_record(house, hand)
    screen.line()
    screen.line(Styled(hand.hand, "bold"), f"  {visible(hand.title)}")
    for line in hand.words.splitlines():
        screen.line(f"  {visible(line)}")
    if hand.status != "open":
        by = f" by {hand.by}" if hand.by else ""
        screen.line(f"  It is {hand.status}{by}. {visible(hand.note)}".rstrip())
        return
    who = ", ".join(record["holders"]) or "nobody"
    due = "overdue" if hand.overdue else f"due {ahead(hand.due_ms, now_ms)}"
    screen.line(f"  asked {ago(hand.asked_ms, now_ms)}, with {who}, {due}")
    screen.line("  ", Styled(record["done"], "bold"))


def _example(hand: HandState) -> str:
    """Return what `midwatch done` has to be given, with a place for each value."""
    wanted = hand.out_schema.get("properties", {})
    return "".join(f" --out {name}=…" for name in wanted)
