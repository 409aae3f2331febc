"""What can go wrong where documents come from."""

from midwatch.base.errors import MidwatchError


class GitUnreadableError(MidwatchError):
    """A version of a document can't be read from git."""

    code = "MW159"
    fix = "Name a revision and a path as git does, from inside of its folder: `git show {wanted}`."
