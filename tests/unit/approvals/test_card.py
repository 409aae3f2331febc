import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from midwatch.approvals.card import ActionOnCard, Question, RunOnCard, card_data, shown_bytes
from midwatch.approvals.card_text import duration, moment, render_text
from midwatch.approvals.ladder import RungPlan, climb
from midwatch.approvals.people import people_from
from midwatch.approvals.visible import visible
from midwatch.base.canonical import canonical
from midwatch.base.classes import Mode, Profile
from midwatch.base.ids import ApprovalId, Digest, Principal, RunId
from midwatch.base.units import DAY_MS, MINUTE_MS, DurationMs, EpochMs

PEOPLE = people_from(
    {
        "people": {"ada": {"name": "Ada"}, "bob": {"name": "Bob"}},
        "teams": {"a": ["ada"], "b": ["bob"], "none": []},
    }
)
NOW = EpochMs(1_790_000_000_000)
SEALED: dict[str, Any] = {
    "args": {"items": [{"path": "/var/cache/a", "bytes": 2048}, {"path": "/var/cache/b", "bytes": 10}]},
    "effect": "write",
    "guard": "tool/internal",
    "labels": {"items": "untrusted/internal"},
    "precondition": {"holds": "probe.bytes >= 1", "probe": "caches", "seen": {"bytes": 2058}},
    "target": "file:/var/cache",
    "tool": "files.quarantine",
}
ACTION = ActionOnCard(
    sealed=SEALED,
    digest=Digest("sha256:action"),
    summary="Renames files into a quarantine on the same device.",
    undo="midwatch undo r-1",
    verified_by="reading `caches` again",
)
RUN = RunOnCard(
    run=RunId("r-1"),
    runbook="rounds",
    title="Rounds",
    version="1.0.0",
    document=Digest("sha256:document"),
    plan=Digest("sha256:plan"),
    requester=Principal("system:start"),
    mode=Mode.APPROVE,
    profile=Profile.SOLO,
    practice=False,
    cost_micro_usd=0,
)
STEPS = [
    RungPlan(ask="team:a", within_ms=DurationMs(10 * MINUTE_MS), via=("terminal",)),
    RungPlan(ask="team:none", within_ms=DurationMs(MINUTE_MS)),
    RungPlan(ask="team:b", within_ms=DurationMs(MINUTE_MS)),
]
EXPIRES = EpochMs(NOW + 45 * MINUTE_MS)
QUESTION = Question(
    approval=ApprovalId("a-000001"),
    bundle=Digest("sha256:bundle"),
    question="Quarantine two caches?",
    requirement={
        "approvers": ["team:a", "team:b"],
        "count": 1,
        "name": "one",
        "second_person": False,
        "teams_distinct": False,
    },
    reasons=("ask.write",),
    says=("In mode approve a person decides.",),
    policy=Digest("sha256:policy"),
    ladder=climb(STEPS, PEOPLE, asked_ms=NOW, expires_ms=EXPIRES),
    asked_ms=NOW,
    expires_ms=EXPIRES,
    on_timeout="nothing runs",
    on_deny="`hand_over` runs instead",
    notes=("The space comes back after `midwatch purge` only.",),
)


def card(
    question: Question = QUESTION, run: RunOnCard = RUN, action: ActionOnCard = ACTION, now_ms: int = NOW
) -> dict[str, Any]:
    return card_data(question, run, [action], people=PEOPLE, now_ms=EpochMs(now_ms), watched=False)


def text(
    question: Question = QUESTION, run: RunOnCard = RUN, action: ActionOnCard = ACTION, now_ms: int = NOW
) -> str:
    return render_text(card(question, run, action, now_ms), 90)


def test_the_card_says_everything() -> None:
    assert text() == snapshot("""\
a-000001: Quarantine two caches?
mode approve, profile solo
The space comes back after `midwatch purge` only.

WHAT WILL RUN, exactly this and nothing else (1 action)

1. files.quarantine: Renames files into a quarantine on the same device.
   target     file:/var/cache
   effect     write (reversible)
   undo       midwatch undo r-1
   labels     items untrusted/internal, reason for acting tool/internal; UNTRUSTED: others
              can write to the source of items
   only if    probe.bytes >= 1
   seen       by caches: {"bytes": 2058}
   verified   reading `caches` again
   action     sha256:action
   arguments
     items: 2 items
       #  path          bytes
       1  /var/cache/a   2048
       2  /var/cache/b     10
       total bytes: 2058  (2.0 KiB)

WHY YOU ARE ASKED
 - In mode approve a person decides. (ask.write)

WHO DECIDES
 - one yes; any of team:a, team:b
 - team:a: Ada (ada) HOLDS IT NOW, until 2026-09-21 14:23:20 UTC (in 10 min), over
   terminal
 - team:none: NOBODY is there, so the question goes on at once
 - team:b: Bob (bob) from 2026-09-21 14:23:20 UTC (in 10 min)
 - next rung at 2026-09-21 14:23:20 UTC (in 10 min). No watcher is running: it goes on at
   the next command, or at once under `midwatch server`.
 - expires 2026-09-21 14:58:20 UTC (in 45 min); nothing runs
 - when denied: `hand_over` runs instead

   runbook    Rounds (rounds 1.0.0)
   document   sha256:document
   plan       sha256:plan
   run        r-1
   asked by   system:start
   cost       $0.00 so far
   policy     sha256:policy
   bundle     sha256:bundle
""")


def test_the_bytes_that_are_stored_hold_the_data_and_the_text_as_it_was_shown() -> None:
    data = card()
    shown = render_text(data, 90)
    stored = json.loads(shown_bytes(data, shown))
    assert stored["text"] == shown
    assert canonical(stored["card"]) == canonical(data)


def test_practice_and_propose_are_said_at_the_top() -> None:
    head = text(run=replace(RUN, practice=True, mode=Mode.PROPOSE)).split("WHAT")[0]
    assert "PRACTICE" in head
    assert "NOTHING WILL RUN" in head
    assert "WHAT WOULD HAVE RUN" in text(run=replace(RUN, mode=Mode.PROPOSE))


def test_a_card_that_takes_the_place_of_another_shows_each_difference() -> None:
    changed = replace(
        QUESTION, supersedes="a-000000", differences=(("args.days", 7, 30), ("args.path", None, "/etc\u200b"))
    )
    lines = text(changed).splitlines()
    at = lines.index("CHANGED since a-000000, which is void")
    assert [line.strip() for line in lines[at + 1 : at + 7]] == [
        "args.days",
        "was  7",
        "now  30",
        "args.path",
        "was  (not there)",
        'now  "/etc\u2039U+200B\u203a"',
    ]


def test_the_card_says_who_holds_the_question_as_time_goes_by() -> None:
    assert "Ada (ada) HOLDS IT NOW" in text()
    assert "Bob (bob) HOLDS IT NOW" in text(now_ms=NOW + 10 * MINUTE_MS)
    assert "nobody any more: the question expired" in text(now_ms=EXPIRES)
    assert "team:none: NOBODY is there" in text()


def test_without_a_watcher_the_card_says_when_it_escalates() -> None:
    watched = card_data(QUESTION, RUN, [ACTION], people=PEOPLE, now_ms=NOW, watched=True)
    assert "No watcher is running" in " ".join(text().split())
    assert "It goes on by itself." in " ".join(render_text(watched, 90).split())


def test_what_cannot_be_undone_says_so() -> None:
    action = replace(ACTION, sealed={**SEALED, "effect": "irreversible", "precondition": None}, undo="")
    shown = text(action=action)
    assert "IRREVERSIBLE (can't be undone)" in shown
    assert "undo       there is none" in shown


def test_untrusted_arguments_and_reasons_are_marked() -> None:
    assert "UNTRUSTED: others can write to the source of items" in " ".join(text().split())
    guarded = replace(ACTION, sealed={**SEALED, "guard": "untrusted/internal"})
    assert "UNTRUSTED: others can write to what led to this" in " ".join(text(action=guarded).split())


NASTY = st.text(st.sampled_from("ab \u202e\u200b\x1b\n\r\x00\u0430\u05d0\u2039"), max_size=30)


@given(NASTY, st.integers(0, 200))
def test_nothing_from_outside_reaches_the_screen_unseen_or_wider_than_it(nasty: str, width: int) -> None:
    sealed = {**SEALED, "args": {nasty: nasty, "b": [{nasty: nasty}]}, "target": nasty, "tool": nasty}
    question = replace(QUESTION, question=nasty, on_timeout=nasty, notes=(nasty,), says=(nasty,))
    run = replace(RUN, title=nasty, newer_version=nasty)
    shown = render_text(card(question, run, replace(ACTION, sealed=sealed, summary=nasty)), width)
    for line in shown.removesuffix("\n").split("\n"):
        assert len(line) <= max(40, width)
        assert line.isprintable()
        assert not set(line) & set("\u202e\u200b\x1b\u0430")


@given(st.text(st.characters(codec="utf-8"), max_size=400))
def test_the_target_is_shown_whole(target: str) -> None:
    shown = text(action=replace(ACTION, sealed={**SEALED, "target": target}))
    start = shown.index("   target     ")
    value = "".join(line[14:] for line in shown[start:].split("\n   effect")[0].split("\n"))
    assert value in {visible(target), visible(json.dumps(target, ensure_ascii=False))}


def test_moments_and_lengths_are_said_in_words() -> None:
    assert moment(0, 90_000) == "1970-01-01 00:00:00 UTC (1 min 30 s ago)"
    assert moment(DAY_MS, 0) == "1970-01-02 00:00:00 UTC (in 1 d)"
    assert duration(0) == "0 s"
    assert duration(DAY_MS + 3_600_000 + 60_000) == "1 d 1 h"
