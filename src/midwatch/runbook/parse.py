"""From bytes to a runbook, with all that it includes.

As many mistakes as possible are found in one go: a block that can't be read is left out and reported,
the others are read. Without a header the document is L0: any Markdown, and nothing in it is a mistake.
"""

from dataclasses import dataclass, replace

from midwatch.base.errors import MidwatchError
from midwatch.runbook.blocks.include import Include
from midwatch.runbook.cel.types import did_you_mean
from midwatch.runbook.document import block_key, read_document, read_included
from midwatch.runbook.errors import ControlCharacterError, IncludeError, TooComplexError
from midwatch.runbook.model import TASKS_MAX, Runbook
from midwatch.runbook.source import (
    HIDDEN,
    INCLUDES_MAX,
    Finding,
    Library,
    Severity,
    Source,
    beside,
    source_from,
)

__all__ = ["FINDINGS_MAX", "block_key", "parse_runbook"]

FINDINGS_MAX = 100


def parse_runbook(
    data: bytes, *, name: str, library: Library | None = None, path: str = ""
) -> tuple[Runbook, list[Finding]]:
    """Return the runbook in a file, as far as it can be read, and what is wrong with it, in order.

    Args:
        data: the whole file.
        name: how findings call it; usually its path.
        library: the files around it; without one, nothing can be included.
        path: of the file in the library; else the last part of its name.

    Raises:
        DocumentTooBigError: MW101.
        NotTextError: MW102.
    """
    source = source_from(data, name=name, path=path)
    findings: list[Finding] = []
    runbook, includes = read_document(source, findings)
    runbook = replace(runbook, library=library)
    findings.extend(_hidden(source, 0, is_runbook=runbook.header is not None))
    if runbook.header is not None and includes:
        taken = _Taking(runbook=runbook, findings=findings, library=library)
        taken.all(includes, source.path)
        runbook = taken.runbook
        if len(runbook.tasks) > TASKS_MAX:
            sentence = f"the document has {len(runbook.tasks)} tasks with all that it includes"
            findings.append(source.finding(TooComplexError, sentence, 0, limit=f"{TASKS_MAX} tasks"))
            runbook = replace(runbook, tasks=())
    findings.sort(key=lambda finding: finding.offset)
    return runbook, findings[:FINDINGS_MAX]


@dataclass(slots=True, kw_only=True)
class _Taking:
    """Takes in what a document includes, file after file; the text of each stands behind the last."""

    runbook: Runbook
    findings: list[Finding]
    library: Library | None
    chain: tuple[str, ...] = ()

    def all(self, includes: list[Include], path: str) -> None:
        for include in includes:
            self._take(include, path)

    def _take(self, include: Include, path: str) -> None:
        source, at = self.runbook.source, include.file
        target = beside(path, at.value)
        chain = (*self.chain, path)
        fault = self._fault(at.value, target, chain)
        data = b""
        try:
            if not fault and self.library is not None:
                data = self.library.read(target)
                name = source.name.removesuffix(source.path) + target
                source = source.plus(source_from(data, name=name, path=target))
        except MidwatchError as error:
            fault = (error.sentence, error.help)
        if fault:
            self.findings.append(source.finding(IncludeError, fault[0], at.span.start, hint=fault[1]))
            return
        start = source.parts[-1].line
        tasks, lost, includes = read_included(source, self.findings, start)
        self.findings.extend(_hidden(source, source.offset(start), is_runbook=True))
        names = [task.name.value for task in tasks]
        for wanted in include.tasks:
            if wanted.value not in names and wanted.value not in lost:
                sentence = f"`{at.value}` has no task `{wanted.value}`"
                hint = f"{did_you_mean(wanted.value, names)}Its tasks: {', '.join(names) or 'none'}."
                self.findings.append(source.finding(IncludeError, sentence, wanted.span.start, hint=hint))
        only = {wanted.value for wanted in include.tasks}
        kept = tuple(task for task in tasks if not only or task.name.value in only)
        self.runbook = replace(
            self.runbook, source=source, tasks=(*self.runbook.tasks, *kept), lost=self.runbook.lost | lost
        )
        below = _Taking(runbook=self.runbook, findings=self.findings, library=self.library, chain=chain)
        below.all(includes, target)
        self.runbook = below.runbook

    def _fault(self, reference: str, target: str, chain: tuple[str, ...]) -> tuple[str, str] | None:
        """Return what keeps a file from being taken in, and what to do about it."""
        paths = [part.path for part in self.runbook.source.parts]
        if self.library is None:
            return (
                f"`{reference}` can't be included: the document has no folder here",
                "Lint the file itself.",
            )
        if not target:
            return (
                f"`{reference}` leads out of the folder",
                "Name a file in the runbook's folder or below it.",
            )
        if target in chain:
            return f"files include each other: {' → '.join((*chain, target))}", "Take one include out."
        if target in paths:
            return f"`{reference}` is included twice", "Keep one include, with all `tasks:` that are wanted."
        if len(paths) > INCLUDES_MAX:
            return (
                f"the document includes more than {INCLUDES_MAX} files",
                "Put what belongs together together.",
            )
        return None


def _hidden(source: Source, start: int, *, is_runbook: bool) -> list[Finding]:
    severity = Severity.ERROR if is_runbook else Severity.WARNING
    found: list[Finding] = []
    for match in HIDDEN.finditer(source.text, start):
        code = f"U+{ord(match[0]):04X}"
        sentence = f"the document holds the character {code}, which people can't see"
        found.append(source.finding(ControlCharacterError, sentence, match.start(), severity, character=code))
        if len(found) == FINDINGS_MAX:
            break
    return found
