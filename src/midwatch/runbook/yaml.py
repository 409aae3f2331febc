"""YAML 1.2 blocks as trees with places: the safe core of it, and nothing that hides what runs.

Anchors, aliases, tags, merge keys, several documents and duplicate keys are refused. Words such as
`on` and `no` are texts, and so are dates: only `true`, `false`, `null`, numbers and texts exist.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from midwatch.runbook.errors import (
    ControlCharacterError,
    DuplicateKeyError,
    ForbiddenYamlError,
    TooComplexError,
    YamlSyntaxError,
)
from midwatch.runbook.quick.reader import quick_tree
from midwatch.runbook.quick.tree import Mapping, Scalar, Sequence, Tree, resolved
from midwatch.runbook.source import HIDDEN, Finding, Source, Span

__all__ = [
    "Allowance",
    "Block",
    "Mapping",
    "Scalar",
    "Sequence",
    "Tree",
    "library_tree",
    "plain",
    "resolved",
    "tree_of",
]

DEPTH_MAX = 24
NODES_MAX = 15_000
"""Of all blocks of a document together."""
BLOCK_CHARACTERS_MAX = 64_000
DUPLICATES_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The text of a YAML block and where each of its lines stands in the document."""

    text: str
    line: int
    """The document's line, from 0, of the block's first line."""
    indent: int = 0
    """Columns that were cut off before each line."""


class Allowance:
    """How many values the blocks of one document may still have."""

    def __init__(self) -> None:
        """Allow `NODES_MAX`."""
        self.nodes = NODES_MAX


class _RefusedError(Exception):
    """Reading stops here; the finding says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding


def tree_of(
    block: Block, source: Source, allowance: Allowance | None = None
) -> tuple[Tree | None, list[Finding]]:
    """Return the tree of a block, or None where it can't be read, and what is wrong with it.

    Args:
        block: the text and where it stands.
        source: the document.
        allowance: shared by the blocks of one document; once it is used up, no block is read any more.
    """
    reader = _Reader(block=block, source=source, findings=[], allowance=allowance or Allowance())
    if reader.allowance.nodes < 0:
        return None, []
    if len(block.text) > BLOCK_CHARACTERS_MAX:
        sentence = f"the block has {len(block.text)} characters, more than {BLOCK_CHARACTERS_MAX}"
        return None, [
            source.finding(
                TooComplexError, sentence, reader.offset(0, 0), limit=f"{BLOCK_CHARACTERS_MAX} characters"
            )
        ]
    quick = quick_tree(block.text, base=reader.offset)
    if quick is not None and quick.nodes <= reader.allowance.nodes:
        reader.allowance.nodes -= quick.nodes
        return quick.tree, []
    return library_tree(block, source, reader.allowance)


def library_tree(block: Block, source: Source, allowance: Allowance) -> tuple[Tree | None, list[Finding]]:
    """Return what `tree_of` returns, as the library reads it."""
    reader = _Reader(block=block, source=source, findings=[], allowance=allowance)
    try:
        return reader.document(), reader.findings
    except _RefusedError as error:
        return None, [*reader.findings, error.finding]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        offset = reader.offset(mark.line, mark.column) if mark else reader.offset(0, 0)
        sentence = " ".join(str(error.problem or error.context or "it can't be read").split())
        return None, [
            *reader.findings,
            source.finding(YamlSyntaxError, f"the block is not YAML: {sentence}", offset),
        ]
    except (YAMLError, ValueError) as error:
        sentence = str(error).splitlines()[0] if str(error) else "it can't be read"
        finding = source.finding(YamlSyntaxError, f"the block is not YAML: {sentence}", reader.offset(0, 0))
        return None, [*reader.findings, finding]


def plain(tree: Tree) -> Any:
    """Return the tree as plain Python values."""
    match tree:
        case Scalar():
            return tree.value
        case Sequence():
            return [plain(item) for item in tree.items]
        case Mapping():
            return {str(key.value): plain(value) for key, value in tree.entries}


class _Yaml(YAML):
    """The library without its search for plug-ins on the disk."""

    def official_plug_ins(self) -> list[str]:
        """Return none."""
        return []


@dataclass(slots=True, kw_only=True)
class _Reader:
    block: Block
    source: Source
    findings: list[Finding]
    allowance: Allowance

    def offset(self, line: int, column: int) -> int:
        return self.source.offset(self.block.line + line, self.block.indent + column)

    def document(self) -> Tree:
        yaml = _Yaml(typ="safe", pure=True)
        yaml.version = (1, 2)
        events = iter(yaml.parse(self.block.text))
        documents = 0
        tree: Tree | None = None
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1 or event.tags or event.version:
                    raise self._refused(event, "a block is one plain YAML document")
            elif isinstance(event, (AliasEvent, ScalarEvent, SequenceStartEvent, MappingStartEvent)):
                tree = self._node(event, events, 0)
        if tree is None:
            return Scalar(value=None, written="", span=Span(self.offset(0, 0), self.offset(0, 0)))
        return tree

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Tree:
        self.allowance.nodes -= 1
        if depth > DEPTH_MAX or self.allowance.nodes < 0:
            is_deep = depth > DEPTH_MAX
            limit = f"{DEPTH_MAX} levels" if is_deep else f"{NODES_MAX} values in all blocks"
            what = f"the block has more than {limit}" if is_deep else f"the document has more than {limit}"
            finding = self.source.finding(TooComplexError, what, self._start(event), limit=limit)
            raise _RefusedError(finding)
        if isinstance(event, AliasEvent):
            raise self._refused(event, f"the alias `*{event.anchor}` repeats something from elsewhere")
        if event.anchor:
            raise self._refused(event, f"the anchor `&{event.anchor}` marks something to be repeated")
        if event.ctag is not None and str(event.ctag) not in ("", "None"):
            raise self._refused(event, f"the tag `{event.ctag}` changes how a value is read")
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(event, events, depth)
        return self._mapping(event, events, depth)

    def _scalar(self, event: Any) -> Scalar:
        hidden = HIDDEN.search(event.value)
        if hidden:
            code = f"U+{ord(hidden[0]):04X}"
            finding = self.source.finding(
                ControlCharacterError,
                f"a text holds the character {code}",
                self._start(event),
                character=code,
            )
            raise _RefusedError(finding)
        is_plain = event.style is None or event.style == ""
        value = resolved(event.value) if is_plain else event.value
        return Scalar(value=value, written=event.value, span=self._span(event, event))

    def _sequence(self, start: Any, events: Iterator[Any], depth: int) -> Sequence:
        items: list[Tree] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                return Sequence(items=tuple(items), span=self._span(start, event))
            items.append(self._node(event, events, depth + 1))
        raise self._refused(start, "a list doesn't end")

    def _mapping(self, start: Any, events: Iterator[Any], depth: int) -> Mapping:
        entries: list[tuple[Scalar, Tree]] = []
        first: dict[object, int] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                return Mapping(entries=tuple(entries), span=self._span(start, event))
            key = self._node(event, events, depth + 1)
            if not isinstance(key, Scalar):
                raise self._refused(event, "a key is a list or a mapping")
            if key.written == "<<":
                raise self._refused(event, "the key `<<` merges something from elsewhere")
            key = Scalar(value=key.written, written=key.written, span=key.span)
            value = self._node(next(events), events, depth + 1)
            if key.written in first:
                line = self.source.line_column(first[key.written])[0]
                self.findings.append(
                    self.source.finding(
                        DuplicateKeyError,
                        f"the key `{key.written}` stands here twice",
                        key.span.start,
                        key=key.written,
                        first_line=line,
                    )
                )
                if len(self.findings) == DUPLICATES_MAX:
                    raise self._refused(event, "too many keys stand here twice")
                continue
            first[key.written] = key.span.start
            entries.append((key, value))
        raise self._refused(start, "a mapping doesn't end")

    def _start(self, event: Any) -> int:
        return self.offset(event.start_mark.line, event.start_mark.column)

    def _span(self, start: Any, end: Any) -> Span:
        return Span(self._start(start), self.offset(end.end_mark.line, end.end_mark.column))

    def _refused(self, event: Any, why: str) -> _RefusedError:
        return _RefusedError(self.source.finding(ForbiddenYamlError, why, self._start(event)))
