"""What can be wrong with a policy or with the facts it judges."""

from midwatch.base.errors import MidwatchError


class PolicyUnreadableError(MidwatchError):
    """The policy file is not Cedar, so nothing can be judged and nothing acts."""

    code = "MW301"
    fix = "Correct {file} at the place named, or move it away and let `midwatch init` write the default one."


class PolicyInvalidError(MidwatchError):
    """A policy names a fact, a type or a value that the schema doesn't know."""

    code = "MW302"
    fix = "Correct the policy {policy} in {file}; the schema beside it lists every fact there is."


class PolicyNamelessError(MidwatchError):
    """A policy has no id, or no sentence for people, so no decision could be explained."""

    code = "MW303"
    fix = 'Put @id("forbidden.something") and @says("A sentence.") above the policy in {file}.'


class PolicySchemaError(MidwatchError):
    """The schema of the policy facts can't be read, or doesn't know the facts of this version."""

    code = "MW304"
    fix = "Move the schema beside {file} away and let `midwatch init` write the one of this version."


class PolicyIdError(MidwatchError):
    """The id of a policy is used twice, or a forbid's id doesn't say what kind of refusal it is."""

    code = "MW305"
    fix = (
        "Begin a forbid's id with `ask.`, `not_now.`, `forbidden.`, `shadow.` or `answer.`; use each id once."
    )


class FactsUnreadableError(MidwatchError):
    """A recorded decision's facts are incomplete or of another version."""

    code = "MW306"
    fix = "Run `midwatch audit verify`; a record that verifies was written by a newer version of Midwatch."
