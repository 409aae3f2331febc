"""The package itself: its version, its entry points, its data."""

import subprocess
import sys
from importlib.metadata import entry_points, version

import pytest

import midwatch


def test_the_version_is_the_installed_one() -> None:
    assert midwatch.__version__ == version("midwatch")


def test_other_names_are_not_made_up() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = midwatch.nothing


def test_importing_it_imports_next_to_nothing() -> None:
    heavy = {"click", "dbos", "importlib.metadata", "pydantic", "sqlalchemy"}
    code = f"import midwatch, sys; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_both_commands_lead_to_the_same_place() -> None:
    commands = entry_points(group="console_scripts")
    assert {commands[name].value for name in ("midwatch", "mw")} == {"midwatch.cli:main"}
