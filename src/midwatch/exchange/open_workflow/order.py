"""Who can follow whom in one list of tasks: `then`, the cases of a switch, and the next one."""

from dataclasses import dataclass

from midwatch.exchange.errors import ForeignTooBigError
from midwatch.exchange.tree import Node
from midwatch.runbook.model import TASKS_MAX

CONTINUE = "continue"
EXIT = "exit"
END = "end"
WORDS = frozenset({CONTINUE, EXIT, END})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One named task of a list."""

    name: str
    node: Node
    """The value: the task itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The tasks in an order in which each stands after all that lead to it."""

    entries: tuple[Entry, ...]
    backward: frozenset[tuple[str, str]]
    """Jumps that would close a circle, from and to; they are not followed."""


def entries_of(node: Node) -> tuple[Entry, ...]:
    """Return the tasks of a list.

    Raises:
        ForeignInvalidError: MW172, it is no list of one-key mappings, or a name stands there twice.
        ForeignTooBigError: MW173.
    """
    if not node.is_list:
        raise node.refused("a list of tasks was expected here")
    if len(list(node.items())) > TASKS_MAX:
        sentence = f"the list has more than {TASKS_MAX} tasks"
        raise ForeignTooBigError(sentence, place=node.place, limit=f"{TASKS_MAX} tasks")
    found: list[Entry] = []
    for item in node.items():
        named = list(item.entries())
        if len(named) != 1 or not named[0][1].is_mapping:
            raise item.refused("a task is a mapping with one key, its name")
        name, task = named[0]
        if any(entry.name == name for entry in found):
            raise item.refused(f"two tasks of one list are called `{name}`")
        found.append(Entry(name=name, node=task))
    return tuple(found)


def targets_of(task: Node) -> list[Node]:
    """Return every place of a task that names where the flow goes on."""
    found = [task.get("then"), task.get("catch", "then")]
    switch = task.get("switch")
    for case in switch.items() if switch is not None else ():
        found.extend(value.get("then") for _, value in case.entries())
    return [node for node in found if node is not None]


def order_of(entries: tuple[Entry, ...]) -> Order:
    """Return the order of a list.

    Raises:
        ForeignInvalidError: MW172, a `then` names a task that the list doesn't have.
    """
    by_name = {entry.name: entry for entry in entries}
    following = {
        entry.name: _following(entry, entries[index + 1].name if index + 1 < len(entries) else "", by_name)
        for index, entry in enumerate(entries)
    }
    backward = _backward(following)
    before = {
        name: {other for other, names in following.items() if name in names and (other, name) not in backward}
        for name in following
    }
    done: list[str] = []
    while len(done) < len(entries):
        ready = (name for name in following if name not in done and before[name] <= set(done))
        done.append(next(ready))
    return Order(entries=tuple(by_name[name] for name in done), backward=backward)


def _backward(following: dict[str, list[str]]) -> frozenset[tuple[str, str]]:
    """Return the jumps that close a circle, as they are met from the first task on."""
    done: set[str] = set()
    on_path: set[str] = set()
    found: set[tuple[str, str]] = set()

    def visit(name: str) -> None:
        on_path.add(name)
        for other in following[name]:
            if other in on_path:
                found.add((name, other))
            elif other not in done:
                visit(other)
        on_path.discard(name)
        done.add(name)

    for name in following:
        if name not in done:
            visit(name)
    return frozenset(found)


def _following(entry: Entry, after: str, by_name: dict[str, Entry]) -> list[str]:
    names: list[str] = []
    for node in targets_of(entry.node):
        if node.text not in WORDS and node.text not in by_name:
            raise node.refused(f"`then: {node.text}` names no task of this list")
        names.append(node.text)
    if (
        entry.node.get("switch") is not None
        or entry.node.get("then") is None
        or entry.node.get("if") is not None
    ):
        names.append(CONTINUE)
    found = [after if name == CONTINUE else name for name in names]
    return [name for name in dict.fromkeys(found) if name and name not in WORDS]
