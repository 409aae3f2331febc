"""Private keys that others can read. By hand: `find ~/.ssh /etc/ssh /etc/ssl/private -perm /077 -type f`.

In a home, a key is for its owner alone, as ssh itself demands. Below /etc, reading by a group is how
services share a key on purpose, so only others count there. Only files with too many permissions are
opened at all, and then only their first bytes.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.readings.roots import homes, looks_everywhere
from midwatch.adapters.tools.walk import Bounds, bounds, find, is_folder, is_text

_SECONDS_MAX = 2.5
_ENTRIES_MAX = 150_000
_FOUND_MAX = 200
_DEPTH_MAX = 4
_HEAD_BYTES = 8192
_SYSTEM = ("/etc/ssh", "/etc/ssl/private", "/etc/pki/tls/private", "/etc/letsencrypt/archive")
_KEY_FOLDERS = (".ssh", ".gnupg/private-keys-v1.d", ".config/sops/age", ".docker", ".kube")
NOT_ENTERED = frozenset(
    (
        "certdata",
        "dist-packages",
        "examples",
        "fixtures",
        "node_modules",
        "proc",
        "site-packages",
        "snap",
        "sys",
        "test",
        "test_data",
        "testdata",
        "tests",
        "vendor",
    )
)
"""Where keys lie that are public on purpose: fixtures of tests and of packages."""
_HEADER = re.compile(
    rb"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----|^AGE-SECRET-KEY-1|^\(\d+:private-key", re.MULTILINE
)
_GROUP_AND_OTHERS, _OTHERS = 0o077, 0o007


class _Place(NamedTuple):
    path: str
    excess: int
    """Permission bits that a key here must not have."""


def keys(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return each private key that too many can read, with the mode it should have."""
    limit = bounds(min(_SECONDS_MAX, context.left_s * 0.6), _ENTRIES_MAX)
    found: dict[tuple[int, int], dict[str, Any]] = {}
    scanned = 0
    for path, excess in _candidates(args, limit):
        try:
            status = os.lstat(path)
        except OSError:
            limit.unreadable += 1
            continue
        scanned += 1
        if stat.S_ISREG(status.st_mode) and status.st_mode & excess and is_text(path):
            try:
                is_key = _is_private_key(path)
            except OSError:
                limit.unreadable += 1
                continue
            if is_key:
                found.setdefault((status.st_dev, status.st_ino), _entry(path, status, excess))
    entries = sorted(found.values(), key=lambda entry: (not entry["reachable"], entry["path"]))[:_FOUND_MAX]
    return {
        "available": True,
        "entries": entries,
        "count": len(entries),
        "fixable": [entry for entry in entries if entry["is_own"]],
        "fixable_count": sum(entry["is_own"] for entry in entries),
        "reachable_count": sum(entry["reachable"] for entry in entries),
        "scanned": scanned,
        "cut": limit.is_cut or len(found) > _FOUND_MAX,
        "unreadable": limit.unreadable,
    }


def _candidates(args: Mapping[str, Any], limit: Bounds) -> Iterator[_Place]:
    if looks_everywhere(args):
        for folder in _SYSTEM:
            for entry in find(folder, limit, depth_max=2, enters=lambda _: True):
                yield _Place(entry.path, _OTHERS)
    for root in homes(args):
        for folder in _KEY_FOLDERS:
            for entry in find(f"{root}/{folder}", limit, depth_max=1, enters=lambda _: True):
                yield _Place(entry.path, _GROUP_AND_OTHERS)
        for entry in find(root, limit, depth_max=_DEPTH_MAX, enters=enters):
            if entry.name.endswith((".pem", ".key")) and not is_folder(entry):
                yield _Place(entry.path, _GROUP_AND_OTHERS)


def enters(entry: "os.DirEntry[str]") -> bool:
    """Return whether a search for keys and certificates goes into a folder of a home."""
    return not entry.name.startswith(".") and entry.name not in NOT_ENTERED


def _is_private_key(path: str) -> bool:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return _HEADER.search(os.read(fd, _HEAD_BYTES)) is not None
    finally:
        os.close(fd)


def _entry(path: str, status: os.stat_result, excess: int) -> dict[str, Any]:
    mode = stat.S_IMODE(status.st_mode)
    return {
        "path": path,
        "device": str(status.st_dev),
        "inode": str(status.st_ino),
        "mode": format(mode, "04o"),
        "mode_to": format(mode & ~excess, "04o"),
        "uid": status.st_uid,
        "readable_by": "others" if mode & _OTHERS else "group",
        "reachable": _is_reachable(path),
        "is_own": os.geteuid() in {0, status.st_uid},
    }


def _is_reachable(path: str) -> bool:
    """Return whether every folder above lets others through, as far as plain permissions say."""
    above = os.path.dirname(path)  # noqa: PTH120 - text, of a path that is physical already
    while above != "/":
        try:
            if not os.lstat(above).st_mode & 0o011:
                return False
        except OSError:
            return False
        above = os.path.dirname(above)  # noqa: PTH120
    return True
