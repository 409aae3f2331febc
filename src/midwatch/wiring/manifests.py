"""Every tool that is declared here, for linting: nothing is opened for that."""

from collections.abc import Mapping

from midwatch.adapters.config import Config
from midwatch.adapters.tools.manifests import load_manifests
from midwatch.base.ids import ToolName
from midwatch.effects.manifest import Manifest


def manifests(config: Config) -> Mapping[ToolName, Manifest]:
    """Return every declared tool by name.

    Raises:
        ManifestError: MW501; ManifestTwiceError: MW502.
    """
    return load_manifests(config.tools)
