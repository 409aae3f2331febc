"""The rows that a state means: the driver writes them, the auditor expects them."""

from collections.abc import Iterator

from midwatch.base.ids import ApprovalId, Digest, EffectKey, RunId
from midwatch.base.units import EpochMs
from midwatch.effects.ledger import EffectStatus
from midwatch.ports.rows import ApprovalRow, EffectRow, Row, RunRow, TaskRow
from midwatch.run.state import ApprovalState, EffectState, RunState, TaskStatus


def changed_rows(before: RunState, after: RunState) -> tuple[Row, ...]:
    """Return the rows that differ between two states of one run; with an empty state before, all of them."""
    return tuple(_changed(before, after))


def _changed(before: RunState, after: RunState) -> Iterator[Row]:
    if before.started is None or _of_run(before) != _of_run(after):
        yield run_row(after)
    for name, task in after.tasks.items():
        known = before.tasks.get(name)
        if known is task:
            continue  # most tasks, most of the time
        status = task.status
        if status is not None and (known is None or (known.status, known.attempt) != (status, task.attempt)):
            yield TaskRow(run=after.run, task=name, iteration=0, status=_status(status), attempt=task.attempt)
    for key, effect in after.effects.items():
        if before.effects.get(key) is not effect:
            yield effect_row(after.run, effect)
    for approval, asked in after.approvals.items():
        if before.approvals.get(approval) is not asked:
            yield approval_row(after.run, asked)


def _of_run(state: RunState) -> tuple[object, ...]:
    """Return what of a run's row may change after its start."""
    return status_of(state), state.outcome, state.ended_ms


def _status(status: TaskStatus) -> str:
    return status.value


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
    doubtful = any(effect.status is EffectStatus.IN_DOUBT for effect in state.effects.values())
    return "waiting" if state.open_approvals or doubtful else "running"


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
