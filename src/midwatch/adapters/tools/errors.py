"""What tools can't do, and what a person does about it: MW501 to MW519."""

from midwatch.base.errors import MidwatchError
from midwatch.ports.tools import ToolFailed


class ManifestError(MidwatchError):
    """A tool's manifest is not valid."""

    code = "MW501"
    fix = "Correct {place} (the keys are in docs/reference/manifests.md), then run `midwatch doctor`."


class ManifestTwiceError(MidwatchError):
    """Two manifests declare the same tool."""

    code = "MW502"
    fix = "Rename or delete one of {first} and {second}; a shipped tool can't be replaced."


class NoSuchToolError(MidwatchError):
    """The tool is not declared, or nothing on this host carries it out."""

    code = "MW503"
    fix = "Declare it in tools/*.toml with `runs = …`, or take it out of the runbook."


class ArgumentsError(MidwatchError):
    """The arguments do not fit the tool's schema, so it was not called."""

    code = "MW504"
    fix = "Compare the task's `args` with `[arguments]` in the manifest of {tool}."


class TooLateError(MidwatchError):
    """The time for the call was over before it began, so it did nothing."""

    code = "MW505"
    fix = "Nothing was done. Try again when the host is less busy, or raise the task's `timeout`."
    retryable = True


class OutputTooBigError(MidwatchError):
    """A tool said more than its manifest lets it say."""

    code = "MW506"
    fix = "Ask for less, or raise `output_bytes_max` in the manifest of {tool}."


class OutputInvalidError(MidwatchError):
    """A tool's output is not what its manifest declares."""

    code = "MW507"
    fix = "This is a defect of the tool {tool}: report it with the sentence above."


class ChangedError(MidwatchError):
    """A file is not the one that was looked at: it changed or went away meanwhile."""

    code = "MW508"
    fix = "Nothing was changed. Start the run again, so that it looks at {path} anew."


class UnsafePathError(MidwatchError):
    """A path leads through a symbolic link, or is not absolute and plain."""

    code = "MW509"
    fix = "Nothing was changed. Give the physical path (`realpath {path}`)."


class ProgramNotAllowedError(MidwatchError):
    """The program or a value for its environment is not allowed by the manifest."""

    code = "MW510"
    fix = 'Add it to `programs` in a manifest of your own that `runs = "command"`, with the effect it has.'


class ProgramNotFoundError(MidwatchError):
    """The program is allowed, but this host does not have it."""

    code = "MW511"
    fix = "Install {program}, or use another tool in this task."


class NoPlaceError(MidwatchError):
    """There is no safe folder for a quarantine on the same file system."""

    code = "MW512"
    fix = "Nothing was changed. Look at {path}: it must be a folder of your own with mode 0700, or not exist."


class KeyReusedError(MidwatchError):
    """A key was used again with other arguments."""

    code = "MW513"
    fix = "This is a defect of Midwatch or an edited database: run `midwatch audit verify`, and report it."


class ReadingError(MidwatchError):
    """A reading could not be taken."""

    code = "MW514"
    fix = (
        "Nothing was changed. Run the command that the task's text names, by hand, and look at what it says."
    )
    retryable = True


class ChildStartError(MidwatchError):
    """The process that carries tools out did not start, so nothing was done."""

    code = "MW515"
    fix = "Run `midwatch doctor`; free memory or process slots when they are short."
    retryable = True


class NotQuarantineError(MidwatchError):
    """A place is not a quarantine that this Midwatch made, so it was left alone."""

    code = "MW516"
    fix = "Nothing was changed. `midwatch purge` lists the places that can be purged."


class NotPermittedError(MidwatchError):
    """The operating system does not let this user do that."""

    code = "MW517"
    fix = "Nothing was changed. Run Midwatch as the owner of {path}, or leave it out."


class CantRenameError(MidwatchError):
    """The file system can't rename that, e.g. a folder in a lower layer of a container's image."""

    code = "MW518"
    fix = "Nothing was changed. Leave {path} out, or clean it up where the image is built."


class RecordError(MidwatchError):
    """The record of what a tool did can't be written or read, so it does nothing."""

    code = "MW519"
    fix = "Nothing was changed. Check room and permissions of {path}."


OF_THIS_CALL_ONLY = frozenset({"MW503", "MW504", "MW505", "MW513", "MW515", "MW519", "MW522"})
"""Refusals that come before a tool looks at what an earlier call under the key did."""


def failed(code: str, why: str, *, retryable: bool) -> ToolFailed:
    """Return a failure as the driver takes it."""
    return ToolFailed(code=code, why=why, retryable=retryable, settles=code not in OF_THIS_CALL_ONLY)
