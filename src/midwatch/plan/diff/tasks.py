"""What is different about tasks: which are there, what they do, and the rows of their tables."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from midwatch.base.classes import EffectClass
from midwatch.plan.diff.change import Change, Weight, value_text
from midwatch.plan.diff.rules import DERIVED, NESTED, RULES
from midwatch.plan.diff.weigh import Place, plainly, weight_if_acting

Record = Mapping[str, Any]


def acts(task: Record) -> bool:
    """Return whether a task calls something that acts, tells people, or calls another runbook."""
    call = task["call"]
    return (call is not None and call["effect"] != EffectClass.READ) or task["callee"] is not None


def task_changes(old: Record, new: Record, *, steers: bool) -> Iterator[Change]:
    """Yield what is different about a task that both versions have.

    Args:
        steers: something that acts comes after it.
    """
    is_acting = acts(old) or acts(new) or new["approval"] is not None
    place = Place(task=new["name"], path="", acts=is_acting)
    yield from _told(old, new, place)
    if old["kind"] != new["kind"]:
        sentence = f"task {new['name']} is a `{new['kind']}` now, was a `{old['kind']}`"
        yield _at(place, "kind").change(Weight.MORE, sentence, old["kind"], new["kind"])
    for name in new:
        if name not in DERIVED and name != "kind":
            yield from field_changes(place, name, old.get(name), new[name])
    yield from _table_changes(
        Place(task=new["name"], path="table", acts=is_acting or steers), old["table"], new["table"]
    )


def field_changes(place: Place, path: str, old: Any, new: Any) -> Iterator[Change]:
    """Yield what a field's two values differ in, by the rules; none where they are equal."""
    if old == new:
        return
    if path in NESTED and isinstance(old, Mapping) and isinstance(new, Mapping):
        old, new = _comparable(old, new)
        for name in new:
            yield from field_changes(place, f"{path}.{name}", old.get(name), new[name])
        return
    if path == "call" and place.acts:
        yield _at(place, path).change(Weight.MORE, f"task {place.task} calls something else", old, new)
        return
    yield from RULES.get(path, plainly(f"`{path}`"))(_at(place, path), old, new)


def _comparable(old: Record, new: Record) -> tuple[Record, Record]:
    """Return two objects with plain values among the expressions, and labels of what is the same only."""
    before, after = _joined(old), _joined(new)
    if "labels" not in after:
        return before, after
    given = [{**record["args"], **record["bind"]} for record in (before, after)]
    changed = {name for name in {*given[0], *given[1]} if given[0].get(name) != given[1].get(name)}
    for record in (before, after):
        record["labels"] = {name: label for name, label in record["labels"].items() if name not in changed}
    return before, after


def _joined(record: Record) -> dict[str, Any]:
    """Return an object whose plain values stand with its expressions: no plain value is a text."""
    given = next((name for name in ("args", "inputs", "data") if name in record), "")
    if not given or "literals" not in record:
        return dict(record)
    rest = {name: value for name, value in record.items() if name != "literals"}
    return {**rest, given: {**record[given], **record["literals"]}}


def added(task: Record) -> Change:
    """Return that a task is new."""
    call = task["call"]
    is_acting = acts(task)
    what = f"calls `{call['tool']}` ({call['effect']})" if call else f"is a `{task['kind']}`"
    place = Place(task=task["name"], path="task.added", acts=is_acting)
    return place.change(weight_if_acting(place), f"task {task['name']} is new: it {what}", None, task["kind"])


def removed(task: Record) -> Change:
    """Return that a task is gone."""
    guards = task["approval"] is not None or task["is_undo"]
    weight = Weight.MORE if guards else Weight.LESS if acts(task) else Weight.OTHERWISE
    words = (
        "an approval"
        if task["approval"] is not None
        else "an undo"
        if task["is_undo"]
        else f"a `{task['kind']}`"
    )
    place = Place(task=task["name"], path="task.removed", acts=False)
    return place.change(weight, f"task {task['name']} is gone: it was {words}", task["kind"], None)


def _told(old: Record, new: Record, place: Place) -> Iterator[Change]:
    if old["title"] != new["title"]:
        words = f"{value_text(new['title'])}, was {value_text(old['title'])}"
        sentence = f"task {new['name']} has the title {words}"
        yield _at(place, "title").change(Weight.PEOPLE, sentence, old["title"], new["title"])
    if old["prose"] != new["prose"]:
        is_prompt = new["kind"] == "agent"
        words = "the prompt is another" if is_prompt else "the text is another"
        weight = Weight.OTHERWISE if is_prompt else Weight.PEOPLE
        yield _at(place, "prose").change(weight, f"task {new['name']}: {words}", old["prose"], new["prose"])


def _table_changes(place: Place, old: Record | None, new: Record | None) -> Iterator[Change]:
    if old == new:
        return
    weight = weight_if_acting(place)
    if old is None or new is None:
        yield place.change(weight, f"{place.whose} {'has' if new else 'no longer has'} a table", old, new)
        return
    for name in new:
        if name != "rows" and old.get(name) != new[name]:
            words = f"`{name}` of its table is {value_text(new[name])}, was {value_text(old.get(name))}"
            sentence = f"{place.whose}: {words}"
            yield _at(place, f"table.{name}").change(weight, sentence, old.get(name), new[name])
    before, after = ([_row(row) for row in table["rows"]] for table in (old, new))
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, low, high, new_low, new_high in matcher.get_opcodes():
        if tag == "equal":
            continue
        for index in range(max(high - low, new_high - new_low)):
            was = before[low + index] if low + index < high else ""
            now = after[new_low + index] if new_low + index < new_high else ""
            words = _row_words((new_low if now else low) + index + 1, was, now)
            yield _at(place, "table.rows").change(weight, f"{place.whose}: {words}", was or None, now or None)


def _row_words(number: int, was: str, now: str) -> str:
    if was and now:
        return f"row {number} is {now}, was {was}"
    return f"row {number} is new: {now}" if now else f"row {number} is gone: {was}"


def _row(row: Any) -> str:
    tests, values = row
    return f"`{' | '.join(tests)}` → {', '.join(value_text(value) for value in values)}"


def _at(place: Place, path: str) -> Place:
    return Place(task=place.task, path=path, acts=place.acts)
