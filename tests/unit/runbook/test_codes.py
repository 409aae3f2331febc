"""Every code of the language is met in a test, and says what to do."""

from pathlib import Path

import pytest

import midwatch.plan.errors
import midwatch.runbook.errors
from midwatch.base.errors import MidwatchError, meaning_of

TESTS = Path(__file__).parents[1]
ERRORS = {
    kind.code: kind
    for module in (midwatch.runbook.errors, midwatch.plan.errors)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, MidwatchError) and kind.code
}
TEXT = "\n".join(path.read_text() for folder in ("runbook", "plan") for path in (TESTS / folder).glob("*.py"))


@pytest.mark.parametrize("code", ERRORS)
def test_each_code_has_a_meaning_a_fix_and_a_test(code: str) -> None:
    kind = ERRORS[code]
    assert 101 <= int(code[2:]) <= 199
    assert (kind.__module__ == "midwatch.plan.errors") is (int(code[2:]) >= 180)
    assert meaning_of(kind).endswith(".")
    assert kind.fix
    assert f'"{code}"' in TEXT, f"no test expects {code}"
