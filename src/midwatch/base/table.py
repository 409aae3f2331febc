"""A mapping that is never changed, only followed by others, at a price that hardly grows with its size."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

RECENT_MAX = 64
"""How many keys a change copies at most; after so many, everything is copied once."""


class Table(Mapping[K, V], Generic[K, V]):
    """Keys in the order in which they came, whatever became of their values since."""

    __slots__ = ("_old", "_recent")

    def __init__(self) -> None:
        """Hold nothing."""
        self._old: dict[K, V] = {}
        """Shared by many tables, and never changed."""
        self._recent: dict[K, V] = {}
        """What came or changed since; never changed either."""

    def having(self, key: K, value: V) -> "Table[K, V]":
        """Return a table with one more key, or with another value for one that is there."""
        return self.having_all({key: value})

    def having_all(self, more: Mapping[K, V]) -> "Table[K, V]":
        """Return a table with more keys, or with other values for those that are there."""
        after: Table[K, V] = Table()
        if len(self._recent) + len(more) <= RECENT_MAX:
            after._old = self._old
            after._recent = {**self._recent, **more}
        else:
            after._old = {**self._old, **self._recent, **more}
        return after

    def changed_since(self, before: Mapping[K, V]) -> Iterator[tuple[K, V]]:
        """Yield what has another value than it had, or none, `before`; cheap where that is a recent table."""
        is_near = isinstance(before, Table) and before._old is self._old  # noqa: SLF001 - of its own kind
        for key, value in (self._recent if is_near else self).items():
            if before.get(key) is not value:
                yield key, value

    def __getitem__(self, key: K) -> V:
        """Return the value of a key."""
        return self._recent[key] if key in self._recent else self._old[key]

    def __contains__(self, key: object) -> bool:
        """Return whether there is such a key."""
        return key in self._recent or key in self._old

    def __iter__(self) -> Iterator[K]:
        """Yield the keys, the oldest first."""
        return chain(self._old, (key for key in self._recent if key not in self._old))

    def __reversed__(self) -> Iterator[K]:
        """Yield the keys, the newest first."""
        return chain((key for key in reversed(self._recent) if key not in self._old), reversed(self._old))

    def __len__(self) -> int:
        """Return how many keys there are."""
        return len(self._old) + sum(key not in self._old for key in self._recent)
