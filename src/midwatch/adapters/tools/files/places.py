"""Where a quarantine lies: on the mount of its source, owned by this user, closed to all others.

In Midwatch's own state folder when that is on the same mount, else beside the source: whoever may
rename the source may make a folder there.
"""

import json
import os
import stat
from contextlib import suppress

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.errors import CantRenameError, ChangedError, NoPlaceError, UnsafePathError
from midwatch.adapters.tools.files.paths import folder, looked_at, mount_of, parent, sync_folder
from midwatch.adapters.tools.files.records import name_of
from midwatch.base.errors import MidwatchError

MARKER = "MIDWATCH.json"
_MARKER_NEW = "MIDWATCH.json.new"
OWN_NAMES = frozenset({MARKER, _MARKER_NEW})
_PRIVATE = 0o700


def place_for(source: str, source_fd: int, context: Context) -> str:
    """Return the folder into which `source`, lying in an open folder, can be renamed; nothing is made yet."""
    own = str(context.state)
    if own == source or own.startswith(source + "/"):
        raise UnsafePathError(f"{source} holds Midwatch's own state", path=source)
    with suppress(MidwatchError), folder(own) as fd:
        if mount_of(fd) == mount_of(source_fd):
            return f"{own}/tools/quarantine/{name_of(context.key)}"
    above = source.rpartition("/")[0]
    return f"{above}/{sibling_name()}/{name_of(context.key)}"


def sibling_name() -> str:
    """Return the name of this user's quarantine beside a source."""
    return f".midwatch-quarantine-{os.geteuid()}"


def make_place(place: str, key: str) -> None:
    """Make a place, and the folder above it, unless they are there already; durable on return.

    Raises:
        NoPlaceError: MW512, something else has the name, or it is open to others.
    """
    base, _, name = place.rpartition("/")
    _make_private(base)
    with folder(base) as fd:
        _make_private(place)
        sync_folder(fd)
    with folder(place) as fd:
        if looked_at(fd, MARKER) is None:
            _write_marker(fd, {"key": key, "made_by": "midwatch", "name": name, "v": 1})
        sync_folder(fd)


def _make_private(path: str) -> None:
    above = path.rpartition("/")[0] or "/"
    try:
        with folder(above):
            pass
    except ChangedError:
        _make_private(above)
    try:
        with parent(path) as (fd, name):
            with suppress(FileExistsError):
                os.mkdir(name, _PRIVATE, dir_fd=fd)
                sync_folder(fd)
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
    except OSError as error:
        raise NoPlaceError(f"{path} can't be made: {error.strerror}", path=path) from error
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not is_ours or status.st_mode & 0o022:
        raise NoPlaceError(f"{path} is not a folder that only this user can write", path=path)


def _write_marker(fd: int, data: dict[str, object]) -> None:
    fresh = _MARKER_NEW
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(fresh, flags, 0o600, dir_fd=fd), "wb") as file:  # noqa: PTH123 - opened relative to a folder
        file.write(json.dumps(data, sort_keys=True).encode())
        file.flush()
        os.fsync(file.fileno())
    os.rename(fresh, MARKER, src_dir_fd=fd, dst_dir_fd=fd)


def is_marked(fd: int, key: str) -> bool:
    """Return whether an open folder is a place that was made under that key, by this user."""
    if os.fstat(fd).st_uid != os.geteuid():
        return False
    try:
        marker = os.open(MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
        with open(marker, "rb") as file:  # noqa: PTH123 - opened relative to a folder
            data = json.load(file)
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and data.get("made_by") == "midwatch" and data.get("key") == key


def drop_place(place: str) -> None:
    """Take an empty place away, and the folder above it when that is empty too; anything else stays."""
    base = place.rpartition("/")[0]
    with suppress(OSError, MidwatchError):
        with folder(place) as fd:
            names = names_in(fd)
            if not names <= OWN_NAMES:
                return
            for name in names:
                os.unlink(name, dir_fd=fd)
            sync_folder(fd)
        for path in (place, base):
            with parent(path) as (fd, name):
                os.rmdir(name, dir_fd=fd)
                sync_folder(fd)


def names_in(fd: int) -> set[str]:
    """Return the names in an open folder."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
    try:
        with os.scandir(readable) as entries:
            return {entry.name for entry in entries}
    finally:
        os.close(readable)


def refusal(error: OSError, path: str) -> MidwatchError:
    """Return what a failed rename means to a person."""
    return CantRenameError(f"{path} can't be renamed: {error.strerror}", path=path)
