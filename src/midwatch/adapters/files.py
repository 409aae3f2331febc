"""Files that Midwatch itself plants: the practice folder, and what `init` writes.

Rule 1: nothing that is there is ever written over.
Rule 2: what is planted for practice lies below Midwatch's own state folder, so that removing that
removes it.
"""

import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from midwatch.ports.store import StoreUnreachableError

MARKER = "PRACTICE.json"
_MARKER_VERSION = 1
CACHE_FILES = 160
CACHE_FILE_BYTES = 256 * 1024
LOG_LINES = 60_000
_PRIVATE, _FOLDER_MODE, _EXPOSED = 0o600, 0o700, 0o644
_CACHE = Path(".cache") / "pip"
_KEY = Path(".ssh") / "id_ed25519"
_LOG = Path("logs") / "service.log"
_CERTIFICATE = Path("tls") / "service.crt"
_EPOCH_S = 1_700_000_000
"""When the planted cache seems to have been used last: long ago, so that it is idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Practice:
    """A folder planted for practice."""

    root: Path
    planted: tuple[str, ...]
    """What lies in it, in words."""
    is_new: bool


def plant_practice(folder: Path) -> Practice:
    """Return a practice folder that is as it was planted: an untouched one of before, else a new one.

    Raises:
        StoreUnreachableError: MW707, when nothing can be written there.
    """
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        taken = sorted(folder.glob("home-[0-9]*"))
        for root in reversed(taken):
            if _is_untouched(root):
                return Practice(root=root, planted=_words(), is_new=False)
        root = folder / f"home-{len(taken) + 1}"
        _plant(root)
    except OSError as error:
        raise StoreUnreachableError(
            f"{folder} can't be written: {error.strerror}", path=str(folder)
        ) from error
    return Practice(root=root, planted=_words(), is_new=True)


def _words() -> tuple[str, ...]:
    return (
        f"a cache that can be rebuilt, {CACHE_FILES * CACHE_FILE_BYTES // 1_000_000} MB",
        "a private key that everybody may read, made just for this",
        "a certificate that has ended",
        "a log",
    )


def _is_untouched(root: Path) -> bool:
    marked = (root / MARKER).exists()
    key = root / _KEY
    return marked and (root / _CACHE).is_dir() and key.exists() and key.stat().st_mode & 0o777 == _EXPOSED


def _plant(root: Path) -> None:
    root.mkdir(mode=_FOLDER_MODE)
    cache = root / _CACHE / "http"
    cache.mkdir(parents=True)
    for number in range(CACHE_FILES):
        path = cache / f"{number:04x}.body"
        # Random bytes: a file system that compresses or finds equal blocks would store next to nothing.
        path.write_bytes(os.urandom(CACHE_FILE_BYTES))
        os.utime(path, (_EPOCH_S, _EPOCH_S))
    for path in (cache, cache.parent, cache.parent.parent):
        os.utime(path, (_EPOCH_S, _EPOCH_S))
    _plant_key(root / _KEY)
    _plant_certificate(root / _CERTIFICATE)
    (root / _LOG).parent.mkdir()
    (root / _LOG).write_text(
        "".join(
            f"2023-11-14T22:13:20Z request {number} took {number % 97} ms\n" for number in range(LOG_LINES)
        )
    )
    (root / MARKER).write_text(json.dumps({"planted_by": "midwatch", "v": _MARKER_VERSION}) + "\n")


def _plant_key(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path.parent.mkdir(mode=_FOLDER_MODE)
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(_EXPOSED)


def _plant_certificate(path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding

    path.parent.mkdir(mode=_FOLDER_MODE)
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "practice.invalid")])
    began = dt.datetime.fromtimestamp(_EPOCH_S, dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + dt.timedelta(days=30))
        .sign(key, None)
    )
    path.write_bytes(certificate.public_bytes(Encoding.PEM))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of the files that were to be written."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    """There before, and left as they were."""


def write_missing(folder: Path, files: Mapping[str, str]) -> Written:
    """Write each file that is not there yet, whole or not at all; folders on the way are made.

    Raises:
        StoreUnreachableError: MW707, when nothing can be written there.
    """
    written: list[Path] = []
    kept: list[Path] = []
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            (written if _write_new(path, text) else kept).append(path)
    except OSError as error:
        raise StoreUnreachableError(
            f"{folder} can't be written: {error.strerror}", path=str(folder)
        ) from error
    return Written(written=tuple(written), kept=tuple(kept))


def _write_new(path: Path, text: str) -> bool:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _EXPOSED)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return True
