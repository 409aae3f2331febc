"""Cedar's view of the facts: principal, action, resource and context of one request."""

from typing import Any

from midwatch.base.classes import Confidentiality, EffectClass, Integrity, Mode, Profile, RetryClass
from midwatch.base.ids import Principal
from midwatch.base.labels import Label
from midwatch.policy.answering import AnswerFacts
from midwatch.policy.facts import Facts

JsonObject = dict[str, Any]


def _entity(kind: str, name: str) -> JsonObject:
    return {"__entity": {"type": kind, "id": name}}


_MODE = {mode: _entity("Mode", mode) for mode in Mode}
_PROFILE = {profile: _entity("Profile", profile) for profile in Profile}
_RETRY = {retry: _entity("Retry", retry) for retry in RetryClass}
_EFFECT = {effect: _entity("Effect", effect) for effect in EffectClass}
_INTEGRITY = {integrity: _entity("Integrity", integrity) for integrity in Integrity}
_CONFIDENTIALITY = {level: _entity("Confidentiality", level) for level in Confidentiality}
_KINDS = {"agent": "Agent", "person": "Person"}


def principal_type(principal: Principal) -> str:
    """Return the type of the entity that acts; one that no schema knows for other than agents and people."""
    return _KINDS.get(principal.partition(":")[0], "Unknown")


def _label(label: Label) -> JsonObject:
    return {
        "integrity": _INTEGRITY[label.integrity],
        "confidentiality": _CONFIDENTIALITY[label.confidentiality],
    }


def call_request(facts: Facts) -> JsonObject:
    """Return the request that asks whether a tool may be called; the effect class is the action."""
    return {
        "principal": {"type": principal_type(facts.principal), "id": facts.principal},
        "action": {"type": "Action", "id": facts.effect.value},
        "resource": {"type": "Tool", "id": facts.tool},
        "context": {
            "known": facts.known,
            "retry": _RETRY[facts.retry],
            "target": facts.target,
            "runbook": facts.runbook,
            "run": facts.run,
            "initiator": facts.initiator,
            "mode": _MODE[facts.mode],
            "profile": _PROFILE[facts.profile],
            "practice": facts.practice,
            "granted": facts.granted,
            "halted": facts.halted,
            "frozen": facts.frozen,
            "revoked": facts.revoked,
            "effects_left": facts.effects_left,
            "tool_calls_left": facts.tool_calls_left,
            "usd_left_micro": facts.usd_left_micro,
            "usd_needed_micro": facts.usd_needed_micro,
            "denied_before": facts.denied_before,
            "lease_free": facts.lease_free,
            "seal_lag_ms": facts.seal_lag_ms,
            "args": _label(facts.args),
            "guard": _label(facts.guard),
            "undo_declared": facts.undo_declared,
            "is_undo": facts.is_undo,
            "precondition_holds": facts.precondition_holds,
            "person_confirmed": facts.person_confirmed,
            "approved": facts.approved.as_record(),
        },
    }


def answer_request(facts: AnswerFacts) -> JsonObject:
    """Return the request that asks whether somebody may give an answer; only a person ever is a Person."""
    kind = "Person" if facts.who.startswith("person:") else "Agent"
    return {
        "principal": {"type": kind, "id": facts.who},
        "action": {"type": "Action", "id": "answer"},
        "resource": {"type": "Approval", "id": facts.approval},
        "context": {
            "who": facts.who,
            "answer": _entity("Answer", facts.answer),
            "requester": facts.requester,
            "authors": sorted(facts.authors),
            "people": sorted(facts.people),
            "effect": _EFFECT[facts.effect],
            "second_person": facts.second_person,
            "profile": _PROFILE[facts.profile],
        },
    }
