"""Changes to a text by offsets."""

from collections.abc import Iterable
from typing import NamedTuple

from midwatch.runbook.source import Source


class Edit(NamedTuple):
    """Put another text in the place of a range."""

    start: int
    end: int
    text: str


def edited(source: Source, edits: Iterable[Edit]) -> str:
    """Return a document's text with changes that don't overlap."""
    parts: list[str] = []
    at = 0
    for edit in sorted(edits):
        assert edit.start >= at, "edits don't overlap"
        parts += [source.text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, source.text[at:]])


def line_offset(source: Source, line: int) -> int:
    """Return the offset of a line from 0; the line after the last one is the end of the text."""
    return source.starts[line] if line < len(source.starts) else len(source.text)


def with_line_ends_of(data: bytes, text: str) -> bytes:
    """Return a text as bytes with the byte order mark and the line ends that a file had."""
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    is_windows = b"\r\n" in data and data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    return mark + (text.replace("\n", "\r\n") if is_windows else text).encode()
