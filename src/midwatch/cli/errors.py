"""What the command line itself refuses, and its exit codes."""

from midwatch.base.errors import MidwatchError

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_FINDINGS = 3
EXIT_NOT_WHOLE = 4
EXIT_FAILED = 5
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

EXIT_CODES = {
    EXIT_OK: "done, or parked until somebody answers",
    EXIT_ERROR: "an error; its code and its fix are printed",
    EXIT_USAGE: "the command line was not understood",
    EXIT_FINDINGS: "`lint` found errors, `test` differences, `fmt --check` a file to format, `diff` more",
    EXIT_NOT_WHOLE: "`audit verify`: the journal is not whole",
    EXIT_FAILED: "the run failed, or what it did does not hold",
    EXIT_INTERRUPTED: "interrupted; the run goes on at the next `midwatch start`",
}


class UnexpectedError(MidwatchError):
    """Something happened that Midwatch has no words for: a defect in it."""

    code = "MW999"
    fix = "Nothing recorded is lost. Report it with the trace in {path}; look through it first."


class UsageError(MidwatchError):
    """The command line was not understood."""

    code = "MW941"
    fix = "See `{command} --help`."


class AmbiguousError(MidwatchError):
    """The beginning of an id fits several."""

    code = "MW942"
    fix = "Give more of it: {several}."


class NothingYetError(MidwatchError):
    """No watch was ever stood with this state folder."""

    code = "MW943"
    fix = "Begin with `midwatch start`."


class RunbookUnknownError(MidwatchError):
    """No runbook has that name."""

    code = "MW944"
    fix = "Give the path of a file, or one of: {known}."


class CodeUnknownError(MidwatchError):
    """No error has that code."""

    code = "MW945"
    fix = "{hint}The whole list is in docs/errors.md."


class FileInTheWayError(MidwatchError):
    """A file that was to be written, or read, can't be."""

    code = "MW946"
    fix = "Name another one, or mend this one: {path}."


class NotConfirmedError(MidwatchError):
    """What can't be undone was not confirmed."""

    code = "MW947"
    fix = "Look at the list, then run `{command} --yes`."


class NotAnObjectError(MidwatchError):
    """What was given is no JSON object, or a value of it has no name."""

    code = "MW948"
    fix = 'Give it as `--out name=value`, or as JSON such as `{{"name": 1}}`.'
