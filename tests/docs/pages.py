"""The pages for users, taken apart into what a reader types and what they are shown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1`*[ \t]*$", re.MULTILINE | re.DOTALL)
EXIT = re.compile(r"\s+# exit (\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: `toml` or `toml people.toml`, where a name is a file that the reader saves."""

    language: str
    name: str
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command with what the page says about it."""

    command: str
    code: int
    shown: tuple[str, ...]


def pages() -> tuple[Path, ...]:
    """Return the pages whose blocks are run."""
    return (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path) -> Iterator[Block]:
    text = path.read_text()
    for found in FENCE.finditer(text):
        language, _, name = found[2].strip().partition(" ")
        yield Block(language=language, name=name, text=found[3], line=text.count("\n", 0, found.start()) + 1)


def steps(block: Block) -> Iterator[Step]:
    """Yield the commands of a `console` block, each with the lines up to the next one."""
    if block.language == "sh":
        yield Step(command=block.text, code=0, shown=())
        return
    before, *parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not before.strip(), f"line {block.line}: a console block begins with a command"
    for part in parts:
        typed, _, shown = part.partition("\n")
        code = EXIT.search(typed)
        yield Step(
            command=EXIT.sub("", typed),
            code=int(code[1]) if code else 0,
            shown=tuple(shown.splitlines()),
        )


def table_column(path: Path, heading: str) -> list[str]:
    """Return the code spans in the first column of the first table below a heading."""
    _, found, below = path.read_text().partition(f"\n## {heading}\n")
    assert found, f"{path.name} has no heading {heading!r}"
    section = below.split("\n## ", 1)[0]
    return re.findall(r"^\| `([^`]+)`", section, re.MULTILINE)
