"""Rename files and folders aside, on their own device: nothing is deleted, and no space comes back yet.

All or nothing: when one can't be moved, those that were are put back.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from midwatch.adapters.tools.context import Context, UncertainError
from midwatch.adapters.tools.errors import (
    ChangedError,
    NotPermittedError,
    TooLateError,
    UnsafePathError,
)
from midwatch.adapters.tools.files.moves import Move, is_home, is_there, move_back, move_of
from midwatch.adapters.tools.files.paths import (
    Identity,
    folder,
    identity,
    is_it,
    looked_at,
    parent,
    rename_new,
    sync_folder,
)
from midwatch.adapters.tools.files.places import drop_place, make_place, place_for, refusal
from midwatch.adapters.tools.files.records import record_of
from midwatch.adapters.tools.walk import bounds, size_of
from midwatch.base.errors import MidwatchError

_NAME_BYTES_MAX = 200
_MEASURE_S_MAX = 10.0


def quarantine(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Move each of `paths` aside and return where to.

    Raises:
        MidwatchError: MW508, MW509, MW512, MW517, MW518: nothing was moved, or all of it is back.
        UncertainError: some may be moved.
    """
    with record_of(context, args) as record:
        if record.out is not None:
            return record.out
        begun = record.begun
        if begun is None:
            begun = {"entries": _planned(args["paths"], context), "reason": args["reason"]}
            context.before_acting()
            record.begin(begun)
        moves = [move_of(entry) for entry in begun["entries"]]
        _carry_out(moves, context)
        out = {
            "moved": begun["entries"],
            "bytes": sum(entry["bytes"] for entry in begun["entries"]),
            "count": len(moves),
        }
        return record.finish(out)


def _planned(paths: Sequence[Mapping[str, str]], context: Context) -> list[dict[str, Any]]:
    """Return what is going to be moved where; every path was looked at, and is the one meant."""
    _check_apart([item["path"] for item in paths])
    entries = []
    limit = bounds(min(_MEASURE_S_MAX, context.left_s / 2), entries=5_000_000)
    for number, item in enumerate(paths):
        path, who = item["path"], Identity(item["device"], item["inode"])
        with parent(path) as (fd, name):
            _check(fd, name, path, who)
            place = place_for(path, fd, context)
        entries.append(
            {
                "from": path,
                "to": f"{place}/{number:04d}-{name.encode()[:_NAME_BYTES_MAX].decode(errors='ignore')}",
                "device": who.device,
                "inode": who.inode,
                "bytes": size_of(path, limit).bytes,
            }
        )
    return entries


def _check_apart(paths: Sequence[str]) -> None:
    given = set(paths)
    if len(given) < len(paths):
        raise UnsafePathError("a path is given twice", path=paths[0])
    for path in paths:
        if any(str(above) in given for above in PurePosixPath(path).parents):
            raise UnsafePathError(f"{path} lies within another path given", path=path)


def _check(fd: int, name: str, path: str, who: Identity) -> None:
    status = looked_at(fd, name)
    if status is None:
        raise ChangedError(f"{path} is not there any more", path=path)
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise UnsafePathError(f"{path} is a link or no plain file or folder", path=path)
    if identity(status) != who:
        raise ChangedError(f"{path} is not the one that was looked at", path=path)
    if status.st_dev != os.fstat(fd).st_dev:
        raise UnsafePathError(f"{path} is the root of a file system", path=path)
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=fd, effective_ids=os.access in os.supports_effective_ids):
        raise NotPermittedError(f"this user can't rename {path}", path=path)


def _carry_out(moves: Sequence[Move], context: Context) -> None:
    """Bring every move to its end; on a failure bring every one back."""
    try:
        context.before_acting()
        for place in {move.place for move in moves}:
            make_place(place, context.key)
        for move in moves:
            _move_aside(move)
        for place in {move.place for move in moves}:
            with folder(place) as fd:
                sync_folder(fd)
    except TooLateError as error:
        if any(not is_home(move) and is_there(move) for move in moves):
            raise UncertainError("an earlier call moved some, and this one came too late to go on") from error
        raise
    except (MidwatchError, OSError) as error:
        _roll_back(moves, error)
        if isinstance(error, OSError):
            raise refusal(error, moves[0].source) from error
        raise


def _move_aside(move: Move) -> None:
    with parent(move.source) as here, parent(move.target) as there:
        if looked_at(*there) is None:
            if not is_it(looked_at(*here), move.who):
                raise ChangedError(f"{move.source} is not the one that was looked at", path=move.source)
            _rename(move, here, there)
            sync_folder(here[0])
        if not is_it(looked_at(*there), move.who):
            _give_back_stranger(move, here, there)
            raise ChangedError(f"{move.source} changed in the moment it was moved", path=move.source)


def _rename(move: Move, here: tuple[int, str], there: tuple[int, str]) -> None:
    try:
        rename_new(here, there)
    except OSError as error:
        raise refusal(error, move.source) from error


def _give_back_stranger(move: Move, here: tuple[int, str], there: tuple[int, str]) -> None:
    try:
        rename_new(there, here)
    except OSError as error:
        raise UncertainError(f"another file than {move.source} was moved to {move.target}") from error


def _roll_back(moves: Sequence[Move], error: Exception) -> None:
    try:
        for move in moves:
            if not is_home(move) and is_there(move):
                move_back(move)
    except (MidwatchError, OSError) as second:
        raise UncertainError(f"{error}; and not all that was moved could be put back: {second}") from error
    for place in {move.place for move in moves}:
        drop_place(place)
