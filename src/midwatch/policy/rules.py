"""The rules in force: Cedar policies and their schema, parsed once and kept ready.

What is added to Cedar's answer: a request that doesn't fit
the schema, and any error while evaluating, is a refusal (a `forbid` whose attribute is missing would
otherwise be skipped, and the answer be yes).
"""

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import cedarpy

from midwatch.base.canonical import digest
from midwatch.base.classes import EffectClass, Mode, Profile, RetryClass
from midwatch.base.ids import ApprovalId, Digest, Principal, RunId, ToolName
from midwatch.base.labels import TRUSTED
from midwatch.policy.answering import REFUSALS, AnswerFacts, Ruling
from midwatch.policy.decision import CANNOT_JUDGE, NO_RULE, SAYS, Decision, Requirement
from midwatch.policy.discern import Discernment
from midwatch.policy.errors import PolicySchemaError
from midwatch.policy.facts import NO_CAP, NOBODY, Facts
from midwatch.policy.gate import Evaluation, Gate
from midwatch.policy.request import JsonObject, answer_request, call_request
from midwatch.policy.source import Rule, read_rules

KNOWN_MAX = 4_096
"""Answers that are kept; a policy that reads ids or counters whole gets nothing out of more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A validated set of policies, ready to be asked; make it with `load`."""

    policies_text: str = field(repr=False)
    schema_text: str = field(repr=False)
    digest: Digest
    """Over both texts."""
    rules: Mapping[str, Rule] = field(repr=False)
    """By id, in the order of the file."""
    _policies: cedarpy.PolicySet = field(repr=False, compare=False)
    _schema: cedarpy.Schema = field(repr=False, compare=False)
    _entities: cedarpy.Entities = field(repr=False, compare=False)
    _discernment: Discernment = field(repr=False, compare=False)
    _known: dict[Hashable, Evaluation] = field(repr=False, compare=False, default_factory=dict)
    """Answers to requests that the rules can't tell apart, at most `KNOWN_MAX`."""

    @staticmethod
    def load(policies_text: str, schema_text: str, *, file: str = "policy/default.cedar") -> "Rules":
        """Return the rules, each validated against the schema.

        Raises:
            PolicyUnreadableError: MW301, when the text is not Cedar.
            PolicyInvalidError: MW302, when a policy doesn't fit the schema.
            PolicyNamelessError: MW303, when a policy has no @id or no @says.
            PolicySchemaError: MW304, when the schema can't be read or doesn't take the facts.
            PolicyIdError: MW305, when an id is used twice or begins wrongly.
        """
        read = read_rules(policies_text, schema_text, file=file)
        loaded = Rules(
            policies_text=policies_text,
            schema_text=schema_text,
            digest=digest({"policies": policies_text, "schema": schema_text}),
            rules=read.rules,
            _policies=read.policies,
            _schema=read.schema,
            _entities=cedarpy.Entities.from_json_str("[]"),
            _discernment=read.discernment,
        )
        loaded._try(file)
        return loaded

    def judge(self, facts: Facts, requirements: Sequence[Requirement]) -> Decision:
        """Return whether a tool may be called: allowed, asked or denied.

        Args:
            facts: everything that is known about the call.
            requirements: what may be asked of people, weakest first; see `gate.requirements_for`.
        """
        return Gate(evaluate=self.evaluate, says=self.says, policy=self.digest).judge(facts, requirements)

    def may_answer(self, facts: AnswerFacts) -> Ruling:
        """Return whether somebody may give an answer, or the rule that refuses."""
        found = self.unsafe_ask(answer_request(facts))
        refusing = ""
        if not found.allowed:
            refusing = CANNOT_JUDGE if found.errors else _first_refusal(found.reasons)
        return Ruling(
            allowed=found.allowed,
            rule=refusing,
            says=self.says(refusing) if refusing else "",
            errors=found.errors,
            policy=self.digest,
            facts=facts,
        )

    def evaluate(self, facts: Facts) -> Evaluation:
        """Return what the rules say on these facts as they are: yes or no."""
        key = self._discernment.key(facts)
        if key is None:
            return self.unsafe_ask(call_request(facts))
        known = self._known.get(key)
        if known is None:
            known = self.unsafe_ask(call_request(facts))
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[key] = known
        return known

    def unsafe_ask(self, request: JsonObject) -> Evaluation:
        """Return what the rules say to a request that the caller built; a malformed one is refused.

        Unsafe because the caller vouches for the facts. Use `judge` and `may_answer`.
        """
        try:
            asked = {**request, "context": json.dumps(request["context"])}
            found = cedarpy.is_authorized(asked, self._policies, self._entities, self._schema)
        except (KeyError, TypeError, ValueError) as error:
            return Evaluation(allowed=False, reasons=(), errors=(f"malformed request: {error!r}",))
        errors = tuple(self._named(error) for error in found.diagnostics.errors)
        if found.decision is cedarpy.Decision.NoDecision and not errors:
            errors = ("the rules came to no decision",)
        return Evaluation(
            allowed=found.allowed and not errors,
            reasons=tuple(sorted(found.diagnostics.id_annotations_by_reason.values())),
            errors=errors,
        )

    def says(self, reason: str) -> str:
        """Return the sentence of a rule, or of the two reasons that are none."""
        return SAYS.get(reason) or self.rules[reason].says

    def _named(self, error: str) -> str:
        """Return the error with Cedar's number of a policy replaced by its id."""
        names = {f"`policy{number}`": f"`{name}`" for number, name in enumerate(self.rules)}
        return re.sub(r"`policy\d+`", lambda found: names.get(found[0], found[0]), error)

    def _try(self, file: str) -> None:
        """Refuse a schema that doesn't take this version's facts; every decision would be a refusal."""
        errors = self.evaluate(SAMPLE).errors or self.may_answer(SAMPLE_ANSWER).errors
        if errors:
            raise PolicySchemaError(
                f"the schema doesn't take the facts of this version: {errors[0]}", file=file
            )


def _first_refusal(reasons: Sequence[str]) -> str:
    for reason in REFUSALS:
        if reason in reasons:
            return reason
    return reasons[0] if reasons else NO_RULE


SAMPLE = Facts(
    principal=Principal("agent:sample/task"),
    tool=ToolName("sample"),
    known=True,
    effect=EffectClass.WRITE,
    retry=RetryClass.UNSAFE,
    target="sample",
    runbook="sample",
    run=RunId("r-sample"),
    initiator=Principal("system:sample"),
    mode=Mode.OBSERVE,
    profile=Profile.TEAM,
    practice=False,
    granted=True,
    halted=False,
    frozen=False,
    revoked=False,
    effects_left=NO_CAP,
    tool_calls_left=NO_CAP,
    usd_left_micro=NO_CAP,
    usd_needed_micro=0,
    denied_before=False,
    lease_free=True,
    seal_lag_ms=0,
    args=TRUSTED,
    guard=TRUSTED,
    undo_declared=True,
    is_undo=False,
    precondition_holds=True,
    person_confirmed=False,
    approved=NOBODY,
)
SAMPLE_ANSWER = AnswerFacts(
    who=Principal("person:sample"),
    approval=ApprovalId("a-sample"),
    answer="deny",
    requester=Principal("system:sample"),
    authors=frozenset(),
    people=frozenset(),
    effect=EffectClass.WRITE,
    second_person=False,
    profile=Profile.TEAM,
)
