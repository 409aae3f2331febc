"""Which files are open, as far as this user may see."""

import os
from collections.abc import Iterator
from contextlib import suppress


def open_links() -> Iterator[tuple[str, str]]:
    """Yield (link, target) for each open file, working folder and program of every visible process."""
    with suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208 - names alone, and fast
            if not name.isdigit():
                continue
            links = [f"/proc/{name}/cwd", f"/proc/{name}/exe"]
            with suppress(OSError):
                links += [f"/proc/{name}/fd/{fd}" for fd in os.listdir(f"/proc/{name}/fd")]  # noqa: PTH208
            for link in links:
                with suppress(OSError):
                    yield link, os.readlink(link)  # noqa: PTH115 - text, not a path: it may say `(deleted)`


def open_paths() -> frozenset[str]:
    """Return the paths of open files; empty where the system does not say."""
    return frozenset(target for _, target in open_links() if target.startswith("/"))
