"""Caches that tools rebuild by themselves, and what they take up. By hand: `du -xsh ~/.cache/pip …`.

A cache is listed only when all of this holds: its path is well known, or it says what it is by a
CACHEDIR.TAG; it is a folder of this user, no link, without a mount below; nothing has it open; nothing
in it changed for a while; and it can be renamed (its parent is writable; not a layer of an image).
"""

import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.files.places import sibling_name
from midwatch.adapters.tools.readings.open_files import open_paths
from midwatch.adapters.tools.readings.roots import homes, looks_everywhere
from midwatch.adapters.tools.walk import Bounds, bounds, find, is_folder, is_text, size_of

_SECONDS_MAX = 3.5
_ENTRIES_MAX = 600_000
_FOUND_MAX = 200
_PROJECT_DEPTH_MAX = 4
_MEGABYTE = 1_000_000
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"

_DOWNLOADS = "the next install downloads again"
_BUILDS = "the next build takes longer once"
IN_HOME: tuple[tuple[str, str, str], ...] = (
    (".cache/pip", "pip", _DOWNLOADS),
    (".cache/uv", "uv", _DOWNLOADS),
    (".cache/pypoetry/cache", "poetry", _DOWNLOADS),
    (".cache/pypoetry/artifacts", "poetry", _DOWNLOADS),
    (".cache/yarn", "yarn", _DOWNLOADS),
    (".cache/composer", "composer", _DOWNLOADS),
    (".cache/go-build", "go", _BUILDS),
    (".cache/thumbnails", "the desktop", "previews are drawn again"),
    (".npm/_cacache", "npm", _DOWNLOADS),
    (".cargo/registry/cache", "cargo", _DOWNLOADS),
    (".gradle/caches", "gradle", _DOWNLOADS),
    ("Library/Caches/Homebrew", "homebrew", _DOWNLOADS),
    ("Library/Caches/go-build", "go", _BUILDS),
    ("Library/Caches/pip", "pip", _DOWNLOADS),
)
IN_PROJECTS = {
    ".mypy_cache": ("mypy", "the next check takes longer once"),
    ".pytest_cache": ("pytest", "`--last-failed` forgets once"),
    ".ruff_cache": ("ruff", "the next check takes longer once"),
}
OF_SYSTEM: tuple[tuple[str, str, str], ...] = (
    ("/var/cache/apt/archives", "apt", _DOWNLOADS),
    ("/var/cache/dnf", "dnf", _DOWNLOADS),
)
_NOT_ENTERED = frozenset(
    {".git", "node_modules", "site-packages", "dist-packages", "Library", "snap", "proc", "sys"}
)


class Candidate(NamedTuple):
    """A folder that may be a cache."""

    path: str
    owner: str
    rebuilding: str


def caches(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return the caches worth a look, biggest first, and why others were left out."""
    limit = bounds(min(_SECONDS_MAX, context.left_s * 0.6), _ENTRIES_MAX)
    smallest = args.get("smallest_mb", 10) * _MEGABYTE
    idle_s = args.get("idle_minutes", 30) * 60.0
    opened = open_paths()
    made_s = _image_made_s()
    left_out = dict.fromkeys(("small", "in_use", "foreign", "in_image"), 0)
    found: list[dict[str, Any]] = []
    for candidate in _candidates(args, limit):
        reason, entry = _judged(candidate, limit, opened, made_s)
        if entry is not None and time.time() - entry.pop("newest_s") < idle_s:
            reason, entry = "in_use", None
        if entry is not None and entry["bytes"] < smallest:
            reason, entry = "small", None
        if entry is not None:
            found.append(entry)
        elif reason:
            left_out[reason] += 1
    found.sort(key=lambda entry: (-entry["bytes"], entry["path"]))
    total = sum(entry["bytes"] for entry in found[:_FOUND_MAX])
    return {
        "available": True,
        "entries": found[:_FOUND_MAX],
        "count": len(found[:_FOUND_MAX]),
        "bytes": total,
        "worth_mb": total // _MEGABYTE,
        "left_out": left_out,
        "cut": limit.is_cut or len(found) > _FOUND_MAX,
        "unreadable": limit.unreadable,
    }


def _candidates(args: Mapping[str, Any], limit: Bounds) -> Iterator[Candidate]:
    for root in homes(args):
        for relative, owner, rebuilding in IN_HOME:
            yield Candidate(f"{root}/{relative}", owner, rebuilding)
    if looks_everywhere(args) and os.geteuid() == 0:
        for path, owner, rebuilding in OF_SYSTEM:
            yield Candidate(path, owner, rebuilding)
    for root in homes(args):
        for entry in find(root, limit, depth_max=_PROJECT_DEPTH_MAX, enters=_enters):
            if entry.name in IN_PROJECTS and is_folder(entry) and _is_tagged(entry.path):
                owner, rebuilding = IN_PROJECTS[entry.name]
                yield Candidate(entry.path, owner, rebuilding)


def _enters(entry: "os.DirEntry[str]") -> bool:
    return not entry.name.startswith(".") and entry.name not in _NOT_ENTERED


def _is_tagged(path: str) -> bool:
    with suppress(OSError), Path(path, "CACHEDIR.TAG").open("rb") as file:
        return file.read(len(_TAG)) == _TAG
    return False


def _judged(
    candidate: Candidate, limit: Bounds, opened: frozenset[str], made_s: float
) -> tuple[str, dict[str, Any] | None]:
    """Return the entry of a candidate, or why it has none; an empty reason for what is not there."""
    path = candidate.path
    try:
        status = os.lstat(path)
    except OSError:
        return "", None
    if not stat.S_ISDIR(status.st_mode) or os.path.realpath(path) != path or not is_text(path):
        return "foreign", None
    above = path.rpartition("/")[0]
    if status.st_uid != os.geteuid() or not os.access(above, os.W_OK | os.X_OK) or sibling_name() in path:
        return "foreign", None
    if status.st_ctime < made_s:
        return "in_image", None
    if path in opened or any(each.startswith(path + "/") for each in opened):
        return "in_use", None
    size = size_of(path, limit)
    if size.has_mount:
        return "foreign", None
    return "", {
        "path": path,
        "device": str(status.st_dev),
        "inode": str(status.st_ino),
        "bytes": size.bytes,
        "files": size.files,
        "idle_minutes": max(0, int(time.time() - size.newest_s) // 60),
        "owner": candidate.owner,
        "rebuilding": candidate.rebuilding,
        "newest_s": size.newest_s,
    }


def _image_made_s() -> float:
    """Return when this container was made; 0 where the root is no overlay.

    Older folders lie in the image: they can't be renamed, and no space would come back.
    """
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
        if next(line.split()[2] for line in lines if line.split()[1] == "/") == "overlay":
            for path in ("/.dockerenv", "/run/.containerenv", "/proc/1"):
                if Path(path).exists():
                    return Path(path).stat().st_ctime
    return 0.0
