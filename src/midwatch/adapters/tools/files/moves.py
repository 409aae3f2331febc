"""One move into quarantine, and its way back."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from midwatch.adapters.tools.errors import ChangedError
from midwatch.adapters.tools.files.paths import (
    Identity,
    exchange,
    is_it,
    looked_at,
    parent,
    rename_new,
    sync_folder,
)

NEWCOMER = ".newcomer"
_TRIES_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A file, where it was and where it lies in quarantine."""

    source: str
    target: str
    who: Identity
    size_bytes: int

    @property
    def place(self) -> str:
        """The quarantine's folder."""
        return self.target.rpartition("/")[0]


def move_of(entry: Mapping[str, Any]) -> Move:
    """Return the move that an entry of a record or of `moved` describes."""
    return Move(
        source=entry["from"],
        target=entry["to"],
        who=Identity(entry["device"], entry["inode"]),
        size_bytes=entry.get("bytes", 0),
    )


def move_back(move: Move) -> str | None:
    """Bring the file back to its place; return where the newcomer lies that had taken it, if any.

    Safe to repeat, and after a kill at any step: the file is always in one of the two places. Where
    two names can't change places in one step, the place is empty for a moment in between.

    Raises:
        ChangedError: MW508, the file is neither here nor there.
    """
    for _ in range(_TRIES_MAX):
        if is_home(move):
            return _newcomer(move)
        if not is_there(move):
            raise ChangedError(f"{move.target} is gone, so {move.source} can't be put back", path=move.target)
        with parent(move.source) as home, parent(move.target) as aside:
            _step_back(home, aside)
            sync_folder(home[0])
            sync_folder(aside[0])
    raise ChangedError(f"{move.source} is taken again and again", path=move.source)


def _step_back(home: tuple[int, str], aside: tuple[int, str]) -> None:
    """Make one attempt; whoever takes the place meanwhile is moved aside by the next."""
    with suppress(FileExistsError, FileNotFoundError):
        if looked_at(*home) is None:
            rename_new(aside, home)
        elif not exchange(home, aside):
            rename_new(home, (aside[0], aside[1] + NEWCOMER))


def _newcomer(move: Move) -> str | None:
    try:
        with parent(move.target) as (fd, name):
            found = [each for each in (name, name + NEWCOMER) if looked_at(fd, each) is not None]
    except ChangedError:
        return None
    return f"{move.place}/{found[0]}" if found else None


def is_there(move: Move) -> bool:
    """Return whether the file lies in quarantine."""
    try:
        with parent(move.target) as aside:
            return is_it(looked_at(*aside), move.who)
    except ChangedError:
        return False


def is_home(move: Move) -> bool:
    """Return whether the file is at its place."""
    try:
        with parent(move.source) as home:
            return is_it(looked_at(*home), move.who)
    except ChangedError:
        return False
