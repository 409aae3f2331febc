"""All that is different between two versions of a document, what it may do more of first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.plan.codec import plan_record
from midwatch.plan.compile import refuse
from midwatch.plan.diff.change import Change, Weight, value_text
from midwatch.plan.diff.match import renamed, tasks_by_name, with_names
from midwatch.plan.diff.people import people_changes
from midwatch.plan.diff.rules import DERIVED, FOR_PEOPLE
from midwatch.plan.diff.tasks import acts, added, field_changes, removed, task_changes
from midwatch.plan.diff.weigh import Place
from midwatch.plan.model import Plan
from midwatch.plan.review import LintReport
from midwatch.runbook.model import Runbook

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a document, read and compiled."""

    report: LintReport
    runbook: Runbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What two versions differ in."""

    changes: tuple[Change, ...]
    """The heaviest first, then in the order of the new document."""

    @property
    def may_do_more(self) -> bool:
        """Whether the new version may do something that the old one could not."""
        return any(change.weight is Weight.MORE for change in self.changes)

    @property
    def is_program_the_same(self) -> bool:
        """Whether only people see a difference."""
        return all(change.weight is Weight.PEOPLE for change in self.changes)


def difference(old: Version, new: Version) -> Difference:
    """Return what two versions differ in.

    Raises:
        RunbookRefusedError: MW192, one of them has errors, so it can't be told what it does.
    """
    for version in (old, new):
        refuse(version.report.name, list(version.report.findings))
    changes = [*plan_changes(old.report.plan, new.report.plan), *people_changes(old.runbook, new.runbook)]
    order = list(Weight)
    return Difference(changes=tuple(sorted(changes, key=lambda change: order.index(change.weight))))


def plan_changes(old: Plan | None, new: Plan | None) -> Iterator[Change]:
    """Yield what two plans differ in; None is a document with nothing to run."""
    if old is None or new is None:
        if old is not new:
            weight = Weight.MORE if old is None else Weight.LESS
            sentence = "the document can be run now" if old is None else "the document can no longer be run"
            yield Change(weight=weight, task="", what="plan", sentence=sentence)
        return
    before, after = plan_record(old), plan_record(new)
    names = renamed(before, after)
    for was, now in names.items():
        sentence = f"task {was} is called {now} now"
        yield Change(
            weight=Weight.OTHERWISE, task=now, what="task.renamed", sentence=sentence, old=was, new=now
        )
    before = with_names(before, names)
    whole = Place(task="", path="", acts=True)
    for name in after:
        if name not in FOR_PEOPLE and name not in DERIVED:
            yield from field_changes(whole, name, before.get(name), after[name])
    yield from _tasks(before, after)


def _tasks(old: Record, new: Record) -> Iterator[Change]:
    before, after = tasks_by_name(old), tasks_by_name(new)
    steering = _above_what_acts(before) | _above_what_acts(after)
    for name, task in after.items():
        if name in before:
            yield from task_changes(before[name], task, steers=name in steering)
        else:
            yield added(task)
    for name, task in before.items():
        if name not in after:
            yield removed(task)
    common = [name for name in before if name in after]
    if common != [name for name in after if name in before]:
        sentence = f"the tasks stand in another order: {value_text(list(after))}"
        yield Change(weight=Weight.OTHERWISE, task="", what="tasks", sentence=sentence)


def _above_what_acts(tasks: Mapping[str, Record]) -> set[str]:
    found: set[str] = set()
    waiting = [name for name, task in tasks.items() if acts(task)]
    while waiting:
        task = tasks.get(waiting.pop())
        for need in task["needs"] if task else ():
            if need not in found:
                found.add(need)
                waiting.append(need)
    return found
