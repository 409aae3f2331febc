"""No change of what the machine executes goes untold."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.plan.diff.versions import Version, difference
from midwatch.runbook.parse import parse_runbook
from unit.plan.documents import GOOD, NAME, report_on

SWAPS = [
    ("approve", "auto"),
    ("10m", "20m"),
    ("80", "81"),
    ("2", "3"),
    ("1m", "2m"),
    ("team:ops", "team:dba"),
    ("leave", "measure"),
    ("undo: put_back\n", ""),
    ("needs: [ask]", "needs: [decide]"),
    ("Undo: Put", "Task: Put"),
    ("resolved", "escalated"),
    ("done", "fine"),
    ("data", "date"),
    ("move", "shift"),
    ("Look", "See"),
    ("first", "rule-order"),
    ("full", "fine"),
    ("number", "integer"),
    ("write\n", "irreversible\n"),
    ("disk.move", "disk.back"),
    ("- {ask", "- {via: [page], ask"),
    ("oncall:ops", "oncall:dba"),
    ("df", "du"),
    ("5s", "6s"),
    ("precondition", "x-note"),
    ('until: "probe', 'until: "true || probe'),
]


def version(text: str) -> Version:
    return Version(report=report_on(text), runbook=parse_runbook(text.encode(), name=NAME)[0])


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_another_program_is_never_told_as_the_same(chance: random.Random) -> None:
    text = GOOD
    for _ in range(chance.randint(1, 3)):
        old, new = chance.choice(SWAPS)
        places = [at for at in range(len(text)) if text.startswith(old, at)]
        if places:
            at = chance.choice(places)
            text = text[:at] + new + text[at + len(old) :]
    old_version, new_version = version(GOOD), version(text)
    if new_version.report.plan is None or old_version.report.plan is None:
        return
    found = difference(old_version, new_version)
    is_same = old_version.report.plan.program == new_version.report.plan.program
    assert (
        found.is_program_the_same or not is_same or {change.what for change in found.changes} <= {"triggers"}
    )
    if not is_same:
        assert not found.is_program_the_same, text
    if old_version.report.plan.document != new_version.report.plan.document and not found.changes:
        assert is_same
