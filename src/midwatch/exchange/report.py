"""What became of every part of a document: carried exactly, approximately, or not. Never silent.

A *part* is a leaf of the source: a scalar, or an empty list or mapping; of Markdown, a block. Each leaf has
one fate: that of the nearest mark at it or above it. A leaf under no mark is `not` carried, and the report
says so by itself: what a mapping forgets can't be lost in silence.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from midwatch.exchange.tree import Node
from midwatch.runbook.yaml import Mapping, Scalar, Sequence, Tree

UNREAD = "nothing here reads it"


class Fate(StrEnum):
    """What became of a part of the source."""

    EXACTLY = "exactly"
    APPROXIMATELY = "approximately"
    NOT = "not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One part of the source, or several under one pointer, and what became of it."""

    pointer: str
    """JSON pointer, or for Markdown the number of the block."""
    place: str
    what: str
    """The construct, in the words of the format."""
    fate: Fate
    how: str
    """What it became; for what was not carried, why."""
    parts: int
    """How many leaves of the source it stands for."""

    def as_record(self) -> dict[str, Any]:
        """Return the item as plain JSON."""
        return {
            "pointer": self.pointer,
            "place": self.place,
            "what": self.what,
            "carried": self.fate.value,
            "how": self.how,
            "parts": self.parts,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a whole document."""

    name: str
    source_format: str
    target_format: str
    items: tuple[Item, ...]
    """In the order of the source."""

    def parts(self, fate: Fate) -> int:
        """Return how many parts of the source have a fate."""
        return sum(item.parts for item in self.items if item.fate is fate)

    def as_record(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return {
            "name": self.name,
            "from": self.source_format,
            "to": self.target_format,
            "parts": {fate.value: self.parts(fate) for fate in Fate},
            "items": [item.as_record() for item in self.items],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    what: str
    fate: Fate
    how: str


class Accounts:
    """Marks parts of one document while it is mapped."""

    def __init__(self, root: Node) -> None:
        """Begin with no marks."""
        self.root = root
        self._marks: dict[str, _Mark] = {}

    def exactly(self, node: Node | None, what: str, how: str) -> None:
        """Mark a part, and all below it, as carried with its whole meaning."""
        self._mark(node, _Mark(what=what, fate=Fate.EXACTLY, how=how))

    def approximately(self, node: Node | None, what: str, how: str) -> None:
        """Mark a part as carried with a difference, which `how` names."""
        self._mark(node, _Mark(what=what, fate=Fate.APPROXIMATELY, how=how))

    def not_carried(self, node: Node | None, what: str, why: str) -> None:
        """Mark a part as left out."""
        self._mark(node, _Mark(what=what, fate=Fate.NOT, how=why))

    def _mark(self, node: Node | None, mark: _Mark) -> None:
        if node is None:
            return
        known = self._marks.get(node.pointer)
        order = list(Fate)
        if known is None or order.index(mark.fate) > order.index(known.fate):
            self._marks[node.pointer] = mark

    def report(self, *, source_format: str, target_format: str = "midwatch") -> Report:
        """Return what became of every part."""
        found: dict[str, list[Any]] = {}
        for node, owner in _leaves(self.root, None, self._marks):
            pointer = owner if owner is not None else node.pointer
            entry = found.setdefault(pointer, [node, 0, owner is not None])
            entry[1] += 1
        items = [self._item(pointer, *entry) for pointer, entry in found.items()]
        return Report(
            name=self.root.source.name,
            source_format=source_format,
            target_format=target_format,
            items=tuple(items),
        )

    def _item(self, pointer: str, node: Node, parts: int, is_marked: bool) -> Item:  # noqa: FBT001 - from a list of its own
        last = pointer.rpartition("/")[2] or "document"
        mark = self._marks[pointer] if is_marked else _Mark(what=last, fate=Fate.NOT, how=UNREAD)
        place = _at(self.root, pointer) or node
        return Item(
            pointer=pointer, place=place.place, what=mark.what, fate=mark.fate, how=mark.how, parts=parts
        )


def leaf_count(tree: Tree) -> int:
    """Return how many leaves a tree has; an empty list or mapping is one."""
    match tree:
        case Scalar():
            return 1
        case Sequence():
            return sum(map(leaf_count, tree.items)) or 1
        case Mapping():
            return sum(leaf_count(value) for _, value in tree.entries) or 1


def _leaves(node: Node, owner: str | None, marks: dict[str, _Mark]) -> Iterator[tuple[Node, str | None]]:
    """Yield each leaf with the pointer of its nearest mark, or None."""
    own = node.pointer if node.pointer in marks else owner
    children = [child for _, child in node.entries()] or list(node.items())
    if not children:
        yield node, own
    for child in children:
        yield from _leaves(child, own, marks)


def _at(root: Node, pointer: str) -> Node | None:
    node: Node | None = root
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if node is None:
            return None
        node = list(node.items())[int(key)] if node.is_list else node.get(key)
    return node
