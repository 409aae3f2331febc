"""What jq and HTTP can't do: MW530 to MW536."""

from midwatch.base.errors import MidwatchError


class JqMissingError(MidwatchError):
    """This installation has no jq."""

    code = "MW530"
    fix = "Install it: `pip install 'midwatch[jq]'`."


class JqProgramError(MidwatchError):
    """A text is no jq program."""

    code = "MW531"
    fix = "Correct the task's command fence; `jq -n PROGRAM` says the same by hand."


class JqFailedError(MidwatchError):
    """A jq program raised an error; the sentence is the error, as problem details where it is an object."""

    code = "MW532"
    fix = "Look at the values that the task binds. An error that was raised on purpose says so itself."


class JqLimitError(MidwatchError):
    """A jq program took more time, memory or output than it may."""

    code = "MW533"
    fix = "Let it do less, or raise `timeout_ms` or `output_bytes_max` in a manifest of your own."


class HttpRefusedError(MidwatchError):
    """A request was not sent: its address, method or a header is not allowed."""

    code = "MW534"
    fix = "Allow the origin in a manifest of your own: `[origins]`; see docs/reference/manifests.md."


class HttpUnreachableError(MidwatchError):
    """Nothing was sent: the server can't be reached."""

    code = "MW535"
    fix = "Nothing was changed. Check name, port, certificate and network of {origin}."
    retryable = True


class HttpAnswerError(MidwatchError):
    """The server's answer to a reading can't be read, or is not one that was wanted."""

    code = "MW536"
    fix = "Ask the server by hand; a reading changes nothing, so it may be tried again."
    retryable = True
