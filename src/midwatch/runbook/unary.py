"""Unary tests: the cells of a decision table.

    -               anything                     < 80  <= 80  > 80  >= 80  = 80  != 80
    80  "a"  leak   this value; a bare word       [1..5]  (1..5]  [1..5)  (1..5)
                    is a text                     ]1..5[ is the same as (1..5)
    "a","b"         one of these                  not("a","b")
    true  false  null
    date("2026-11-27")  time("03:00:00")  date and time("2026-11-27T03:00:00Z")  duration("PT10M")
    @"2026-11-27"   whichever of these it looks like

Numbers are compared as exact decimals: 0.1 is a tenth. A test that can't be applied to a value (a
comparison of a text with a number, or with null) doesn't hold, and neither does its `not(…)`: nothing is
known of it.

Source: DMN 1.5, sections 7.3.7 (S-FEEL), 8.3.3, and 10.3.2.7 (three values).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from midwatch.runbook.literals import (
    FUNCTIONS,
    Composite,
    Literal,
    Moment,
    equal,
    literal_of,
    moment_of,
    order,
)

CELL_CHARACTERS_MAX = 1_000
ITEMS_MAX = 200
_CACHE_SIZE = 4_096

QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<range>\.\.)
      | (?P<number>[-+]?(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?)
      | (?P<text>@?"(?:[^"\\]|\\.)*")
      | (?P<operator><=|>=|!=|<|>|=)
      | (?P<mark>[\[\](),])
      | (?P<word>[^\W\d][\w.:/-]*?(?=\.\.|[\s\[\](),<>="]|$))
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r'\\(["\\])')
_ENDS = "both ends of an interval are numbers, or texts, or moments of one kind"
_WORDS: Mapping[str, Literal] = {"true": True, "false": False, "null": None}


Bound = Decimal | str | Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Equals:
    """This value."""

    value: Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """`<`, `<=`, `>`, `>=` or `!=` some value."""

    operator: str
    value: Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """An interval; an open end doesn't belong to it."""

    low: Bound
    high: Bound
    low_open: bool
    high_open: bool


Item = Equals | Compared | Between


@dataclass(frozen=True, slots=True, kw_only=True)
class UnaryTest:
    """One of `items` holds, or none of them where `negated`; no items hold for anything."""

    items: tuple[Item, ...] = ()
    negated: bool = False

    @property
    def is_any(self) -> bool:
        """Whether it holds for every value."""
        return not self.items


@lru_cache(maxsize=_CACHE_SIZE)
def unary_test(text: str) -> UnaryTest:
    """Return the test that a cell spells.

    Raises:
        ValueError: it spells none; the message says why.
    """
    text = text.strip()
    if text == "-":
        return UnaryTest()
    if not text:
        raise ValueError("an empty cell; write `-` where anything will do")
    if len(text) > CELL_CHARACTERS_MAX:
        raise ValueError(f"more than {CELL_CHARACTERS_MAX} characters")
    reader = _Reader(tokens=_tokens(text))
    return reader.test()


def holds(test: UnaryTest, value: object) -> bool:
    """Return whether the test holds for a JSON value."""
    if test.is_any:
        return True
    exact = literal_of(value)
    found = [_item_holds(item, exact) for item in test.items]
    if True in found:
        return not test.negated
    return test.negated and None not in found


def literals_in(test: UnaryTest) -> tuple[Literal, ...]:
    """Return every value that a test names, ends of intervals too."""
    return tuple(
        literal
        for item in test.items
        for literal in ((item.low, item.high) if isinstance(item, Between) else (item.value,))
    )


def text_in(quoted: str) -> str:
    """Return what a quoted text says: after a backslash, a quotation mark or backslash is itself."""
    return _ESCAPE.sub(r"\1", quoted[1:-1])


def _item_holds(item: Item, value: Literal | Composite) -> bool | None:
    """Return whether an item holds, or None where it can't be applied to the value."""
    match item:
        case Equals():
            return equal(value, item.value)
        case Compared(operator="!="):
            return not equal(value, item.value)
        case Compared():
            return _compared(order(value, item.value), item.operator)
        case Between():
            low = _compared(order(value, item.low), ">" if item.low_open else ">=")
            return low and _compared(order(value, item.high), "<" if item.high_open else "<=")


def _compared(order: int | None, operator: str) -> bool | None:
    if order is None:
        return None
    match operator:
        case "<":
            return order < 0
        case "<=":
            return order <= 0
        case ">":
            return order > 0
        case _:
            return order >= 0


# ------------------------------------------------------------------------------------------- reading


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ValueError(f"`{text[at:].strip()}` is not part of a test")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


@dataclass(slots=True, kw_only=True)
class _Reader:
    tokens: list[tuple[str, str]]
    at: int = 0

    def test(self) -> UnaryTest:
        negated = self.tokens[:2] == [("word", "not"), ("mark", "(")]
        if negated:
            self.at = 2
        items = [self._item()]
        while self._take("mark", ","):
            items.append(self._item())
            if len(items) > ITEMS_MAX:
                raise ValueError(f"more than {ITEMS_MAX} values")
        if negated and not self._take("mark", ")"):
            raise ValueError("`not(` lacks its `)`")
        if self.at != len(self.tokens):
            raise ValueError(f"`{self.tokens[self.at][1]}` is too much")
        return UnaryTest(items=tuple(items), negated=negated)

    def _item(self) -> Item:
        kind, text = self._next()
        if kind == "operator":
            value = self._literal(*self._next())
            if text == "=":
                return Equals(value=value)
            if text != "!=" and (value is None or isinstance(value, bool)):
                raise ValueError(f"`{text}` needs a number or a text")
            return Compared(operator=text, value=value)
        if kind == "mark" and text in "[(]":
            return self._interval(text)
        return Equals(value=self._literal(kind, text))

    def _interval(self, begin: str) -> Between:
        low = self._literal(*self._next())
        if not self._take("range", ".."):
            raise ValueError("an interval is written `[1..5]`")
        high = self._literal(*self._next())
        kind, end = self._next()
        if kind != "mark" or end not in "])[":
            raise ValueError("an interval ends with `]` or `)`")
        return _between(begin, low, high, end)

    def _literal(self, kind: str, text: str) -> Literal:
        match kind:
            case "number":
                return Decimal(text)
            case "text" if text[0] == "@":
                return _moment(text[1:], "")
            case "text":
                return text_in(text)
            case "word":
                return self._word(text)
            case _:
                raise ValueError(f"`{text}` stands where a value should")

    def _word(self, word: str) -> Literal:
        """Return what a word says: true, false, null, itself, or a moment where it calls for one."""
        rest = [("word", "and"), ("word", "time"), ("mark", "(")]
        if word == "date" and self.tokens[self.at : self.at + 3] == rest:
            word, self.at = "date and time", self.at + 2
        if word in FUNCTIONS and self._take("mark", "("):
            kind, text = self._next()
            if kind != "text" or text[0] == "@" or not self._take("mark", ")"):
                raise ValueError(f'`{word}` is written `{word}("…")`')
            return _moment(text, word)
        return _WORDS.get(word, word)

    def _next(self) -> tuple[str, str]:
        if self.at == len(self.tokens):
            raise ValueError("the test ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _take(self, kind: str, text: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == (kind, text):
            self.at += 1
            return True
        return False


def _moment(quoted: str, function: str) -> Moment:
    moment = moment_of(text_in(quoted))
    if moment is None or moment.scale not in FUNCTIONS.get(function, {moment.scale}):
        raise ValueError(f"{quoted} is no {function or 'date, time or duration'} in ISO 8601")
    return moment


def _between(begin: str, low: Literal, high: Literal, end: str) -> Between:
    if not isinstance(low, Bound) or not isinstance(high, Bound):
        raise ValueError(_ENDS)  # noqa: TRY004 - what a cell lacks is a value, not a Python type
    apart = order(low, high) if type(low) is type(high) else None
    if apart is None:
        raise ValueError(_ENDS)
    if apart > 0:
        raise ValueError("the interval is empty: its low end is above its high end")
    return Between(low=low, high=high, low_open=begin != "[", high_open=end != "]")
