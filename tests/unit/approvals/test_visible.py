import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from midwatch.approvals.visible import deceives, visible

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
HIDDEN = "\u202e\u2066\u200b\ufeff\x1b\n\r\t\x00\u0301\ud800"
FOREIGN = "\u0430\u0441\u03bf\u05d0\u0661\u2039\u203a\u00e9"
NASTY = st.text(st.sampled_from("ab /.-1" + HIDDEN + FOREIGN))
BIDI = {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}


def marked(text: str) -> str:
    return re.sub("<(U[+][0-9A-F]+)>", "\u2039\\1\u203a", text)


def unshown(text: str) -> str:
    return re.sub("\u2039U\\+([0-9A-F]{4,6})\u203a", lambda found: chr(int(found[1], 16)), text)


@given(ANY_TEXT | NASTY)
@example("\u2039U+202E\u203a")
@example("\u2039\u202eU+202E\u203a")
def test_what_is_shown_can_be_read_back_so_two_texts_never_look_the_same(text: str) -> None:
    assert unshown(visible(text)) == text


@given(ANY_TEXT | NASTY)
def test_nothing_that_controls_hides_or_reorders_is_left(text: str) -> None:
    for char in visible(text):
        assert unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
        assert char == " " or unicodedata.category(char) != "Zs"
        assert unicodedata.bidirectional(char) not in {
            "RLO",
            "LRO",
            "RLE",
            "LRE",
            "PDF",
            "RLI",
            "LRI",
            "FSI",
            "PDI",
        }


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_comes_back_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Grüße aus Zürich",
        "naïve café",
        "Привет, мир",
        "Καλημέρα κόσμε",
        "東京の夜",
        "नमस्ते दुनिया",
        "שלום עולם",
        "50 € — 1…2",
    ],
)
def test_honest_text_of_any_script_comes_back_as_it_is(text: str) -> None:
    assert visible(text) == text
    assert not deceives(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("safe\u202egpj.exe", "safe<U+202E>gpj.exe"),
        ("a\u200bb", "a<U+200B>b"),
        ("\x1b[31mred", "<U+001B>[31mred"),
        ("two\nlines", "two<U+000A>lines"),
        ("p\u0430ypal", "p<U+0430>ypal"),
        ("\u0441\u043e\u0440\u0443", "<U+0441><U+043E><U+0440><U+0443>"),
        ("/etc/\u0441\u0430\u0442", "/etc/<U+0441><U+0430><U+0442>"),
        ("r\u03bfot", "r<U+03BF>ot"),
        ("\uff41dmin", "<U+FF41>dmin"),
        ("/etc\u2215passwd", "/etc<U+2215>passwd"),
        ("e\u0301", "e<U+0301>"),
        ("a\u00a0b", "a<U+00A0>b"),
        ("rm -rf \u05d0/b", "rm -rf <U+05D0>/b"),
        ("\u0261oogle", "<U+0261>oogle"),
        ("\u2039U+202E\u203a", "<U+2039>U+202E\u203a"),
        ("x\U000e0061", "x<U+E0061>"),
        ("ok\ufe0f", "ok<U+FE0F>"),
        ("\u3164", "<U+3164>"),
    ],
)  # fmt: skip
def test_what_deceives_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == marked(shown)
    assert deceives(text)
