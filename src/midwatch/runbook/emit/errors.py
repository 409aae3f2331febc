"""What can't be written."""

from midwatch.base.errors import MidwatchError


class UnwritableError(MidwatchError):
    """A value can't be written into a document so that it is read back as it was."""

    code = "MW198"
    fix = "Change the value, or leave it out; nothing was written."
