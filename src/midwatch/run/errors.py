"""What can go wrong with a task once it runs; the codes stand in `task.failed` events."""

from midwatch.base.errors import MidwatchError


class NotVerifiedError(MidwatchError):
    """The effect took place, but reading back did not show what it should."""

    code = "MW607"
    fix = "Look at the reading with `midwatch why {run}`; take it back with `midwatch undo {run}`."


class OutputError(MidwatchError):
    """A tool's output is not what its schema declares."""

    code = "MW608"
    fix = "Correct `out:` in the runbook or in the tool's manifest, or the tool."


class ArgumentError(MidwatchError):
    """The arguments of a call are not what the tool's schema allows; nothing was sent."""

    code = "MW609"
    fix = "Compare the task's `args:` with the tool's manifest."


class DeniedError(MidwatchError):
    """A Guardian said no."""

    code = "MW451"
    fix = "The answer stands for this run. `midwatch why {run}` shows who denied it and why."


class NobodyAnsweredError(MidwatchError):
    """The question expired before anybody entitled answered it."""

    code = "MW452"
    fix = "Start the run again when somebody can answer, or lengthen the ladder in the runbook."


class ForbiddenError(MidwatchError):
    """The policy in force forbids the action."""

    code = "MW351"
    fix = "`midwatch why {run}` names the rule; change the policy or the runbook, not the record."


class NotNowError(MidwatchError):
    """The action may not happen now: frozen, out of budget, or its resource is taken."""

    code = "MW352"
    fix = "It is tried again by itself; `midwatch show {run}` says when."
    retryable = True


class PreconditionError(MidwatchError):
    """What the action relies on no longer holds."""

    code = "MW610"
    fix = "Nothing was changed. Start the run again to look anew."


class OtherActionError(MidwatchError):
    """What would be sent is no longer what was sealed: the tool's manifest changed since."""

    code = "MW616"
    fix = (
        "Nothing more is sent. Start the run again, so that the action is sealed anew; "
        "an undo is sealed anew by `midwatch undo {run}`."
    )


class RunUnknownError(MidwatchError):
    """No run or question has that id, or several have."""

    code = "MW611"
    fix = "`midwatch runs` lists the ids; a prefix will do where it is the only one."


class UndoImpossibleError(MidwatchError):
    """Nothing of this run can be taken back."""

    code = "MW612"
    fix = "`midwatch show {run}` says what happened, and what was purged or undone already."


class CallLateError(MidwatchError):
    """The time of a dispatched call was over before it was sent, so it was not sent."""

    code = "MW522"
    fix = "Nothing was done. Start the run again when the host is less busy."
    retryable = True


class PersonDeniesError(MidwatchError):
    """A person said that a call in doubt did not happen."""

    code = "MW523"
    fix = "Nothing is repeated by itself. Start the run again, or do the step by hand."


class DoubtEarlyError(MidwatchError):
    """What is in doubt may still happen, so nobody can say yet what became of it."""

    code = "MW617"
    fix = "Look whether it took place from {after} on; then say so with `midwatch settle {key}`."


class TaskTimeoutError(MidwatchError):
    """The task took longer than its `timeout`."""

    code = "MW620"
    fix = "Give it more time with `timeout:`, or find out what held it up: `midwatch why {run}`."
    retryable = True


class WaitTimeoutError(MidwatchError):
    """What was waited for did not come in time."""

    code = "MW621"
    fix = "Lengthen `within:`, or say with `on_timeout:` what follows."


class HandTimeoutError(MidwatchError):
    """Nobody on the ladder did it in time."""

    code = "MW622"
    fix = "Start the run again when somebody can do it, or lengthen the ladder in the runbook."


class HandFailedError(MidwatchError):
    """A person said that it could not be done."""

    code = "MW623"
    fix = "`midwatch why {run}` shows who said so and why."
    retryable = True


class TooManyItemsError(MidwatchError):
    """There are more items than the task may run for, so it ran for none."""

    code = "MW624"
    fix = "Raise `max:` (at most 1000), or narrow the list of `foreach:`."


class NotAListError(MidwatchError):
    """What `foreach:` names is no list."""

    code = "MW625"
    fix = "Correct the expression: it has to give a list."


class RoundsOverError(MidwatchError):
    """After the last round that is allowed, `until:` did not hold."""

    code = "MW626"
    fix = "Raise `max:` or `every:`, or say with `on_fail:` what follows."


class ItemFailedError(MidwatchError):
    """The task failed for one of its items, so it failed."""

    code = "MW627"
    fix = "See which with `midwatch show {run}`; `on_item_fail: continue` goes on with the others."


class MomentError(MidwatchError):
    """What a wait waits for is no moment."""

    code = "MW628"
    fix = "`at:` has to give a text such as `2026-11-27T03:00:00Z`."


class ChildEndedError(MidwatchError):
    """The run that was called did not end as the task accepts."""

    code = "MW629"
    fix = "See it with `midwatch show {child}`; `accept:` names the outcomes that count as success."
    retryable = True


class CallDepthError(MidwatchError):
    """Runs called each other too deeply, so no further one was started."""

    code = "MW630"
    fix = "Take a runbook out of the chain: at most 5 may call each other."
