"""From pieces to a runbook: each code block that is typed into a shell becomes a task for a person."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from midwatch.exchange.draft import one_line, visible
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.naming import Names, document_id
from midwatch.exchange.prose.commands import candidate_keys
from midwatch.exchange.prose.pieces import Code, Piece, Prose, Title, code_lines, pieces_of, quoted_lines
from midwatch.exchange.prose.placeholders import Placeholder, placeholders_in
from midwatch.exchange.prose.shell import Typed, typed_in
from midwatch.exchange.report import Fate, Item, Report
from midwatch.exchange.risk import Risk, risks_of
from midwatch.runbook.emit.layout import block_text
from midwatch.runbook.emit.prose import heading_text
from midwatch.runbook.markdown import Fence, front_matter
from midwatch.runbook.markdown import pieces_of as runbook_pieces_of
from midwatch.runbook.model import TASKS_MAX
from midwatch.runbook.parse import parse_runbook
from midwatch.runbook.source import Severity, Source, source_from
from midwatch.runbook.write import header_text

FORMAT = "markdown"
LEAD = "Run this:"
BETWEEN = "Then:"
MATTER_CHARACTERS_MAX = 4_000
RISK_CHARACTERS_MAX = 60_000
"""So much of all commands is looked through for what they may change."""
TITLE_WORDS_MAX = 60
_FIRST_SENTENCE = re.compile(r"^[\s>*\-\d.)#]*(.*?[a-zA-Z].*?)(?:[.:;](?:\s|$)|$)")


@dataclass(kw_only=True)
class _Step:
    """A code block that is typed, and what stands above it."""

    code: Code
    typed: Typed
    prose: list[str]
    heading: str
    level: int
    risks: tuple[Risk, ...]
    placeholders: tuple[Placeholder, ...]
    name: str = ""
    keys: dict[str, Any] = field(default_factory=dict)


def read_markdown(data: bytes, *, name: str, wish: Wish) -> Imported:
    """Return any Markdown as a runbook: its words, commands and order stay.

    Raises:
        DocumentTooBigError: MW101; NotTextError: MW102.
    """
    source = source_from(data, name=name)
    return _Converter(source=source, wish=wish).imported()


@dataclass(kw_only=True)
class _Converter:
    source: Source
    wish: Wish
    items: list[Item] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tools: set[str] = field(default_factory=set)
    last: str = ""
    looked_through: int = 0
    steps: int = 0

    def imported(self) -> Imported:
        matter = front_matter(self.source)
        start = 0 if matter is None else matter[1] + 1
        lines = self.source.text.split("\n")
        text = "\n".join([""] * start + lines[start:])
        pieces = pieces_of(text)
        title = self._title(pieces, matter)
        body = self._body(pieces)
        header = self._header(title, matter)
        has_title = any(isinstance(piece, Title) for piece in pieces)
        top = [] if has_title else [f"# {heading_text(title)}", ""]
        whole = _separated(
            f"---\n{header_text(header)}---\n\n"
            + "\n".join([*top, *body, "", *self._long_matter(matter)]).strip("\n")
            + "\n"
        )
        report = Report(
            name=self.source.name, source_format=FORMAT, target_format="midwatch", items=tuple(self.items)
        )
        return Imported(id=header["id"], text=whole, report=report)

    # ------------------------------------------------------------------------------------------- header

    def _title(self, pieces: tuple[Piece, ...], matter: tuple[int, int] | None) -> str:
        first = next((piece.text for piece in pieces if isinstance(piece, Title)), "")
        said = self._matter(matter).get("title")
        stem = self.source.name.rpartition("/")[2].partition(".")[0]
        return one_line(first) or one_line(str(said or "")) or one_line(stem) or "Imported"

    def _matter(self, matter: tuple[int, int] | None) -> dict[str, str]:
        """Return the simple keys of front matter, as texts."""
        if matter is None:
            return {}
        found: dict[str, str] = {}
        for line in self.source.text.split("\n")[matter[0] : matter[1]]:
            key, colon, value = line.partition(":")
            if colon and key.strip() and key == key.strip() and not key.startswith(("#", "-")):
                found[visible(key)[:100]] = visible(value).strip().strip("\"'")
        return found

    def _header(self, title: str, matter: tuple[int, int] | None) -> dict[str, Any]:
        header: dict[str, Any] = {
            "id": document_id(title),
            "title": title,
            "version": "1",
            "owner": self.wish.owner,
            "mode": self.wish.mode.value,
        }
        if self.inputs:
            header["inputs"] = self.inputs
        if self.tools:
            header["tools"] = sorted(self.tools)
        header["ladder"] = [{"ask": self.wish.owner, "within": "30m"}]
        if matter is not None:
            lines = self._matter_lines(matter)
            if sum(map(len, lines)) <= MATTER_CHARACTERS_MAX:
                header["x-front-matter"] = lines
            self._item(
                0,
                "front matter",
                Fate.APPROXIMATELY,
                "kept as text; nothing reads it",
                1,
            )
        return header

    def _matter_lines(self, matter: tuple[int, int]) -> list[str]:
        lines = self.source.text.split("\n")[matter[0] : matter[1]]
        return [visible(line).expandtabs(4) for line in lines]

    def _long_matter(self, matter: tuple[int, int] | None) -> list[str]:
        """Return front matter that is too long for the header, as code for people."""
        lines = [] if matter is None else self._matter_lines(matter)
        if sum(map(len, lines)) <= MATTER_CHARACTERS_MAX:
            return []
        return [
            "## Front matter of the original",
            "",
            *(f">     {line}".rstrip() for line in lines),
            "",
        ]

    # --------------------------------------------------------------------------------------------- body

    def _body(self, pieces: tuple[Piece, ...]) -> list[str]:
        lines: list[str] = []
        pending: list[str] = []
        heading, level = "", 1
        for piece in pieces:
            match piece:
                case Title():
                    lines.extend(pending)
                    pending = []
                    lines.extend(self._visible(piece.lines, piece.line, "heading"))
                    heading, level = piece.text, piece.level
                case Prose():
                    pending.extend(self._visible(piece.lines, piece.line, "prose"))
                case Code():
                    typed = typed_in(piece.content, piece.word)
                    if not typed.is_shell or not typed.commands or self.steps >= TASKS_MAX:
                        pending.extend(["", *self._kept(piece, typed), ""])
                        continue
                    step = self._step(piece, typed, pending, heading, level)
                    lines.extend(self._task(step))
                    pending = []
        return [*lines, *pending]

    def _visible(self, lines: Iterable[str], line: int, what: str) -> list[str]:
        given = list(lines)
        shown = [visible(one) for one in given]
        if any(one.strip() for one in given):
            is_same = shown == given
            how = "as it is" if is_same else "characters that people can't see are spelled, as `<U+200B>`"
            self._item(line, what, Fate.EXACTLY if is_same else Fate.APPROXIMATELY, how, 1)
        return shown

    def _kept(self, code: Code, typed: Typed) -> list[str]:
        """Return a block that is not a step, as lines of prose."""
        lines = code_lines(code)
        if typed.is_shell and typed.commands:
            why = f"kept as text: a runbook has at most {TASKS_MAX} tasks"
            self._item(code.line, "commands", Fate.APPROXIMATELY, why, 1)
        else:
            how = "as it is" + (", out of its list" if code.is_moved else "")
            fate = Fate.APPROXIMATELY if code.is_left_open or lines[0].startswith(">") else Fate.EXACTLY
            self._item(code.line, "code block", fate, how, 1)
        return lines

    def _step(self, code: Code, typed: Typed, prose: list[str], heading: str, level: int) -> _Step:
        left = max(0, RISK_CHARACTERS_MAX - self.looked_through)
        commands = list(typed.commands)
        self.looked_through += sum(map(len, commands))
        risks = tuple(risk for command in commands for risk in risks_of(command[:left]))
        step = _Step(
            code=code,
            typed=typed,
            prose=list(prose),
            heading=heading,
            level=level,
            risks=risks,
            placeholders=placeholders_in(command[:left] for command in commands),
        )
        self.steps += 1
        title = self._step_title(step)
        step.name = self.names.fresh(title)
        for one in step.placeholders:
            self.inputs.setdefault(
                one.name, {"type": "string", "description": f"stands in the text as {one.written}"}
            )
        self._keys(step)
        self._report(step)
        self.last = step.name
        step.heading = title
        return step

    def _step_title(self, step: _Step) -> str:
        """Return a title: the sentence above the block, else the heading, else the command."""
        words = next((line for line in reversed(step.prose) if line.strip()), "")
        found = _FIRST_SENTENCE.match(words)
        text = found[1] if found is not None else ""
        text = re.sub(r"[`*_\[\]]|\(http[^)]*\)", "", text).strip()
        if not text or len(text) > TITLE_WORDS_MAX:
            text = f"{step.heading}: {step.typed.commands[0]}" if step.heading else step.typed.commands[0]
        return one_line(text)[:TITLE_WORDS_MAX].strip() or f"Step {self.steps}"

    def _keys(self, step: _Step) -> None:
        keys: dict[str, Any] = {"task": step.name, "kind": "manual"}
        if self.last:
            keys["needs"] = [self.last]
        if self.wish.with_commands:
            candidate = candidate_keys(step.typed, has_placeholders=bool(step.placeholders), risks=step.risks)
            if candidate is not None:
                keys.update(candidate)
                self.tools.add(candidate["tool"])
        place = self.source.line_column(self.source.offset(step.code.line))[0]
        keys["x-from-line"] = place
        if step.typed.output:
            keys["x-commands"] = list(step.typed.commands)
        if step.risks:
            keys["x-review"] = [f"{risk.word}: {risk.why}" for risk in step.risks]
        step.keys = keys

    def _report(self, step: _Step) -> None:
        kind = step.keys["kind"]
        how = (
            f"task `{step.name}`, which a person does"
            if kind == "manual"
            else f"task `{step.name}`, to be reviewed"
        )
        fate = Fate.EXACTLY if kind == "manual" and not step.code.is_left_open else Fate.APPROXIMATELY
        self._item(
            step.code.line, "commands", fate, how + (", out of its list" if step.code.is_moved else ""), 1
        )
        if step.placeholders:
            names = ", ".join(f"`{one.written}` → `inputs.{one.name}`" for one in step.placeholders)
            self._item(
                step.code.line, "placeholders", Fate.APPROXIMATELY, f"{names}; a person fills them in", 0
            )
        if step.risks:
            why = "; ".join(dict.fromkeys(f"`{risk.word}` {risk.why}" for risk in step.risks))
            self._item(step.code.line, "review", Fate.EXACTLY, f"look twice: {why}", 0)

    def _task(self, step: _Step) -> list[str]:
        level = min(6, step.level + 1)
        marks = "#" * max(2, level)
        prose = _trimmed(step.prose)
        block = block_text(step.keys, "task").rstrip("\n").split("\n")
        lines = ["", f"{marks} Task: {heading_text(step.heading)}", "", "```yaml", *block, "```", ""]
        lines.extend([*prose, ""] if any(line.strip() for line in prose) else [LEAD, ""])
        if step.keys["kind"] == "command":
            command = Code(
                content=step.typed.commands[0] + "\n",
                word="sh",
                info="sh",
                line=0,
                is_moved=False,
                is_indented=False,
                is_left_open=False,
            )
            lines.extend([*code_lines(command), ""])
            if step.typed.output or "\n".join(step.typed.commands) + "\n" != step.code.content:
                lines.extend(["In the original:", "", *quoted_lines(step.code), ""])
            return lines
        return [*lines, *code_lines(replace(step.code, is_indented=False)), ""]

    def _item(self, line: int, what: str, fate: Fate, how: str, parts: int) -> None:
        place = self.source.place(self.source.offset(line))
        self.items.append(
            Item(pointer=f"/{line + 1}", place=place, what=what, fate=fate, how=how, parts=parts)
        )


def _trimmed(lines: list[str]) -> list[str]:
    found = list(lines)
    while found and not found[0].strip():
        found.pop(0)
    while found and not found[-1].strip():
        found.pop()
    return found


def _separated(text: str) -> str:
    """Return the text with a line of prose between fences that would stand right below each other."""
    source = source_from(text.encode(), name="imported")
    matter = front_matter(source)
    lines = text.split("\n")
    before: Fence | None = None
    between: list[int] = []
    for piece in runbook_pieces_of(source, start=0 if matter is None else matter[1] + 1):
        is_pair = isinstance(piece, Fence) and before is not None and not piece.is_nested
        if is_pair and before is not None and not "".join(lines[before.end : piece.line]).strip():
            between.append(piece.line)
        before = piece if isinstance(piece, Fence) else None
    for line in reversed(between):
        lines[line:line] = [BETWEEN, ""]
    return "\n".join(lines)


def broken_by(text: str) -> list[str]:
    """Return what of an imported text the parser of runbooks takes for a mistake of structure."""
    _, findings = parse_runbook(text.encode(), name="imported")
    return [finding.sentence for finding in findings if finding.severity is Severity.ERROR]
