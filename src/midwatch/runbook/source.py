"""The text of a document with all that it includes, and places in it.

Offsets count characters of the text after a byte order mark was removed and CRLF became LF; places
are `file:line:column`, both from 1. The text of an included file stands behind what was there before,
so that one offset names one place in one file.
"""

import bisect
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

from midwatch.base.canonical import digest, digest_of
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Digest
from midwatch.runbook.errors import DocumentTooBigError, NotTextError

DOCUMENT_BYTES_MAX = 1_000_000
DOCUMENT_LINES_MAX = 10_000
EXCERPT_CHARACTERS_MAX = 160
INCLUDES_MAX = 20
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
    offset: int = 0
    """Where in the document with all that it includes: for the order of findings."""

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


class Library(Protocol):
    """The files around a document, by their paths from its folder: `common.runbook.md`, `sub/disk.md`."""

    def read(self, path: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            IncludeError: MW139, it is not there, too large, or leads out of the folder.
        """
        ...

    def has(self, path: str) -> bool:
        """Return whether a file or folder is there."""
        ...

    def find(self, runbook: str) -> "Found | None":
        """Return the runbook of a name among all that are known here, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A runbook that was looked up by its name."""

    name: str
    """How findings call it; usually its path."""
    path: str
    """Its path from the folder of its own library."""
    data: bytes
    library: Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of a document."""

    name: str
    path: str
    line: int
    """Its first line in the whole text, from 0."""
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A document's text and where its lines begin."""

    name: str
    path: str
    """Its path from the folder of its library."""
    text: str
    digest: Digest
    """Over the bytes of all its files, without byte order mark and with LF: the document digest."""
    starts: tuple[int, ...] = field(repr=False)
    parts: tuple[Part, ...]
    """The document's own file first, then what it includes."""

    def part(self, offset: int) -> Part:
        """Return the file in which an offset lies."""
        line = bisect.bisect_right(self.starts, offset) - 1
        return next((part for part in reversed(self.parts) if part.line <= line), self.parts[0])

    def plus(self, other: "Source") -> "Source":
        """Return the text with another file behind it.

        Raises:
            DocumentTooBigError: MW101, all files together are too large.
        """
        text = f"{self.text}\n{other.text}"
        if len(text) > DOCUMENT_BYTES_MAX:
            raise _too_big(self.name, f"with {other.name} has more than {DOCUMENT_BYTES_MAX} characters")
        begin = len(self.text) + 1
        part = replace(other.parts[0], line=len(self.starts))
        parts = (*self.parts, part)
        return replace(
            self,
            text=text,
            digest=digest([[each.path if each.line else "", each.digest] for each in parts]),
            starts=(*self.starts, *(begin + start for start in other.starts)),
            parts=parts,
        )

    def line_column(self, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of an offset, in its own file."""
        at = min(offset, len(self.text))
        line = bisect.bisect_right(self.starts, at)
        return line - self.part(at).line, at - self.starts[line - 1] + 1

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
        return f"{self.part(offset).name}:{line}:{column}"

    def excerpt(self, offset: int) -> str:
        """Return the line at an offset with a caret below it; long lines are cut around the caret."""
        line, column = self.line_column(offset)
        text, at = self.line_text(self.part(offset).line + line - 1), column - 1
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
            place=self.place(offset),
            excerpt=self.excerpt(offset),
            fix=kind(sentence, place="", excerpt="", **facts).help,
            offset=offset,
        )


def beside(path: str, reference: str) -> str:
    """Return the path that a file's reference leads to, or an empty text where it leaves the folder."""
    parts: list[str] = path.split("/")[:-1]
    if reference.startswith("/") or "\\" in reference:
        return ""
    for part in reference.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def source_from(data: bytes, *, name: str, path: str = "") -> Source:
    """Return the text of one file.

    Args:
        data: the whole file.
        name: how findings call it; usually its path.
        path: from the folder of its library; else the last part of its name.

    Raises:
        DocumentTooBigError: MW101.
        NotTextError: MW102, it is binary or not UTF-8.
    """
    if len(data) > DOCUMENT_BYTES_MAX:
        raise _too_big(name, f"has {len(data)} bytes; a runbook has at most {DOCUMENT_BYTES_MAX}")
    lines = data.count(b"\n") + data.count(b"\r")
    if lines > 2 * DOCUMENT_LINES_MAX or data.count(b"\n") > DOCUMENT_LINES_MAX:
        raise _too_big(name, f"has more than {DOCUMENT_LINES_MAX} lines")
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
    path = path or name.rpartition("/")[2]
    part = Part(name=name, path=path, line=0, digest=digest_of(data))
    return Source(name=name, path=path, text=text, digest=part.digest, starts=starts, parts=(part,))


def _too_big(name: str, why: str) -> DocumentTooBigError:
    return DocumentTooBigError(
        f"{name} {why}", place=f"{name}:1:1", name=name, limit_bytes=DOCUMENT_BYTES_MAX
    )


def _not_text(name: str, data: bytes, at: int, why: str) -> NotTextError:
    line = data.count(b"\n", 0, at) + 1
    column = at - (data.rfind(b"\n", 0, at) + 1) + 1
    return NotTextError(f"{name} is no text: {why}", place=f"{name}:{line}:{column}", name=name)
