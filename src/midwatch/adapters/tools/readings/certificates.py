"""TLS certificates and when they end. By hand: `openssl x509 -noout -subject -enddate -in FILE`."""

import os
import stat
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.readings.keys import enters
from midwatch.adapters.tools.readings.roots import homes, looks_everywhere
from midwatch.adapters.tools.walk import Bounds, bounds, find, is_folder, is_text

_SECONDS_MAX = 2.5
_ENTRIES_MAX = 150_000
_DEPTH_MAX = 4
_FOUND_MAX = 200
_FILE_BYTES_MAX = 1 << 18
_DAY_S = 86_400
NONE_DAYS = 36_500
"""Said as the days left when there is no certificate at all: a hundred years."""
_SYSTEM = (
    "/etc/apache2",
    "/etc/haproxy",
    "/etc/letsencrypt/live",
    "/etc/nginx",
    "/etc/pki/tls/certs",
    "/etc/postgresql",
    "/etc/ssl",
)
_BUNDLES = frozenset({"/etc/ssl/certs", "/etc/ssl/private"})
_BUNDLE_NAMES = frozenset(
    {"ca-bundle.crt", "ca-bundle.trust.crt", "ca-certificates.crt", "cacert.pem", "cert.pem"}
)
_SUFFIXES = (".pem", ".crt", ".cer", ".cert")
_BEGIN = b"-----BEGIN CERTIFICATE-----"


def certificates(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Return the certificates, the first to end first; of a chain, the first one counts."""
    limit = bounds(min(_SECONDS_MAX, context.left_s * 0.6), _ENTRIES_MAX)
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for path in _candidates(args, limit):
        try:
            status = os.stat(path)  # noqa: PTH116 - follows the links of letsencrypt on purpose
            if not stat.S_ISREG(status.st_mode) or status.st_size > _FILE_BYTES_MAX or not is_text(path):
                continue
            if (status.st_dev, status.st_ino) not in found:
                entry = _entry(path)
                if entry is not None:
                    found[status.st_dev, status.st_ino] = entry
        except OSError:
            limit.unreadable += 1
    entries = sorted(found.values(), key=lambda entry: (entry["not_after_ms"], entry["path"]))[:_FOUND_MAX]
    return {
        "available": True,
        "entries": entries,
        "count": len(entries),
        "days_left": entries[0]["days_left"] if entries else NONE_DAYS,
        "first_to_end": entries[0]["path"] if entries else "",
        "expired_count": sum(entry["days_left"] < 0 for entry in entries),
        "cut": limit.is_cut or len(found) > _FOUND_MAX,
        "unreadable": limit.unreadable,
    }


def _candidates(args: Mapping[str, Any], limit: Bounds) -> Iterator[str]:
    if looks_everywhere(args):
        for folder in _SYSTEM:
            for entry in find(folder, limit, depth_max=2, enters=lambda entry: entry.path not in _BUNDLES):
                if _is_wanted(entry) and (folder != "/etc/ssl" or entry.name not in _BUNDLE_NAMES):
                    yield entry.path
    for root in homes(args):
        for entry in find(root, limit, depth_max=_DEPTH_MAX, enters=enters):
            if _is_wanted(entry) and entry.name not in _BUNDLE_NAMES:
                yield entry.path


def _is_wanted(entry: "os.DirEntry[str]") -> bool:
    return entry.name.endswith(_SUFFIXES) and not is_folder(entry)


def _entry(path: str) -> dict[str, Any] | None:
    """Return the first certificate of a file, or None when it holds none that can be read."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:  # noqa: PTH123 - opened so that a pipe can't block
        data = file.read(_FILE_BYTES_MAX)
    if _BEGIN not in data:
        return None
    from cryptography import x509

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cryptography warns of old serial numbers; others own them
            certificate = x509.load_pem_x509_certificate(data[data.index(_BEGIN) :])
            ends_s = int(certificate.not_valid_after_utc.timestamp())
            subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
    except ValueError:
        return None
    return {
        "path": path,
        "subject": subject[:200],
        "not_after_ms": ends_s * 1000,
        "days_left": (ends_s - int(time.time())) // _DAY_S,
        "is_self_signed": subject == issuer,
    }
