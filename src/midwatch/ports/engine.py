"""The durable queue that brings each run that can go on to some worker."""

from collections.abc import Callable
from typing import Protocol

from midwatch.base.ids import RunId

Drive = Callable[[RunId], None]
"""Drives a run until nothing of it is runnable; safe to call twice, from anywhere."""


class Engine(Protocol):
    """Runs `drive` for every enqueued run. Enqueueing itself is part of `Store.append` and `Store.wake`."""

    def start(self, drive: Drive) -> None:
        """Begin to take runs off the queue, also those that dead workers left behind."""
        ...

    def stop(self) -> None:
        """Take no more, wait for drives under way to reach a commit, give the rest back."""
        ...

    def adopt(self, dead: tuple[str, ...]) -> int:
        """Put what these dead workers were driving back on the queue; return how many runs."""
        ...

    def holders(self) -> tuple[str, ...]:
        """Return every worker that holds a drive, as far as the queue knows: dead ones too."""
        ...

    @property
    def worker(self) -> str:
        """Unique name of this process among the workers."""
        ...
