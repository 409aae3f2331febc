"""Whether somebody is behind every name that a runbook asks, tells or hands a task to."""

from collections.abc import Iterable
from dataclasses import dataclass

from midwatch.approvals.people import People
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import PersonId
from midwatch.base.units import EpochMs
from midwatch.runbook.errors import NobodyReachedError
from midwatch.runbook.model import At, Runbook, Task
from midwatch.runbook.source import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who can be asked here."""

    people: People
    requester: PersonId | None = None
    """Who would start the run and may therefore not answer; None where that is no matter."""
    is_house: bool = True
    """Whether the people are those of a house; else a name that reaches nobody is only a warning."""


def reach_findings(runbook: Runbook, reach: Reach, now_ms: EpochMs) -> list[Finding]:
    """Return each name behind which nobody is at this moment."""
    severity = Severity.ERROR if reach.is_house else Severity.WARNING
    found: list[Finding] = []
    seen: set[str] = set()
    for at, may_be_requester in _asked(runbook):
        requester = None if may_be_requester else reach.requester
        if at.value in seen:
            continue
        why = _why_nobody(reach.people, at.value, requester, now_ms)
        if why:
            seen.add(at.value)
            sentence = f"`{at.value}` reaches nobody: {why}"
            found.append(
                runbook.source.finding(NobodyReachedError, sentence, at.span.start, severity, ask=at.value)
            )
    return found


def _why_nobody(people: People, ask: str, requester: PersonId | None, now_ms: EpochMs) -> str:
    try:
        reached = people.resolve(ask, now_ms)
    except MidwatchError as error:
        return error.sentence
    if not reached:
        return "it is empty now"
    others = [one for one in reached if one != requester]
    return "" if others else f"only {requester} is there, who asks for the run"


def _asked(runbook: Runbook) -> Iterable[tuple[At[str], bool]]:
    """Yield who is asked, and whether that may be who asks for the run: to answer, no; else, yes."""
    for rung in runbook.header.ladder if runbook.header else ():
        yield rung.ask, False
    for task in runbook.tasks:
        yield from _asked_by(task)


def _asked_by(task: Task) -> Iterable[tuple[At[str], bool]]:
    if task.ask is not None:
        yield from ((at, False) for at in task.ask.approvers)
    if task.hand is not None:
        yield from ((at, True) for at in task.hand.asked)
        yield from ((rung.ask, True) for rung in task.hand.ladder)
    if task.notice is not None:
        yield from ((at, True) for at in task.notice.to)
