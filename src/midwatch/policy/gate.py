"""The three-valued judgement: allowed as things are, allowed if people say yes, or denied.

Rule 1: any error while judging is a denial, whatever else the rules say.
Rule 2: a question is put only where the yes it asks for would be enough, and the weakest such is asked.
Rule 3: an answer is imagined in its weakest form, so that no answer asked for can turn out too small.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from midwatch.base.ids import Digest
from midwatch.policy.decision import CANNOT_JUDGE, NO_RULE, Decision, Denial, Requirement, Verdict
from midwatch.policy.facts import Approved, Facts

_UNNAMED = "?"
_LADDERS_MAX = 256
"""Ladders whose requirements are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What the rules alone say on one set of facts: yes or no."""

    allowed: bool
    reasons: tuple[str, ...]
    """Ids of the permits that allowed, or of the forbids that refused; sorted."""
    errors: tuple[str, ...] = ()


Evaluate = Callable[[Facts], Evaluation]


def requirements_for(approvers: Sequence[str]) -> tuple[Requirement, ...]:
    """Return what may be asked of the groups of a ladder, weakest first."""
    return _requirements_for(tuple(approvers))


@lru_cache(maxsize=_LADDERS_MAX)
def _requirements_for(groups: tuple[str, ...]) -> tuple[Requirement, ...]:
    return (
        Requirement(name="one", approvers=groups, count=1),
        Requirement(name="second_person", approvers=groups, count=1, second_person=True),
        Requirement(name="two", approvers=groups, count=2, second_person=True),
    )


def weakest(approved: Approved, requirement: Requirement) -> Approved:
    """Return the answers so far, completed by the least that satisfies the requirement.

    Where any of several groups may answer, none of them is sure to have answered; where somebody
    may approve their own request, they did.
    """
    missing = max(0, requirement.count - approved.count)
    strangers = {f"{_UNNAMED}{number}" for number in range(1, missing + 1)}
    every_group = len(requirement.approvers) == 1 or (
        requirement.teams_distinct and requirement.count >= len(requirement.approvers)
    )
    may_be_own = not requirement.second_person or requirement.count > 1
    return Approved(
        count=approved.count + missing,
        people=approved.people | strangers,
        teams=approved.teams | (frozenset(requirement.approvers) if every_group else frozenset()),
        second_person=approved.second_person or requirement.second_person,
        self_approved=approved.self_approved or may_be_own,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The judgement over one set of rules."""

    evaluate: Evaluate
    says: Callable[[str], str]
    """The sentence of a rule's id, and of the two reasons that are no rule."""
    policy: Digest

    def judge(self, facts: Facts, requirements: Sequence[Requirement]) -> Decision:
        """Return the decision; `requirements` are those on offer, weakest first."""
        offered = tuple(requirements)
        found = self.evaluate(facts)
        if found.errors:
            return self._denied(facts, offered, found)
        if found.allowed:
            return self._decision(facts, (), Verdict.ALLOWED, found.reasons)
        for requirement in offered:
            imagined = self.evaluate(replace(facts, approved=weakest(facts.approved, requirement)))
            if imagined.errors:
                return self._denied(facts, offered, imagined)
            if imagined.allowed:
                reasons = found.reasons or imagined.reasons
                return self._decision(facts, offered, Verdict.ASKED, reasons, requirement=requirement)
        return self._denied(facts, offered, found)

    def _denied(self, facts: Facts, offered: tuple[Requirement, ...], found: Evaluation) -> Decision:
        if found.errors:
            reasons: tuple[str, ...] = (CANNOT_JUDGE,)
        else:
            reasons = found.reasons or (NO_RULE,)
        return self._decision(
            facts, offered, Verdict.DENIED, reasons, kind=_denial(reasons), errors=found.errors
        )

    def _decision(
        self,
        facts: Facts,
        offered: tuple[Requirement, ...],
        outcome: Verdict,
        reasons: tuple[str, ...],
        *,
        requirement: Requirement | None = None,
        kind: Denial = Denial.NONE,
        errors: tuple[str, ...] = (),
    ) -> Decision:
        return Decision(
            outcome=outcome,
            kind=kind,
            requirement=requirement,
            reasons=reasons,
            says=tuple(self.says(reason) for reason in reasons),
            errors=errors,
            policy=self.policy,
            facts=facts,
            considered=offered,
        )


def _denial(reasons: Sequence[str]) -> Denial:
    """Return what the ids of the refusing rules mean together.

    `forbidden` outweighs `shadow`, which outweighs `not_now`; an `ask.` that no requirement on offer
    satisfies is no, too, unless something else passes first.
    """
    kinds = {reason.partition(".")[0] for reason in reasons}
    if "forbidden" in kinds or NO_RULE in kinds or CANNOT_JUDGE in kinds:
        return Denial.FORBIDDEN
    if "shadow" in kinds:
        return Denial.SHADOW
    if "not_now" in kinds:
        return Denial.NOT_NOW
    return Denial.FORBIDDEN
