"""The card: everything that a Guardian needs to decide, as data.

The data holds every value as it is. How it looks is `card_text`; what was shown is stored as it was
shown (`shown_bytes`), and never rendered again for evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from midwatch.approvals.ladder import next_change_ms, rung_at
from midwatch.approvals.people import People
from midwatch.base.canonical import canonical
from midwatch.base.classes import Integrity, Mode, Profile
from midwatch.base.ids import ApprovalId, Digest, Principal, RunId
from midwatch.base.labels import join, label_from
from midwatch.base.units import EpochMs
from midwatch.journal.run_events import Rung

CARD_VERSION = 1
NO_WATCHER = "No watcher is running: it goes on at the next command, or at once under `midwatch server`."
WATCHER = "It goes on by itself."
NOTHING_WILL_RUN = "Nothing will run: in mode propose this is recorded, and that is all."


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOnCard:
    """One action of the bundle."""

    sealed: Mapping[str, Any]
    """The sealed action's wire form (`Action.as_record`)."""
    digest: Digest
    summary: str
    """What the tool does, from its manifest."""
    undo: str
    """How to undo it, in a sentence; empty where it can't be."""
    verified_by: str = ""
    """How it will be read back, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOnCard:
    """The run that asks."""

    run: RunId
    runbook: str
    title: str
    version: str
    document: Digest
    plan: Digest
    requester: Principal
    mode: Mode
    profile: Profile
    practice: bool
    cost_micro_usd: int
    """Spent so far."""
    newer_version: str = ""
    """Version of the runbook that came since; the run stays on its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of whom, and until when."""

    approval: ApprovalId
    bundle: Digest
    question: str
    requirement: Mapping[str, Any]
    """`policy.decision.Requirement.as_record()`."""
    reasons: Sequence[str]
    """Ids of the rules that ask."""
    says: Sequence[str]
    """Their sentences."""
    policy: Digest
    ladder: Sequence[Rung]
    asked_ms: EpochMs
    expires_ms: EpochMs
    on_timeout: str
    """What happens when nobody answers, in a sentence."""
    on_deny: str
    supersedes: str = ""
    differences: Sequence[tuple[str, Any, Any]] = ()
    """(path, old, new) against the superseded card's actions; values frozen."""
    notes: Sequence[str] = field(default_factory=tuple)
    """Further sentences, e.g. when the space comes back."""


def card_data(
    question: Question,
    run: RunOnCard,
    actions: Sequence[ActionOnCard],
    *,
    people: People,
    now_ms: EpochMs,
    watched: bool,
) -> dict[str, Any]:
    """Return the card as JSON with a canonical form.

    Args:
        question: what is asked.
        run: the run that asks.
        actions: the whole bundle, in its order.
        people: for names.
        now_ms: when the card is shown.
        watched: whether some process walks the ladder by itself.
    """
    return {
        "actions": [_action(action) for action in actions],
        "approval": question.approval,
        "bundle": question.bundle,
        "card_v": CARD_VERSION,
        "cost_micro_usd": run.cost_micro_usd,
        "differences": [{"new": new, "old": old, "path": path} for path, old, new in question.differences],
        "expires_ms": question.expires_ms,
        "ladder": _ladder(question, people, now_ms=now_ms, watched=watched),
        "mode": run.mode.value,
        "notes": list(question.notes),
        "nothing_will_run": NOTHING_WILL_RUN if run.mode is Mode.PROPOSE else "",
        "on_deny": question.on_deny,
        "on_timeout": question.on_timeout,
        "policy": question.policy,
        "practice": run.practice,
        "profile": run.profile.value,
        "question": question.question,
        "reasons": [
            {"id": reason, "says": says} for reason, says in zip(question.reasons, question.says, strict=True)
        ],
        "requester": {"id": run.requester, "name": people.name_of(run.requester)},
        "requirement": dict(question.requirement),
        "run": run.run,
        "runbook": {
            "document": run.document,
            "id": run.runbook,
            "newer_version": run.newer_version,
            "plan": run.plan,
            "title": run.title,
            "version": run.version,
        },
        "shown_ms": now_ms,
        "supersedes": question.supersedes,
    }


def shown_bytes(card: Mapping[str, Any], text: str) -> bytes:
    """Return what is stored of a card that was shown: its data, and the very text on the screen."""
    return canonical({"card": dict(card), "text": text})


def _action(action: ActionOnCard) -> dict[str, Any]:
    sealed = action.sealed
    guard = label_from(sealed["guard"])
    labels = {name: label_from(label) for name, label in sealed["labels"].items()}
    joined = join([guard, *labels.values()])
    tainted = sorted(name for name, label in labels.items() if label.integrity is Integrity.UNTRUSTED)
    return {
        "digest": action.digest,
        "guard_untrusted": guard.integrity is Integrity.UNTRUSTED,
        "joined": str(joined),
        "sealed": dict(sealed),
        "summary": action.summary,
        "undo": action.undo,
        "untrusted": tainted,
        "verified_by": action.verified_by,
    }


def _ladder(question: Question, people: People, *, now_ms: EpochMs, watched: bool) -> dict[str, Any]:
    holds = rung_at(question.ladder, now_ms)
    return {
        "escalates": WATCHER if watched else NO_WATCHER,
        "holds": holds,
        "next_change_ms": next_change_ms(question.ladder, now_ms),
        "rungs": [
            {
                "ask": rung.ask,
                "from_ms": rung.from_ms,
                "people": [{"id": person, "name": people.name_of(person)} for person in rung.people],
                "until_ms": rung.until_ms,
                "via": list(rung.via),
            }
            for rung in question.ladder
        ],
    }
