"""`midwatch status`."""

from typing import TYPE_CHECKING, Any

import click

from midwatch.app.change import loaded
from midwatch.base.ids import EffectKey
from midwatch.cli.errors import EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face
from midwatch.cli.screen import Screen, Styled
from midwatch.cli.standing.cards import holders
from midwatch.cli.standing.follow import doubts
from midwatch.cli.standing.kinds import hand_record
from midwatch.cli.words import ago, ahead, count, stamp
from midwatch.ports.store import RunFilter
from midwatch.run.state import TaskStatus

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened

_RUNS_MAX = 1_000
_NOTICES_MAX = 10


@click.command()
@json_option
@pass_face
def status(face: Face) -> int:
    """Say what runs, what waits, and for whom.

    Runs that have not ended, open questions with who holds them, effects in doubt, how far the journal is
    sealed, and whether somebody watches the timers.
    """
    from midwatch.wiring.opening import exists

    if not exists(face.config):
        face.out({"runs": []}, lambda screen: screen.line("Nothing yet. Begin with `midwatch start`."))
        return EXIT_OK
    with face.looking() as opened:
        record = _standing(opened)
        face.out(record, lambda screen: _say(screen, record, opened.house.clock.now_ms()))
    return EXIT_OK


def _standing(opened: "Opened") -> dict[str, Any]:
    house = opened.house
    runs = []
    for row in house.store.run_rows(RunFilter(live=True, limit=_RUNS_MAX)):
        _, state = loaded(house, row.run)
        asked = [
            {
                "approval": each.approval,
                "question": each.question,
                "asked_ms": each.asked_ms,
                "expires_ms": each.expires_ms,
                "holders": holders(house, each),
            }
            for each in state.open_approvals
        ]
        runs.append(
            {
                "run": row.run,
                "runbook": row.runbook,
                "practice": row.practice,
                "status": row.status,
                "started_ms": row.started_ms,
                "questions": asked,
                "in_doubt": list(doubts(state)),
                "settle_after_ms": {
                    key: state.effects[EffectKey(key)].settle_after_ms for key in doubts(state)
                },
                "hands": [hand_record(house, state.hands[hand]) for hand in state.open_hands],
                "waits": [name for name in state.waits if state.task(name).status is TaskStatus.STARTED],
                "calls": list(state.live_children),
            }
        )
    told = [
        {"run": row.run, "person": row.person, "at_ms": row.at_ms}
        for row in house.store.notice_rows(limit=_NOTICES_MAX)
    ]
    last = house.store.checkpoints()[-1:]
    sealed = house.store.sealed_size()
    unsealed = len(house.store.stored_events(after_row=sealed, limit=_RUNS_MAX))
    return {
        "runs": runs,
        "notices": told,
        "sealed": sealed,
        "unsealed": unsealed,
        "checkpoint": last[0][0] if last else 0,
        "watched": house.watched(),
        "workers": [row.worker for row in house.store.workers() if not house.is_surely_dead(row)],
        "state": str(opened.config.state),
    }


def _say(screen: Screen, record: dict[str, Any], now_ms: int) -> None:
    if not record["runs"]:
        screen.line("No run is under way.")
    for run in record["runs"]:
        label = [Styled("  PRACTICE", "yellow")] if run["practice"] else []
        screen.line(
            Styled(run["run"], "bold"),
            f"  {run['runbook']}, {run['status']}, begun {ago(run['started_ms'], now_ms)}",
            *label,
        )
        for asked in run["questions"]:
            who = ", ".join(asked["holders"]) or "nobody"
            screen.line(f"  {asked['approval']}  {asked['question']}")
            screen.line(
                f"    asked {ago(asked['asked_ms'], now_ms)}, held by {who}, "
                f"expires {ahead(asked['expires_ms'], now_ms)}"
            )
        for hand in run["hands"]:
            _say_hand(screen, hand, now_ms)
        for name in run["waits"]:
            screen.line(f"  waits in `{name}`")
        for child in run["calls"]:
            screen.line(f"  waits for {child}, which it called")
        for key in run["in_doubt"]:
            after_ms = run["settle_after_ms"][key]
            early = f", from {stamp(after_ms)} on" if now_ms < after_ms else ""
            screen.line(
                "  ",
                Styled("in doubt", "yellow"),
                f"  {key}: `midwatch settle {key} --happened|--did-not -m WHY`{early}",
            )
    for notice in record["notices"]:
        screen.line(
            f"Message for {notice['person']}, {ago(notice['at_ms'], now_ms)}: `midwatch show {notice['run']}`"
        )
    waiting = f", {count(record['unsealed'], 'event')} waiting to be sealed" if record["unsealed"] else ""
    screen.line(f"Journal: sealed in a checkpoint of {record['checkpoint']}{waiting}.")
    watched = (
        "A server watches the timers."
        if record["watched"]
        else "No server watches the timers: they fire at the next command."
    )
    screen.line(watched)


def _say_hand(screen: Screen, hand: dict[str, Any], now_ms: int) -> None:
    who = ", ".join(hand["holders"]) or "nobody"
    due = "overdue" if hand["overdue"] else f"due {ahead(hand['due_ms'], now_ms)}"
    screen.line(f"  {hand['hand']}  {hand['title']} (by hand)")
    screen.line(f"    asked {ago(hand['asked_ms'], now_ms)}, with {who}, {due}: `{hand['done']}`")
