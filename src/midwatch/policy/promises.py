"""What any policy has to keep, and the facts on which one doesn't: a check over every abstract case.

A policy that people edited is checked the same way as the one that ships.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from midwatch.base.classes import Confidentiality, EffectClass, Integrity, Mode, Profile
from midwatch.policy.cases import ADA, AGENT, SEAL_LAG_MAX_MS, SECOND, SELF, answer_cases, call_cases
from midwatch.policy.decision import Denial
from midwatch.policy.facts import NOBODY, Approved, Facts
from midwatch.policy.rules import SAMPLE, Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A promise that the policy breaks, with the case that shows it."""

    promise: str
    """The promise in a sentence."""
    case: dict[str, Any]
    """The facts, in their wire form."""


def broken_promises(rules: Rules) -> Iterator[Broken]:
    """Yield each counterexample, cheap and likely ones first; nothing for a policy that keeps them all."""
    yield from _broken_answers(rules)
    yield from _broken_words(rules)
    yield from _broken_calls(rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A case with the words in which promises speak of it."""

    facts: Facts

    @property
    def acts(self) -> bool:
        return self.facts.effect is not EffectClass.READ

    @property
    def is_write(self) -> bool:
        return self.facts.effect is EffectClass.WRITE

    @property
    def is_final(self) -> bool:
        return self.facts.effect is EffectClass.IRREVERSIBLE

    @property
    def of_person(self) -> bool:
        return self.facts.principal.startswith("person:")

    @property
    def own(self) -> bool:
        """A person's own command acts."""
        return self.of_person and self.facts.person_confirmed

    @property
    def wanted(self) -> bool:
        """A person typed the command that wants this: their own, or an undo."""
        return self.own or (self.facts.is_undo and self.facts.person_confirmed)

    @property
    def seconded(self) -> bool:
        return self.facts.approved.second_person

    @property
    def unanswered(self) -> bool:
        return self.facts.approved.count < 1

    @property
    def untrusted(self) -> bool:
        return Integrity.UNTRUSTED in {self.facts.args.integrity, self.facts.guard.integrity}

    @property
    def has_undo(self) -> bool:
        return self.facts.undo_declared or self.facts.is_undo

    def of_agent(self, mode: Mode, approved: Approved) -> bool:
        """Whether a task acts in that mode with those answers, and nothing stands in the way."""
        facts = self.facts
        return (
            self.acts
            and (facts.principal, facts.mode, facts.approved) == (AGENT, mode, approved)
            and self.plain
        )

    @property
    def plain(self) -> bool:
        """Nothing stands in the way."""
        usual = replace(self.facts, effect=SAMPLE.effect, mode=SAMPLE.mode, profile=SAMPLE.profile)
        who = replace(usual, principal=SAMPLE.principal, initiator=SAMPLE.initiator)
        return replace(who, approved=NOBODY) == SAMPLE

    @property
    def plain_and_typed(self) -> bool:
        """A person's own command acts, and nothing stands in the way."""
        return self.acts and self.own and _Case(facts=replace(self.facts, person_confirmed=False)).plain

    @property
    def plain_but_halted(self) -> bool:
        """Nothing but a halt or a freeze stands in the way."""
        return _Case(facts=replace(self.facts, halted=False, frozen=False)).plain


_Promise = tuple[str, Callable[[_Case], bool]]
_NEVER: tuple[_Promise, ...] = (
    ("an unknown tool is never called", lambda c: not c.facts.known),
    ("a tool that the runbook doesn't list is never called", lambda c: not c.facts.granted),
    ("a withdrawn runbook calls nothing", lambda c: c.facts.revoked),
    ("what a person refused is never done", lambda c: c.acts and c.facts.denied_before),
    ("what is halted never acts", lambda c: c.acts and c.facts.halted),
    ("nothing acts in a change freeze", lambda c: c.acts and c.facts.frozen),
    ("no call goes beyond the budget of calls", lambda c: c.facts.tool_calls_left <= 0),
    (
        "no effect goes beyond the budget of effects",
        lambda c: c.acts and c.facts.effects_left <= 0 and not c.facts.is_undo,
    ),
    (
        "no call goes beyond the budget of money",
        lambda c: c.facts.usd_left_micro < c.facts.usd_needed_micro,
    ),
    ("nothing acts on what somebody else holds", lambda c: c.acts and not c.facts.lease_free),
    ("nothing acts whose precondition is gone", lambda c: c.acts and not c.facts.precondition_holds),
    (
        "no secret is an argument of what acts",
        lambda c: c.acts and c.facts.args.confidentiality is Confidentiality.SECRET,
    ),
    ("mode observe reads only", lambda c: c.acts and c.facts.mode is Mode.OBSERVE and not c.own),
    ("mode propose runs nothing that acts", lambda c: c.acts and c.facts.mode is Mode.PROPOSE and not c.own),
    ("a person's command acts only when they typed it", lambda c: c.acts and c.of_person and not c.own),
    (
        "what can't be undone takes a second person, or a person's own command",
        lambda c: c.is_final and not (c.seconded or c.own),
    ),
    (
        "what can't be undone never outruns its proof",
        lambda c: c.is_final and c.facts.seal_lag_ms > SEAL_LAG_MAX_MS,
    ),
    (
        "a write without undo takes a second person",
        lambda c: c.is_write and not (c.has_undo or c.seconded or c.own),
    ),
    (
        "mode approve acts on a yes only",
        lambda c: c.acts and c.facts.mode is Mode.APPROVE and c.unanswered and not c.wanted,
    ),
    (
        "untrusted values act on a yes only",
        lambda c: c.acts and c.untrusted and c.unanswered and not c.wanted,
    ),
    (
        "in profile team one's own yes counts for nothing",
        lambda c: c.acts and c.facts.profile is Profile.TEAM and c.facts.approved == SELF,
    ),
)
"""What is never allowed, whoever said yes; so it is never asked either."""

_ALWAYS: tuple[_Promise, ...] = (
    ("granted reads go on in every mode, halted or frozen too", lambda c: not c.acts and c.plain_but_halted),
    (
        "mode auto does what can be undone by itself",
        lambda c: c.is_write and c.of_agent(Mode.AUTO, NOBODY),
    ),
    ("a second person's yes is enough", lambda c: c.of_agent(Mode.APPROVE, SECOND)),
    ("a person's own command acts", lambda c: c.plain_and_typed and c.facts.approved == NOBODY),
    (
        "in profile solo one's own yes is enough for a write",
        lambda c: c.is_write and c.facts.profile is Profile.SOLO and c.of_agent(Mode.APPROVE, SELF),
    ),
)
"""What is always allowed: a gate that lets nothing through is no use either."""


def _broken_calls(rules: Rules) -> Iterator[Broken]:
    for case in call_cases():
        allowed = rules.evaluate(case).allowed
        for says, applies in _NEVER if allowed else _ALWAYS:
            if applies(_Case(facts=case)):
                yield Broken(promise=says, case=case.as_record())


def _broken_answers(rules: Rules) -> Iterator[Broken]:
    for case in answer_cases():
        own = case.who == case.requester
        final = case.effect is EffectClass.IRREVERSIBLE or case.second_person
        team = case.profile is Profile.TEAM
        checks = (
            ("only people answer", not case.who.startswith("person:"), "answer.agent"),
            ("who was not asked doesn't answer", case.who not in case.people, "answer.not_on_ladder"),
            ("in profile team the requester doesn't answer", team and own, "answer.requester"),
            ("in profile team the author doesn't answer", team and case.who in case.authors, "answer.author"),
            (
                "one's own yes is not the second person's",
                own and final and case.answer == "approve",
                "answer.second_person",
            ),
        )
        refusing = [(says, rule) for says, applies, rule in checks if applies]
        ruling = rules.may_answer(case)
        if not refusing and not ruling.allowed:
            yield Broken(promise="who is asked may answer", case=case.as_record())
        if refusing and (ruling.allowed or ruling.rule != refusing[0][1]):
            yield Broken(promise=refusing[0][0], case=case.as_record())


def _broken_words(rules: Rules) -> Iterator[Broken]:
    """Yield where a refusal is of another kind than people are told."""
    plain = replace(SAMPLE, principal=AGENT, initiator=ADA, mode=Mode.AUTO)
    expected: tuple[tuple[str, dict[str, Any], Denial], ...] = (
        ("observing is no shadow", {"mode": Mode.OBSERVE}, Denial.FORBIDDEN),
        ("what would have run is a shadow", {"mode": Mode.PROPOSE}, Denial.SHADOW),
        ("a halt may pass", {"halted": True}, Denial.NOT_NOW),
        ("a freeze may pass", {"frozen": True}, Denial.NOT_NOW),
        ("a budget may be raised", {"effects_left": 0}, Denial.NOT_NOW),
        ("a lease comes free", {"lease_free": False}, Denial.NOT_NOW),
        ("a precondition may hold again", {"precondition_holds": False}, Denial.NOT_NOW),
        ("a person's no sticks", {"denied_before": True}, Denial.FORBIDDEN),
        ("a tool that is not granted stays so", {"granted": False}, Denial.FORBIDDEN),
    )
    for says, changes, kind in expected:
        case = replace(plain, **changes)
        decision = rules.judge(case, ())
        if decision.kind is not kind or not set(decision.reasons) <= rules.rules.keys():
            yield Broken(promise=says, case=case.as_record())
