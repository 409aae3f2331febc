"""Whether anything of a worker is still there: a lock on a file of its own, which its children inherit.

A killed worker takes its children with it, but not in the same moment: one that is stuck in a write, or
stopped, may still act. The lock is gone once the last of them is.
"""

import fcntl
import os
from pathlib import Path


def hold(path: Path) -> int:
    """Return a descriptor that shows, as long as any process has it, that the file's worker is not over."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd


def is_held(path: Path) -> bool:
    """Return whether the worker of the file, or a child of it, lives; the file goes with the last of them."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(fd)
