"""Hands that wait for tools while the driver goes on."""

from collections.abc import Callable
from typing import Protocol


class Crew(Protocol):
    """Runs blocking calls beside the caller."""

    def start(self, work: Callable[[], None]) -> None:
        """Begin `work` soon, in some thread; it reports by itself and never raises."""
        ...

    def close(self) -> None:
        """Wait for what was begun."""
        ...
