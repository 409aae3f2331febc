"""Unary tests: the cells of a decision table.

    -               anything                     < 80  <= 80  > 80  >= 80  = 80  != 80
    80  "a"  leak   this value; a bare word       [1..5]  (1..5]  [1..5)  (1..5)
                    is a text                     ]1..5[ is the same as (1..5)
    "a","b"         one of these                  not("a","b")
    true  false  null

Numbers are compared as exact decimals: 0.1 is a tenth. A test that can't be applied to a value (a
comparison with a text, or with null) doesn't hold.

Source: DMN 1.5, sections 7.3.7 (S-FEEL) and 8.3.3.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

CELL_CHARACTERS_MAX = 1_000
ITEMS_MAX = 200
_CACHE_SIZE = 4_096

Literal = Decimal | str | bool | None

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<range>\.\.)
      | (?P<number>[-+]?(?:\d+(?:\.(?!\.)\d*)?|\.\d+)(?:[eE][-+]?\d{1,3})?)
      | (?P<text>"[^"]*")
      | (?P<operator><=|>=|!=|<|>|=)
      | (?P<mark>[\[\](),])
      | (?P<word>[^\W\d][\w.:/-]*?(?=\.\.|[\s\[\](),<>="]|$))
    )""",
    re.VERBOSE,
)
_WORDS: Mapping[str, Literal] = {"true": True, "false": False, "null": None}


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

    low: Decimal | str
    high: Decimal | str
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
    return any(_item_holds(item, exact) for item in test.items) is not test.negated


def literal_of(value: object) -> Literal:
    """Return a JSON value as a literal: numbers as exact decimals, lists and objects as None."""
    match value:
        case bool() | str() | None | Decimal():
            return value
        case int():
            return Decimal(value)
        case float() if math.isfinite(value):
            return Decimal(repr(value))
        case _:
            return None


def _item_holds(item: Item, value: Literal) -> bool:
    match item:
        case Equals():
            return type(value) is type(item.value) and value == item.value
        case Compared(operator="!="):
            return not (type(value) is type(item.value) and value == item.value)
        case Compared():
            return _ordered(item.operator, value, item.value)
        case Between():
            low, high = (">" if item.low_open else ">="), ("<" if item.high_open else "<=")
            return _ordered(low, value, item.low) and _ordered(high, value, item.high)


def _ordered(operator: str, left: Literal, right: Literal) -> bool:
    """Return the comparison of two numbers or two texts; of anything else False."""
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        order = left.compare(right)
    elif isinstance(left, str) and isinstance(right, str):
        order = Decimal((left > right) - (left < right))
    else:
        return False
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
        match low, high:
            case (Decimal(), Decimal()) | (str(), str()):
                return _between(begin, low, high, end)
            case _:
                raise ValueError("both ends of an interval are numbers, or both are texts")

    def _literal(self, kind: str, text: str) -> Literal:
        match kind:
            case "number":
                return Decimal(text)
            case "text":
                return text[1:-1]
            case "word":
                return _WORDS.get(text, text)
            case _:
                raise ValueError(f"`{text}` stands where a value should")

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


def _between(begin: str, low: Any, high: Any, end: str) -> Between:
    if low > high:
        raise ValueError("the interval is empty: its low end is above its high end")
    return Between(low=low, high=high, low_open=begin != "[", high_open=end != "]")
