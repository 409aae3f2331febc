"""What the gate says about one call: allowed, asked or denied, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from midwatch.base.ids import Digest
from midwatch.policy.facts import Facts

DECISION_VERSION = 2
NO_RULE = "no_rule"
"""The reason where no rule allows and none refuses."""
CANNOT_JUDGE = "cannot_judge"
"""The reason where the rules could not be evaluated."""
SAYS = {
    NO_RULE: "No rule allows this.",
    CANNOT_JUDGE: "The rules could not be evaluated on these facts, so nothing is allowed.",
}
"""The sentences of the reasons that are no rule."""


class Verdict(StrEnum):
    """The three outcomes."""

    ALLOWED = "allowed"
    ASKED = "asked"
    DENIED = "denied"


class Denial(StrEnum):
    """What a denial means for the run; empty where nothing was denied.

    `forbidden` sticks to this kind of effect and this target for the rest of the run, `not_now` may
    pass, and `shadow` says that the mode lets nothing act.
    """

    NONE = ""
    FORBIDDEN = "forbidden"
    NOT_NOW = "not_now"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What people would have to do so that a call is allowed."""

    name: str
    approvers: tuple[str, ...]
    """Groups, any of which may answer: `team:<id>`, `oncall:<id>`, `person:<id>`, `manager:<id>`."""
    count: int
    """How many different people must say yes."""
    teams_distinct: bool = False
    """Each of them for another group."""
    second_person: bool = False
    """At least one of them is not the initiator."""

    def as_record(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "approvers": list(self.approvers),
            "count": self.count,
            "name": self.name,
            "second_person": self.second_person,
            "teams_distinct": self.teams_distinct,
        }


def requirement_from(record: Mapping[str, Any]) -> Requirement:
    """Return the requirement of a record that `as_record` made."""
    return Requirement(
        name=record["name"],
        approvers=tuple(record["approvers"]),
        count=record["count"],
        teams_distinct=record["teams_distinct"],
        second_person=record["second_person"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One judgement, complete enough to be made again and compared."""

    outcome: Verdict
    kind: Denial
    requirement: Requirement | None
    """The weakest that would be enough; only where `asked`."""
    reasons: tuple[str, ...]
    """Ids of the rules that decided, in alphabetical order."""
    says: tuple[str, ...]
    """The sentence of each reason, for people."""
    errors: tuple[str, ...]
    """What went wrong while judging; any entry is a denial."""
    policy: Digest
    """Digest over rules and schema."""
    facts: Facts
    considered: tuple[Requirement, ...]
    """The requirements that were on offer, weakest first; none where it is allowed without any."""

    def as_record(self) -> dict[str, Any]:
        """Return the wire form for the journal."""
        facts = self.facts.as_record()
        return {
            "considered": [requirement.as_record() for requirement in self.considered],
            "decision_v": DECISION_VERSION,
            "errors": list(self.errors),
            "facts": facts,
            "kind": self.kind.value,
            "outcome": self.outcome.value,
            "policy": self.policy,
            "reasons": list(self.reasons),
            "requirement": None if self.requirement is None else self.requirement.as_record(),
            "says": list(self.says),
        }
