"""What a face needs to know before a house is opened: settings, and who is at the keyboard."""

from pathlib import Path

from midwatch.adapters.config import (
    Config,
    ConfigKeyError,
    ConfigSyntaxError,
    ConfigUnreadableError,
    ConfigValueError,
    load_config,
    surroundings,
)
from midwatch.adapters.process import full_name, host_name, os_user

__all__ = [
    "Config",
    "ConfigKeyError",
    "ConfigSyntaxError",
    "ConfigUnreadableError",
    "ConfigValueError",
    "full_name",
    "host_name",
    "os_user",
    "settings",
]


def settings(given: Path | None) -> Config:
    """Return the settings of this process; see `adapters.config`.

    Raises:
        MidwatchError: MW901 to MW904.
    """
    return load_config(given, surroundings())
