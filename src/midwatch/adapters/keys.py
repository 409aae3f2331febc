"""Keys in files: `signing.key`, `kek.key`, and one wrapped key per subject.

Rule 1: a key is durable before anything is sealed under it.
Rule 2: a destroyed subject leaves a tombstone, and never gets a key again.
Rule 3: a lost key is an error, never a reason to make another one.
"""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from midwatch.base.errors import MidwatchError
from midwatch.ports.keys import KeyMissingError
from midwatch.ports.store import StoreFullError, StoreUnreachableError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_WRAPPED_BYTES = _NONCE_BYTES + _KEY_BYTES + _TAG_BYTES


class KeyExposedError(MidwatchError):
    """Others than its owner can read a key file, or put files beside it."""

    code = "MW911"
    fix = "Run `chmod {mode} {path}`. If others use this machine, take the key for known to them."


class KeyDamagedError(MidwatchError):
    """A key file doesn't hold a key, or not one that belongs to the others."""

    code = "MW912"
    fix = "Restore {path} from the backup of the keys; `midwatch audit verify` says whether it fits."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A subject's key that was read, and how its file is known again."""

    file: str
    tombstone: str
    inode: int
    written_ns: int
    key: bytes = field(repr=False)


class FileKeys:
    """Implements `ports.keys.Keys` on a folder of mode 0700 with files of mode 0600.

    Safe against any number of processes; a key read once is kept in memory while its file is unchanged.
    """

    def __init__(self, folder: Path) -> None:
        """Open the folder; the first process ever to do so makes it, with a key to sign and one to wrap.

        Raises:
            KeyExposedError: MW911; KeyDamagedError: MW912; KeyMissingError: MW913.
            StoreUnreachableError: MW707, StoreFullError: MW706, when the keys can't be written.
        """
        self._folder = folder
        self._subjects = folder / "subjects"
        self._known: dict[str, _Kept] = {}
        with _told(folder):
            for place in (folder, self._subjects):
                if not place.is_dir():
                    place.mkdir(mode=0o700, parents=True, exist_ok=True)
                    _sync_folder(place.parent)
        for place in (folder, self._subjects):
            if place.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise _exposed(place, "700")
        self._kek = self._own_key("kek.key")
        self._signer = Ed25519PrivateKey.from_private_bytes(self._own_key("signing.key"))
        self._public_key = self._signer.public_key().public_bytes_raw()

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the Ed25519 public key."""
        return self._public_key

    @property
    def origin(self) -> str:
        """`midwatch/` and the first 8 hexadecimal digits of SHA-256 of the public key."""
        return "midwatch/" + hashlib.sha256(self._public_key).hexdigest()[:8]

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes) over `message`."""
        return self._signer.sign(message)

    def subject_key(self, subject: str, *, create: bool) -> bytes | None:
        """Return the 32 bytes that seal the payloads of `subject`, or None where they were destroyed.

        With `create`, a subject that never had a key gets one, durable before this returns.

        Raises:
            KeyMissingError: MW913, when there is neither a key nor a tombstone, and `create` is false.
            KeyExposedError: MW911; KeyDamagedError: MW912, when the key file can't be used.
        """
        kept = self._kept(subject)
        if kept is not None:
            return kept
        path = self._path(subject)
        if _is_there(path.with_suffix(".destroyed")):
            self._known.pop(subject, None)
            return None
        with suppress(FileNotFoundError):
            return self._read_subject(subject, path)
        if not create:
            raise _missing(path)
        with _locked(self._folder):
            if _is_there(path.with_suffix(".destroyed")):
                return None
            if not _is_there(path):
                nonce = os.urandom(_NONCE_BYTES)
                wrapped = AESGCM(self._kek).encrypt(nonce, os.urandom(_KEY_BYTES), subject.encode())
                _write_durably(path, nonce + wrapped)
        return self._read_subject(subject, path)

    def destroy(self, subject: str) -> None:
        """Destroy the subject's key for good; a subject without one can never get one either.

        The tombstone is durable first, so a crash in between leaves the subject destroyed.
        """
        path = self._path(subject)
        with _locked(self._folder):
            if not _is_there(path.with_suffix(".destroyed")):
                _write_durably(path.with_suffix(".destroyed"), b"")
            with _told(path), suppress(FileNotFoundError):
                path.unlink()
                _sync_folder(path.parent)
        self._known.pop(subject, None)

    def _path(self, subject: str) -> Path:
        return self._subjects / f"{hashlib.sha256(subject.encode()).hexdigest()[:32]}.key"

    def _own_key(self, name: str) -> bytes:
        path = self._folder / name
        if not _is_there(path):
            with _locked(self._folder):
                if not _is_there(path):
                    if any(self._subjects.iterdir()):
                        raise _missing(path)
                    _write_durably(path, os.urandom(_KEY_BYTES))
        return _read_key(path, _KEY_BYTES)[2]

    def _kept(self, subject: str) -> bytes | None:
        """Return the key that was read before, while its file is still that one and it has no tombstone."""
        kept = self._known.get(subject)
        if kept is None or os.path.lexists(kept.tombstone):
            return None
        try:
            now = os.stat(kept.file)  # noqa: PTH116 - asked for each commit, and a Path costs as much again
        except OSError:
            return None
        return kept.key if (now.st_ino, now.st_mtime_ns) == (kept.inode, kept.written_ns) else None

    def _read_subject(self, subject: str, path: Path) -> bytes:
        inode, written_ns, wrapped = _read_key(path, _WRAPPED_BYTES)
        try:
            key = AESGCM(self._kek).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], subject.encode())
        except InvalidTag as error:
            raise KeyDamagedError(f"{path} isn't a key of this folder", path=str(path)) from error
        self._known[subject] = _Kept(
            file=str(path),
            tombstone=str(path.with_suffix(".destroyed")),
            inode=inode,
            written_ns=written_ns,
            key=key,
        )
        return key


def _is_there(path: Path) -> bool:
    """Return whether the path exists, even as a broken link."""
    return os.path.lexists(path)


def _exposed(path: Path, mode: str) -> KeyExposedError:
    return KeyExposedError(f"{path} is open to other users", path=str(path), mode=mode)


def _missing(path: Path) -> KeyMissingError:
    return KeyMissingError(f"the key {path} is gone", path=str(path))


def _read_key(path: Path, size_bytes: int) -> tuple[int, int, bytes]:
    """Return inode, time of writing (ns) and content of a key file.

    Raises:
        FileNotFoundError: there is none.
        KeyExposedError: MW911; KeyDamagedError: MW912; StoreUnreachableError: MW707.
    """
    with _told(path):
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            about = os.fstat(file)
            content = os.read(file, size_bytes + 1)
        finally:
            os.close(file)
    if about.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _exposed(path, "600")
    if len(content) != size_bytes:
        raise KeyDamagedError(f"{path} has not the {size_bytes} bytes of a key", path=str(path))
    return about.st_ino, about.st_mtime_ns, content


def _write_durably(path: Path, content: bytes) -> None:
    """Write a new file of mode 0600, whole and on disk before it has its name; the lock is held.

    What a killed process left half-written has another name and is replaced.
    """
    half = path.with_name(path.name + ".half")
    with _told(path):
        half.unlink(missing_ok=True)
        file = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(file, 0o600)
            if os.write(file, content) != len(content):
                raise OSError(errno.ENOSPC, "the file was cut short", str(half))
            os.fsync(file)
        finally:
            os.close(file)
        half.rename(path)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; it goes with the process, so a killed one leaves nothing behind."""
    with _told(folder):
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into errors with a fix; a missing file stays as it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFullError(f"no room to write {path}", path=str(path)) from error
        raise StoreUnreachableError(f"{path} can't be used: {error.strerror}", path=str(path)) from error
