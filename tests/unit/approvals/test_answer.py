from dataclasses import replace

import pytest

from midwatch.approvals.answer import (
    SELF_APPROVED,
    Accepted,
    AnswerAttempt,
    Entitlement,
    OpenQuestion,
    Refused,
    Repeated,
    decide,
    with_answer,
)
from midwatch.approvals.quorum import Given, Need, is_met, missing, need_from, tally
from midwatch.base.ids import ApprovalId, Digest, Principal
from midwatch.base.units import EpochMs
from midwatch.journal.run_events import Rung

ADA, BOB, EVE = Principal("person:ada"), Principal("person:bob"), Principal("person:eve")
LADDER = (
    Rung(ask="team:dba", people=["ada", "bob"], from_ms=0, until_ms=100),
    Rung(ask="team:net", people=["bob", "eve"], from_ms=100, until_ms=200),
)
ONE = Need(count=1, teams_distinct=False, second_person=False)
QUESTION = OpenQuestion(
    approval=ApprovalId("a-000001"),
    bundle=Digest("sha256:1"),
    status="open",
    run_ended=False,
    asked_ms=EpochMs(0),
    expires_ms=EpochMs(200),
    requester=EVE,
    need=ONE,
    ladder=LADDER,
    answers=(),
)
YES = AnswerAttempt(
    who=ADA, os_user="ada", answer="approve", bundle=QUESTION.bundle, card="sha256:card", surface="cli"
)
MAY = Entitlement(allowed=True, rule="", says="")


def weigh(
    question: OpenQuestion = QUESTION,
    attempt: AnswerAttempt = YES,
    may: Entitlement | None = MAY,
    now_ms: int = 10,
) -> Accepted | Repeated | Refused:
    return decide(question, attempt, may, now_ms=EpochMs(now_ms))


def refused(
    question: OpenQuestion = QUESTION,
    attempt: AnswerAttempt = YES,
    may: Entitlement | None = MAY,
    now_ms: int = 10,
) -> str:
    found = weigh(question, attempt, may, now_ms)
    assert isinstance(found, Refused)
    assert found.event.code == found.code
    assert found.event.why == found.sentence
    assert "<" not in found.error.help
    return found.code


def test_one_yes_closes_a_question_that_needs_one() -> None:
    found = weigh()
    assert isinstance(found, Accepted)
    assert found.closed is not None
    assert found.closed.outcome == "approved"
    assert found.answered.latency_ms == 10
    assert found.answered.recorded_as == ""


def test_a_no_closes_a_question_at_once_whatever_it_needs() -> None:
    question = replace(QUESTION, need=replace(ONE, count=3))
    found = weigh(question, replace(YES, answer="deny", why="not tonight"))
    assert isinstance(found, Accepted)
    assert found.closed is not None
    assert (found.closed.outcome, found.closed.why) == ("denied", "not tonight")


def test_the_requesters_own_yes_is_recorded_as_such() -> None:
    found = weigh(replace(QUESTION, requester=ADA))
    assert isinstance(found, Accepted)
    assert found.answered.recorded_as == SELF_APPROVED


def test_the_requesters_own_no_is_an_ordinary_no() -> None:
    found = weigh(replace(QUESTION, requester=ADA), replace(YES, answer="deny"))
    assert isinstance(found, Accepted)
    assert found.answered.recorded_as == ""


def test_an_answer_at_the_moment_of_expiry_is_late_and_one_before_is_not() -> None:
    assert refused(now_ms=200) == "MW402"
    assert isinstance(weigh(now_ms=199), Accepted)


def test_an_answer_to_an_expired_question_is_late_and_never_a_denial() -> None:
    assert refused(replace(QUESTION, status="expired")) == "MW402"


@pytest.mark.parametrize("status", ["approved", "denied", "cancelled", "superseded", "void"])
def test_an_answer_to_a_closed_question_changes_nothing(status: str) -> None:
    assert refused(replace(QUESTION, status=status)) == "MW401"


def test_the_same_answer_twice_has_no_second_effect_and_says_so() -> None:
    first = weigh()
    assert isinstance(first, Accepted)
    again = weigh(with_answer(QUESTION, first))
    assert isinstance(again, Repeated)
    assert "nothing happens a second time" in again.sentence


def test_another_answer_after_the_question_closed_is_refused_as_answered_before() -> None:
    closed = replace(QUESTION, status="approved", answers=(Given(by=ADA, answer="approve"),))
    assert refused(closed, replace(YES, answer="deny")) == "MW411"


def test_an_answer_to_another_bundle_is_refused() -> None:
    assert refused(attempt=replace(YES, bundle=Digest("sha256:2"))) == "MW403"


def test_the_same_answer_to_another_bundle_is_no_repetition() -> None:
    answered = replace(QUESTION, answers=(Given(by=ADA, answer="approve"),))
    assert refused(answered, replace(YES, bundle=Digest("sha256:2"))) == "MW403"


def test_an_unknown_operating_system_user_is_refused_and_named() -> None:
    found = weigh(attempt=replace(YES, who=None, os_user="mallory"), may=None)
    assert isinstance(found, Refused)
    assert found.code == "MW404"
    assert found.event.by == "os_user:mallory"


# fmt: off
RULED = [
    ("answer.agent", "MW405"), ("answer.not_on_ladder", "MW406"), ("answer.requester", "MW407"),
    ("answer.author", "MW408"), ("answer.second_person", "MW409"), ("answer.at_night", "MW410"),
    ("cannot_judge", "MW410"),
]
# fmt: on


@pytest.mark.parametrize(("rule", "code"), RULED)
def test_each_rule_that_refuses_has_its_code(rule: str, code: str) -> None:
    assert refused(may=Entitlement(allowed=False, rule=rule, says="No.")) == code


def test_no_ruling_is_a_refusal() -> None:
    assert refused(may=None) == "MW410"


def test_an_answer_after_the_run_ended_is_refused() -> None:
    assert refused(replace(QUESTION, run_ended=True)) == "MW412"


def test_a_word_that_is_no_answer_is_refused() -> None:
    assert refused(attempt=replace(YES, answer="maybe")) == "MW415"


def test_a_quorum_of_two_takes_two_different_people() -> None:
    question = replace(QUESTION, need=replace(ONE, count=2))
    first = weigh(question)
    assert isinstance(first, Accepted)
    assert first.closed is None
    assert "one more yes" in first.sentence
    waiting = with_answer(question, first)
    assert isinstance(weigh(waiting), Repeated)
    second = weigh(waiting, replace(YES, who=BOB))
    assert isinstance(second, Accepted)
    assert second.closed is not None


def test_who_said_yes_may_still_say_no_while_the_question_is_open() -> None:
    question = replace(QUESTION, need=replace(ONE, count=2), answers=(Given(by=ADA, answer="approve"),))
    found = weigh(question, replace(YES, answer="deny"))
    assert isinstance(found, Accepted)
    assert found.closed is not None
    assert found.closed.outcome == "denied"


def test_a_second_person_is_somebody_other_than_the_requester() -> None:
    need = replace(ONE, second_person=True)
    own = (Given(by=EVE, answer="approve"),)
    assert not is_met(need, own, LADDER, EVE)
    assert "somebody other than the one who asked" in missing(need, own, LADDER, EVE)
    assert is_met(need, (*own, Given(by=ADA, answer="approve")), LADDER, EVE)


def test_yeses_for_different_groups_are_matched_each_person_to_one() -> None:
    need = Need(count=2, teams_distinct=True, second_person=False)
    ada_and_bob = (Given(by=BOB, answer="approve"), Given(by=ADA, answer="approve"))
    assert is_met(need, ada_and_bob, LADDER, Principal("system:start"))
    dba_only = (replace(LADDER[0], people=["ada", "bob"]),)
    assert not is_met(need, ada_and_bob, dba_only, Principal("system:start"))
    assert "each for another group" in missing(need, ada_and_bob, dba_only, Principal("system:start"))


def test_the_tally_counts_each_person_once_and_no_noes() -> None:
    answers = (Given(by=BOB, answer="approve"), Given(by=BOB, answer="approve"), Given(by=EVE, answer="deny"))
    found = tally(answers, LADDER, EVE)
    assert found.count == 1
    assert found.people == {"person:bob"}
    assert found.teams == {"team:dba", "team:net"}
    assert (found.second_person, found.self_approved) == (True, False)


def test_a_need_is_read_from_a_requirement() -> None:
    record = {"name": "two", "approvers": [], "count": 2, "teams_distinct": True, "second_person": True}
    assert need_from(record) == Need(count=2, teams_distinct=True, second_person=True)
