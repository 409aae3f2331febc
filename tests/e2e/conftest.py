"""A machine for each test that asks for one."""

from pathlib import Path

import pytest

from e2e.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
