"""Everything that the gate judges on, as one value.

Rule 1: no fact has a default; who forgets one doesn't get a decision.
Rule 2: a decision hangs on these facts and the text of the policy alone, so any can be reproduced.
Rule 3: a record leaves out the facts that are as usual, and says how many these are: one that got
lost is never taken for a usual one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from midwatch.base.canonical import INTEGER_MAX, digest
from midwatch.base.classes import EffectClass, Mode, Profile, RetryClass
from midwatch.base.ids import Digest, Principal, RunId, ToolName
from midwatch.base.labels import TRUSTED, Label, label_from
from midwatch.policy.errors import FactsUnreadableError

FACTS_VERSION = 2
NO_CAP = INTEGER_MAX
"""What is left of a budget for which no cap was declared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Who said yes so far to exactly this bundle, in answers that still count."""

    count: int
    """Of different people."""
    people: frozenset[str]
    """`person:<id>` each."""
    teams: frozenset[str]
    """Groups of the ladder for which they answered: `team:<id>`, `oncall:<id>` …"""
    second_person: bool
    """Somebody other than the initiator is among them."""
    self_approved: bool
    """The initiator is among them."""

    def as_record(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "count": self.count,
            "people": sorted(self.people),
            "second_person": self.second_person,
            "self_approved": self.self_approved,
            "teams": sorted(self.teams),
        }


NOBODY = Approved(count=0, people=frozenset(), teams=frozenset(), second_person=False, self_approved=False)
"""No answer yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One call of one tool, and all that is known about it when it is judged."""

    principal: Principal
    """Who acts: `agent:<runbook>/<task>`, or `person:<id>` where a person's own command acts."""
    tool: ToolName
    known: bool
    """A manifest declares the tool."""
    effect: EffectClass
    """As the manifest declares it."""
    retry: RetryClass
    target: str
    runbook: str
    run: RunId
    initiator: Principal
    mode: Mode
    profile: Profile
    practice: bool
    granted: bool
    """The runbook lists the tool."""
    halted: bool
    frozen: bool
    """A change freeze is on."""
    revoked: bool
    """The runbook or its plan was withdrawn."""
    effects_left: int
    """`NO_CAP` where none was declared; this and the next two before this call."""
    tool_calls_left: int
    usd_left_micro: int
    usd_needed_micro: int
    """What this call may cost at most; 0 for what costs nothing."""
    denied_before: bool
    """A person refused this on this target in this run: doing it, or, of an undo, taking it back."""
    lease_free: bool
    """Nobody else holds the target."""
    seal_lag_ms: int
    """Age of the oldest event that is not sealed yet."""
    args: Label
    """Join of the labels of the arguments."""
    guard: Label
    """Label of the conditions that led here."""
    undo_declared: bool
    is_undo: bool
    precondition_holds: bool
    """Also where none was declared."""
    person_confirmed: bool
    """A person typed the command that wants exactly this: an undo, a purge."""
    approved: Approved

    def as_record(self) -> dict[str, Any]:
        """Return the wire form, from which `facts_from` makes the same facts again."""
        whole = self._whole()
        told = {name: value for name, value in whole.items() if value != _USUAL.get(name, _NEVER)}
        return {**told, "facts_v": FACTS_VERSION, "usual": len(whole) - len(told)}

    def _whole(self) -> dict[str, Any]:
        return {
            "approved": self.approved.as_record(),
            "args": str(self.args),
            "denied_before": self.denied_before,
            "effect": self.effect.value,
            "effects_left": self.effects_left,
            "frozen": self.frozen,
            "granted": self.granted,
            "guard": str(self.guard),
            "halted": self.halted,
            "initiator": self.initiator,
            "is_undo": self.is_undo,
            "known": self.known,
            "lease_free": self.lease_free,
            "mode": self.mode.value,
            "person_confirmed": self.person_confirmed,
            "practice": self.practice,
            "precondition_holds": self.precondition_holds,
            "principal": self.principal,
            "profile": self.profile.value,
            "retry": self.retry.value,
            "revoked": self.revoked,
            "run": self.run,
            "runbook": self.runbook,
            "seal_lag_ms": self.seal_lag_ms,
            "target": self.target,
            "tool": self.tool,
            "tool_calls_left": self.tool_calls_left,
            "undo_declared": self.undo_declared,
            "usd_left_micro": self.usd_left_micro,
            "usd_needed_micro": self.usd_needed_micro,
        }

    @property
    def digest(self) -> Digest:
        """The name of these facts."""
        return digest(self.as_record())


_NEVER = object()
_USUAL: Mapping[str, Any] = {
    "approved": NOBODY.as_record(),
    "denied_before": False,
    "effects_left": NO_CAP,
    "frozen": False,
    "granted": True,
    "guard": str(TRUSTED),
    "halted": False,
    "is_undo": False,
    "known": True,
    "lease_free": True,
    "person_confirmed": False,
    "practice": False,
    "precondition_holds": True,
    "revoked": False,
    "seal_lag_ms": 0,
    "tool_calls_left": NO_CAP,
    "undo_declared": False,
    "usd_left_micro": NO_CAP,
    "usd_needed_micro": 0,
}
"""The facts that a record of this version leaves out where they have these values."""


def whole_facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of facts with those in it that it says to leave out."""
    return {**_USUAL, **record} if "usual" in record else dict(record)


def facts_from(record: Mapping[str, Any]) -> Facts:
    """Return the facts of a decision record.

    Raises:
        FactsUnreadableError: MW306, when a fact is missing, unknown or of a wrong kind.
    """
    rest = dict(record)
    try:
        version = rest.pop("facts_v")
        if version != FACTS_VERSION:
            raise FactsUnreadableError(f"the facts are of version {version}, not {FACTS_VERSION}")
        whole = whole_facts(rest)
        left_out = len(whole) - len(rest)
        if whole.pop("usual") != left_out:
            raise FactsUnreadableError(f"{left_out} facts are left out, which the record denies")
        rest = whole
        approved = dict(rest.pop("approved"))
        return Facts(
            principal=Principal(rest.pop("principal")),
            tool=ToolName(rest.pop("tool")),
            run=RunId(rest.pop("run")),
            initiator=Principal(rest.pop("initiator")),
            effect=EffectClass(rest.pop("effect")),
            retry=RetryClass(rest.pop("retry")),
            mode=Mode(rest.pop("mode")),
            profile=Profile(rest.pop("profile")),
            args=label_from(rest.pop("args")),
            guard=label_from(rest.pop("guard")),
            approved=Approved(
                people=frozenset(approved.pop("people")), teams=frozenset(approved.pop("teams")), **approved
            ),
            **rest,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FactsUnreadableError(f"the facts of the record can't be read: {error}") from error
