"""Documents, for the command line: on the disk and in git, with what they include."""

from pathlib import Path

from midwatch.adapters.config import Config
from midwatch.adapters.documents import GitLibrary, git_file, replace_file
from midwatch.adapters.runbooks import FolderLibrary
from midwatch.runbook.source import Library
from midwatch.wiring.force import shipped_folder

__all__ = ["git_file", "library_beside", "library_in_git", "replace_file"]


def library_beside(config: Config, path: Path) -> Library:
    """Return the files around a document on the disk, and the runbooks that are known by name."""
    return FolderLibrary(folder=path.parent, known=(*config.runbooks, shipped_folder("runbooks")))


def library_in_git(revision: str, path: str) -> Library:
    """Return the files around a document as a revision of git has them, seen from the current folder."""
    folder, slash, _ = path.rpartition("/")
    return GitLibrary(revision=revision, prefix=folder + slash, folder=Path.cwd())
