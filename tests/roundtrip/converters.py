"""Programs that read a runbook and write it again, and where they are."""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODE_FOLDERS = (ROOT / ".venv/node/node_modules/.bin", ROOT / "node_modules/.bin")
WITHIN_S = 120


def found(program: str) -> str:
    """Return the path of a program; where it is missing the test is left out, but never where CI says so."""
    places = os.pathsep.join(
        [*map(str, NODE_FOLDERS), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    )
    path = shutil.which(program, path=places)
    if path is None:
        message = f"{program} is not installed, so nothing is sent through it here"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{message}; .ci/run installs it")
        pytest.skip(message)
    return path


def through(program: str, *args: str) -> Callable[[bytes], bytes]:
    """Return what sends bytes through a program."""

    def convert(data: bytes) -> bytes:
        command = [found(program), *args]
        done = subprocess.run(command, input=data, capture_output=True, check=True, timeout=WITHIN_S)
        return done.stdout

    return convert


def pandoc(*forms: str) -> Callable[[bytes], bytes]:
    """Return what goes through pandoc from form to form."""

    def convert(data: bytes) -> bytes:
        for source, target in itertools.pairwise(forms):
            data = through("pandoc", "--from", source, "--to", target)(data)
        return data

    return convert


KEEP_ALL = {
    "prettier": through("prettier", "--parser", "markdown"),
    "prettier, wrapped": through("prettier", "--parser", "markdown", "--prose-wrap", "always"),
    "mdformat": through("mdformat", "-"),
    "mdformat, wrapped": through("mdformat", "--wrap", "80", "-"),
}
"""Those that keep front matter."""
NEED_A_BLOCK = {
    "pandoc to GFM": pandoc("gfm", "gfm"),
    "pandoc to HTML and back": pandoc("gfm", "html", "gfm"),
    "pandoc to docx and back": pandoc("gfm", "docx", "gfm"),
}
"""Those that drop front matter: the header has to be a block."""
