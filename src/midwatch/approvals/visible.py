"""Text as it really is: what a terminal would hide, reorder or pass off as something else is spelled out.

A character that deceives is shown as its code point, `U+202E`, between single guillemets. The opening
one itself is always spelled out, so two different texts never look the same here, and the text can be
read back from what is shown.

What is spelled out: control and format characters, every blank but the plain space, marks that change
or hang on a plain letter, compatibility forms of plain characters, look-alikes of `/ . : -`, foreign
letters in a word that has Latin, Cyrillic, Greek or Armenian ones, words of the latter three that look
Latin from end to end, and letters written from right to left beside others.

Source: Unicode UAX #9, UTS #39 sections 4 and 5; Boucher, Anderson: Trojan Source (CVE-2021-42574, -42694).
"""

import re
import unicodedata

OPEN = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
CLOSE = "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_LOOK_LIKE_SIGNS = frozenset(
    "\u2010\u2011\u2012\u2212\u2215\u2044\u29f8\u2571\ua4f8\u0589\u05c3\ua789\u2236\u01c3\u01c0"
)
_LOOK_LATIN = frozenset(  # compared with, never shown
    "авекмнорстухсѕіјԁԛԝһӏьгпАВЕКМНОРСТУХІЅЈԌԚԜҺӀЗ"  # Cyrillic
    "αβγικνοπρτυχωϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ"  # Greek
    "օսոհցզքյգԱՏՍՕԼ"  # Armenian
)
_HONEST = frozenset("\N{HORIZONTAL ELLIPSIS}\N{TRADE MARK SIGN}")
_PROSE = frozenset(" ,.?!")
_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"})
_WORD = re.compile(r"[^\W_]+")
_ASCII_LETTER = re.compile(r"[A-Za-z]")


def visible(text: str) -> str:
    """Return the text with every character that deceives spelled out; plain text comes back as it is."""
    if text.isascii() and text.isprintable():
        return text
    spelled = _look_alikes(text) | _reordered(text)
    shown: list[str] = []
    previous = ""
    for index, char in enumerate(text):
        hidden = char == OPEN or index in spelled or _is_hidden(char, previous)
        shown.append(f"{OPEN}U+{ord(char):04X}{CLOSE}" if hidden else char)
        previous = char
    return "".join(shown)


def deceives(text: str) -> bool:
    """Return whether the text holds anything that has to be spelled out."""
    return visible(text) != text


def _is_hidden(char: str, previous: str) -> bool:
    """Return whether a character is unseen, a blank, a loose mark or a compatibility form of a plain one."""
    if " " <= char <= "~":
        return False
    category = unicodedata.category(char)
    if category in _HIDDEN_CATEGORIES or category == "Zs" or char in _BLANK or char in _LOOK_LIKE_SIGNS:
        return True
    if _is_selector(char) or "\u0250" <= char <= "\u02af" or "\u1d00" <= char <= "\u1dbf" or char in "ıȷ":
        return True
    if category.startswith("M"):
        return not _carries_marks(previous)
    folded = unicodedata.normalize("NFKC", char)
    return folded != char and folded.isascii() and char not in _HONEST


def _is_selector(char: str) -> bool:
    return (
        "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180f"
    )


def _carries_marks(previous: str) -> bool:
    """Return whether a mark may stand after this: a letter of a script that is written with marks."""
    return bool(previous) and (unicodedata.category(previous) in {"Lo", "Mc"} or _is_indic_mark(previous))


def _is_indic_mark(char: str) -> bool:
    return unicodedata.category(char) == "Mn" and "\u0900" <= char <= "\u1cff"


def _look_alikes(text: str) -> frozenset[int]:
    """Return the places of letters that pass for Latin ones: in mixed words, and in words all of which do."""
    has_latin = _ASCII_LETTER.search(text) is not None
    foreign = any(char not in _LOOK_LATIN and _script(char) in _ALIKE - {"LATIN"} for char in text)
    places: set[int] = set()
    for word in _WORD.finditer(text):
        letters = [(word.start() + offset, char) for offset, char in enumerate(word[0]) if char.isalpha()]
        scripts = {_script(char) for _, char in letters}
        mixed = len(scripts) > 1 and not scripts.isdisjoint(_ALIKE)
        passes = letters and all(char in _LOOK_LATIN for _, char in letters) and (has_latin or not foreign)
        if mixed or passes:
            places.update(place for place, char in letters if _script(char) != "LATIN")
    return frozenset(places)


def _script(char: str) -> str:
    """Return the first word of the character's name, which is its script for every letter."""
    if char.isascii():
        return "LATIN" if char.isalpha() else ""
    return unicodedata.name(char, "").partition(" ")[0] if char.isalpha() else ""


def _reordered(text: str) -> frozenset[int]:
    """Return the places of right-to-left letters, unless they stand in prose of their own alone."""
    places = frozenset(
        index for index, char in enumerate(text) if unicodedata.bidirectional(char) in _RIGHT_TO_LEFT
    )
    plain = any(char.isascii() and char not in _PROSE for char in text)
    return places if plain else frozenset()
