"""Conditions of steps: a task runs exactly when the flow of the original would come to it."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.exchange.steps.ways import ALWAYS, Choice, Way, conditions_of, keys_of

DOMAINS = {"one": ("a", "b"), "two": ("x", "y", "z"), "three": ("p", "q")}


def choice(task: str, value: str) -> Choice:
    return Choice(task=task, field="next", value=value)


def way(task: str, *terms: list[tuple[str, str]], chosen: str = "") -> Way:
    ran = frozenset(frozenset(choice(*pair) for pair in term) for term in terms) or ALWAYS
    return Way(task=task, choice=choice(task, chosen) if chosen else None, ran=ran)


def test_a_single_way_is_a_need() -> None:
    assert keys_of((way("look"),), DOMAINS) == {"needs": ["look"]}


def test_one_outcome_of_a_choice_is_a_condition() -> None:
    assert keys_of((way("one", chosen="a"),), DOMAINS) == {"needs": ["one"], "when": 'one.next == "a"'}


def test_every_outcome_of_a_choice_is_none() -> None:
    ways = (way("one", chosen="a"), way("one", chosen="b"))
    assert keys_of(ways, DOMAINS) == {"needs": ["one"]}


def test_branches_that_meet_again_need_any_of_their_ends() -> None:
    ways = (way("left", [("one", "a")]), way("right", [("one", "b")]))
    assert keys_of(ways, DOMAINS) == {"needs": ["left", "right"], "join": "any"}


def test_a_branch_that_meets_an_empty_one_has_no_condition() -> None:
    ways = (way("left", [("one", "a")]), way("one", chosen="b"))
    assert keys_of(ways, DOMAINS) == {"needs": ["left", "one"], "join": "any"}


def test_a_branch_that_goes_elsewhere_leaves_a_condition() -> None:
    ways = (way("left", [("two", "x")]), way("two", chosen="y"))
    keys = keys_of(ways, DOMAINS)
    assert keys["when"] == ('(has(two.next) && two.next == "x") || (has(two.next) && two.next == "y")')


PAIRS = st.sampled_from([choice(task, value) for task, values in DOMAINS.items() for value in values])
TERMS = st.frozensets(PAIRS, max_size=3)
WAYS = st.lists(st.frozensets(TERMS, max_size=6), min_size=1, max_size=4)


@given(WAYS)
@settings(max_examples=300, deadline=None)
def test_what_is_made_simpler_holds_for_the_same_choices(terms: list[frozenset[frozenset[Choice]]]) -> None:
    ways = [Way(task=f"t{number}", ran=ran) for number, ran in enumerate(terms)]
    simple = conditions_of(ways, DOMAINS)

    for values in product(*DOMAINS.values()):
        made = dict(zip(DOMAINS, values, strict=True))
        before = any(all(made[one.task] == one.value for one in term) for ran in terms for term in ran)
        after = any(all(made[one.task] == one.value for one in term) for term in simple)
        assert before == after
