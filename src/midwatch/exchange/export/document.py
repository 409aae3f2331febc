"""A runbook as one tree of parts, so that every part of it can be accounted for.

/header/…           the header's keys
/sections/N/…       `title` and `prose` of what is for people
/tasks/NAME/…       the block's keys, and `title`, `prose`, `command`, `table`
/tests/…            the scenarios
"""

from collections.abc import Sequence as AnySequence
from dataclasses import dataclass

from midwatch.exchange.errors import NotExportableError
from midwatch.exchange.tree import Node, below
from midwatch.runbook.markdown import Fence, front_matter, pieces_of
from midwatch.runbook.model import Runbook, Task
from midwatch.runbook.parse import block_key
from midwatch.runbook.source import Source, Span
from midwatch.runbook.yaml import Block, Mapping, Scalar, Sequence, Tree, tree_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A runbook and its parts."""

    runbook: Runbook
    root: Node

    def of(self, task: Task, *keys: str) -> Node | None:
        """Return a part of a task."""
        return self.root.get("tasks", task.name.value, *keys)

    @property
    def ordered(self) -> tuple[Task, ...]:
        """The tasks, each after those that it needs; undo tasks last."""
        return ordered(self.runbook)


def parts_of(runbook: Runbook) -> Parts:
    """Return the parts of a runbook.

    Raises:
        NotExportableError: MW174, it has no header.
    """
    source = runbook.source
    if runbook.header is None:
        raise NotExportableError(f"{source.name} has no header, so it is Markdown already", name=source.name)
    blocks = _blocks(source)
    header = blocks.get(("runbook", ""), Mapping(entries=(), span=Span(0, 0)))
    tests = [tree for (key, _), tree in blocks.items() if key == "tests"]
    entries: list[tuple[str, Tree]] = [
        ("header", header),
        ("sections", _list([_section(source, one.title, one.prose, one.line) for one in runbook.sections])),
        ("tasks", _mapping([(task.name.value, _task(task, blocks)) for task in runbook.tasks])),
    ]
    if tests:
        entries.append(("tests", _list(tests)))
    return Parts(runbook=runbook, root=Node(tree=_mapping(entries), pointer="", source=source))


def ordered(runbook: Runbook) -> tuple[Task, ...]:
    """Return the tasks in an order in which each stands after those that it needs."""
    by_name = {task.name.value: task for task in reversed(runbook.tasks)}
    done: dict[str, Task] = {}
    waiting = [task for task in runbook.tasks if not task.is_undo]
    while waiting:
        ready = [
            task for task in waiting if all(n.value in done or n.value not in by_name for n in task.needs)
        ]
        for task in ready or waiting[:1]:
            done.setdefault(task.name.value, task)
            waiting.remove(task)
    undoing = [task for task in runbook.tasks if task.is_undo]
    return (*done.values(), *undoing)


def _blocks(source: Source) -> dict[tuple[str, str], Tree]:
    """Return each block by its first key, and for a task its name."""
    found: dict[tuple[str, str], Tree] = {}
    matter = front_matter(source)
    if matter is not None:
        text = source.text[source.offset(matter[0]) : source.offset(matter[1])]
        _add(found, "runbook", Block(text=text, line=matter[0]), source)
    for number, piece in enumerate(pieces_of(source, start=0 if matter is None else matter[1] + 1)):
        if isinstance(piece, Fence) and block_key(piece):
            block = Block(text=piece.content, line=piece.content_line, indent=piece.indent)
            _add(found, block_key(piece), block, source, number)
    return found


def _add(found: dict[tuple[str, str], Tree], key: str, block: Block, source: Source, number: int = 0) -> None:
    tree, _ = tree_of(block, source)
    if tree is None:
        return
    name = ""
    if key == "task" and isinstance(tree, Mapping):
        task = tree.get("task")
        name = task.written if isinstance(task, Scalar) else ""
    elif key == "tests":
        name = str(number)
    found.setdefault((key, name), tree)


def _task(task: Task, blocks: dict[tuple[str, str], Tree]) -> Tree:
    own = blocks.get(("task", task.name.value))
    entries = list(own.entries) if isinstance(own, Mapping) else []
    pairs: list[tuple[str, Tree]] = [(key.written, value) for key, value in entries]
    at = task.name.span
    pairs.append(("title", _scalar(task.title, at)))
    if task.prose:
        pairs.append(("prose", _scalar(task.prose, at)))
    if task.text is not None:
        pairs.append(("command", _scalar(task.text.value, task.text.span)))
    if task.table is not None:
        rows = [task.table.header, *task.table.rows]
        cells = [_list([_scalar(cell.text, cell.span) for cell in row]) for row in rows]
        pairs.append(("table", _list(cells)))
    return _mapping(pairs)


def _section(source: Source, title: str, prose: str, line: int) -> Tree:
    at = Span(source.offset(line), source.offset(line))
    return _mapping([("title", _scalar(title, at)), ("prose", _scalar(prose, at))])


def _scalar(text: str, span: Span) -> Scalar:
    return Scalar(value=text, written=text, span=span)


def _list(items: AnySequence[Tree]) -> Sequence:
    return Sequence(items=tuple(items), span=items[0].span if items else Span(0, 0))


def _mapping(pairs: list[tuple[str, Tree]]) -> Mapping:
    entries = tuple((_scalar(key, value.span), value) for key, value in pairs)
    return Mapping(entries=entries, span=pairs[0][1].span if pairs else Span(0, 0))


def pointer_of(*keys: str) -> str:
    """Return the pointer of a part."""
    pointer = ""
    for key in keys:
        pointer = below(pointer, key)
    return pointer
