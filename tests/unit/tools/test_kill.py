"""A kill -9 before any line of an acting tool leaves nothing that a replay does not complete."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import midwatch


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: a kill loses no writes, so no disk is needed to see."""
    memory = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else None))
    yield root
    shutil.rmtree(root)


@pytest.mark.parametrize("tool", ["files.chmod", "files.purge", "files.quarantine", "files.restore"])
def test_a_replay_completes_what_a_kill_before_any_line_left(tool: str, folder: Path) -> None:
    said = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killing.py")), tool, str(folder)],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(midwatch.__file__).parents[1]), "PATH": os.environ["PATH"]},
    )
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["kills"] > 100
