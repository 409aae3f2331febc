"""The tables of fidelity in the reference are what an import of a small document says."""

import re

import pytest

from docs.pages import ROOT
from midwatch.exchange.formats import Format, import_document
from midwatch.exchange.imported import Wish
from suites.fidelity import GIVEN

PAGE = ROOT / "docs/reference/exchange.md"
ROW = re.compile(r"^\| ([^|]+?) \| (exactly|approximately|not) \|", re.MULTILINE)


def rows(section: str) -> dict[str, str]:
    _, found, below = PAGE.read_text().partition(f"\n## From {section}\n")
    assert found, f"the page has no heading `From {section}`"
    return {name.replace("`", ""): fate for name, fate in ROW.findall(below.split("\n## ", 1)[0])}


@pytest.mark.parametrize("section", GIVEN)
def test_the_page_lists_what_is_tried(section: str) -> None:
    assert list(rows(section)) == list(GIVEN[section])


@pytest.mark.parametrize(
    ("section", "construct"), [(section, construct) for section in GIVEN for construct in GIVEN[section]]
)
def test_a_construct_is_carried_as_the_page_says(section: str, construct: str) -> None:
    text, pointer = GIVEN[section][construct]
    found = import_document(text.encode(), name="x.yaml", wish=Wish(), said=Format(section))
    fates = [item.fate.value for item in found.report.items if item.pointer == pointer]

    assert fates == [rows(section)[construct]], [(item.pointer, item.fate) for item in found.report.items]
