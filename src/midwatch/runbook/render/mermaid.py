"""The graph of a runbook in Mermaid's words.

Source: https://mermaid.js.org/syntax/flowchart.html
"""

import re

from midwatch.runbook.model import Kind, Runbook, Task
from midwatch.runbook.render.edges import Arrow, edges_of

WORD_CHARACTERS_MAX = 40
_SHAPES = {
    Kind.DECISION: ("{", "}"),
    Kind.APPROVAL: ("{{", "}}"),
    Kind.MANUAL: ("[/", "/]"),
    Kind.AGENT: ("(", ")"),
    Kind.WAIT: ("([", "])"),
    Kind.CALL: ("[[", "]]"),
    Kind.NOTIFY: (">", "]"),
}
_LINES = {Arrow.NEEDS: "-->", Arrow.ROUTE: "-.->", Arrow.UNDO: "-.->"}
_SPECIAL = re.compile(r"[^\w .,:;/()\[\]=+*?!'-]")


def mermaid(runbook: Runbook) -> str:
    """Return the flowchart of a runbook, with a line end at its end; the same runbook gives the same text."""
    lines = ["flowchart TD"]
    lines += [f"    {_node(task)}" for task in runbook.tasks]
    for edge in edges_of(runbook):
        word = f'|"{_escaped(shortened(edge.word))}"|' if edge.word else ""
        lines.append(f"    t_{edge.start} {_LINES[edge.arrow]}{word} t_{edge.end}")
    for task in runbook.tasks:
        for outcome in task.ends:
            end = f"end_{task.name.value}_{outcome.value}"
            lines.append(f'    t_{task.name.value} --> {end}(["{_escaped(outcome.value)}"])')
    return "\n".join(lines) + "\n"


def shortened(text: str) -> str:
    """Return a text in one line that fits beside an arrow."""
    line = " ".join(text.split())
    return line if len(line) <= WORD_CHARACTERS_MAX else f"{line[: WORD_CHARACTERS_MAX - 1].rstrip()}…"


def _node(task: Task) -> str:
    left, right = _SHAPES.get(task.kind, ("[", "]"))
    title = shortened(task.title) or task.name.value
    kind = task.kind.value if task.effect is None else f"{task.kind.value}, {task.effect.value}"
    return f't_{task.name.value}{left}"{_escaped(title)}<br/>{_escaped(kind)}"{right}'


def _escaped(text: str) -> str:
    """Return a text with everything that Mermaid or HTML could read as its own as entities."""
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)
