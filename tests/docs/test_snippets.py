"""What the pages tell a reader to type works, and shows what the pages say it shows."""

import os
import re
import socket
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from docs.pages import Block, Step, blocks, page_id, pages, steps
from midwatch.approvals.people import people_from, solo_people
from midwatch.wiring.settings import os_user

PATIENCE_S = 120
ID = re.compile(r"\b([ra])-[0-9a-z]{6,10}\b")
VARIES = re.compile(r"\d")
RUNNABLE = {"console", "sh"}
PORT = "4747"


def is_run(path: Path) -> bool:
    return any(block.language in RUNNABLE for block in blocks(path))


@dataclass
class Reader:
    """Somebody who types a page's commands, one after the other, in an empty home."""

    home: Path
    port: str
    bound: dict[str, str] = field(default_factory=dict)
    """An id on the page to the one that was printed here."""
    printed: list[str] = field(default_factory=list)

    def save(self, block: Block) -> None:
        path = self.home / block.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text.replace('os_users = ["kim"]', f'os_users = ["{os_user()}"]'))

    def type(self, step: Step) -> None:
        command = ID.sub(self._own_id, step.command).replace(PORT, self.port)
        done = subprocess.run(
            ("sh", "-ec", command),
            cwd=self.home,
            env=self._environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == step.code, f"$ {command}\n{done.stdout}"
        for found in ID.finditer(done.stdout):
            if found[0] not in self.printed:
                self.printed.append(found[0])
        said = self._as_on_the_page(done.stdout)
        missing = [line for line in map(stable, step.shown) if line and line not in said]
        assert missing == [], f"$ {command}\n{done.stdout}"

    def _own_id(self, found: re.Match[str]) -> str:
        if found[0] not in self.bound:
            same = [one for one in self.printed if one.startswith(found[1])]
            assert same, f"the page names {found[0]} before any was printed"
            self.bound[found[0]] = same[-1]
        return self.bound[found[0]]

    def _environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "MIDWATCH_STATE": str(self.home / ".local/state/midwatch"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUTF8": "1",
        }

    def _as_on_the_page(self, said: str) -> str:
        alone = next(iter(solo_people(os_user(), "").people))
        return " ".join(said.replace(str(self.home), "~").replace(f"person:{alone}", "person:root").split())


def stable(line: str) -> str:
    """Return what of a shown line must be said again; nothing where it has ids, numbers or times in it."""
    return "" if VARIES.search(line) else " ".join(line.removesuffix("…").split())


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    home = tmp_path / "home"
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Reader(home=home, port=str(free.getsockname()[1]))


@pytest.mark.parametrize("path", [path for path in pages() if is_run(path)], ids=page_id)
def test_a_page_can_be_followed(path: Path, reader: Reader) -> None:
    for block in blocks(path):
        if block.name:
            reader.save(block)
        elif block.language in RUNNABLE:
            for step in steps(block):
                reader.type(step)


@pytest.mark.parametrize("path", pages(), ids=page_id)
def test_blocks_of_data_can_be_read(path: Path) -> None:
    for block in blocks(path):
        if block.language == "toml":
            table = tomllib.loads(block.text)
            if block.name == "people.toml":
                people_from(table)
        elif block.language == "yaml":
            YAML(typ="safe", pure=True).load(block.text)


@pytest.mark.parametrize("path", pages(), ids=page_id)
def test_every_block_says_what_it_is(path: Path) -> None:
    known = RUNNABLE | {"toml", "yaml", "cedar", "markdown", "ini", "text"}
    assert {block.language for block in blocks(path)} <= known
