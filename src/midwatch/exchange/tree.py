"""A foreign document as values with places: YAML or JSON, untrusted, within the limits of a runbook."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from midwatch.exchange.errors import ForeignInvalidError, ForeignSyntaxError
from midwatch.runbook.source import Source, source_from
from midwatch.runbook.yaml import Block, Mapping, Scalar, Sequence, Tree, plain, tree_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value of a document, with its JSON pointer."""

    tree: Tree
    pointer: str
    source: Source

    @property
    def place(self) -> str:
        """`file:line:column`."""
        return self.source.place(self.tree.span.start)

    @property
    def value(self) -> Any:
        """The plain value."""
        return plain(self.tree)

    @property
    def text(self) -> str:
        """A scalar as it is written, else an empty text."""
        return self.tree.written if isinstance(self.tree, Scalar) else ""

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.tree, Mapping)

    @property
    def is_text(self) -> bool:
        """Whether it is a text, not a number, a boolean or null."""
        return isinstance(self.tree, Scalar) and isinstance(self.tree.value, str)

    @property
    def is_list(self) -> bool:
        """Whether it has items."""
        return isinstance(self.tree, Sequence)

    def get(self, *keys: str) -> "Node | None":
        """Return what stands under keys, one below the other, or None."""
        node: Node | None = self
        for key in keys:
            node = child(node, key) if node is not None else None
        return node

    def at(self, key: str) -> str:
        """Return the scalar under a key as it is written, or an empty text."""
        found = self.get(key)
        return found.text if found is not None else ""

    def entries(self) -> Iterator[tuple[str, "Node"]]:
        """Yield the keys with their values, in the order of the document."""
        if isinstance(self.tree, Mapping):
            for key, tree in self.tree.entries:
                pointer = below(self.pointer, key.written)
                yield key.written, Node(tree=tree, pointer=pointer, source=self.source)

    def items(self) -> Iterator["Node"]:
        """Yield the items of a list."""
        if isinstance(self.tree, Sequence):
            for index, tree in enumerate(self.tree.items):
                yield Node(tree=tree, pointer=f"{self.pointer}/{index}", source=self.source)

    def refused(self, sentence: str) -> ForeignInvalidError:
        """Return the error that this value makes the document invalid in its own format."""
        offset = self.tree.span.start
        return ForeignInvalidError(
            sentence, place=self.place, excerpt=self.source.excerpt(offset), name=self.source.name
        )


def child(node: Node, key: str) -> Node | None:
    """Return what stands under a key, or None."""
    tree = node.tree.get(key) if isinstance(node.tree, Mapping) else None
    return None if tree is None else Node(tree=tree, pointer=below(node.pointer, key), source=node.source)


def below(pointer: str, key: str) -> str:
    """Return the JSON pointer of a key (RFC 6901)."""
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def read_tree(data: bytes, *, name: str) -> Node:
    """Return the root of a document.

    Raises:
        DocumentTooBigError: MW101; NotTextError: MW102.
        ForeignSyntaxError: MW170, with the place of the first thing that can't be read.
    """
    source = source_from(data, name=name)
    # JSON allows tabs between values, where YAML's scanner stops; inside of a JSON text there are none.
    text = source.text.replace("\t", " ") if source.text.lstrip()[:1] in ("{", "[") else source.text
    tree, findings = tree_of(Block(text=text, line=0), source)
    if tree is None or findings:
        first = findings[0]
        raise ForeignSyntaxError(first.sentence, place=first.place, excerpt=first.excerpt, name=name)
    return Node(tree=tree, pointer="", source=source)
