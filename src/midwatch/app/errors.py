"""What use cases refuse."""

from midwatch.base.errors import MidwatchError


class PlanMissingError(MidwatchError):
    """A run's plan is not in the database."""

    code = "MW613"
    fix = "Restore the database from a backup: `midwatch audit verify` says what else is missing."


class InputsError(MidwatchError):
    """The inputs are not what the runbook declares."""

    code = "MW614"
    fix = "`midwatch lint` prints the inputs that the runbook takes."


class WatchTakenError(MidwatchError):
    """Another process is standing this watch right now."""

    code = "MW615"
    fix = "Let it finish, or see it with `midwatch show {run}`."


class SignalUnknownError(MidwatchError):
    """Nothing in the run's plan waits for a signal of that name."""

    code = "MW632"
    fix = "Use one of the names; `midwatch show {run}` shows what waits."


class SignalMisfitError(MidwatchError):
    """The data of a signal is not what the wait for it takes."""

    code = "MW633"
    fix = "Correct `--data`: the runbook's `out:` of the wait says what it takes."


class SignalLateError(MidwatchError):
    """The run takes no more signals."""

    code = "MW634"
    fix = "See it with `midwatch show {run}`."


class HandClosedError(MidwatchError):
    """Nobody has to do this any more: it was handed in, given up, or is not needed."""

    code = "MW635"
    fix = "Nothing to do. See what became of it with `midwatch show {hand}`."


class HandNotYoursError(MidwatchError):
    """Only who holds or held something may hand it in."""

    code = "MW636"
    fix = "`midwatch status` says who holds it; ask one of them, or wait until it comes to you."


class HandMisfitError(MidwatchError):
    """What is handed in is not what the task's schema wants."""

    code = "MW637"
    fix = "`midwatch show {hand}` says what is wanted; nothing was recorded as done."
