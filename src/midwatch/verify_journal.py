"""Verify an exported Midwatch journal without Midwatch: the standard library and `cryptography` only.

    python verify_journal.py EXPORT.jsonl [--witness FILE] [--vkey KEY]

Copy this file anywhere; it is meant to be read before it is run. It checks, and names the first that fails:

1. each leaf is a canonical envelope (version 1) and hashes into the chain of its stream, from n = 1 on;
2. each revealed payload is the one its leaf commits to: SHA-256 of salt and payload;
3. positions in the log are dense from 0, and at the size of each checkpoint the Merkle root (RFC 9162)
   over the leaves is the signed one; the last checkpoint covers every position;
4. each checkpoint (C2SP signed note) is signed by the log's Ed25519 key;
5. with --witness, every head that was remembered outside is a head of this very log: that finds a log
   whose end was cut off, and one that was rebuilt and signed again. Without it, neither can be found.

The key is the one that the export names, unless --vkey or the witness says another. Exit code 0: whole;
1: broken; 2: can't be read.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

EXPORT_VERSION = ENVELOPE_VERSION = WITNESS_VERSION = 1
GENESIS = "0" * 64
LEAF = re.compile(
    r'\{"at_ms":(?:0|[1-9][0-9]{0,14}),"cause":(?:null|"[!#-\[\]-~]{1,250}"),"n":([1-9][0-9]{0,14}),'
    r'"payload_commit":"([0-9a-f]{64})","prev":"([0-9a-f]{64})","stream":"([!$-\[\]-{}~]{1,200})",'
    r'"type":"[a-z][a-z0-9_.]{0,63}","type_v":[1-9][0-9]{0,3},"v":1\}'
)
EVENT_FIELDS = {"stream", "n", "idx", "leaf", "leaf_hash"}
ED25519 = b"\x01"
SALT = re.compile("[0-9a-f]{32}")


class Broken(Exception):  # noqa: N818 -- the one thing this program looks for
    """Something doesn't hold; `line` is the number in the file, 0 for the file as a whole."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


def sha256(data: bytes) -> bytes:  # noqa: D103 -- its name says it
    return hashlib.sha256(data).digest()


def fields_of(text: str, line: int, what: str) -> dict[str, object]:
    """Return the object that `text` spells in JSON."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Broken(line, f"{what} isn't JSON: {error}") from error
    if not isinstance(value, dict):
        raise Broken(line, f"{what} isn't an object")
    return value


def text_of(fields: dict[str, object], name: str, line: int) -> str:
    """Return a field that must be a string."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise Broken(line, f"{name} is missing or not a string")
    return value


def bytes_of(text: str) -> bytes:
    """Return what base64 spells; nothing when it isn't base64, or not its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if base64.b64encode(data).decode() == text else b""


def key_of(vkey: str, line: int) -> tuple[str, bytes, Ed25519PublicKey]:
    """Return the name, the key id and the Ed25519 key that a verifier key spells."""
    name, _, rest = vkey.partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = bytes_of(encoded)
    expected = sha256(name.encode() + b"\n" + raw)[:4]
    if raw[:1] != ED25519 or len(raw) != 33 or key_id != expected.hex():  # noqa: PLR2004 -- 1 + 32
        raise Broken(line, f"{vkey!r} isn't the verifier key of an Ed25519 signer")
    return name, expected, Ed25519PublicKey.from_public_bytes(raw[1:])


def open_note(note: str, vkey: str, line: int) -> tuple[int, bytes]:
    """Return size and root of a checkpoint, once its signature was checked (C2SP signed-note)."""
    name, key_id, key = key_of(vkey, line)
    body, _, tail = note.partition("\n\n")
    origin, size, root, *more = [*body.split("\n"), "", ""]
    mine = [text.split(" ", 2)[2] for text in tail.split("\n") if text.startswith(f"— {name} ")]
    signature = bytes_of(mine[0]) if len(mine) == 1 else b""
    if origin != name or any(more) or not size.isdecimal() or signature[:4] != key_id:
        raise Broken(line, f"the note isn't a checkpoint of {name}")
    try:
        key.verify(signature[4:], body.encode() + b"\n")
    except InvalidSignature as error:
        raise Broken(line, f"the checkpoint isn't signed by {name}") from error
    return int(size), bytes_of(root)


class Tree:
    """All complete subtrees over the leaves; `root` gives the root at any size (RFC 9162)."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.size = len(leaves)
        self.rows = [leaves]
        while len(row := self.rows[-1]) > 1:
            self.rows.append([sha256(b"\x01" + row[i] + row[i + 1]) for i in range(0, len(row) - 1, 2)])

    def root(self, size: int) -> bytes:
        """Return the Merkle root over the first `size` leaves."""
        made = b""
        for height in range(size.bit_length()):
            if size >> height & 1:
                peak = self.rows[height][(size >> height) - 1]
                made = sha256(b"\x01" + peak + made) if made else peak
        return made or sha256(b"")


class Journal:
    """What was read so far: heads of streams, leaves by position, checkpoints."""

    def __init__(self) -> None:
        self.vkey = ""
        self.heads: dict[str, tuple[int, str]] = {}
        self.leaves: dict[int, tuple[bytes, int]] = {}
        self.checkpoints: list[tuple[int, bytes, int]] = []
        self.events = self.revealed = self.waiting = 0

    def header(self, text: str) -> None:
        """Read the first line."""
        fields = fields_of(text, 1, "the first line")
        if fields.get("midwatch_export") != EXPORT_VERSION:
            raise Broken(1, f"this isn't a Midwatch export of version {EXPORT_VERSION}")
        self.vkey = text_of(fields, "vkey", 1)
        if key_of(self.vkey, 1)[0] != text_of(fields, "origin", 1):
            raise Broken(1, "origin isn't the name in vkey")

    def event(self, fields: dict[str, object], line: int) -> None:
        """Check an event against its own leaf and against the one before it."""
        text = text_of(fields, "leaf", line)
        leaf = LEAF.fullmatch(text)
        ref = f"{fields.get('stream')}#{fields.get('n')}"
        if leaf is None:
            raise Broken(line, f"the leaf of {ref} isn't a canonical envelope of version {ENVELOPE_VERSION}")
        n, commit, prev, stream = leaf.groups()
        if f"{stream}#{n}" != ref:
            raise Broken(line, f"the leaf at {ref} is that of {stream}#{n}")
        hashed = sha256(b"\x00" + text.encode())
        if hashed.hex() != fields.get("leaf_hash"):
            raise Broken(line, f"leaf_hash isn't the hash of the leaf of {ref}")
        head_n, head_hash = self.heads.get(stream, (0, GENESIS))
        if int(n) != head_n + 1:
            raise Broken(line, f"{ref} comes after {stream}#{head_n}: missing, twice, or out of order")
        if prev != head_hash:
            raise Broken(line, f"{ref} doesn't follow from the event before it")
        self.payload(fields, commit, ref, line)
        self.heads[stream] = head_n + 1, hashed.hex()
        self.events += 1
        self.place(fields["idx"], hashed, ref, line)

    def payload(self, fields: dict[str, object], commit: str, ref: str, line: int) -> None:
        """Check a payload, if it is revealed, against the commitment in its leaf."""
        rest = fields.keys() - EVENT_FIELDS
        if not fields.keys() >= EVENT_FIELDS or rest not in (set(), {"salt", "payload"}):
            raise Broken(line, f"{ref} has missing or unknown fields")
        if not rest:
            return
        salt, payload = text_of(fields, "salt", line), text_of(fields, "payload", line)
        if SALT.fullmatch(salt) is None:
            raise Broken(line, f"the salt of {ref} isn't 16 bytes in hexadecimal")
        if sha256(bytes.fromhex(salt) + payload.encode()).hex() != commit:
            raise Broken(line, f"the payload of {ref} isn't the one its leaf commits to")
        self.revealed += 1

    def place(self, idx: object, hashed: bytes, ref: str, line: int) -> None:
        """Take the event's position in the log."""
        if idx is None:
            self.waiting += 1
        elif not isinstance(idx, int) or isinstance(idx, bool) or idx < 0:
            raise Broken(line, f"the position of {ref} isn't a number")
        elif idx in self.leaves:
            raise Broken(line, f"{ref} has the position {idx} of the event on line {self.leaves[idx][1]}")
        else:
            self.leaves[idx] = hashed, line

    def tree(self) -> Tree:
        """Return the tree over all positions, once they are dense and every checkpoint's root is right."""
        leaves = []
        for idx in range(len(self.leaves)):
            if idx not in self.leaves:
                raise Broken(0, f"no event has position {idx}")
            leaves.append(self.leaves[idx][0])
        tree = Tree(leaves)
        last = 0
        for size, root, line in self.checkpoints:
            if size < last:
                raise Broken(line, "the checkpoints are out of order")
            if size > tree.size:
                raise Broken(line, f"the checkpoint says {size} events, and the log has {tree.size}")
            if tree.root(size) != root:
                raise Broken(line, f"the first {size} events aren't those that the checkpoint signs")
            last = size
        if last < tree.size:
            raise Broken(self.leaves[last][1], f"no checkpoint covers the event at position {last}")
        return tree


def read(lines: Iterable[str], vkey: str) -> tuple[Journal, Tree]:
    """Return the journal and its tree, once every line was checked."""
    journal = Journal()
    number = 0
    for number, text in enumerate(lines, 1):
        if number == 1:
            journal.header(text)
            if vkey and vkey != journal.vkey:
                raise Broken(1, f"the log's key is {journal.vkey}, not {vkey}")
            continue
        fields = fields_of(text, number, "the line")
        if "checkpoint" in fields:
            size, root = open_note(text_of(fields, "checkpoint", number), journal.vkey, number)
            journal.checkpoints.append((size, root, number))
        elif journal.checkpoints:
            raise Broken(number, "an event comes after the checkpoints")
        else:
            journal.event(fields, number)
    if not number:
        raise Broken(0, "the file is empty")
    return journal, journal.tree()


def compare(witness: Iterable[str], journal: Journal, tree: Tree) -> int:
    """Return how many remembered heads are heads of this log: all, or it is broken."""
    number = 0
    for number, text in enumerate(witness, 1):
        fields = fields_of(text, number, "the line")
        if fields.get("midwatch_witness") != WITNESS_VERSION:
            raise Broken(number, f"this isn't a line of a witness of version {WITNESS_VERSION}")
        verifier = text_of(fields, "verifier", number)
        size, root = open_note(text_of(fields, "note", number), verifier, number)
        if verifier != journal.vkey:
            raise Broken(number, f"the witness remembers the log {verifier}, and this is {journal.vkey}")
        if size > tree.size:
            raise Broken(number, f"the witness remembers {size} events, the log has {tree.size}: cut off")
        if tree.root(size) != root:
            raise Broken(number, f"the first {size} events aren't those that the witness remembers: rebuilt")
    if not number:
        raise Broken(0, "the witness file is empty")
    return number


def lines_of(path: str) -> Iterator[str]:
    """Yield the lines of a file, without their newlines."""
    with open(path, encoding="utf-8", newline="\n") as file:  # noqa: PTH123 -- one import less to read
        for line in file:
            yield line.removesuffix("\n")


def main(arguments: list[str] | None = None) -> int:
    """Check what the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description="Verify an exported Midwatch journal.")
    parser.add_argument("export", help="the file that `midwatch audit export` wrote")
    parser.add_argument("--witness", default="", help="a file that `midwatch audit witness` wrote")
    parser.add_argument("--vkey", default="", help="the verifier key that the log must have")
    given = parser.parse_args(arguments)
    path = given.export
    try:
        journal, tree = read(lines_of(path), given.vkey)
        path = given.witness
        heads = compare(lines_of(path), journal, tree) if path else 0
    except Broken as broken:
        sys.stdout.write(f"BROKEN {path}:{broken.line}: {broken}\n")
        return 1
    except (OSError, UnicodeDecodeError) as error:
        sys.stdout.write(f"CAN'T READ {path}: {error}\n")
        return 2
    agree = f"{heads} remembered heads agree" if heads else "no witness: a cut or rebuilt log can't be told"
    sys.stdout.write(
        f"OK {journal.events} events in {len(journal.heads)} streams, {journal.revealed} payloads checked, "
        f"{journal.events - journal.revealed} withheld or erased, {journal.waiting} not sealed yet; "
        f"{len(journal.checkpoints)} checkpoints, root {tree.root(tree.size).hex()} at {tree.size}; {agree}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
