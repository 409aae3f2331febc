"""People made up for whom a runbook asks, so that playing it needs no configuration.

Each team, role, rotation and manager has two people of its own: questions that need a second person, or
two of them, can be answered.
"""

from collections.abc import Iterable

from midwatch.approvals.people import People, Person, Shift
from midwatch.base.ids import PersonId
from midwatch.plan.model import Plan

FALLBACK = "team:guardians"
_EACH = 2


def made_up(plans: Iterable[Plan], named: Iterable[str] = ()) -> People:
    """Return people for every approver that the plans name, and for `named` ones beside them."""
    asks = sorted({FALLBACK, *(ask for plan in plans for ask in asked_by(plan)), *named})
    people: dict[PersonId, Person] = {}
    groups: dict[str, tuple[PersonId, ...]] = {}
    rotas: dict[str, tuple[Shift, ...]] = {}
    for ask in asks:
        kind, _, name = ask.partition(":")
        if kind == "person":
            _add(people, PersonId(name))
            continue
        members = tuple(PersonId(f"{kind}-{name}-{number}") for number in range(1, _EACH + 1))
        for member in members:
            _add(people, member)
        if kind == "oncall":
            rotas[ask] = tuple(Shift(person=member) for member in members)
        else:
            groups[ask] = members
    return People(people=people, groups=groups, rotas=rotas)


def _add(people: dict[PersonId, Person], name: PersonId) -> None:
    people.setdefault(name, Person(id=name, name=name.replace("-", " ").title(), os_users=(name,)))


def asked_by(plan: Plan) -> Iterable[str]:
    """Yield everybody whom a plan asks or tells, as it names them."""
    yield from (rung.ask for rung in plan.ladder)
    if ":" in plan.owner:
        yield plan.owner
    for task in plan.tasks:
        if task.approval is not None:
            yield from (rung.ask for rung in task.approval.ladder)
        if task.hand is not None:
            yield from (rung.ask for rung in task.hand.ladder)
        if task.notice is not None:
            yield from task.notice.to
