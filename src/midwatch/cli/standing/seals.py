"""The journal's line at the end of a command: how long it is, how far it is sealed, whether it is whole."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from midwatch.app.audit import Audit, audit
from midwatch.app.house import House
from midwatch.cli.screen import Screen, Styled
from midwatch.cli.words import count

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened

WHOLE_MAX = 20_000
"""A journal of more events than this is checked at the end of a command by its hashes alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The journal after a command."""

    audit: Audit
    hashes_only: bool

    @property
    def is_whole(self) -> bool:
        """Whether nothing broken was found."""
        return not self.audit.findings

    def as_record(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "events": self.audit.journal.events,
            "sealed": self.audit.journal.sealed,
            "verified": self.is_whole,
            "hashes_only": self.hashes_only,
            "findings": [
                {"place": finding.place, "sentence": finding.sentence} for finding in self.audit.findings
            ],
        }


def journal_of(opened: "Opened") -> Journal:
    """Seal what was committed, where a worker runs here, and check the whole journal."""
    if opened.worker is not None:
        opened.worker.seal()
    hashes_only = opened.house.store.sealed_size() > WHOLE_MAX
    return Journal(audit=audit(opened.house, hashes_only=hashes_only), hashes_only=hashes_only)


def show_journal(screen: Screen, journal: Journal) -> None:
    """Write the line."""
    found = journal.audit
    events = count(found.journal.events, "event")
    seal = f"sealed in a checkpoint of {found.journal.sealed}"
    if journal.is_whole:
        screen.line(f"Journal: {events}, {seal}, ", Styled("verified", "green"), ".")
        return
    screen.line(f"Journal: {events}, {seal}, ", Styled("NOT WHOLE", "red"), ": see `midwatch audit verify`.")


def position_of(house: House, stream: str, n: int, *, after_row: int) -> int | None:
    """Return an event's position in the Merkle log; None while it is not sealed.

    Args:
        after_row: a row before it, so that the log is not read from its beginning.
    """
    while page := house.store.stored_events(after_row=after_row, limit=1_000):
        for stored in page:
            if stored.stream == stream and stored.n == n:
                return stored.position
        after_row = page[-1].row
    return None
