"""A question to the Guardians as it was put: the stored card, and what to type."""

import json
from typing import Any

from midwatch.app.house import SUBJECT, House
from midwatch.base.ids import ApprovalId
from midwatch.cli.screen import Screen, Styled
from midwatch.cli.words import ago, ahead, stamp
from midwatch.journal.sealing import unseal_blob
from midwatch.run.state import ApprovalState, RunState

UNWATCHED = "No watcher is running: it escalates at the next command, or by itself under `midwatch server`."


def stored_card(house: House, asked: ApprovalState) -> dict[str, Any] | None:
    """Return the card's data and text as they were shown; None where its payload was erased."""
    blob = house.store.blob(asked.card)
    key = house.keys.subject_key(SUBJECT, create=False)
    if blob is None or key is None:
        return None
    shown = json.loads(unseal_blob(asked.card, blob.sealed, key=key))
    assert isinstance(shown, dict)
    return shown


def show_card(screen: Screen, house: House, asked: ApprovalState) -> None:
    """Write the card exactly as it is stored."""
    shown = stored_card(house, asked)
    if shown is None:
        screen.line(f"The card of {asked.approval} was erased.")
        return
    screen.raw(str(shown["text"]))


def show_question(screen: Screen, house: House, state: RunState, asked: ApprovalState) -> None:
    """Write an open question: card, since when, and the commands that answer it."""
    now_ms = house.clock.now_ms()
    screen.line()
    show_card(screen, house, asked)
    waits = f"Asked {ago(asked.asked_ms, now_ms)}, at {stamp(asked.asked_ms)}"
    screen.line(
        f"{waits}; expires {ahead(asked.expires_ms, now_ms)}. Nothing is touched before somebody says yes."
    )
    screen.line()
    screen.line("  ", Styled(f"midwatch approve {asked.approval}", "bold"))
    screen.line("  ", Styled(f"midwatch deny {asked.approval} -m WHY", "bold"))
    if not house.watched():
        screen.line()
        screen.line(Styled(UNWATCHED, "dim"))
    del state


def question_record(house: House, asked: ApprovalState) -> dict[str, Any]:
    """Return a question for machines; what would have run takes no answer."""
    shown = stored_card(house, asked)
    is_shadow = asked.status == "shadow"
    return {
        "approval": asked.approval,
        "status": asked.status,
        "question": asked.question,
        "asked_ms": asked.asked_ms,
        "expires_ms": asked.expires_ms,
        "holders": holders(house, asked),
        "card": None if shown is None else shown["card"],
        "approve": None if is_shadow else f"midwatch approve {asked.approval}",
        "deny": None if is_shadow else f"midwatch deny {asked.approval} -m WHY",
    }


def holders(house: House, asked: ApprovalState) -> list[str]:
    """Return who holds an open question now."""
    from midwatch.approvals.ladder import rung_at

    index = rung_at(asked.ladder, house.clock.now_ms())
    return [] if index is None else [f"person:{person}" for person in asked.ladder[index].people]


def approval_of(state: RunState, approval: ApprovalId) -> ApprovalState:
    """Return the state of a question of a run."""
    return state.approvals[approval]
