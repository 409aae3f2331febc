"""Values in words: the only way in which anything of the journal gets into a sentence.

A sentence is a template and its values, so a value that stands in a sentence stands in its evidence
too. What comes from outside is spelled out (`approvals.visible`) and cut where it is long; the whole
of it is in the evidence.
"""

import datetime as dt
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from midwatch.approvals.arguments import plain_value, size_words
from midwatch.approvals.card_text import duration
from midwatch.approvals.visible import visible
from midwatch.base.units import SECOND_MS

TEXT_MAX = 300
"""Characters of one text of people or tools in a sentence."""
INLINE_MAX = 120
"""Characters of a list or an object that still stands in a sentence; longer ones are counted."""
WHOLE_MAX = 600
"""The same for the arguments of what acts: what is touched is named where it can be."""
PAIRS_MAX = 8
"""Values that are named in one sentence; the rest is in its evidence."""
DIGEST_CHARACTERS = 12
_KIBI = 1024
_MICRO = 1_000_000


def tell(template: str, /, **values: Any) -> str:
    """Return the template with each `{name}` or `{name:spec}` replaced by its value in words.

    Specs: none (a value), `code`, `says` (prose of others), `and` (a list), `pairs` (an object), `whole`
    (an object with longer lists), `brief` (an object, its lists counted), `sources` (expressions), `span`
    (milliseconds), `utc` (a moment), `short` (a digest), `usd` (millionths), `many NOUN` (a count).
    """
    return _FORMATTER.vformat(template, (), values)


def value_words(value: Any, *, inline_max: int = INLINE_MAX) -> str:
    """Return one value in few words: lists and objects that are long are counted."""
    if isinstance(value, Mapping):
        members = [
            (plain_value(key), value_words(item, inline_max=inline_max)) for key, item in value.items()
        ]
        inner = ", ".join(f"{name}: {words}" for name, words in members)
        return "{" + inner + "}" if len(inner) <= inline_max else count_words(len(value), "field")
    if isinstance(value, list | tuple):
        items = [value_words(item, inline_max=inline_max) for item in value]
        inner = ", ".join(items)
        is_short = len(inner) <= inline_max and not any(
            isinstance(item, Mapping) and not words.startswith("{")
            for item, words in zip(value, items, strict=True)
        )
        return "[" + inner + "]" if is_short else count_words(len(value), "item")
    return _cut(plain_value(value))


def pair_words(values: Mapping[str, Any], *, inline_max: int = INLINE_MAX) -> str:
    """Return named values, e.g. `caches.count = 3, caches.bytes = 20480 (20.0 KiB)`; short ones first."""
    if not values:
        return "nothing"
    plain = [name for name, value in values.items() if not isinstance(value, Mapping | list | tuple)]
    names = plain + [name for name in values if name not in plain]
    words = [f"{visible(name)} = {_sized(name, values[name], inline_max)}" for name in names[:PAIRS_MAX]]
    return ", ".join(words) + (" and others" if len(names) > PAIRS_MAX else "")


def source_words(sources: Mapping[str, str]) -> str:
    """Return named expressions, e.g. ``paths = `caches.entries` ``."""
    return ", ".join(f"{visible(name)} = `{prose(source)}`" for name, source in sources.items())


def brief_words(values: Mapping[str, Any]) -> str:
    """Return named values with what is inside of them counted, e.g. `used_pct = 96.5, mounts: 3 items`."""
    plain = {name: value for name, value in values.items() if not isinstance(value, Mapping | list | tuple)}
    counted = [
        f"{visible(name)}: {count_words(len(value), 'field' if isinstance(value, Mapping) else 'item')}"
        for name, value in values.items()
        if name not in plain
    ]
    return ", ".join(([pair_words(plain)] if plain or not counted else []) + counted)


def prose(text: str) -> str:
    """Return words of others in one line, cut where they are long."""
    return _cut(visible(" ".join(str(text).split())))


def list_words(items: Sequence[Any]) -> str:
    """Return `a`, `a and b` or `a, b and c`; `nobody` for none."""
    words = [prose(str(item)) for item in items]
    if len(words) < 2:  # noqa: PLR2004 - no comma below two
        return words[0] if words else "nobody"
    return ", ".join(words[:-1]) + " and " + words[-1]


def span_words(length_ms: int) -> str:
    """Return a length of time; below a second in milliseconds."""
    return f"{length_ms} ms" if length_ms < SECOND_MS else duration(length_ms)


def utc_words(at_ms: int) -> str:
    """Return a moment in UTC, e.g. `2026-11-22 03:10:00 UTC`."""
    try:
        return dt.datetime.fromtimestamp(at_ms / SECOND_MS, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"the end of time ({at_ms} ms)"


def digest_words(digest: str) -> str:
    """Return the first characters of a digest, enough to recognise it by."""
    return visible(digest.partition(":")[2][:DIGEST_CHARACTERS] or digest)


def usd_words(micro: int) -> str:
    """Return an amount in dollars, to the cent where that is all there is."""
    return f"${micro // _MICRO}.{micro % _MICRO:06d}".removesuffix("0000")


def count_words(count: int, noun: str) -> str:
    """Return a count with its noun, e.g. `1 item` or `2 items`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _sized(name: str, value: Any, inline_max: int) -> str:
    words = value_words(value, inline_max=inline_max)
    is_size = name.endswith("bytes") and type(value) is int and value >= _KIBI
    return f"{words} ({size_words(value)})" if is_size else words


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "…"


_SPECS: Mapping[str, Callable[[Any], str]] = {
    "": value_words,
    "and": list_words,
    "brief": brief_words,
    "code": lambda value: f"`{prose(value)}`",
    "pairs": pair_words,
    "says": prose,
    "short": digest_words,
    "sources": source_words,
    "span": span_words,
    "usd": usd_words,
    "utc": utc_words,
    "whole": lambda value: pair_words(value, inline_max=WHOLE_MAX),
}


class _Formatter(string.Formatter):
    """Knows the specs above and nothing else; values are never read as templates."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec.startswith("many "):
            return count_words(value, format_spec.removeprefix("many "))
        return _SPECS[format_spec](value)


_FORMATTER = _Formatter()
