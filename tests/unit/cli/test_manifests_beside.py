"""A checkout of runbooks with its tools is linted as it is; what runs takes the configured tools alone."""

from pathlib import Path

import pytest

from midwatch.adapters.config import Surroundings, load_config
from midwatch.wiring.manifests import manifests, manifests_for

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("folder", ["examples", "examples/runbooks"])
def test_tools_beside_a_runbook_or_its_folder_are_known_to_what_only_looks(
    folder: str, tmp_path: Path
) -> None:
    place = tmp_path / folder
    place.mkdir(parents=True)
    (tmp_path / "examples" / "tools").symlink_to(EXAMPLES / "tools")
    config = load_config(None, Surroundings(environ={}, cwd=tmp_path, home=tmp_path, uid=0))
    assert "pg.read" in manifests_for(config, place / "a.runbook.md")
    assert "pg.read" not in manifests(config)
