"""The walk from an effect back to the evidence."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from midwatch.base.classes import RetryClass
from midwatch.insight.explanation import Explanation
from midwatch.insight.narrate import story
from midwatch.insight.why import why
from midwatch.journal.run_events import EffectJudged, EffectRead
from midwatch.policy.rules import SAMPLE
from unit.insight import made_run as made
from unit.insight.made_run import ASKED, ASKED_AGAIN, KEY, RUN, made_plan, with_erased


def told(run: made.MadeRun, subject: str) -> Explanation:
    return why(made_plan(), run.events, subject)


def texts(explanation: Explanation) -> list[str]:
    return [sentence.text for sentence in explanation.sentences]


def place(explanation: Explanation, words: str) -> int:
    """Return where the one sentence with these words stands."""
    found = [at for at, text in enumerate(texts(explanation)) if words in text]
    assert len(found) == 1, (words, found)
    return found[0]


def test_a_held_effect_is_walked_back_to_the_readings_and_to_who_started_the_run() -> None:
    explanation = told(made.held(), KEY)
    steps = (
        "`tidy` was done, was read back, and holds (`files.quarantine` on `host:quarantine`)",
        "!probe.files.exists(f, f.path == p.path))` held, with args.paths: 2 items, probe.files: 0 items",
        "The tool answered after 83 ms: count = 2, bytes = 536870912 (512.0 MiB)",
        "It was sent, attempt 1",
        "Rules writes.by_an_agent of policy abababababab, on mode = approve",
        f"It went out under the leave of question {ASKED}",
        "person:ada answered `approve` on cli after 2 min 4 s, recorded as self-approved (solo)",
        "person:eve tried to answer `approve` on cli, and it did not count: the ladder does not",
        f'Question {ASKED} was "Put this host in order?", about 1 action',
        "It was put to `team:guardians`, which was ada and bob",
        "The gate wanted people to say yes: In mode approve, people say yes to each write. Rules ask.writes",
        "It was sealed as action 222222222222",
        '`tidy` was due because `space.rows.exists(r, r.remedy == "quarantine")`',
        "The arguments of `tidy` are paths = `caches.entries`",
        'Row 3 of `space` matched: severity = info, remedy = quarantine, finding = "Caches take up 512 MB."',
        "was true, with caches.count = 2, caches.worth_mb = 512, inputs.worth_mb = 200",
        "`caches` was read with `host.caches` on roots = [], in 640 ms; the gate let it through by reads",
        '`ask` ran because `verdict.next == "act"`, with verdict.next = act',
        f"system:start started the run {RUN} on watch-1: Rounds of this host (`rounds`, document dddd",
    )
    places = [place(explanation, words) for words in steps]
    assert places == sorted(places)
    assert explanation.kind == "effect"


def test_a_fact_that_a_record_leaves_out_as_usual_is_told_too() -> None:
    run, facts = made.by_rule(), SAMPLE.as_record()
    assert "guard" not in facts
    for at, event in enumerate(run.events):
        if isinstance(event.payload, EffectJudged):
            judged = replace(event.payload, decision={**event.payload.decision, "facts": facts})
            run.events[at] = replace(event, payload=judged)

    assert any("guard = trusted/public" in text for text in texts(told(run, KEY)))


def test_depth_grows_with_the_distance_from_the_effect() -> None:
    explanation = told(made.held(), KEY)
    depths = [sentence.depth for sentence in explanation.sentences]
    assert depths[0] == 0
    assert depths[-1] == max(depths)


def test_each_sentence_names_the_event_that_it_is_about() -> None:
    run = made.held()
    by_ref = {event.ref: event for event in run.events}
    for sentence in told(run, KEY).sentences:
        if sentence.ref:
            event = by_ref[sentence.ref]
            assert (sentence.at_ms, sentence.type) == (event.envelope.at_ms, event.envelope.type)
        else:
            assert sentence.at_ms is None


def test_numbers_with_a_fraction_come_back_in_the_evidence() -> None:
    explanation = told(made.held(), "disks")
    assert explanation.sentences[0].values["out"] == {"used_pct": 96.5, "fullest": "/var", "count": 3}


def test_an_undone_effect_says_by_whom_and_by_what() -> None:
    explanation = told(made.undone(), KEY)
    assert texts(explanation)[0].startswith("`tidy` was done, and was taken back")
    place(explanation, "person:ada asked that it be taken back: wrong folder")
    place(explanation, f"It was taken back by `{made.UNDO_KEY}`")


def test_an_undo_that_failed_says_why() -> None:
    explanation = told(made.undone("undo_failed"), KEY)
    place(explanation, f"`{made.UNDO_KEY}` could not take it back: it was purged")


def test_the_effect_that_takes_another_back_says_who_wanted_it() -> None:
    explanation = told(made.undone(), made.UNDO_KEY)
    place(explanation, "person:ada wanted 1 effect taken back, the newest first: wrong folder")
    place(explanation, "A person's own command acts.")


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (made.denied, "`tidy` was denied: nothing was sent"),
        (made.expired, "`tidy` was not done: nobody entitled answered in time, and nothing was sent"),
        (made.in_doubt, "`tidy` may have happened: nobody saw how it ended"),
        (made.settled, "`tidy` was done, was read back, and holds"),
        (made.failed, "`tidy` did not happen"),
        (made.unverified, "`tidy` was done, was read back, and does not hold"),
        (made.forbidden, "`tidy` was denied: nothing was sent"),
        (made.sealed_anew, "`tidy` waits for people: nothing was sent"),
        (made.by_rule, "`tidy` was done ("),
    ],
)
def test_the_first_sentence_says_where_the_effect_stands(run: Callable[[], made.MadeRun], words: str) -> None:
    assert texts(told(run(), KEY))[0].startswith(words)


def test_a_denied_effect_says_who_denied_it_and_why() -> None:
    explanation = told(made.denied(), KEY)
    place(explanation, f"Question {ASKED} was denied: not on a Friday")
    place(explanation, "person:bob answered `deny` on cli after 2 min 4 s, and said: not on a Friday")


def test_what_the_gate_forbade_names_the_rule() -> None:
    explanation = told(made.forbidden(), KEY)
    place(
        explanation,
        "The gate denied it: A person already refused this on this target in this run. Rules forbidden.",
    )


def test_an_effect_that_nobody_was_asked_about_says_so() -> None:
    explanation = told(made.by_rule(), KEY)
    place(explanation, "No person was asked for it: the rules in force were enough")


def test_an_effect_without_a_verify_says_that_nothing_reads_it_back() -> None:
    explanation = why(made_plan(verify=False), made.by_rule().events, KEY)
    place(explanation, "Nothing reads it back: `tidy` declares no `verify`")


@pytest.mark.parametrize(
    ("retry", "words"),
    [
        (RetryClass.KEYED, "the call is sent again under the same key"),
        (RetryClass.PROBE, "the world is asked before anything else"),
        (RetryClass.UNSAFE, "only a person can say what happened"),
    ],
)
def test_a_doubt_says_what_settles_it(retry: RetryClass, words: str) -> None:
    explanation = why(made_plan(retry=retry), made.in_doubt().events, KEY)
    place(explanation, words)


def test_a_doubt_that_a_probe_settled_says_so() -> None:
    place(told(made.settled(), KEY), "Nobody saw the call end; a probe found that it happened")


def test_a_leave_that_went_void_says_why_and_leads_to_the_new_question() -> None:
    explanation = told(made.sealed_anew(), KEY)
    place(explanation, "(`void`): what would be sent is no longer what was sealed")
    place(explanation, f"Question {ASKED_AGAIN} took the place of {ASKED}")
    place(explanation, f"Question {ASKED} is void: its leave counts no more")


def test_a_run_without_effects_says_which_condition_was_false_and_on_which_values() -> None:
    explanation = told(made.nothing(), RUN)
    assert texts(explanation)[1] == "Nothing was changed."
    place(explanation, '`ask` was skipped: `verdict.next == "act"` was false, with verdict.next = nothing')
    place(explanation, "was false, with caches.count = 2, caches.worth_mb = 12, inputs.worth_mb = 200")
    place(explanation, "disks.used_pct = 61.25")


def test_a_run_tells_its_effects_and_its_end() -> None:
    explanation = told(made.held(), RUN)
    assert texts(explanation)[0] == f"The run {RUN} ended as `resolved`: every effect holds. It cost $0.00."
    place(explanation, "`tidy` was done, was read back, and holds")
    assert "Nothing was changed." not in texts(explanation)


def test_a_run_that_goes_on_says_so() -> None:
    assert texts(told(made.asked(), RUN))[0] == f"The run {RUN} has not ended."


def test_a_cancelled_run_says_who_stopped_it() -> None:
    explanation = told(made.unread(), RUN)
    place(explanation, "person:ada asked that the run stop: wrong host")
    place(explanation, "`tidy` never began: it waited for ask")


def test_a_reading_that_failed_tells_each_attempt() -> None:
    explanation = told(made.unread(), "disks")
    place(explanation, "Attempt 1 of `disks` failed: no answer (MW520); another one was due at")
    place(explanation, "Attempt 2 of `disks` failed: no answer (MW520).")


def test_a_skipped_task_leads_to_what_it_needed_in_vain() -> None:
    explanation = told(made.expired(), "tidy")
    assert texts(explanation)[0] == "`tidy` was skipped: `ask`, which it needs, failed."
    place(explanation, f"Question {ASKED} expired: nobody entitled answered in time")


def test_a_routed_task_names_who_led_to_it() -> None:
    explanation = told(made.denied(), "leave")
    place(explanation, "`leave` ran whatever its condition says, because `ask` names it in `on_deny`")
    place(explanation, "person:bob answered `deny`")


def test_a_task_that_has_not_begun_says_what_it_waits_for() -> None:
    assert texts(told(made.asked(), "tidy"))[0] != ""
    assert texts(told(made.looked(), "tidy"))[0] == "`tidy` has not begun: it waits for ask."


def test_an_open_question_says_until_when_and_why_it_is_asked() -> None:
    explanation = told(made.asked(), ASKED)
    assert explanation.kind == "approval"
    assert texts(explanation)[0].startswith(f"Question {ASKED} is open; it expires at 2026-11-")
    place(explanation, "The gate wanted people to say yes")


def test_a_reading_is_found_by_the_key_of_its_call() -> None:
    explanation = told(made.held(), f"{RUN}/caches/0/0/1")
    assert explanation.kind == "reading"
    assert texts(explanation)[0].startswith("`caches` was read with `host.caches`")


def test_erased_payloads_are_said_to_be_erased() -> None:
    run = made.held()
    judged = {event.envelope.n for event in run.events if event.envelope.type == "effect.judged"}
    explanation = why(made_plan(), with_erased(run.events, judged), KEY)
    refs = " and ".join(f"run/{RUN}#{n}" for n in sorted(judged))
    assert texts(explanation)[-1] == (
        f"What `effect.judged` said can't be told any more: its payload was erased ({refs})."
    )
    assert not any(text.startswith("The gate") for text in texts(explanation))


def test_a_run_whose_payloads_are_all_erased_is_still_a_run() -> None:
    run = made.held()
    explanation = why(made_plan(), with_erased(run.events, set(range(1, 99))), RUN)
    assert explanation.kind == "run"
    place(explanation, "What `run.started` said can't be told any more")


def test_what_the_journal_does_not_know_is_not_explained() -> None:
    explanation = told(made.held(), "a-000000")
    assert not explanation.is_known
    assert texts(explanation) == [f"The journal of the run {RUN} says nothing of `a-000000`."]


def test_text_that_deceives_is_spelled_out() -> None:
    run = made.asked().add(made.answered("deny", why="fine\u202eyes"))
    place(told(run, ASKED), "and said: fine\u2039U+202E\u203ayes")


def test_a_probe_that_could_not_be_taken_says_why() -> None:
    lost = EffectRead(
        key=KEY,
        task="places",
        tool="",
        action="",
        sealed={},
        decision={},
        ok=False,
        started_ms=made.START_MS,
        duration_ms=0,
        out={"code": "MW520", "why": "no answer"},
        purpose="verify",
        about=KEY,
        holds=False,
    )
    run = made.approved().add(made.CONFIRMED).add(lost)
    place(told(run, KEY), "`places` could not be read: no answer.")
    assert "`places` could not be read again: no answer." in [
        line.text for line in story(made_plan(), run.events)
    ]
