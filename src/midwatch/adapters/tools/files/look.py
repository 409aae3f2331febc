"""Reads about files: what a path is now, and what lies in quarantine."""

import stat
from collections.abc import Mapping
from typing import Any

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.errors import ChangedError
from midwatch.adapters.tools.files.moves import is_there, move_of
from midwatch.adapters.tools.files.paths import folder, identity, looked_at, mode_text, parent
from midwatch.adapters.tools.files.places import OWN_NAMES, is_marked, names_in
from midwatch.adapters.tools.files.records import all_records
from midwatch.base.errors import MidwatchError


def state(args: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001 - every tool takes both
    """Return what each of `paths` is now, following no link."""
    files = [_state(path) for path in args["paths"]]
    return {"files": files, "existing": sum(item["kind"] not in {"absent", "unreadable"} for item in files)}


def _state(path: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"path": path, "device": "", "inode": "", "mode": "", "uid": -1, "bytes": 0}
    try:
        with parent(path) as (fd, name):
            status = looked_at(fd, name)
    except ChangedError:
        return empty | {"kind": "absent"}
    except (MidwatchError, OSError):
        return empty | {"kind": "unreadable"}
    if status is None:
        return empty | {"kind": "absent"}
    device, inode = identity(status)
    return empty | {
        "kind": _kind(status.st_mode),
        "device": device,
        "inode": inode,
        "mode": mode_text(status),
        "uid": status.st_uid,
        "bytes": status.st_size,
    }


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "symlink" if stat.S_ISLNK(mode) else "other"


def quarantined(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return every place that this Midwatch made and that still holds something."""
    wanted = args.get("older_than_ms")
    places: list[dict[str, Any]] = []
    for _, record in all_records(context.state):
        if wanted is not None and record.get("begun_ms", 0) > wanted:
            continue
        entries = record.get("begun", {}).get("entries", ())
        for place in sorted({move_of(entry).place for entry in entries}):
            lying = [entry for entry in entries if move_of(entry).place == place]
            if _is_ours(place, record["key"]):
                places.append(_place(place, record, lying))
    return {
        "places": places,
        "count": len(places),
        "bytes": sum(place["bytes"] for place in places),
    }


def _place(place: str, record: Mapping[str, Any], entries: list[dict[str, Any]]) -> dict[str, Any]:
    lying = [entry for entry in entries if is_there(move_of(entry))]
    with folder(place) as fd:
        names = names_in(fd) - OWN_NAMES
    newcomers = names - {entry["to"].rpartition("/")[2] for entry in lying}
    return {
        "place": place,
        "key": record["key"],
        "run": record["key"].partition("/")[0],
        "since_ms": record["begun_ms"],
        "reason": record["begun"]["reason"],
        "entries": lying,
        "newcomers": len(newcomers),
        "bytes": sum(entry["bytes"] for entry in lying),
    }


def _is_ours(place: str, key: str) -> bool:
    try:
        with folder(place) as fd:
            return is_marked(fd, key)
    except (MidwatchError, OSError):
        return False
