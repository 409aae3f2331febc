from hypothesis import given
from hypothesis import strategies as st

from midwatch.approvals.ladder import RungPlan, climb, entitled, groups_of, next_change_ms, rung_at
from midwatch.approvals.people import people_from
from midwatch.base.ids import Principal
from midwatch.base.units import DurationMs, EpochMs

PEOPLE = people_from(
    {"people": {"ada": {}, "bob": {}, "eve": {}}, "teams": {"a": ["ada"], "b": ["bob", "eve"], "none": []}}
)
ASKED, EXPIRES = EpochMs(1_000), EpochMs(10_000)


def ladder_of(*steps: tuple[str, int]) -> list[tuple[str, int, int]]:
    rungs = [RungPlan(ask=ask, within_ms=DurationMs(within)) for ask, within in steps]
    climbed = climb(rungs, PEOPLE, asked_ms=ASKED, expires_ms=EXPIRES)
    return [(rung.ask, rung.from_ms, rung.until_ms) for rung in climbed]


A, B, NONE, GONE = "team:a", "team:b", "team:none", "team:gone"


def test_rungs_follow_each_other_and_the_last_holds_until_the_end() -> None:
    assert ladder_of((A, 500), (B, 500)) == [(A, 1_000, 1_500), (B, 1_500, 10_000)]


def test_a_rung_on_which_nobody_is_stays_named_and_takes_no_time() -> None:
    assert ladder_of((NONE, 500), (A, 500)) == [(NONE, 1_000, 1_000), (A, 1_000, 10_000)]
    assert ladder_of((A, 500), (GONE, 500)) == [(A, 1_000, 10_000), (GONE, 10_000, 10_000)]


def test_a_ladder_on_which_nobody_is_holds_the_question_until_it_expires() -> None:
    assert ladder_of((NONE, 500), (GONE, 500))[0] == (NONE, 1_000, 10_000)


def test_no_rung_goes_beyond_the_expiry() -> None:
    assert ladder_of((A, 50_000), (B, 500)) == [(A, 1_000, 10_000), (B, 10_000, 10_000)]


def test_a_rung_holds_from_its_start_to_before_its_end() -> None:
    rungs = [RungPlan(ask=ask, within_ms=DurationMs(500)) for ask in ("team:a", "team:b")]
    ladder = climb(rungs, PEOPLE, asked_ms=ASKED, expires_ms=EXPIRES)
    at = [1_000, 1_499, 1_500, 9_999, 10_000]
    assert [rung_at(ladder, EpochMs(ms)) for ms in at] == [0, 0, 1, 1, None]
    assert [next_change_ms(ladder, EpochMs(ms)) for ms in at] == [1_500, 1_500, 10_000, 10_000, None]


def test_who_was_asked_on_an_earlier_rung_may_still_answer_and_a_later_one_not_yet() -> None:
    rungs = [RungPlan(ask=ask, within_ms=DurationMs(500)) for ask in ("team:a", "team:b")]
    ladder = climb(rungs, PEOPLE, asked_ms=ASKED, expires_ms=EXPIRES)
    assert entitled(ladder, EpochMs(1_200)) == {"person:ada"}
    assert entitled(ladder, EpochMs(1_600)) == {"person:ada", "person:bob", "person:eve"}
    assert groups_of(ladder, Principal("person:eve")) == {"team:b"}


STEPS = st.lists(
    st.tuples(st.sampled_from(("team:a", "team:b", "team:none", "team:gone")), st.integers(0, 12_000)),
    min_size=1,
)


@given(STEPS, st.integers(1_000, 12_000))
def test_at_every_moment_exactly_one_rung_holds_the_question_until_it_expires(
    steps: list[tuple[str, int]], now_ms: int
) -> None:
    rungs = [RungPlan(ask=ask, within_ms=DurationMs(within)) for ask, within in steps]
    ladder = climb(rungs, PEOPLE, asked_ms=ASKED, expires_ms=EXPIRES)
    holders = [index for index, rung in enumerate(ladder) if rung.from_ms <= now_ms < rung.until_ms]
    assert len(ladder) == len(rungs)
    assert holders == ([] if now_ms >= EXPIRES else [rung_at(ladder, EpochMs(now_ms))])
    if any(ask in {"team:a", "team:b"} and within for ask, within in steps) and holders:
        assert ladder[holders[0]].people
