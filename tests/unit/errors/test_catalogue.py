"""Every error has a code of its own, a meaning, something to do, a page, and a test that meets it."""

import re
from pathlib import Path

from unit.errors.catalogue import PAGE, every_error, page

TESTS = Path(__file__).parents[2]

NOT_MET = {
    "MW999": "a defect of ours that has no words; the journeys look at how it is told",
}
"""Codes that no test can meet, each with its reason; this list may only shrink."""


def _texts() -> str:
    found = (path for path in TESTS.rglob("*.py") if path.parent != Path(__file__).parent)
    return "\n".join(path.read_text(encoding="utf-8") for path in found)


def test_every_error_says_what_it_means_and_what_to_do() -> None:
    for code, kind in every_error().items():
        assert re.fullmatch(r"MW[1-9]\d\d", code)
        assert kind.__doc__, code
        assert kind.__doc__.strip().splitlines()[0].endswith("."), code
        assert kind.fix, code


def test_the_page_of_errors_is_what_the_classes_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_error_is_met_by_a_test() -> None:
    texts = _texts()
    unmet = {
        code
        for code, kind in every_error().items()
        if code not in texts and not re.search(rf"\b{kind.__name__}\b", texts)
    }
    assert unmet == NOT_MET.keys()
