"""Why an answer doesn't count, and what can be wrong with the people in `people.toml`."""

from midwatch.base.errors import MidwatchError


class QuestionClosedError(MidwatchError):
    """The question has its outcome already, so another answer changes nothing."""

    code = "MW401"
    fix = "See what became of it with `midwatch show {approval}`."


class AnswerLateError(MidwatchError):
    """The answer came after the question expired; expired is never recorded as denied."""

    code = "MW402"
    fix = "See `midwatch show {approval}`; start the runbook again if it is still wanted."


class OtherBundleError(MidwatchError):
    """The card that was answered shows another plan than the one that is asked about now."""

    code = "MW403"
    fix = "Read the card again with `midwatch show {approval}`, then answer that one."


class UnknownPersonError(MidwatchError):
    """The operating-system user is nobody in `people.toml`, so nobody knows who answers."""

    code = "MW404"
    fix = "Add {os_user!r} to the `os_users` of a person in people.toml, or answer as somebody who is in it."


class AgentAnswersError(MidwatchError):
    """An agent or a part of the system tried to answer; only people do."""

    code = "MW405"
    fix = "Let a person on the ladder answer: `midwatch show {approval}` names them."


class NotOnLadderError(MidwatchError):
    """The question is not put to this person, nor was it on an earlier rung."""

    code = "MW406"
    fix = "`midwatch show {approval}` names who holds the question; they answer, or people.toml is changed."


class RequesterAnswersError(MidwatchError):
    """In profile team the one who asked for the run doesn't answer for it."""

    code = "MW407"
    fix = "Ask somebody else on the ladder: `midwatch show {approval}` names them."


class AuthorAnswersError(MidwatchError):
    """In profile team who wrote the runbook doesn't answer for it."""

    code = "MW408"
    fix = "Ask somebody else on the ladder: `midwatch show {approval}` names them."


class SecondPersonNeededError(MidwatchError):
    """What can't be undone needs the yes of somebody other than the one who asked for the run."""

    code = "MW409"
    fix = "Ask a second person on the ladder, or refuse it with `midwatch deny {approval} -m WHY`."


class NotEntitledError(MidwatchError):
    """A rule of the policy refuses this answer from this person."""

    code = "MW410"
    fix = "See the rule {rule} in the policy, and `midwatch show {approval}` for who may answer."


class AnsweredBeforeError(MidwatchError):
    """This person answered the question already, and differently."""

    code = "MW411"
    fix = "See `midwatch show {approval}`; what was done can be taken back with `midwatch undo`."


class RunOverError(MidwatchError):
    """The run ended, so there is nothing left to decide."""

    code = "MW412"
    fix = "See how it ended with `midwatch show {approval}`."


class PeopleInvalidError(MidwatchError):
    """The people, teams or rotations of `people.toml` are not as they must be."""

    code = "MW413"
    fix = "Correct {key} in {file}; `midwatch init` writes a working example into an empty folder."


class UnknownGroupError(MidwatchError):
    """A ladder names a person, team, rotation or manager that `people.toml` doesn't know."""

    code = "MW414"
    fix = "Add {ask} to people.toml, or correct the name in the runbook."


class UnknownAnswerError(MidwatchError):
    """An answer is neither `approve` nor `deny`."""

    code = "MW415"
    fix = "Answer with `midwatch approve {approval}` or `midwatch deny {approval} -m WHY`."


class PersonAmbiguousError(MidwatchError):
    """Two people claim the same operating-system user, so nobody knows who answers."""

    code = "MW416"
    fix = "Leave {os_user!r} in the `os_users` of one person of {file} only."
