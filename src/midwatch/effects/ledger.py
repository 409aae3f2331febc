"""The states of an effect, and the only ways between them.

    proposed -> allowed | asked | denied
    asked -> allowed | denied | expired | void
    allowed -> dispatched | void | asked            (asked again: the policy in force now wants more)
    dispatched -> confirmed | failed | in_doubt
    in_doubt -> confirmed | failed (by probe or person) | dispatched (idempotent and keyed only)
    failed -> dispatched                            (a declared retry, same key, same approval)
    failed -> void                                  (an undo that is wanted again, and whose seal is stale)
    denied -> proposed                              (an undo that is wanted again: judged anew)
    confirmed -> verified | unverified
    confirmed | verified | unverified -> undoing -> undone | undo_failed
    void | expired -> proposed                      (sealed anew, with a new card)

Rule 1: a change of an effect's status that is not in `NEXT` is a bug, and raises.
Rule 2: what may have happened unseen is `in_doubt`, and is never dispatched again blindly.
"""

from enum import StrEnum

from midwatch.base.classes import RetryClass
from midwatch.base.errors import MidwatchError


class EffectStatus(StrEnum):
    """Where an effect stands."""

    PROPOSED = "proposed"
    ALLOWED = "allowed"
    ASKED = "asked"
    DENIED = "denied"
    EXPIRED = "expired"
    VOID = "void"
    DISPATCHED = "dispatched"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNDO_FAILED = "undo_failed"


_S = EffectStatus
NEXT: dict[EffectStatus, frozenset[EffectStatus]] = {
    _S.PROPOSED: frozenset({_S.ALLOWED, _S.ASKED, _S.DENIED, _S.VOID}),
    _S.ASKED: frozenset({_S.ALLOWED, _S.ASKED, _S.DENIED, _S.EXPIRED, _S.VOID}),
    _S.ALLOWED: frozenset({_S.DISPATCHED, _S.VOID, _S.ASKED, _S.ALLOWED, _S.DENIED}),
    _S.DENIED: frozenset({_S.PROPOSED}),
    _S.EXPIRED: frozenset({_S.PROPOSED}),
    _S.VOID: frozenset({_S.PROPOSED}),
    _S.DISPATCHED: frozenset({_S.CONFIRMED, _S.FAILED, _S.IN_DOUBT}),
    _S.IN_DOUBT: frozenset({_S.CONFIRMED, _S.FAILED, _S.DISPATCHED}),
    _S.FAILED: frozenset({_S.DISPATCHED, _S.VOID}),
    _S.CONFIRMED: frozenset({_S.VERIFIED, _S.UNVERIFIED, _S.UNDOING}),
    _S.VERIFIED: frozenset({_S.UNDOING}),
    _S.UNVERIFIED: frozenset({_S.UNDOING}),
    _S.UNDOING: frozenset({_S.UNDONE, _S.UNDO_FAILED}),
    _S.UNDONE: frozenset(),
    _S.UNDO_FAILED: frozenset({_S.UNDOING}),
}
HAPPENED = frozenset({_S.CONFIRMED, _S.VERIFIED, _S.UNVERIFIED, _S.UNDOING, _S.UNDONE, _S.UNDO_FAILED})
"""States in which the effect took place."""


class LedgerOrderError(MidwatchError):
    """The ledger would take a step that no effect may take."""

    code = "MW601"
    fix = "This is a defect of Midwatch or an edited database: run `midwatch audit verify`, and report it."


def moved(status: EffectStatus, to: EffectStatus) -> EffectStatus:
    """Return `to`.

    Raises:
        LedgerOrderError: MW601, when no arrow leads there.
    """
    if to not in NEXT[status]:
        raise LedgerOrderError(f"an effect that is {status} can't become {to}", status=status, to=to)
    return to


def may_repeat(retry: RetryClass) -> bool:
    """Return whether a call in doubt may be dispatched again under its key."""
    return retry in {RetryClass.IDEMPOTENT, RetryClass.KEYED}
