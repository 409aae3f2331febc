"""Why something is as it is: the walk from an effect back to the evidence, in plain sentences.

Rule 1: every value in a sentence is one of the journal's, or of the plan's that the run is bound to.
Rule 2: what was erased is said to be erased; nothing is put in its place.
Rule 3: any prefix of a run's events can be told; what is not known yet is not guessed.
"""

from collections.abc import Sequence

from midwatch.insight.causes.approval import tell_approval
from midwatch.insight.causes.effect import task_of, tell_effect
from midwatch.insight.causes.ran import tell_ran
from midwatch.insight.causes.reading import tell_call, tell_reading
from midwatch.insight.causes.run import tell_run
from midwatch.insight.causes.task import tell_task
from midwatch.insight.explanation import Explanation
from midwatch.insight.history import every, history_of, last
from midwatch.insight.telling import Telling
from midwatch.journal.events import Event
from midwatch.journal.run_events import ApprovalAsked, EffectRead
from midwatch.plan.model import Plan


def why(plan: Plan, events: Sequence[Event], subject: str) -> Explanation:
    """Return what led to a run, an effect, a task, a question or a reading; never raises.

    Args:
        plan: the one that the run is bound to.
        events: of one run, from its first on, in order; as many as there are.
        subject: a run's id, an effect's key, a task's name, a question's id or a reading's key.
    """
    telling = Telling(plan, history_of(events))
    kind = _kind(telling, subject)
    match kind:
        case "run":
            tell_run(telling, 0)
        case "effect":
            tell_effect(telling, subject, 0)
        case "approval":
            _tell_question(telling, subject)
        case "reading":
            _tell_reading(telling, subject)
        case "task":
            tell_task(telling, subject, 0)
        case _:
            run = telling.history.run
            words = "The journal of the run {run} says" if run else "The journal says"
            telling.say(0, None, words + " nothing of {subject:code}.", run=run, subject=subject)
    _tell_erased(telling)
    return Explanation(subject=subject, kind=kind, sentences=telling.sentences)


def _kind(telling: Telling, subject: str) -> str:
    history = telling.history
    if subject and subject == history.run:
        return "run"
    if subject in history.effects:
        return "effect"
    if subject in history.approvals:
        return "approval"
    if subject in history.readings:
        return "reading"
    if subject in history.tasks or telling.task(subject) is not None:
        return "task"
    return ""


def _tell_question(telling: Telling, approval: str) -> None:
    """Tell a question, then the effects that it was about, and through them why it was asked."""
    tell_approval(telling, approval, 0)
    asked = last(telling.history.approvals[approval], ApprovalAsked)
    if asked is None:
        return
    for key in asked[1].keys:
        tell_effect(telling, key, 2)
    tell_ran(telling, asked[1].task, 3)


def _tell_reading(telling: Telling, key: str) -> None:
    event, read = every(telling.history.readings[key], EffectRead)[-1]
    tell_call(telling, event, read, 0)
    tell_reading(telling, task_of(key), 0)
    tell_ran(telling, task_of(key), 1)


def _tell_erased(telling: Telling) -> None:
    """Tell which facts can't be told, by their types."""
    by_type: dict[str, list[Event]] = {}
    for event in telling.history.erased:
        by_type.setdefault(event.envelope.type, []).append(event)
    for kind, erased in by_type.items():
        telling.say(
            0,
            erased[0],
            "What {type:code} said can't be told any more: its payload was erased ({refs:and}).",
            type=kind,
            refs=[event.ref for event in erased],
        )
