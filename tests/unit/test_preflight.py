"""Preflight: one sentence and one fix for everything that keeps Midwatch from being set up."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from midwatch import preflight
from midwatch.preflight import Facts, facts, problem

SOURCE = Path(preflight.__file__)

GOOD = Facts(
    version=(3, 11),
    implementation="CPython",
    system="Linux",
    machine="x86_64",
    is_musl=False,
    is_debian=True,
    is_root=False,
    has_ensurepip=True,
    pip=(23, 2),
)


def test_nothing_is_wrong_with_this_machine() -> None:
    assert problem(facts()) is None
    assert preflight.main() == 0


@pytest.mark.parametrize(
    "seen",
    [
        GOOD,
        GOOD._replace(version=preflight.NEWEST, machine="aarch64", is_debian=False),
        GOOD._replace(system="Darwin", machine="arm64", is_debian=False),
        GOOD._replace(has_ensurepip=False, pip=(22, 3)),
        GOOD._replace(pip=(0, 0)),
    ],
)
def test_what_works_is_let_through(seen: Facts) -> None:
    assert problem(seen) is None


@pytest.mark.parametrize(
    ("seen", "sentence", "fix"),
    [
        (GOOD._replace(version=(3, 9)), "Python 3.9 is too old", "sudo apt install python3.11"),
        (GOOD._replace(version=(3, 9), is_debian=False), "Python 3.9 is too old", "make start PYTHON="),
        (GOOD._replace(version=(3, 10), is_debian=False, system="Darwin"), "too old", "brew install"),
        (GOOD._replace(version=(3, 15)), "Python 3.15 is too new", "PYTHON=/path/to/python3.14"),
        (GOOD._replace(implementation="PyPy"), "this is PyPy", "make start PYTHON="),
        (GOOD._replace(is_musl=True, is_debian=False), "musl", "glibc"),
        (GOOD._replace(machine="riscv64"), "riscv64 on Linux", "x86_64 or aarch64"),
        (GOOD._replace(system="FreeBSD", is_debian=False), "x86_64 on FreeBSD", "Linux"),
        (GOOD._replace(has_ensurepip=False, pip=(0, 0)), "ensurepip", "sudo apt install python3.11-venv"),
        (GOOD._replace(has_ensurepip=False, pip=(22, 2), is_root=True), "ensurepip", "apt install"),
        (GOOD._replace(has_ensurepip=False, pip=(0, 0), is_debian=False), "ensurepip", "python3-venv"),
    ],
)
def test_what_fails_is_said_with_its_fix(seen: Facts, sentence: str, fix: str) -> None:
    found = problem(seen)
    assert found is not None
    assert sentence in found.sentence
    assert fix in found.fix
    assert "\n" not in found.sentence + found.fix


def test_root_is_not_told_to_use_sudo() -> None:
    found = problem(GOOD._replace(has_ensurepip=False, pip=(0, 0), is_root=True))
    assert found is not None
    assert found.fix == "apt install python3.11-venv"


def test_the_problem_goes_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "facts", lambda: GOOD._replace(is_musl=True))
    assert preflight.main() == 1
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("midwatch can't be set up: this Python is built on musl")
    assert "\n  fix: " in err


def test_it_runs_by_path_before_anything_is_installed() -> None:
    done = subprocess.run([sys.executable, "-I", "-S", str(SOURCE)], capture_output=True, check=False)
    assert done.returncode in {0, 1}  # without its site folder this Python may have neither pip nor ensurepip
    assert b"Traceback" not in done.stderr


def test_an_ancient_python_can_read_it() -> None:
    ast.parse(SOURCE.read_text(), feature_version=(3, 6))
