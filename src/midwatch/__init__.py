"""Midwatch: agents that stand the night watch, and ask before they touch anything."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Return `__version__` when it is asked for: reading it costs 20 ms that `--help` need not pay."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 -- see above

        return version("midwatch")
    message = f"module 'midwatch' has no attribute {name!r}"
    raise AttributeError(message)
