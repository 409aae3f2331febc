"""Looking at what is recorded: one run, one question, why, and the list of runs."""

import textwrap
from typing import TYPE_CHECKING, Any

from midwatch.app.change import loaded
from midwatch.app.house import SUBJECT, House
from midwatch.approvals.visible import visible
from midwatch.base.ids import ApprovalId, RunId, run_stream
from midwatch.cli.face import Face
from midwatch.cli.names import anything_named, hand_named, newest_run
from midwatch.cli.screen import Screen, Styled, padded, table
from midwatch.cli.standing.cards import question_record, show_card, show_question
from midwatch.cli.standing.endings import run_record, show_outcome
from midwatch.cli.standing.findings import as_records, found_in, show_findings
from midwatch.cli.standing.kinds import hand_record, kind_records, show_hand, show_kinds
from midwatch.cli.words import ago, length, money, stamp
from midwatch.insight.why import why
from midwatch.journal.chain import open_entry
from midwatch.journal.events import Event
from midwatch.plan.model import Plan
from midwatch.ports.rows import RunRow
from midwatch.ports.store import RunFilter
from midwatch.run.state import ApprovalState, RunState

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened

_WIDTH_MAX = 100
_LABEL = 11


def show_anything(face: Face, opened: "Opened", text: str) -> None:
    """Write a run, or a question as it was put."""
    if text.startswith("h-"):
        _show_by_hand(face, opened, text)
        return
    named = anything_named(opened.house, text) if text else newest_run(opened.house)
    run = named if isinstance(named, str) else named[0]
    plan, state = loaded(opened.house, run)
    if isinstance(named, tuple):
        asked = state.approvals[named[1]]
        face.out(
            question_record(opened.house, asked), lambda screen: _show_asked(screen, opened, state, asked)
        )
        return
    record = {**run_record(opened, plan, state, None), "findings": as_records(found_in(plan, state))}
    more = kind_records(opened.house, state)
    face.out(
        {**record, **more, "tasks": _task_records(plan, state)},
        lambda screen: _show_run(screen, opened, plan, state),
    )


def _show_by_hand(face: Face, opened: "Opened", text: str) -> None:
    name = hand_named(opened.house, text)
    row = opened.house.store.hand_row(name)
    assert row is not None, "it was just named"
    _, state = loaded(opened.house, row.run)
    hand = state.hands[name]
    face.out(hand_record(opened.house, hand), lambda screen: show_hand(screen, opened.house, hand))


def _show_asked(screen: Screen, opened: "Opened", state: RunState, asked: ApprovalState) -> None:
    if asked.status == "open":
        show_question(screen, opened.house, state, asked)
        return
    show_card(screen, opened.house, asked)
    kind = "a shadow" if asked.status == "shadow" else asked.status
    screen.line(f"It is {kind}. {visible(asked.closed_why)}".rstrip())
    for answer in asked.answers:
        why_said = f": {visible(answer.why)}" if answer.why else ""
        note = f" ({answer.recorded_as})" if answer.recorded_as else ""
        screen.line(f"  {stamp(answer.at_ms)}  {answer.answer} by {answer.by}{note}{why_said}")


def _show_run(screen: Screen, opened: "Opened", plan: Plan, state: RunState) -> None:
    started = state.started
    assert started is not None, "a run that is shown was started"
    now_ms = opened.house.clock.now_ms()
    label = [Styled("  PRACTICE", "yellow")] if started.practice else []
    screen.line(Styled(state.run, "bold"), f"  {visible(started.title)}", *label)
    until = stamp(state.ended_ms) if state.ended_ms is not None else "under way"
    facts = {
        "begun": f"{stamp(state.started_ms)} ({ago(state.started_ms, now_ms)})",
        "ended": until,
        "asked by": started.initiator,
        "mode": f"{started.mode}, profile {started.profile}",
        "plan": started.plan,
        "document": started.document,
        "cost": money(state.cost_micro_usd),
    }
    for name, value in facts.items():
        screen.line("  ", Styled(padded(name, _LABEL), "dim"), value)
    screen.line()
    for task in plan.tasks:
        known = state.task(task.name)
        if known.status is not None:
            words = f"{known.status.value}{f' ({known.code}: {visible(known.why)})' if known.code else ''}"
            screen.line(f"  {padded(task.name, 16)} {words}")
    for effect in state.effects.values():
        screen.line("  ", Styled(padded("effect", 16), "dim"), f" {effect.key}  {effect.status.value}")
    show_kinds(screen, opened.house, state)
    show_findings(screen, plan, state)
    for asked in state.open_approvals:
        show_question(screen, opened.house, state, asked)
    if state.outcome:
        show_outcome(screen, state)


def _task_records(plan: Plan, state: RunState) -> list[dict[str, Any]]:
    return [
        {
            "task": task.name,
            "title": task.title,
            "kind": task.kind.value,
            "status": state.task(task.name).status,
            "attempt": state.task(task.name).attempt,
            "code": state.task(task.name).code,
            "why": state.task(task.name).why,
            "out": dict(state.task(task.name).out),
        }
        for task in plan.tasks
    ]


def show_why(face: Face, opened: "Opened", text: str, *, deepest: int | None) -> None:
    """Write what led to a run, a question, an effect, a task or a reading."""
    house = opened.house
    named = anything_named(house, text) if text else newest_run(house)
    run = named if isinstance(named, str) else named[0]
    plan, _ = loaded(house, run)
    told = why(plan, events_of(house, run), _subject(run, named, text))
    sentences = [(one.text, one.depth, one.ref) for one in told.sentences]
    face.out(told.as_record(), lambda screen: _say_why(screen, sentences, deepest))


def _subject(run: RunId, named: RunId | tuple[RunId, ApprovalId], text: str) -> str:
    """Return what is asked about: `RUN/TASK` names a task, a longer path an effect or a reading."""
    if isinstance(named, tuple):
        return named[1]
    rest = text.partition("/")[2]
    if not rest:
        return run
    return f"{run}/{rest}" if "/" in rest else rest


def _say_why(screen: Screen, sentences: list[tuple[str, int, str]], deepest: int | None) -> None:
    """Write sentences, each with the number of its entry in the run's journal."""
    for text, depth, ref in sentences:
        if deepest is not None and depth > deepest:
            continue
        indent = "  " * depth
        lines = textwrap.wrap(
            text, width=min(screen.width, _WIDTH_MAX) - len(indent), break_long_words=False
        ) or [""]
        for line in lines[:-1]:
            screen.line(indent, line)
        screen.line(indent, lines[-1], Styled(f"  #{ref.partition('#')[2]}" if ref else "", "dim"))


def events_of(house: House, run: RunId) -> list[Event]:
    """Return every event of a run."""
    key = house.keys.subject_key(SUBJECT, create=False)
    return [open_entry(entry, key) for entry in house.store.entries(run_stream(run))]


def list_runs(face: Face, opened: "Opened", *, limit: int, live: bool) -> None:
    """Write the runs, the newest first."""
    rows = opened.house.store.run_rows(RunFilter(live=True if live else None, limit=limit))
    now_ms = opened.house.clock.now_ms()
    face.out(
        {"runs": [_run_row_record(row) for row in rows]}, lambda screen: _list(screen, list(rows), now_ms)
    )


def _list(screen: Screen, rows: list[RunRow], now_ms: int) -> None:
    if not rows:
        screen.line("There are no runs.")
        return
    cells = [
        [
            row.run,
            ago(row.started_ms, now_ms),
            length(row.ended_ms - row.started_ms) if row.ended_ms is not None else "-",
            row.outcome or row.status,
            row.runbook + (" (PRACTICE)" if row.practice else ""),
        ]
        for row in rows
    ]
    for line in table(cells, heads=["run", "begun", "took", "standing", "runbook"]):
        screen.line(line)


def _run_row_record(row: RunRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}
