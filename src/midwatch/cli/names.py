"""Ids as people type them: a run, a question, or the beginning of either."""

from collections.abc import Sequence

from midwatch.app.house import House
from midwatch.base.ids import ApprovalId, HandId, RunId
from midwatch.cli.errors import AmbiguousError
from midwatch.ports.store import RunFilter
from midwatch.run.errors import RunUnknownError


def run_named(house: House, text: str) -> RunId:
    """Return the run that an id, the beginning of one, or a question's id names.

    Raises:
        RunUnknownError: MW611; AmbiguousError: MW942.
    """
    found = anything_named(house, text)
    return found if isinstance(found, str) else found[0]


def approval_named(house: House, text: str) -> ApprovalId:
    """Return the question that an id, or the beginning of one, names; of a run, its open question.

    Raises:
        RunUnknownError: MW611; AmbiguousError: MW942.
    """
    if not text.startswith("r-"):
        found = house.store.approvals_like(text)
        if len(found) == 1:
            return found[0]
        if found:
            raise _several(text, found)
    runs = [] if text.startswith("a-") else house.store.runs_like(text)
    asked = [row.approval for run in runs[:1] for row in house.store.approval_rows(run=run)]
    still_open = [
        row.approval for run in runs[:1] for row in house.store.approval_rows(run=run, only_open=True)
    ]
    if len(runs) > 1:
        raise _several(text, runs)
    if asked:
        return (still_open or asked)[-1]
    raise _unknown(text, "question")


def hand_named(house: House, text: str) -> HandId:
    """Return what is done by hand that an id, or the beginning of one, names; of a run, what is open.

    Raises:
        RunUnknownError: MW611; AmbiguousError: MW942.
    """
    if not text.startswith("r-"):
        found = house.store.hands_like(text)
        if len(found) == 1:
            return found[0]
        if found:
            raise _several(text, found)
    runs = [] if text.startswith("h-") else house.store.runs_like(text)
    if len(runs) > 1:
        raise _several(text, runs)
    still_open = [row.hand for run in runs for row in house.store.hand_rows(run=run, only_open=True)]
    if len(still_open) > 1:
        raise _several(text, still_open)
    if still_open:
        return still_open[0]
    raise _unknown(text, "hand")


def anything_named(house: House, text: str) -> RunId | tuple[RunId, ApprovalId]:
    """Return the run, or run and question, that a text names.

    Raises:
        RunUnknownError: MW611; AmbiguousError: MW942.
    """
    text = text.partition("/")[0]
    runs: Sequence[RunId] = () if text.startswith("a-") else house.store.runs_like(text)
    approvals: Sequence[ApprovalId] = () if text.startswith("r-") else house.store.approvals_like(text)
    if len(runs) + len(approvals) > 1:
        raise _several(text, [*runs, *approvals])
    if runs:
        return runs[0]
    if not approvals:
        raise _unknown(text, "run or question")
    row = house.store.approval_row(approvals[0])
    assert row is not None, "it was just listed"
    return row.run, row.approval


def newest_run(house: House) -> RunId:
    """Return the newest run.

    Raises:
        RunUnknownError: MW611, when there is none.
    """
    rows = house.store.run_rows(RunFilter(limit=1))
    if not rows:
        raise RunUnknownError("there is no run yet")
    return rows[0].run


def _several(text: str, found: Sequence[str]) -> AmbiguousError:
    return AmbiguousError(f"{text!r} begins several ids", several=", ".join(found))


def _unknown(text: str, what: str) -> RunUnknownError:
    return RunUnknownError(f"there is no {what} {text!r}", run=text)
