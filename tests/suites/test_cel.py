"""cel-spec's own tests without protobuf messages: our evaluation against the library that it wraps."""

import pytest

from suites.cel import Case, cases_in, passes_alone, passes_here
from suites.vectors import vectors

CASES = cases_in(vectors("cel-cases.json"))
PASSED_MIN = 1550

ONLY_HERE = {
    f"fields/qualified_identifier_resolution/{name}": "a dotted name is a field of a task's output"
    for name in (
        "qualified_ident",
        "map_field_select",
        "qualified_identifier_resolution_unchecked",
        "ident_with_longest_prefix_check",
    )
} | {"namespace/qualified/self_eval_qualified_lookup": "a dotted name is a field of a task's output"}
ONLY_ALONE = {"comparisons/bound/bytes_gt_left_false": "what an expression reads is JSON, which has no bytes"}


@pytest.fixture(scope="module")
def alone() -> set[str]:
    return {case.name for case in CASES if passes_alone(case)}


@pytest.fixture(scope="module")
def here() -> set[str]:
    return {case.name for case in CASES if passes_here(case)}


def test_the_suite_is_the_whole_suite() -> None:
    assert len(CASES) == 1677


def test_no_fewer_pass_here_than_with_the_library_alone(alone: set[str], here: set[str]) -> None:
    assert len(here) >= PASSED_MIN
    assert len(here) >= len(alone)


def test_every_difference_from_the_library_has_its_reason(alone: set[str], here: set[str]) -> None:
    assert here - alone == ONLY_HERE.keys()
    assert alone - here == ONLY_ALONE.keys()


@pytest.mark.parametrize(
    "wrong",
    [["int", "3"], ["double", "2.0"], ["uint", "2"], ["string", "2"], ["error"], ["bytes", "02"], ["null"]],
)
def test_another_value_or_type_is_no_pass(wrong: list[str]) -> None:
    case = Case(name="two", expr="1 + 1", bindings={}, expected=wrong)
    assert not passes_here(case)
    assert not passes_alone(case)
