"""The whole journal as JSON Lines, to be checked elsewhere by `verify_journal.py`.

First a header, then a line per event with its payload revealed, then a line per checkpoint:

    {"midwatch_export":1,"origin":…,"vkey":…}
    {"stream":…,"n":…,"idx":…,"leaf":…,"leaf_hash":…,"salt":…,"payload":…}
    {"checkpoint":…}

`leaf` and `payload` are the hashed bytes as text, hash and salt are hexadecimal, `idx` is the position in the
Merkle log or null. An erased event has neither salt nor payload.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from midwatch.base.canonical import canonical
from midwatch.journal.chain import open_entry
from midwatch.journal.checkpoint import parse_verifier_key
from midwatch.journal.events import Entry
from midwatch.journal.sealing import SALT_BYTES, revealed
from midwatch.journal.verify import KeyOf

EXPORT_VERSION = 1


class Stored(Protocol):
    """An entry as the store gives it back, with its position in the log: None until sealed."""

    @property
    def entry(self) -> Entry:
        """The stored event."""
        ...

    @property
    def position(self) -> int | None:
        """Its number in the global log, from 0."""
        ...


def export_lines(
    events: Iterable[Stored], *, checkpoints: Iterable[tuple[int, str]], verifier: str, key_of: KeyOf
) -> Iterator[str]:
    """Yield the lines of an export, each with its newline.

    Args:
        events: every stored event; those of one stream in its order.
        checkpoints: size and note of each, smallest first.
        verifier: the verifier key of this log.
        key_of: returns a subject's key, None where it was destroyed.

    Raises:
        LeafRefusedError: MW204; SealBrokenError: MW205; CommitBrokenError: MW206; ChainBrokenError: MW208,
            at the first event that isn't whole: a broken journal is restored, not exported.
    """
    origin, _ = parse_verifier_key(verifier)
    yield _line({"midwatch_export": EXPORT_VERSION, "origin": origin, "vkey": verifier})
    keys: dict[str, bytes | None] = {}
    for stored in events:
        entry = stored.entry
        envelope = open_entry(entry, None).envelope
        line: dict[str, str | int | None] = {
            "stream": entry.stream,
            "n": entry.n,
            "idx": stored.position,
            "leaf": entry.leaf.decode("ascii"),
            "leaf_hash": entry.leaf_hash.hex(),
        }
        if entry.subject not in keys:
            keys[entry.subject] = key_of(entry.subject)
        key = keys[entry.subject]
        if key is not None:
            salted = revealed(entry, key, envelope.payload_commit)
            line["salt"] = salted[:SALT_BYTES].hex()
            line["payload"] = salted[SALT_BYTES:].decode()
        yield _line(line)
    for _, note in checkpoints:
        yield _line({"checkpoint": note})


def _line(value: dict[str, str | int | None]) -> str:
    return canonical(value).decode() + "\n"
