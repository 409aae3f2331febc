"""Documents, for the command line: on the disk, in git, and the templates that ship with Midwatch."""

from midwatch.adapters.documents import git_file, replace_file

__all__ = ["git_file", "replace_file"]
