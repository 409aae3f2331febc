"""Documents on the disk and in git: read, and put in the place of what was there."""

import contextlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from midwatch.ports.documents import GitUnreadableError
from midwatch.runbook.errors import IncludeError
from midwatch.runbook.source import Found

GIT_WITHIN_S = 20
_BYTES_MAX = 4_000_000


def replace_file(path: Path, data: bytes) -> None:
    """Put bytes in the place of a file's, at once: a reader sees the old ones or the new ones.

    A link stays a link, and the file's mode stays.

    Raises:
        OSError: it can't be written; then the file is as it was.
    """
    real = path.resolve()
    mode = real.stat().st_mode & 0o777 if real.exists() else None
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode is None:
            mask = os.umask(0)
            os.umask(mask)
            mode = 0o666 & ~mask
        Path(name).chmod(mode)
        Path(name).replace(real)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def git_file(revision: str, path: str, *, folder: Path) -> bytes:
    """Return a file as a revision of git has it; a path is relative to the folder, as for git itself.

    Raises:
        GitUnreadableError: MW159.
    """
    wanted = f"{revision}:{path if path.startswith('/') else './' + path.removeprefix('./')}"
    if revision.startswith("-"):
        raise GitUnreadableError(f"`{revision}` is no revision", wanted=wanted)
    command = ["git", "-C", str(folder), "cat-file", "blob", wanted]
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: PLW1510 - its code is looked at below
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=GIT_WITHIN_S, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitUnreadableError(f"git can't be asked for {wanted}: {error}", wanted=wanted) from error
    if done.returncode != 0 or len(done.stdout) > _BYTES_MAX:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["the file is too large"]
        raise GitUnreadableError(f"git has no {wanted}: {lines[-1].removeprefix('fatal: ')}", wanted=wanted)
    return done.stdout


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLibrary:
    """The files around a document as a revision of git has them."""

    revision: str
    prefix: str
    """The folder of the document, with `/` at its end, or empty."""
    folder: Path
    """From which git looks."""

    def read(self, path: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            IncludeError: MW139, that revision does not have it.
        """
        try:
            return git_file(self.revision, self.prefix + path, folder=self.folder)
        except GitUnreadableError as error:
            raise IncludeError(error.sentence, hint=error.help) from error

    def has(self, path: str) -> bool:
        """Return whether that revision has the file."""
        try:
            self.read(path)
        except IncludeError:
            return False
        return True

    def find(self, runbook: str) -> Found | None:
        """Return nothing: a revision is not searched for names."""
        del runbook
        return None
