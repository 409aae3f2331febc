"""Every tool that is declared, for linting: nothing is opened for that."""

from collections.abc import Mapping
from pathlib import Path

from midwatch.adapters.config import Config
from midwatch.adapters.tools.manifests import load_manifests, shipped_folder
from midwatch.base.ids import ToolName
from midwatch.effects.manifest import Manifest

BESIDE = "tools"


def manifests(config: Config) -> Mapping[ToolName, Manifest]:
    """Return every declared tool by name.

    Raises:
        ManifestError: MW501; ManifestTwiceError: MW502.
    """
    return load_manifests(config.tools)


def manifests_for(config: Config, path: Path) -> Mapping[ToolName, Manifest]:
    """Return every declared tool, and those of a folder `tools` beside the runbook or beside its folder.

    For what only looks at a runbook: a checkout is linted and tested as it is. What runs takes the
    configured ones alone, since a manifest says what a tool may do to the world.

    Raises:
        ManifestError: MW501; ManifestTwiceError: MW502.
    """
    declared = manifests(config)
    own = {folder.resolve() for folder in (shipped_folder(), *config.tools)}
    for folder in (path.parent / BESIDE, path.parent.parent / BESIDE):
        if folder.is_dir() and folder.resolve() not in own:
            own.add(folder.resolve())
            declared = {**load_manifests((folder,)), **declared}
    return declared
