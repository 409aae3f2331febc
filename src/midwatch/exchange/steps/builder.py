"""Tasks for people out of steps of other systems, each with the original before them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from midwatch.exchange.draft import Draft, DraftTask, snippet
from midwatch.exchange.errors import ForeignTooBigError
from midwatch.exchange.imported import Wish
from midwatch.exchange.naming import Names, document_id
from midwatch.exchange.report import Accounts
from midwatch.exchange.steps.ways import Choice, TooManyWaysError, Way, conditions_of, keys_of
from midwatch.exchange.tree import Node
from midwatch.runbook.model import TASKS_MAX

NEXT = "next"


class Steps:
    """A document on its way to a runbook of steps."""

    def __init__(self, *, root: Node, wish: Wish) -> None:
        """Begin with no tasks."""
        self.root = root
        self.wish = wish
        self.accounts = Accounts(root)
        self.names = Names()
        self.tasks: list[DraftTask] = []
        self.domains: dict[str, tuple[str, ...]] = {}

    def add(self, task: DraftTask, ways: Sequence[Way]) -> Way:
        """Append a task at which ways end, and return the way that leaves it.

        Raises:
            ForeignTooBigError: MW173, more tasks or conditions than a runbook can hold.
        """
        if len(self.tasks) >= TASKS_MAX:
            raise self._too_big(f"{self.root.source.name} needs more than {TASKS_MAX} tasks")
        try:
            keys = {**keys_of(tuple(ways), self.domains), **task.keys}
            ran = conditions_of(ways, self.domains) if ways else Way(task="").ran
        except TooManyWaysError as error:
            raise self._too_big(f"too many ways lead to `{task.title}`") from error
        self.tasks.append(replace(task, keys=keys))
        return Way(task=task.name, ran=ran)

    def choice(self, task: DraftTask, ways: Sequence[Way], words: Sequence[str]) -> dict[str, Way]:
        """Append a task that comes out as one of some words, and return the way for each."""
        self.domains[task.name] = tuple(words)
        way = self.add(replace(task, keys={**task.keys, "out": {NEXT: {"enum": list(words)}}}), ways)
        chosen = {word: Choice(task=task.name, field=NEXT, value=word) for word in words}
        return {word: Way(task=way.task, choice=choice, ran=way.ran) for word, choice in chosen.items()}

    def draft(self, *, title: str, header: Mapping[str, Any], prose: str, origin: str) -> Draft:
        """Return the runbook so far."""
        wish = self.wish
        tools = sorted({str(task.keys["tool"]) for task in self.tasks if "tool" in task.keys})
        return Draft(
            id=document_id(title),
            title=title,
            header={
                "version": "1",
                "owner": wish.owner,
                "mode": wish.mode.value,
                "ladder": [{"ask": wish.owner, "within": "30m"}],
                **({"tools": tools} if tools else {}),
                **header,
            },
            prose=prose,
            sections=[("Origin", origin)],
            tasks=self.tasks,
        )

    def _too_big(self, sentence: str) -> ForeignTooBigError:
        return ForeignTooBigError(sentence, place=self.root.place, limit=f"{TASKS_MAX} tasks")


def by_hand(what: str, original: Any) -> str:
    """Return the prose of a step that a person does: words, then the original."""
    return "\n\n".join(part for part in (what.strip(), "In the original:", snippet(original)) if part)
