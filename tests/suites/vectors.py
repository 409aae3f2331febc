"""Test vectors that nobody here wrote: beside the project, or where MIDWATCH_SUITES says."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def vectors(name: str) -> Path:
    """Return the file or folder of a suite; the tests that need it are skipped where it is absent."""
    path = folder() / name
    if not path.exists():
        pytest.skip(f"the suite {name} is not in {folder()}", allow_module_level=True)
    return path


def folder() -> Path:
    """Return where the suites are looked for."""
    return Path(os.environ.get("MIDWATCH_SUITES") or ROOT.parent / "shared" / "suites")
