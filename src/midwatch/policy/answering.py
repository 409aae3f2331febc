"""Whether somebody may answer a question: the facts, and what the rules say about them."""

from dataclasses import dataclass
from typing import Any

from midwatch.base.classes import EffectClass, Profile
from midwatch.base.ids import ApprovalId, Digest, Principal

REFUSALS = (
    "answer.agent",
    "answer.not_on_ladder",
    "answer.requester",
    "answer.author",
    "answer.second_person",
)
"""Ids of the default refusals, the one to name first where several match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """One attempt to answer, as the rules see it."""

    who: Principal
    approval: ApprovalId
    answer: str
    """`approve` or `deny`."""
    requester: Principal
    """Who asked for the run."""
    authors: frozenset[Principal]
    """Who wrote the runbook."""
    people: frozenset[Principal]
    """Everybody on the rungs up to the one that holds the question now."""
    effect: EffectClass
    """The highest of the bundle."""
    second_person: bool
    """The requirement wants somebody other than the requester."""
    profile: Profile

    def as_record(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "answer": self.answer,
            "approval": self.approval,
            "authors": sorted(self.authors),
            "effect": self.effect.value,
            "people": sorted(self.people),
            "profile": self.profile.value,
            "requester": self.requester,
            "second_person": self.second_person,
            "who": self.who,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the rules say: this person may give this answer, or which rule refuses."""

    allowed: bool
    rule: str
    """Id of the rule that refuses; empty where allowed."""
    says: str
    """Its sentence."""
    errors: tuple[str, ...]
    """What went wrong while judging; any entry is a refusal."""
    policy: Digest
    facts: AnswerFacts

    def as_record(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "allowed": self.allowed,
            "errors": list(self.errors),
            "facts": self.facts.as_record(),
            "policy": self.policy,
            "rule": self.rule,
            "says": self.says,
        }
