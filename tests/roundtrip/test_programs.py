"""What the machine executes survives other programs: the program digest before and after is the same."""

import itertools
from collections.abc import Callable, Mapping

import pytest

from midwatch.adapters.tools.manifests import load_manifests
from midwatch.base.ids import Digest
from midwatch.plan.parts.prompt import canonical_prompt
from midwatch.plan.review import lint_text
from midwatch.plan.tools import Manifests
from midwatch.runbook.revise.fmt import formatted
from midwatch.runbook.write import HeaderForm
from roundtrip.converters import KEEP_ALL, NEED_A_BLOCK, ROOT, pandoc
from unit.plan.documents import GOOD, MANIFESTS

SHIPPED = ROOT / "src/midwatch/shipped/runbooks"
OWN_TOOLS = load_manifests([ROOT / "examples/tools"])
DOCUMENTS: Mapping[str, tuple[bytes, Manifests]] = {
    "the example": ((ROOT / "examples/pg-connections.runbook.md").read_bytes(), OWN_TOOLS),
    "the good one": (GOOD.encode(), MANIFESTS),
    **{path.name: (path.read_bytes(), OWN_TOOLS) for path in sorted(SHIPPED.glob("*.md"))},
}
QUICK = ("the example", "the good one")
CASES = [
    pytest.param(document, form, converter, marks=() if document in QUICK else pytest.mark.nightly)
    for converters, forms in ((KEEP_ALL, list(HeaderForm)), (NEED_A_BLOCK, [HeaderForm.BLOCK]))
    for document, form, converter in itertools.product(DOCUMENTS, forms, converters)
]
CONVERTERS: Mapping[str, Callable[[bytes], bytes]] = {**KEEP_ALL, **NEED_A_BLOCK}


def program(data: bytes, manifests: Manifests) -> Digest:
    report = lint_text(data, name="x.runbook.md", manifests=manifests)
    assert report.plan is not None, report.errors
    return report.plan.program


@pytest.mark.parametrize(("document", "form", "converter"), CASES)
def test_the_program_survives(document: str, form: HeaderForm, converter: str) -> None:
    data, manifests = DOCUMENTS[document]
    before = program(data, manifests)
    sent = formatted(data, name=document, header=form)
    back = CONVERTERS[converter](sent)
    assert program(back, manifests) == before
    mended = formatted(back, name=document)
    assert program(mended, manifests) == before
    assert formatted(mended, name=document) == mended


@pytest.mark.parametrize("document", DOCUMENTS)
def test_formatting_twice_changes_nothing_more(document: str) -> None:
    data, manifests = DOCUMENTS[document]
    once = formatted(data, name=document)
    assert formatted(once, name=document) == once
    assert program(once, manifests) == program(data, manifests)


def test_code_that_came_back_without_its_marks_gets_them_again() -> None:
    sent = formatted(GOOD.encode(), name="x", header=HeaderForm.BLOCK)
    back = pandoc("gfm", "docx", "gfm")(sent)
    assert b"\n    task: measure\n" in back
    mended = formatted(back, name="x").decode()
    assert "```yaml\ntask: measure\n" in mended
    assert "```\ndf --output=pcent\n```\n" in mended


def test_front_matter_does_not_survive_pandoc() -> None:
    back = pandoc("gfm", "gfm")(GOOD.encode())
    assert lint_text(back, name="x", manifests=MANIFESTS).level == 0


def test_quotes_made_smart_change_what_a_table_says() -> None:
    sent = formatted(GOOD.encode(), name="x", header=HeaderForm.BLOCK)
    assert program(pandoc("markdown", "gfm")(sent), MANIFESTS) != program(sent, MANIFESTS)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Say *why*,\nin two lines.", "Say _why_, in\ntwo lines.", True),
        ("- a\n- b", "* a\n\n* b", True),
        ("a\n\nb", "a b", False),
        ("`a  b`", "`a b`", False),
        ("```sh\nls\n```", "    ls", True),
        ("```sh\nls\n```", "ls", False),
        ("never restart", "restart", False),
        ("**never**", "never", False),
        ("[a](b)", "[a](c)", False),
        ("a\\\nb", "a\nb", False),
        ("x <div>y</div>", "x y", True),
        ("a\n\n<!-- b -->", "a", False),
    ],
)
def test_a_prompt_is_what_it_says_and_not_how_it_is_wrapped(one: str, other: str, same: bool) -> None:  # noqa: FBT001 - a case
    assert (canonical_prompt(one) == canonical_prompt(other)) is same
