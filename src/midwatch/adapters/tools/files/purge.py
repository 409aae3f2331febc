"""Delete quarantines for good: places that this Midwatch made and recorded, never anything else.

Everything is removed relative to open folders, so that no link leads out; a place with a mount below
it is left alone. What can't be deleted is said, not hidden.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.errors import ChangedError, NotQuarantineError
from midwatch.adapters.tools.files.moves import move_of
from midwatch.adapters.tools.files.paths import folder, mounts_below, parent, sync_folder
from midwatch.adapters.tools.files.places import OWN_NAMES, drop_place, is_marked, names_in
from midwatch.adapters.tools.files.records import all_records, record_of, write_record
from midwatch.adapters.tools.walk import allocated_bytes
from midwatch.base.errors import MidwatchError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WHY_MAX = 20


def purge(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Delete each of `places` and return what went and what is left.

    Raises:
        NotQuarantineError: MW516; nothing was deleted.
    """
    with record_of(context, args) as record:
        if record.out is not None:
            return record.out
        known = _known(context)
        for place in args["places"]:
            _check(place, known)
        context.before_acting()
        if record.begun is None:
            record.begin({"places": args["places"]})
        _mark(args["places"], known)
        purged, left = [], []
        for place in args["places"]:
            size_bytes, whys = _delete(place)
            purged.append({"place": place, "bytes": size_bytes})
            left += [{"place": place, "why": why} for why in whys[:_WHY_MAX]]
        out = {
            "purged": purged,
            "left": left,
            "bytes": sum(item["bytes"] for item in purged),
            "count": len(purged),
        }
        return record.finish(out)


def _known(context: Context) -> dict[str, tuple[Path, dict[str, Any]]]:
    return {
        move_of(entry).place: (path, record)
        for path, record in all_records(context.state)
        for entry in record.get("begun", {}).get("entries", ())
    }


def _mark(places: list[str], known: Mapping[str, tuple[Path, dict[str, Any]]]) -> None:
    """Record, before anything is deleted, that these places can't be restored any more."""
    for place in places:
        path, data = known[place]
        data["purged"] = sorted({*data.get("purged", ()), place})
        write_record(path, data)


def _check(place: str, known: Mapping[str, tuple[Path, dict[str, Any]]]) -> None:
    """Return if a place may be deleted, or is gone already."""
    if place not in known:
        raise NotQuarantineError(f"{place} is no quarantine of this Midwatch", path=place)
    try:
        with folder(place) as fd:
            if not is_marked(fd, known[place][1]["key"]) and names_in(fd):
                raise NotQuarantineError(f"{place} is not the folder that Midwatch made", path=place)
    except ChangedError:
        return
    mounts = mounts_below(place)
    if mounts:
        raise NotQuarantineError(f"a file system is mounted at {mounts[0]}, so {place} is left", path=place)


def _delete(place: str) -> tuple[int, list[str]]:
    """Delete what lies in a place, its marker last; return the bytes that came back and what is left."""
    whys: list[str] = []
    try:
        with parent(place) as (above, name):
            fd = os.open(name, _FOLDER, dir_fd=above)
    except (ChangedError, FileNotFoundError):
        return 0, []
    except (MidwatchError, OSError) as error:
        return 0, [str(error)]
    try:
        names = names_in(fd) - OWN_NAMES
        size_bytes = sum(_remove(fd, entry, os.fstat(fd).st_dev, whys) for entry in names)
        sync_folder(fd)
    finally:
        os.close(fd)
    drop_place(place)
    return size_bytes, whys


def _remove(above: int, name: str, device: int, whys: list[str]) -> int:
    """Remove one entry and all below it; return the bytes that came back."""
    try:
        status = os.stat(name, dir_fd=above, follow_symlinks=False)
        if status.st_dev != device:
            whys.append(f"{name} lies on another file system")
            return 0
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(name, dir_fd=above)
            return allocated_bytes(status) if status.st_nlink == 1 else 0
        size_bytes = _empty(above, name, device, whys)
        os.rmdir(name, dir_fd=above)
        return size_bytes + allocated_bytes(status)
    except FileNotFoundError:
        return 0
    except (OSError, RecursionError) as error:
        whys.append(f"{name}: {getattr(error, 'strerror', None) or 'too deep'}")
        return 0


def _empty(above: int, name: str, device: int, whys: list[str]) -> int:
    """Remove what lies in a folder; caches are often folders that even their owner may not write."""
    try:
        fd = os.open(name, _FOLDER, dir_fd=above)
    except PermissionError:
        # Root never comes here; for an owner, a link swapped in meanwhile leads only to his own files.
        os.chmod(name, stat.S_IRWXU, dir_fd=above)
        fd = os.open(name, _FOLDER, dir_fd=above)
    try:
        if os.fstat(fd).st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.fchmod(fd, stat.S_IRWXU)
        return sum(_remove(fd, entry, device, whys) for entry in names_in(fd))
    finally:
        os.close(fd)
