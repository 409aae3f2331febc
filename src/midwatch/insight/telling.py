"""Collects the sentences of one explanation: nothing is told twice."""

from typing import Any

from midwatch.insight.explanation import Sentence
from midwatch.insight.history import History, thawed
from midwatch.insight.words import tell
from midwatch.journal.events import Event
from midwatch.plan.model import Plan, PlanTask


class Telling:
    """What is told from, and what was told so far."""

    __slots__ = ("_begun", "_sentences", "_texts", "history", "plan")

    def __init__(self, plan: Plan, history: History) -> None:
        self.plan = plan
        self.history = history
        self._sentences: list[Sentence] = []
        self._texts: set[tuple[str, str]] = set()
        self._begun: set[str] = set()

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        """What was told so far."""
        return tuple(self._sentences)

    def say(self, depth: int, event: Event | None, template: str, /, **values: Any) -> None:
        """Add a sentence (see `words.tell`) unless it was told already."""
        sentence = sentence_of(depth, event, template, **values)
        if (sentence.ref, sentence.text) not in self._texts:
            self._texts.add((sentence.ref, sentence.text))
            self._sentences.append(sentence)

    def begin(self, what: str) -> bool:
        """Return whether nobody began to tell of this yet; from now on somebody did."""
        is_first = what not in self._begun
        self._begun.add(what)
        return is_first

    def has_begun(self, what: str) -> bool:
        """Return whether somebody began to tell of this."""
        return what in self._begun

    def task(self, name: str) -> PlanTask | None:
        """Return the task of that name."""
        return next((task for task in self.plan.tasks if task.name == name), None)


def sentence_of(depth: int, event: Event | None, template: str, /, **values: Any) -> Sentence:
    """Return a sentence about a fact; its evidence is the values in it, with their numbers back."""
    plain = {name: _plain(thawed(value)) for name, value in values.items()}
    return Sentence(
        text=tell(template, **plain),
        depth=depth,
        at_ms=None if event is None else event.envelope.at_ms,
        ref="" if event is None else event.ref,
        type="" if event is None else event.envelope.type,
        values=plain,
    )


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return str(value)
