"""The journal carried elsewhere: exports, and witnesses that remember its head."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import midwatch.verify_journal
from midwatch.app.audit import Audit
from midwatch.app.house import House
from midwatch.cli.errors import FileInTheWayError, NothingYetError
from midwatch.journal.checkpoint import Remembered, remembered_in, verifier_key, witness_line
from midwatch.journal.events import StoredEvent
from midwatch.journal.export import export_lines

PAGE = 5_000


def audit_record(found: Audit) -> dict[str, Any]:
    """Return an audit for machines."""
    journal = found.journal
    return {
        "whole": not found.findings,
        "events": journal.events,
        "sealed": journal.sealed,
        "unsealed_since_ms": journal.unsealed_since_ms,
        "checkpoints": journal.checkpoints,
        "root": journal.root.hex(),
        "erased": journal.erased,
        "runs": found.runs,
        "rows": found.rows,
        "findings": [{"place": each.place, "sentence": each.sentence} for each in found.findings],
    }


def remembered_in_file(file: Path | None) -> tuple[Remembered, ...]:
    """Return what a witness file remembers; nothing without one.

    Raises:
        FileInTheWayError: MW946; WitnessRefusedError: MW211, when it was changed.
    """
    if file is None:
        return ()
    with told(file):
        lines = file.read_text().splitlines()
    return remembered_in(lines)


def export_to(house: House, file: Path) -> int:
    """Write the whole journal to a new file; return how many lines.

    Raises:
        FileInTheWayError: MW946.
    """
    lines = 0
    with told(file):
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            for line in export_lines(
                _stored(house),
                checkpoints=house.store.checkpoints(),
                verifier=verifier_key(house.keys.origin, house.keys.public_key),
                key_of=lambda subject: house.keys.subject_key(subject, create=False),
            ):
                out.write(line)
                lines += 1
    return lines


def verifier_path() -> str:
    """Return the path of the stand-alone verifier."""
    return midwatch.verify_journal.__file__


def remember(house: House, file: Path) -> int:
    """Append the newest checkpoint to a witness file; return its size.

    Raises:
        NothingYetError: MW943, when nothing is sealed yet; FileInTheWayError: MW946.
    """
    checkpoints = house.store.checkpoints()
    if not checkpoints:
        raise NothingYetError("nothing is sealed yet, so there is no head to remember")
    size, note = checkpoints[-1]
    verifier = verifier_key(house.keys.origin, house.keys.public_key)
    line = witness_line(note, verifier=verifier, at_ms=house.clock.now_ms())
    with told(file), file.open("a", encoding="utf-8") as out:
        out.write(line)
        out.flush()
        os.fsync(out.fileno())
    return size


def _stored(house: House) -> Iterator[StoredEvent]:
    after = 0
    while page := house.store.stored_events(after_row=after, limit=PAGE):
        yield from page
        after = page[-1].row


@contextlib.contextmanager
def told(file: Path) -> Iterator[None]:
    """Turn what the operating system refuses about a file into an error with a fix."""
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise FileInTheWayError(f"{file}: {why}", path=str(file)) from error
