"""Put back what a quarantine holds: the file at its place again, whoever took the place moved aside.

It undoes a quarantine and nothing else: what is to be put back must be in a record of this state folder.
"""

from collections.abc import Mapping
from typing import Any

from midwatch.adapters.tools.context import Context, UncertainError
from midwatch.adapters.tools.errors import ChangedError, NotQuarantineError
from midwatch.adapters.tools.files.moves import Move, is_home, is_there, move_back, move_of
from midwatch.adapters.tools.files.places import drop_place, refusal
from midwatch.adapters.tools.files.records import all_records, record_of
from midwatch.base.errors import MidwatchError

_Known = dict[tuple[str, str], tuple[str, str]]


def restore(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Put each of `moved` back and return what was, and whose place was taken meanwhile.

    Raises:
        NotQuarantineError: MW516, no quarantine of this Midwatch moved it.
        ChangedError: MW508, it lies in no quarantine any more (purged).
        UncertainError: some may be back.
    """
    with record_of(context, args) as record:
        if record.out is not None:
            return record.out
        moves = [move_of(entry) for entry in args["moved"]]
        is_replay = record.begun is not None
        if not is_replay:
            _check(moves, context)
            context.before_acting()
            record.begin({"count": len(moves)})
        conflicts = _put_back(moves, is_replay=is_replay)
        for place in {move.place for move in moves}:
            drop_place(place)
        out = {
            "restored": [
                {
                    "path": move.source,
                    "device": move.who.device,
                    "inode": move.who.inode,
                    "bytes": move.size_bytes,
                }
                for move in moves
            ],
            "conflicts": conflicts,
            "bytes": sum(move.size_bytes for move in moves),
            "count": len(moves),
        }
        return record.finish(out)


def _check(moves: list[Move], context: Context) -> None:
    """Return if all of it is known, and can be put back."""
    known = _known(context)
    for move in moves:
        if known.get((move.source, move.target)) != move.who:
            raise NotQuarantineError(f"no quarantine of this Midwatch moved {move.source}", path=move.source)
        if not is_there(move) and not is_home(move):
            raise ChangedError(f"{move.target} is gone, so {move.source} can't be put back", path=move.target)


def _known(context: Context) -> _Known:
    known: _Known = {}
    for _, record in all_records(context.state):
        for entry in record.get("begun", {}).get("entries", ()):
            known[entry["from"], entry["to"]] = (entry["device"], entry["inode"])
    return known


def _put_back(moves: list[Move], *, is_replay: bool) -> list[dict[str, str]]:
    conflicts = []
    is_begun = is_replay
    for move in moves:
        try:
            newcomer = move_back(move)
        except (MidwatchError, OSError) as error:
            if is_begun:
                raise UncertainError(f"some are back, but not {move.source}: {error}") from error
            if isinstance(error, OSError):
                raise refusal(error, move.source) from error
            raise
        is_begun = True
        if newcomer is not None:
            conflicts.append({"path": move.source, "aside": newcomer})
    return conflicts
