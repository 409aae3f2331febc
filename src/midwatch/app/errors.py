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
