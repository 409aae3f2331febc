"""A small journal in memory, the same at every run, that tests may break."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from midwatch.base.errors import MidwatchError
from midwatch.base.ids import Principal, StreamId
from midwatch.base.units import EpochMs
from midwatch.journal.chain import GENESIS, extend
from midwatch.journal.checkpoint import (
    Checkpoint,
    Remembered,
    remembered_in,
    sign_checkpoint,
    verifier_key,
    witness_line,
)
from midwatch.journal.events import Draft, Entry, StoredEvent
from midwatch.journal.merkle import grow
from midwatch.journal.run_events import Rung, TaskStarted, TaskSucceeded
from midwatch.journal.verify import Verified, Visit, verify_journal

SIGNER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
PUBLIC_KEY = SIGNER.public_key().public_bytes_raw()
ORIGIN = "midwatch/0123abcd"
VERIFIER = verifier_key(ORIGIN, PUBLIC_KEY)
SUBJECT = "tenant/local"
KEY = b"k" * 32
RUNG = Rung(ask="oncall", people=["ada"], from_ms=1, until_ms=2)


class NoSuchKeyError(MidwatchError):
    """A key that the test never made."""


def key_of(subject: str) -> bytes | None:
    if subject != SUBJECT:
        raise NoSuchKeyError(f"no key for {subject}")
    return KEY


def steady_noise() -> Callable[[int], bytes]:
    numbers = count()

    def noise(size: int) -> bytes:
        return hashlib.shake_256(str(next(numbers)).encode()).digest(size)

    return noise


@dataclass(frozen=True)
class Row:
    entry: Entry
    position: int | None


@dataclass
class MadeJournal:
    rows: list[Row] = field(default_factory=list)
    tiles: dict[tuple[int, int], bytes] = field(default_factory=dict)
    checkpoints: list[tuple[int, str]] = field(default_factory=list)
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    noise: Callable[[int], bytes] = field(default_factory=steady_noise)

    def append(self, stream: str, times: int = 1, *, word: str = "a") -> None:
        n, prev = self.heads.get(stream, (0, GENESIS))
        drafts = []
        for number in range(times):
            payload = (
                TaskStarted(task=word, attempt=1 + number)
                if number % 2
                else TaskSucceeded(task=word, attempt=1, out={"of": [word, number]})
            )
            drafts.append(Draft(payload=payload, actor=Principal("person:ada"), cause=f"{stream}#1"))
        made = extend(
            StreamId(stream),
            n,
            prev,
            drafts,
            at_ms=EpochMs(1_800_000_000_000 + len(self.rows)),
            subject=SUBJECT,
            key=KEY,
            noise=self.noise,
        )
        self.rows.extend(Row(entry, None) for entry in made)
        self.heads[stream] = made[-1].n, made[-1].leaf_hash.hex()

    def seal(self) -> None:
        size = len(self.positions())
        fresh = [row for row in self.rows if row.position is None]
        tiles, size_now, root = grow(size, self.read_tile, [row.entry.leaf_hash for row in fresh])
        self.tiles.update(tiles)
        numbers = count(size)
        self.rows = [
            replace(row, position=next(numbers)) if row.position is None else row for row in self.rows
        ]
        head = Checkpoint(origin=ORIGIN, size=size_now, root=root)
        self.checkpoints.append((size_now, sign_checkpoint(head, public_key=PUBLIC_KEY, sign=SIGNER.sign)))

    def read_tile(self, level: int, index: int) -> bytes:
        return self.tiles.get((level, index), b"")

    def positions(self) -> list[int]:
        return [row.position for row in self.rows if row.position is not None]

    def witness(self) -> tuple[Remembered, ...]:
        return remembered_in(
            [witness_line(self.checkpoints[-1][1], verifier=VERIFIER, at_ms=EpochMs(1_800_000_000_000))]
        )

    def stored(self) -> list[StoredEvent]:
        return [
            StoredEvent.of(row.entry, row=number, position=row.position)
            for number, row in enumerate(self.rows, 1)
        ]

    def verify(
        self, *, remembered: Iterable[Remembered] = (), opened: bool = True, visit: Visit | None = None
    ) -> Verified:
        return verify_journal(
            self.stored(),
            tiles=[(level, index, tile) for (level, index), tile in self.tiles.items()],
            checkpoints=self.checkpoints,
            verifier=VERIFIER,
            remembered=remembered,
            key_of=key_of if opened else None,
            visit=visit,
        )


def made_journal(rounds: int = 4, *, word: str = "a", every: int = 1) -> MadeJournal:
    """Return a journal of two run streams and `policy`: 7 events a round, sealed `every` so many rounds."""
    journal = MadeJournal()
    for number in range(rounds):
        journal.append("run/r-1", 3, word=word)
        journal.append("run/r-2", 3, word=word)
        journal.append("policy", word=word)
        if number % every == every - 1 or number == rounds - 1:
            journal.seal()
    return journal
