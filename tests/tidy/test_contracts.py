"""Planted violations of the contracts in pyproject.toml: each is caught by the tool that should."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

MUTANTS = {
    "imports a sibling": ("policy/mutant.py", "import midwatch.effects", "Imports point down only"),
    "imports upwards": ("journal/mutant.py", "import midwatch.run", "Imports point down only"),
    "is a new package": ("leftovers/__init__.py", "", "Imports point down only"),
    "reads the clock": ("run/mutant.py", "import time", "Pure packages touch nothing"),
    "opens a database": ("journal/mutant.py", "import sqlite3", "Pure packages touch nothing"),
    "takes an adapter": (
        "app/mutant.py",
        "import midwatch.adapters",
        "Adapters are imported by wiring, and by the lab",
    ),
    "needs a library": ("preflight.py", "import click", "What runs by itself"),
    "goes in a circle": ("base/errors.py", "import midwatch.base.mutant", "No cycles among siblings"),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Every mutant at once, in a copy of the source: what import-linter says."""
    copy = tmp_path_factory.mktemp("mutants")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for path, line, _ in MUTANTS.values():
        file = copy / "src/midwatch" / path
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as mutant:
            mutant.write(f"\n{line}\n")
    (copy / "src/midwatch/base/mutant.py").write_text("import midwatch.base.errors\n")
    done = subprocess.run(
        [BIN / "lint-imports", "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Broken contracts" in done.stdout, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("path", "line", "contract"), MUTANTS.values(), ids=MUTANTS)
def test_a_planted_import_breaks_its_contract(report: str, path: str, line: str, contract: str) -> None:
    head, _, chapter = report.partition("Broken contracts")
    verdict = next(words for words in head.splitlines() if words.startswith(contract))
    assert verdict.endswith("BROKEN")
    module = path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
    assert module in chapter
    assert line.rpartition(".")[2].removeprefix("import ") in chapter


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("run/mutant.py", "import time\n\nNOW = time.time()\n"),
        ("app/mutant.py", "import os\n\nHOME = os.environ\n"),
        ("run/mutant.py", "from datetime import UTC, datetime\n\nNOW = datetime.now(UTC)\n"),
        ("insight/mutant.py", "import random\n\nCHANCE = random.Random(1)\n"),
    ],
)
def test_ruff_bans_clock_chance_and_environment(place: str, code: str) -> None:
    done = subprocess.run(
        [
            BIN / "ruff",
            "check",
            "--no-cache",
            "--select",
            "TID251",
            "--stdin-filename",
            f"src/midwatch/{place}",
            "-",
        ],
        cwd=ROOT,
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "TID251" in done.stdout
    assert "port" in done.stdout or "argument" in done.stdout


def test_mypy_finds_a_case_that_a_match_forgot(tmp_path: Path) -> None:
    mutant = tmp_path / "mutant.py"
    mutant.write_text(
        "def name(x: int | str) -> str:\n"
        "    match x:\n"
        "        case int():\n"
        "            return 'int'\n"
        "    return ''\n"
    )
    done = subprocess.run(
        [BIN / "mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", tmp_path / "cache", mutant],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "[exhaustive-match]" in done.stdout
