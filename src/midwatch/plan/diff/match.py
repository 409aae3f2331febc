"""Which task of one version is which task of another, though it may be called something else now."""

import re
from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]

_LOOSE = ("name", "title", "prose", "needs", "when", "is_routed", "guard")
"""What need not be equal for a task to be the same under another name."""


def tasks_by_name(plan: Record) -> dict[str, Record]:
    """Return the tasks of a plan's record by name, in their order."""
    return {task["name"]: task for task in plan["tasks"]}


def renamed(old: Record, new: Record) -> dict[str, str]:
    """Return old name to new name of each task that is the same but for what it is called."""
    before, after = tasks_by_name(old), tasks_by_name(new)
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    found: dict[str, str] = {}
    for name in gone:
        same = [other for other in come if _core(before[name], name) == _core(after[other], other)]
        if len(same) != 1:
            same = [other for other in same if before[name]["title"] == after[other]["title"]]
        if len(same) == 1:
            found[name] = same[0]
            come.remove(same[0])
    return found


def with_names(value: Any, names: Mapping[str, str]) -> Any:
    """Return a record with tasks called by their new names, in expressions too."""
    if not names:
        return value
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, names))})(?!\w)")
    return _replaced(value, pattern, names)


def _replaced(value: Any, pattern: re.Pattern[str], names: Mapping[str, str]) -> Any:
    match value:
        case str():
            return pattern.sub(lambda found: names[found[0]], value)
        case Mapping():
            return {
                key: item if key in ("prose", "title") else _replaced(item, pattern, names)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_replaced(item, pattern, names) for item in value]
        case _:
            return value


def _core(task: Record, name: str) -> Any:
    kept = {key: value for key, value in task.items() if key not in _LOOSE}
    return with_names(kept, {name: "itself"})
