"""Reading one file: blocks go by their first key, and what stands under one heading belongs together."""

import re
from dataclasses import dataclass, field, replace

from midwatch.runbook.blocks.fields import Fields
from midwatch.runbook.blocks.header import header_of
from midwatch.runbook.blocks.include import Include, include_of
from midwatch.runbook.blocks.task import task_of
from midwatch.runbook.blocks.tests import tests_of
from midwatch.runbook.errors import (
    AdjacentFencesError,
    StructureError,
    TooComplexError,
    YamlSyntaxError,
)
from midwatch.runbook.markdown import Fence, Heading, Piece, Table, first_line, front_matter, pieces_of
from midwatch.runbook.model import TASKS_MAX, At, Header, Kind, Runbook, Section, Task, TestCase
from midwatch.runbook.source import Finding, Severity, Source, Span
from midwatch.runbook.yaml import Allowance, Block, Mapping, tree_of

_FIRST_KEY = re.compile(r"(runbook|task|tests|include)\s*:(?:\s|$)")
_TASK_NAME = re.compile(r"task\s*:\s*[\"']?([a-z][a-z0-9_]*)")
_TASK_TITLE = re.compile(r"(?:task|undo)\s*:\s*", re.IGNORECASE)
_UNDO_TITLE = re.compile(r"undo\s*:", re.IGNORECASE)


def block_key(fence: Fence) -> str:
    """Return `runbook`, `task`, `tests` or `include` for a block of the machine, else an empty text."""
    return first_key(fence.content)


def first_key(content: str) -> str:
    """Return the key that makes a text a block of the machine, else an empty text."""
    found = _FIRST_KEY.match(first_line(content))
    return found[1] if found else ""


def read_document(source: Source, findings: list[Finding]) -> tuple[Runbook, list[Include]]:
    """Return the runbook in a document's own file, and what it includes; findings are added."""
    reader = _Reader(source=source, findings=findings)
    return reader.runbook(), reader.includes


def read_included(
    source: Source, findings: list[Finding], start: int
) -> tuple[tuple[Task, ...], frozenset[str], list[Include]]:
    """Return the tasks of the last file of a source, names of those that can't be read, and its includes.

    Args:
        source: the document with that file behind it.
        findings: where what is wrong is added.
        start: the first line of that file, from 0.
    """
    reader = _Reader(source=source, findings=findings, start=start)
    tasks, lost = reader.included()
    return tasks, lost, reader.includes


@dataclass(slots=True, kw_only=True)
class _Group:
    """A heading and what stands under it."""

    heading: Heading | None
    pieces: list[Piece]
    start: int
    end: int

    @property
    def fences(self) -> list[Fence]:
        """The fences at the margin; set-in code counts where a block came back from a converter like that."""
        found = [piece for piece in self.pieces if isinstance(piece, Fence) and not piece.is_nested]
        is_flat = any(fence.is_indented and block_key(fence) for fence in found)
        return [fence for fence in found if is_flat or not fence.is_indented]

    def blocks(self, key: str) -> list[Fence]:
        return [fence for fence in self.fences if block_key(fence) == key]


@dataclass(slots=True, kw_only=True)
class _Reader:
    source: Source
    findings: list[Finding]
    start: int = 0
    """The first line of the file in the source, from 0."""
    includes: list[Include] = field(default_factory=list)
    allowance: Allowance = field(default_factory=Allowance)

    def included(self) -> tuple[tuple[Task, ...], frozenset[str]]:
        matter = front_matter(self.source, start=self.start)
        first = self.start if matter is None else matter[1] + 1
        pieces = pieces_of(self.source, start=first)
        self._check_fences(pieces)
        groups = self._groups(pieces, first)
        tasks = self._tasks(groups)
        self._includes(groups)
        return tasks, self._lost(groups, tasks)

    def runbook(self) -> Runbook:
        matter = front_matter(self.source)
        pieces = pieces_of(self.source, start=matter[1] + 1 if matter else 0)
        headings = [piece for piece in pieces if isinstance(piece, Heading)]
        title = headings[0].text if headings else ""
        groups = self._groups(pieces, 0 if matter is None else matter[1] + 1)
        blocks = self._header_blocks(matter, groups)
        if not blocks:
            self._explain_lost_blocks(pieces)
            sections = tuple(self._section(group) for group in groups)
            return Runbook(
                source=self.source,
                title=title,
                header=None,
                sections=sections,
                tasks=(),
                tests=(),
                headings=tuple((heading.text, heading.line) for heading in headings),
                fences=self._spans(pieces),
            )
        header = self._header(blocks, title)
        self._check_fences(pieces)
        tasks = self._tasks(groups)
        tests, has_tests = self._tests(groups)
        self._includes(groups)
        return Runbook(
            source=self.source,
            title=header.title if header else title,
            header=header,
            sections=tuple(self._section(group) for group in groups if not group.blocks("task")),
            tasks=tasks,
            tests=tests,
            has_tests=has_tests,
            lost=self._lost(groups, tasks),
            headings=tuple((heading.text, heading.line) for heading in headings),
            fences=self._spans(pieces),
        )

    # ------------------------------------------------------------------------------------ structure

    def _groups(self, pieces: tuple[Piece, ...], start: int) -> list[_Group]:
        """Return the headings with what stands under them; a subheading of a task belongs to the task."""
        end = len(self.source.starts)
        groups = [_Group(heading=None, pieces=[], start=start, end=end)]
        for piece in pieces:
            if isinstance(piece, Heading):
                groups[-1].end = piece.line
                groups.append(_Group(heading=piece, pieces=[], start=piece.end, end=end))
            else:
                groups[-1].pieces.append(piece)
        merged: list[_Group] = []
        for group in groups:
            above = merged[-1] if merged else None
            if (
                above is not None
                and above.blocks("task")
                and _is_below(group, above)
                and not any(map(block_key, group.fences))
            ):
                above.pieces.extend(group.pieces)
                above.end = group.end
            else:
                merged.append(group)
        return merged

    def _header_blocks(self, matter: tuple[int, int] | None, groups: list[_Group]) -> list[Block]:
        blocks: list[Block] = []
        if matter is not None:
            text = self.source.text[self.source.offset(matter[0]) : self.source.offset(matter[1])]
            first = next(
                (line for line in text.splitlines() if line.strip() and not line.startswith("#")), ""
            )
            if first.startswith("runbook"):
                blocks.append(Block(text=text, line=matter[0]))
        blocks.extend(_block(fence) for group in groups for fence in group.blocks("runbook"))
        return blocks

    def _explain_lost_blocks(self, pieces: tuple[Piece, ...]) -> None:
        lost = next((piece for piece in pieces if isinstance(piece, Fence) and block_key(piece)), None)
        if lost is not None:
            self._structure(
                lost.line,
                "the document has blocks but no header, so it is only read by people",
                "Begin the file with front matter: `---`, `runbook: v1`, `id: …`, `---`.",
                Severity.WARNING,
            )

    def _check_fences(self, pieces: tuple[Piece, ...]) -> None:
        before: Fence | None = None
        for piece in pieces:
            if not isinstance(piece, Fence) or piece.is_indented:
                before = None
                continue
            if not piece.is_closed:
                self._structure(
                    piece.line, "the fence is never closed", "Close it with a line of the same marks."
                )
            if piece.is_nested and block_key(piece):
                hint = "Take it out of the list or quotation, to the left margin."
                self._structure(piece.line, "a block stands inside of a list or a quotation", hint)
            if before is not None and not self._text(before.end, piece.line).strip() and not piece.is_nested:
                offset = self.source.offset(piece.line)
                self.findings.append(
                    self.source.finding(
                        AdjacentFencesError, "two fences follow each other without prose between", offset
                    )
                )
            before = piece

    # --------------------------------------------------------------------------------------- blocks

    def _fields(self, block: Block, what: str) -> Fields | None:
        tree, findings = tree_of(block, self.source, self.allowance)
        self.findings.extend(findings)
        if tree is None:
            return None
        if not isinstance(tree, Mapping):
            offset = self.source.offset(block.line)
            self.findings.append(
                self.source.finding(YamlSyntaxError, "the block is no mapping of keys to values", offset)
            )
            return None
        return Fields(source=self.source, tree=tree, findings=self.findings, what=what)

    def _header(self, blocks: list[Block], title: str) -> Header | None:
        for block in blocks[1:]:
            self._structure(
                block.line, "the document has two headers", "Keep one block that begins with `runbook:`."
            )
        fields = self._fields(blocks[0], "the header")
        return None if fields is None else header_of(fields, title)

    def _tests(self, groups: list[_Group]) -> tuple[tuple[TestCase, ...], bool]:
        blocks = [fence for group in groups for fence in group.blocks("tests")]
        cases: list[TestCase] = []
        for fence in blocks:
            fields = self._fields(_block(fence), "the tests")
            if fields is not None:
                cases.extend(tests_of(fields))
        return tuple(cases), bool(cases)

    def _tasks(self, groups: list[_Group]) -> tuple[Task, ...]:
        tasks: list[Task] = []
        count = sum(len(group.blocks("task")) for group in groups)
        if count > TASKS_MAX:
            first = next(fence for group in groups for fence in group.blocks("task"))
            offset = self.source.offset(first.line)
            sentence = f"the document has {count} tasks"
            self.findings.append(
                self.source.finding(TooComplexError, sentence, offset, limit=f"{TASKS_MAX} tasks")
            )
            return ()
        for group in groups:
            blocks = group.blocks("task")
            for fence in blocks[1:]:
                self._structure(
                    fence.line,
                    "two tasks stand under one heading",
                    "Give each task a heading, such as `## Task: Measure`.",
                )
            if blocks:
                task = self._task(group, blocks[0])
                if task is not None:
                    tasks.append(task)
        return tuple(tasks)

    def _spans(self, pieces: tuple[Piece, ...]) -> tuple[Span, ...]:
        fences = (piece for piece in pieces if isinstance(piece, Fence))
        return tuple(Span(self.source.offset(one.line), self._end(one.end)) for one in fences)

    def _end(self, line: int) -> int:
        return self.source.offset(line) if line < len(self.source.starts) else len(self.source.text)

    def _includes(self, groups: list[_Group]) -> None:
        for fence in (fence for group in groups for fence in group.blocks("include")):
            fields = self._fields(_block(fence), "the include")
            include = None if fields is None else include_of(fields)
            if include is not None:
                self.includes.append(include)

    def _lost(self, groups: list[_Group], tasks: tuple[Task, ...]) -> frozenset[str]:
        blocks = [fence for group in groups for fence in group.blocks("task")]
        named = {found[1] for fence in blocks for found in [_TASK_NAME.match(fence.first)] if found}
        return frozenset(named - {task.name.value for task in tasks})

    def _task(self, group: _Group, fence: Fence) -> Task | None:
        fields = self._fields(_block(fence), "the task")
        if fields is None:
            return None
        if group.heading is None:
            self._structure(
                fence.line, "a task has no heading", "Put a heading above it, such as `## Task: Measure`."
            )
        heading = group.heading.text if group.heading else ""
        task = task_of(fields, _TASK_TITLE.sub("", heading, count=1), "")
        if task is None:
            return None
        machine = [piece for piece in group.fences if block_key(piece)]
        texts = [piece for piece in group.fences if not block_key(piece)] if task.kind is Kind.COMMAND else []
        tables = (
            [piece for piece in group.pieces if isinstance(piece, Table)]
            if task.kind is Kind.DECISION
            else []
        )
        for extra in texts[1:]:
            hint = "Move the other fence under a heading of its own; only one can be the command."
            self._structure(extra.line, f"task {task.name.value} has two command fences", hint)
        for extra_table in tables[1:]:
            hint = "Move the other table under a heading of its own."
            self._structure(extra_table.line, f"task {task.name.value} has two tables", hint)
        cut: list[Piece] = [*machine, *texts, *tables]
        return replace(
            task,
            prose=self._prose(group, cut),
            is_undo=_UNDO_TITLE.match(heading) is not None,
            text=self._command(texts[0]) if texts else None,
            table=tables[0] if tables else None,
        )

    def _command(self, fence: Fence) -> At[str]:
        start = self.source.offset(fence.content_line)
        return At(
            value=fence.content.rstrip("\n"),
            span=Span(start, self.source.offset(max(fence.content_end, fence.content_line))),
        )

    def _section(self, group: _Group) -> Section:
        machine: list[Piece] = [piece for piece in group.fences if block_key(piece)]
        heading = group.heading
        return Section(
            title=heading.text if heading else "",
            prose=self._prose(group, machine),
            line=heading.line if heading else group.start,
        )

    # ----------------------------------------------------------------------------------------- text

    def _prose(self, group: _Group, cut: list[Piece]) -> str:
        lines: list[str] = []
        at = group.start
        for piece in sorted(cut, key=lambda piece: piece.line):
            lines.append(self._text(at, piece.line))
            at = piece.end
        lines.append(self._text(at, group.end))
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def _text(self, start: int, end: int) -> str:
        if end >= len(self.source.starts):
            return self.source.text[self.source.offset(start) :] if start < len(self.source.starts) else ""
        return self.source.text[self.source.offset(start) : self.source.offset(end)]

    def _structure(self, line: int, sentence: str, hint: str, severity: Severity = Severity.ERROR) -> None:
        offset = self.source.offset(line)
        self.findings.append(self.source.finding(StructureError, sentence, offset, severity, hint=hint))


def _is_below(group: _Group, above: _Group) -> bool:
    return (
        group.heading is not None
        and (above.heading is None or group.heading.level > above.heading.level)
        and _TASK_TITLE.match(group.heading.text) is None
    )


def _block(fence: Fence) -> Block:
    return Block(text=fence.content, line=fence.content_line, indent=fence.indent)
