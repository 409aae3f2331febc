"""What is different for people: sections, the header's notes to them, scenarios."""

from collections.abc import Iterator, Mapping
from typing import Any

from midwatch.plan.diff.change import Change, Weight, value_text
from midwatch.runbook.model import Header, Kind, Runbook

PROMPTS = frozenset({"role", "boundaries"})
"""Sections that an agent reads as its orders."""


def people_changes(old: Runbook, new: Runbook) -> Iterator[Change]:
    """Yield what two documents differ in beside their plans."""
    if old.header is not None and new.header is not None:
        yield from _header(old.header, new.header)
    has_agent = any(task.kind is Kind.AGENT for task in new.tasks)
    before, after = (
        {section.title or "the beginning": section.prose for section in each.sections} for each in (old, new)
    )
    for title in [*after, *(title for title in before if title not in after)]:
        was, now = before.get(title), after.get(title)
        if was == now:
            continue
        is_prompt = has_agent and title.lower() in PROMPTS
        words = "is new" if was is None else "is gone" if now is None else "has another text"
        yield Change(
            weight=Weight.OTHERWISE if is_prompt else Weight.PEOPLE,
            task="",
            what="section",
            sentence=f"the section {value_text(title)} {words}",
            old=was,
            new=now,
        )
    yield from _tests(old, new)


def _header(old: Header, new: Header) -> Iterator[Change]:
    for name in ("title", "version", "last_rehearsed", "metrics", "extras"):
        was, now = _plain(getattr(old, name)), _plain(getattr(new, name))
        if was != now:
            sentence = f"{name}: {value_text(now)}, was {value_text(was)}"
            yield Change(weight=Weight.PEOPLE, task="", what=name, sentence=sentence, old=was, new=now)
    before, after = list(map(dict, old.triggers)), list(map(dict, new.triggers))
    for trigger in after:
        if trigger not in before:
            sentence = f"something else starts it: {value_text(trigger)}"
            yield Change(weight=Weight.MORE, task="", what="triggers", sentence=sentence, new=trigger)
    for trigger in before:
        if trigger not in after:
            sentence = f"it is no longer started by {value_text(trigger)}"
            yield Change(weight=Weight.LESS, task="", what="triggers", sentence=sentence, old=trigger)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return getattr(value, "value", value)


def _tests(old: Runbook, new: Runbook) -> Iterator[Change]:
    before, after = ({test.name: _scenario(test) for test in each.tests} for each in (old, new))
    for name in [*after, *(name for name in before if name not in after)]:
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        words = "is new" if was is None else "is gone" if now is None else "plays otherwise"
        sentence = f"the scenario {value_text(name)} {words}"
        yield Change(weight=Weight.PEOPLE, task="", what="tests", sentence=sentence)


def _scenario(test: Any) -> Any:
    def bare(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: bare(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
            return [bare(item) for item in value]
        return value.value if hasattr(value, "span") else value

    return {name: bare(getattr(test, name)) for name in type(test).__slots__ if name != "span"}
