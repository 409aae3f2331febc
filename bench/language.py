"""What it costs to lint and compile a runbook of 300 lines, beside what the two libraries take for it."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from midwatch.adapters.tools.manifests import load_manifests
from midwatch.plan.codec import plan_record
from midwatch.plan.review import lint_text
from midwatch.runbook.cel.evaluation import _ENV, parsed
from midwatch.runbook.document import block_key
from midwatch.runbook.markdown import Fence, front_matter, pieces_of
from midwatch.runbook.source import source_from
from midwatch.runbook.yaml import Allowance, Block, library_tree

ROOT = Path(__file__).parents[1]
LINES = 300
ROUNDS = 15
_CEL = frozenset({"when", "holds", "args", "bind", "inputs", "ends"})
_CEL_MAPS = frozenset({"args", "bind", "ends"})
_TASK = re.compile(r"\n## Task: Measure\n.*?\n(?=## Task: )", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """CPU milliseconds after start-up, the median of the rounds."""

    lint: float
    again: float
    """With the expressions known from before."""
    yaml: float
    cel: float


def language_costs() -> Costs:
    """Lint and compile a document of 300 lines, and let each library alone read its part of it."""
    manifests = load_manifests([ROOT / "examples/tools"])
    data = document().encode()
    plan = lint_text(data, name="bench", manifests=manifests).plan
    assert plan is not None
    expressions = list(expressions_of(plan_record(plan)))

    def lint() -> None:
        report = lint_text(data, name="bench", manifests=manifests)
        assert report.plan is not None, report.errors

    def cold() -> None:
        parsed.cache_clear()
        lint()

    def cel() -> None:
        for expression in expressions:
            _ENV.compile(expression, disable_check=True)

    yaml_ms = _median_ms(lambda: read_yaml(data))
    return Costs(lint=_median_ms(cold), again=_median_ms(lint), yaml=yaml_ms, cel=_median_ms(cel))


def document() -> str:
    """Return the example with its reading repeated under other names until it has 300 lines."""
    text = (ROOT / "examples/pg-connections.runbook.md").read_text()
    found = _TASK.search(text)
    assert found is not None
    number = 1
    while text.count("\n") < LINES:
        number += 1
        again = found[0].replace("Measure", f"Measure {number}")
        again = again.replace("task: measure", f"task: measure_{number}").rstrip("\n")
        text = text.replace("\n## Task: Find the cause\n", f"{again}\n\n## Task: Find the cause\n", 1)
    return text


def expressions_of(record: object, key: str = "") -> Iterator[str]:
    """Yield the expressions of a compiled runbook."""
    match record:
        case str() if key in _CEL and record:
            yield record
        case Mapping():
            for name, value in record.items():
                yield from expressions_of(value, key if key in _CEL_MAPS else name)
        case list():
            for value in record:
                yield from expressions_of(value, key)


def read_yaml(data: bytes) -> None:
    source = source_from(data, name="bench")
    matter = front_matter(source)
    assert matter is not None
    text = source.text[source.offset(matter[0]) : source.offset(matter[1])]
    blocks = [Block(text=text, line=matter[0])]
    pieces = pieces_of(source, start=matter[1] + 1)
    blocks += [
        Block(text=piece.content, line=piece.content_line)
        for piece in pieces
        if isinstance(piece, Fence) and block_key(piece)
    ]
    for block in blocks:
        library_tree(block, source, Allowance())


def _median_ms(act: Callable[[], None]) -> float:
    act()
    taken = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        act()
        taken.append(time.process_time() - begin)
    return sorted(taken)[ROUNDS // 2] * 1000
