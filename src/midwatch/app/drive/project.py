"""The rows that a state means: the driver writes them, the auditor expects them."""

from collections.abc import Iterator

from midwatch.base.ids import ApprovalId, Digest, EffectKey, PersonId, RunId
from midwatch.base.units import EpochMs
from midwatch.ports.rows import ApprovalRow, EffectRow, HandRow, NoticeRow, Row, RunRow, TaskRow
from midwatch.run.state import (
    ApprovalState,
    EffectState,
    HandState,
    Notice,
    Place,
    RunState,
    TaskState,
)


def changed_rows(before: RunState, after: RunState) -> tuple[Row, ...]:
    """Return the rows that differ between two states of one run; with an empty state before, all of them."""
    return tuple(_changed(before, after))


def _changed(before: RunState, after: RunState) -> Iterator[Row]:
    if before.started is None or _of_run(before) != _of_run(after):
        yield run_row(after)
    for name, task in after.tasks.changed_since(before.tasks):
        yield from _task_row(after.run, (name, 0), before.tasks.get(name), task)
    for place, turn in after.turns.changed_since(before.turns):
        yield from _task_row(after.run, place, before.turns.get(place), turn)
    for _, effect in after.effects.changed_since(before.effects):
        yield effect_row(after.run, effect)
    for _, asked in after.approvals.changed_since(before.approvals):
        yield approval_row(after.run, asked)
    for _, hand in after.hands.changed_since(before.hands):
        yield hand_row(after.run, hand)
    for notice in after.notices[len(before.notices) :]:
        yield from notice_rows(after.run, notice)


def _of_run(state: RunState) -> tuple[object, ...]:
    """Return what of a run's row may change after its start."""
    return status_of(state), state.outcome, state.ended_ms


def _task_row(run: RunId, place: Place, known: TaskState | None, task: TaskState) -> Iterator[Row]:
    status = task.status
    if status is not None and (known is None or (known.status, known.attempt) != (status, task.attempt)):
        name, iteration = place
        yield TaskRow(run=run, task=name, iteration=iteration, status=status.value, attempt=task.attempt)


def run_row(state: RunState) -> RunRow:
    """Return the row of a run that was started."""
    started = state.started
    assert started is not None, "a run begins with run.started"
    return RunRow(
        run=RunId(started.run),
        runbook=started.runbook,
        plan=Digest(started.plan),
        document=Digest(started.document),
        title=started.title,
        status=status_of(state),
        outcome=state.outcome,
        mode=started.mode,
        initiator=started.initiator,
        practice=started.practice,
        key=started.key,
        started_ms=state.started_ms,
        ended_ms=state.ended_ms,
    )


def status_of(state: RunState) -> str:
    """Return `running`, `waiting`, `undoing` or `ended`."""
    if state.undoing:
        return "undoing"
    if state.outcome:
        return "ended"
    return "waiting" if state.questions or state.doubted or state.open_hands else "running"


def effect_row(run: RunId, effect: EffectState) -> EffectRow:
    """Return the row of an effect."""
    return EffectRow(
        key=EffectKey(effect.key),
        run=run,
        task=effect.task,
        tool=effect.tool,
        effect=str(effect.sealed["effect"]),
        target=str(effect.sealed["target"]),
        action=effect.action,
        status=effect.status.value,
    )


def approval_row(run: RunId, asked: ApprovalState) -> ApprovalRow:
    """Return the row of a question."""
    return ApprovalRow(
        approval=ApprovalId(asked.approval),
        run=run,
        task=asked.task,
        bundle=asked.bundle,
        status=asked.status,
        rung=asked.rung,
        asked_ms=EpochMs(asked.asked_ms),
        expires_ms=EpochMs(asked.expires_ms),
    )


def hand_row(run: RunId, hand: HandState) -> HandRow:
    """Return the row of something that people do by hand."""
    return HandRow(
        hand=hand.hand,
        run=run,
        task=hand.place[0],
        iteration=hand.place[1],
        purpose=hand.purpose,
        status=hand.status,
        rung=hand.rung,
        asked_ms=hand.asked_ms,
        due_ms=hand.due_ms,
    )


def notice_rows(run: RunId, notice: Notice) -> Iterator[NoticeRow]:
    """Yield a row for each person that a message is for."""
    for person in notice.people:
        yield NoticeRow(run=run, n=notice.n, person=PersonId(person), at_ms=notice.at_ms)
