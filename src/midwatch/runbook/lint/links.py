"""Links that lead nowhere, and rehearsals of long ago: what makes a document stale."""

import datetime as dt
import re
from collections.abc import Iterable

from midwatch.base.units import DAY_MS, EpochMs
from midwatch.runbook.errors import DeadLinkError, StaleRehearsalError
from midwatch.runbook.model import Runbook
from midwatch.runbook.source import Finding, Severity, beside

REHEARSAL_DAYS_MAX = 90
LINKS_MAX = 1_000
_LINK = re.compile(r"\]\(\s*<?([^()\s<>]{1,500})>?(?:\s+\"[^\"\n]{0,200}\")?\s*\)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]\n]{1,200}\]:\s*<?([^\s<>]{1,500})>?", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_ANCHOR = re.compile(r"<a\s[^>\n]{0,200}\b(?:id|name)=[\"']([^\"'\n]{1,200})")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_NOT_IN_SLUGS = re.compile(r"[^\w\- ]")


def link_findings(runbook: Runbook) -> list[Finding]:
    """Return links to files and headings that aren't there; addresses elsewhere are never looked at."""
    found: list[Finding] = []
    anchors = _anchors(runbook)
    for target, offset in _links(runbook):
        why = _why_dead(runbook, target, offset, anchors)
        if why:
            sentence = f"the link to `{target}` leads nowhere"
            found.append(runbook.source.finding(DeadLinkError, sentence, offset, Severity.WARNING, hint=why))
    return found


def rehearsal_findings(runbook: Runbook, now_ms: EpochMs) -> list[Finding]:
    """Return a warning where the last rehearsal was long ago."""
    at = runbook.header.last_rehearsed if runbook.header else None
    if at is None:
        return []
    day = dt.date.fromisoformat(at.value)
    days = now_ms // DAY_MS - (day - dt.date(1970, 1, 1)).days
    if days <= REHEARSAL_DAYS_MAX:
        return []
    sentence = f"the last rehearsal was {days} days ago, more than {REHEARSAL_DAYS_MAX}"
    return [runbook.source.finding(StaleRehearsalError, sentence, at.span.start, Severity.WARNING)]


def slug(heading: str) -> str:
    """Return the anchor of a heading, as the large hosts of Markdown make it."""
    return _NOT_IN_SLUGS.sub("", heading.strip().lower()).replace(" ", "-")


def _unescaped(target: str) -> str:
    """Return an address without its escapes, `%20` for a blank (RFC 3986 section 2.1)."""
    return _ESCAPES.sub(
        lambda found: bytes.fromhex(found[0].replace("%", "")).decode("utf-8", "replace"), target
    )


def _anchors(runbook: Runbook) -> frozenset[str]:
    found: set[str] = set(_ANCHOR.findall(runbook.source.text))
    counted: dict[str, int] = {}
    for text, _ in runbook.headings:
        anchor = slug(text)
        number = counted.get(anchor, 0)
        counted[anchor] = number + 1
        found.add(f"{anchor}-{number}" if number else anchor)
    return frozenset(found)


def _links(runbook: Runbook) -> Iterable[tuple[str, int]]:
    """Yield the links in the prose of the document's own file, with their places."""
    text, fences = runbook.source.text, runbook.fences
    end = runbook.source.starts[runbook.source.parts[1].line] if len(runbook.source.parts) > 1 else len(text)
    codes = [match.span() for match in _CODE.finditer(text, 0, end)]
    hidden = sorted([*fences, *codes])
    matches = sorted(
        (match.start(1), match[1])
        for pattern in (_LINK, _REFERENCE)
        for match in pattern.finditer(text, 0, end)
    )
    at = 0
    for count, (offset, target) in enumerate(matches):
        while at < len(hidden) and hidden[at][1] <= offset:
            at += 1
        is_code = at < len(hidden) and hidden[at][0] <= offset
        if not is_code and count < LINKS_MAX and not _SCHEME.match(target):
            yield target, offset


def _why_dead(runbook: Runbook, target: str, offset: int, anchors: frozenset[str]) -> str:
    """Return what to do about a link that leads nowhere, or an empty text."""
    file, _, anchor = _unescaped(target).partition("#")
    if not file:
        known = ", ".join(f"#{one}" for one in sorted(anchors)[:8])
        return "" if anchor.lower() in anchors or not anchor else f"Headings here: {known or 'none'}."
    if runbook.library is None:
        return ""
    path = beside(runbook.source.part(offset).path, file)
    if not path:
        return ""  # it leads out of the folder, where nobody looks
    return "" if runbook.library.has(path) else "Correct the path, or add the file."
