"""What every test here works with: hands that fork workers, and folders to work in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("crash.hands")

from crash.hands import Crew, Places  # noqa: E402 - only what is imported after the line above is rewritten


@pytest.fixture(scope="package")
def crew() -> Iterator[Crew]:
    crew = Crew()
    yield crew
    crew.close()


@pytest.fixture
def places(tmp_path: Path, crew: Crew) -> Places:
    return Places(tmp_path, crew)
