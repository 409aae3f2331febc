"""The text of a document, and places in it.

Offsets count characters of the text after a byte order mark was removed and CRLF became LF; places
are `file:line:column`, both from 1.
"""

import bisect
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from midwatch.base.canonical import digest_of
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Digest
from midwatch.runbook.errors import DocumentTooBigError, NotTextError

DOCUMENT_BYTES_MAX = 1_000_000
DOCUMENT_LINES_MAX = 10_000
EXCERPT_CHARACTERS_MAX = 160
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f"
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What people can't see but what changes what they read: controls, bidirectional overrides, tags."""
_BOM = b"\xef\xbb\xbf"


class Severity(StrEnum):
    """How much a finding matters: an error keeps a runbook from running."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Span(NamedTuple):
    """From an offset up to another, the second not included."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or worth knowing, with its place."""

    kind: type[MidwatchError]
    """The error class: its code, meaning and fix."""
    sentence: str
    severity: Severity
    line: int
    column: int
    place: str
    excerpt: str
    fix: str

    @property
    def code(self) -> str:
        """The error's code."""
        return self.kind.code

    def as_record(self) -> dict[str, object]:
        """Return the finding as plain JSON."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "sentence": self.sentence,
            "place": self.place,
            "line": self.line,
            "column": self.column,
            "excerpt": self.excerpt,
            "fix": self.fix,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A document's text and where its lines begin."""

    name: str
    text: str
    digest: Digest
    """Over the bytes without byte order mark and with LF: the document digest."""
    starts: tuple[int, ...] = field(repr=False)

    def line_column(self, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of an offset."""
        line = bisect.bisect_right(self.starts, min(offset, len(self.text)))
        return line, min(offset, len(self.text)) - self.starts[line - 1] + 1

    def offset(self, line: int, column: int = 0) -> int:
        """Return the offset of a line and column, both from 0, as parsers count them."""
        start = self.starts[min(line, len(self.starts) - 1)]
        return min(start + column, len(self.text))

    def line_text(self, line: int) -> str:
        """Return a line, counted from 0, without its end."""
        start = self.starts[line]
        end = self.starts[line + 1] - 1 if line + 1 < len(self.starts) else len(self.text)
        return self.text[start:end]

    def place(self, offset: int) -> str:
        """Return `file:line:column` of an offset."""
        line, column = self.line_column(offset)
        return f"{self.name}:{line}:{column}"

    def excerpt(self, offset: int) -> str:
        """Return the line at an offset with a caret below it; long lines are cut around the caret."""
        line, column = self.line_column(offset)
        text, at = self.line_text(line - 1), column - 1
        begin = max(0, at - EXCERPT_CHARACTERS_MAX // 2) if len(text) > EXCERPT_CHARACTERS_MAX else 0
        shown = text[begin : begin + EXCERPT_CHARACTERS_MAX].replace("\t", " ")
        shown = "".join(
            character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown
        )
        return f"{shown}\n{' ' * (at - begin)}^"

    def finding(
        self,
        kind: type[MidwatchError],
        sentence: str,
        offset: int,
        severity: Severity = Severity.ERROR,
        /,
        **facts: str | int,
    ) -> Finding:
        """Return a finding at an offset; `facts` fill in the fix."""
        line, column = self.line_column(offset)
        return Finding(
            kind=kind,
            sentence=sentence,
            severity=severity,
            line=line,
            column=column,
            place=f"{self.name}:{line}:{column}",
            excerpt=self.excerpt(offset),
            fix=kind(sentence, place="", excerpt="", **facts).help,
        )


def source_from(data: bytes, *, name: str) -> Source:
    """Return the text of a document.

    Args:
        data: the whole file.
        name: how findings call it; usually its path.

    Raises:
        DocumentTooBigError: MW101.
        NotTextError: MW102, it is binary or not UTF-8.
    """
    if len(data) > DOCUMENT_BYTES_MAX:
        raise DocumentTooBigError(
            f"{name} has {len(data)} bytes; a runbook has at most {DOCUMENT_BYTES_MAX}",
            place=f"{name}:1:1",
            name=name,
            limit_bytes=DOCUMENT_BYTES_MAX,
        )
    lines = data.count(b"\n") + data.count(b"\r")
    if lines > 2 * DOCUMENT_LINES_MAX or data.count(b"\n") > DOCUMENT_LINES_MAX:
        raise DocumentTooBigError(
            f"{name} has more than {DOCUMENT_LINES_MAX} lines",
            place=f"{name}:1:1",
            name=name,
            limit_bytes=DOCUMENT_BYTES_MAX,
        )
    zero = data.find(b"\0")
    if zero >= 0:
        raise _not_text(name, data, zero, "it holds a NUL byte, as binary files do")
    data = data.removeprefix(_BOM)
    if b"\r" in data:
        data = re.sub(rb"\r\n?", b"\n", data)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _not_text(name, data, error.start, f"the byte {data[error.start]:#04x} is not UTF-8") from None
    starts = (0, *(match.end() for match in re.finditer("\n", text)))
    return Source(name=name, text=text, digest=digest_of(data), starts=starts)


def _not_text(name: str, data: bytes, at: int, why: str) -> NotTextError:
    line = data.count(b"\n", 0, at) + 1
    column = at - (data.rfind(b"\n", 0, at) + 1) + 1
    return NotTextError(f"{name} is no text: {why}", place=f"{name}:{line}:{column}", name=name)
