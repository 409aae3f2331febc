"""The abstract domain on which a policy is checked: every case that shapes a permission.

It is the product of all enumerations and switches, and for each of its cases every single thing that
may stand in the way.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from midwatch.base.classes import Confidentiality, EffectClass, Integrity, Mode, Profile
from midwatch.base.ids import Principal
from midwatch.base.labels import TRUSTED, Label
from midwatch.policy.answering import AnswerFacts
from midwatch.policy.facts import NOBODY, Approved, Facts
from midwatch.policy.rules import SAMPLE, SAMPLE_ANSWER

SEAL_LAG_MAX_MS = 60_000
"""What can't be undone waits while the journal is unsealed for longer."""

ADA, BOB, AGENT = Principal("person:ada"), Principal("person:bob"), Principal("agent:rounds/tidy")
_UNTRUSTED = Label(integrity=Integrity.UNTRUSTED, confidentiality=Confidentiality.INTERNAL)
_SECRET = Label(integrity=Integrity.TRUSTED, confidentiality=Confidentiality.SECRET)
SELF = Approved(count=1, people=frozenset({ADA}), teams=frozenset(), second_person=False, self_approved=True)
SECOND = Approved(
    count=1, people=frozenset({BOB}), teams=frozenset(), second_person=True, self_approved=False
)
_OBSTACLES: tuple[dict[str, Any], ...] = (
    {},
    {"known": False},
    {"granted": False},
    {"revoked": True},
    {"denied_before": True},
    {"halted": True},
    {"frozen": True},
    {"tool_calls_left": 0},
    {"effects_left": 0},
    {"usd_left_micro": 4, "usd_needed_micro": 5},
    {"usd_left_micro": -1},
    {"lease_free": False},
    {"seal_lag_ms": SEAL_LAG_MAX_MS + 1},
    {"precondition_holds": False},
    {"guard": _UNTRUSTED},
    {"args": _SECRET},
)


def call_cases() -> Iterator[Facts]:
    """Yield every case of the domain of calls."""
    undo = ((True, False), (False, False), (False, True))
    for confirmed, (declared, is_undo), args, profile, principal, effect, approved, mode in product(
        (False, True),
        undo,
        (TRUSTED, _UNTRUSTED),
        (Profile.SOLO, Profile.TEAM),
        (AGENT, ADA),
        (EffectClass.WRITE, EffectClass.IRREVERSIBLE, EffectClass.READ),
        (NOBODY, SELF, SECOND),
        (Mode.APPROVE, Mode.AUTO, Mode.PROPOSE, Mode.OBSERVE),
    ):
        case = replace(
            SAMPLE,
            principal=principal,
            initiator=ADA,
            effect=effect,
            mode=mode,
            profile=profile,
            approved=approved,
            args=args,
            undo_declared=declared,
            is_undo=is_undo,
            person_confirmed=confirmed,
        )
        for obstacle in _OBSTACLES:
            yield replace(case, **obstacle)


def answer_cases() -> Iterator[AnswerFacts]:
    """Yield every case of the domain of answers."""
    for who, asked, requests, wrote, effect, second, profile, answer in product(
        (ADA, AGENT, Principal("system:start")),
        (True, False),
        (True, False),
        (True, False),
        EffectClass,
        (True, False),
        Profile,
        ("approve", "deny"),
    ):
        yield replace(
            SAMPLE_ANSWER,
            who=who,
            answer=answer,
            requester=who if requests else BOB,
            authors=frozenset({who} if wrote else {BOB}),
            people=frozenset({who, BOB} if asked else {BOB}),
            effect=effect,
            second_person=second,
            profile=profile,
        )
