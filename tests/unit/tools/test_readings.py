"""Readings: real numbers of this machine, as declared, for any user; and what each of them must see."""

import datetime as dt
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import midwatch
from midwatch.adapters.tools.manifests import load_manifests
from midwatch.adapters.tools.readings.ports import is_exposed
from midwatch.ports.tools import ToolDone, ToolOutcome

Caller = Callable[..., ToolOutcome]
READINGS = sorted(name for name in load_manifests() if name.startswith("host."))
TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n"

AS_NOBODY = """
import os, sys, tempfile
from pathlib import Path
import cryptography.x509, psutil
from midwatch.adapters.tools.builtin import function_of
from midwatch.adapters.tools.registry import HostTools
from midwatch.ports.tools import ToolCall, ToolDone
host = HostTools(state=Path("/nonexistent/midwatch"))
names = [name for name in host.manifests if name.startswith("host.")]
for name in names:
    function_of(name)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for name in names:
    outcome = host.call(ToolCall(tool=name, args={}, key=name, timeout_ms=10000))
    assert isinstance(outcome, ToolDone), (name, outcome)
print(len(names))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def read(call: Caller) -> Callable[..., dict[str, Any]]:
    def read(tool: str, **args: Any) -> dict[str, Any]:
        outcome = call(tool, timeout_ms=10_000, **args)
        assert isinstance(outcome, ToolDone), outcome
        return dict(outcome.out)

    return read


Read = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("tool", READINGS)
def test_a_reading_of_this_machine_is_what_its_manifest_declares(read: Read, tool: str) -> None:
    out = read(tool)
    assert out["unreadable"] >= 0
    assert isinstance(out["available"], bool)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_every_reading_is_as_declared_for_a_user_without_rights() -> None:
    said = subprocess.run(
        [sys.executable, "-c", AS_NOBODY],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(Path(midwatch.__file__).parents[1])},
    )
    assert said.returncode == 0, said.stderr
    assert int(said.stdout) == len(READINGS)


# ------------------------------------------------------------------------------------------- caches


def cache(path: Path, *, minutes_ago: int = 600, kilobytes: int = 100) -> Path:
    path.mkdir(parents=True)
    file = path / "data"
    file.write_bytes(os.urandom(kilobytes * 1000))
    old = time.time() - minutes_ago * 60
    for each in (file, path):
        os.utime(each, (old, old))
    return path


def caches(read: Read, root: Path, **args: Any) -> dict[str, Any]:
    return read("host.caches", roots=[str(root)], only_roots=True, **{"smallest_mb": 0, **args})


def test_known_caches_are_found_with_size_and_identity(read: Read, root: Path) -> None:
    pip = cache(root / ".cache/pip", kilobytes=3000)
    cache(root / ".cache/my-own-thing")
    out = caches(read, root)
    (entry,) = out["entries"]
    assert entry["path"] == str(pip)
    assert entry["inode"] == str(pip.stat().st_ino)
    assert entry["owner"] == "pip"
    assert entry["files"] == 1
    assert 3_000_000 <= entry["bytes"] <= 3_100_000
    assert out["worth_mb"] == 3


def test_a_cache_that_changed_a_short_time_ago_or_is_open_is_left_out(read: Read, root: Path) -> None:
    cache(root / ".cache/pip", minutes_ago=5)
    with (cache(root / ".cache/yarn") / "data").open("rb"):
        out = caches(read, root)
    assert out["entries"] == []
    assert out["left_out"]["in_use"] == 2
    assert caches(read, root, idle_minutes=0)["count"] == 2


def test_a_link_to_a_cache_is_left_out(read: Read, root: Path, tmp_path: Path) -> None:
    cache(tmp_path / "elsewhere/pip")
    (root / ".cache").symlink_to(tmp_path / "elsewhere")
    out = caches(read, root)
    assert out["entries"] == []
    assert out["left_out"]["foreign"] == 1


def test_a_cache_of_a_project_must_say_what_it_is(read: Read, root: Path) -> None:
    tagged = cache(root / "project/.mypy_cache")
    (tagged / "CACHEDIR.TAG").write_bytes(TAG)
    os.utime(tagged / "CACHEDIR.TAG", (0, 0))
    os.utime(tagged, (0, 0))
    cache(root / "other/.mypy_cache")
    cache(root / "project/node_modules/x/.mypy_cache")
    assert [entry["path"] for entry in caches(read, root)["entries"]] == [str(tagged)]


def test_files_with_links_from_elsewhere_bring_no_space_back(read: Read, root: Path) -> None:
    uv = cache(root / ".cache/uv", kilobytes=1000)
    os.link(uv / "data", root / "in-use")
    assert caches(read, root)["bytes"] < 100_000


def test_the_whole_of_the_roots_is_left_as_it_was(read: Read, root: Path) -> None:
    cache(root / ".cache/pip")
    before = {path: path.lstat().st_mtime_ns for path in root.rglob("*")}
    caches(read, root)
    assert {path: path.lstat().st_mtime_ns for path in root.rglob("*")} == before


# --------------------------------------------------------------------------------- keys, certificates

PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"


def key(path: Path, mode: int, text: str = PRIVATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_only_private_keys_with_too_many_permissions_are_found(read: Read, root: Path) -> None:
    open_key = key(root / ".ssh/id_ed25519", 0o644)
    group_key = key(root / "web/server.key", 0o640)
    key(root / ".ssh/id_rsa", 0o600)
    key(root / ".ssh/id_rsa.pub", 0o644, "ssh-rsa AAAA me\n")
    key(root / "web/server.pem", 0o644, "-----BEGIN CERTIFICATE-----\n")
    key(root / "lib/site-packages/x/test.pem", 0o644)
    key(root / "src/tests/server.key", 0o644)
    (root / ".ssh/link").symlink_to(open_key)
    out = read("host.keys", roots=[str(root)], only_roots=True)
    found = {entry["path"]: entry for entry in out["entries"]}
    assert set(found) == {str(open_key), str(group_key)}
    assert found[str(open_key)]["mode_to"] == "0600"
    assert found[str(open_key)]["readable_by"] == "others"
    assert found[str(group_key)]["readable_by"] == "group"
    assert found[str(group_key)]["inode"] == str(group_key.stat().st_ino)
    assert out["fixable_count"] == 2


def certificate(path: Path, days: int) -> Path:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.org")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(days=400))
        .not_valid_after(now + dt.timedelta(days=days, minutes=5))
        .sign(private, hashes.SHA256())
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return path


def test_certificates_are_sorted_by_their_end(read: Read, root: Path) -> None:
    certificate(root / "web/late.crt", 300)
    ended = certificate(root / "web/ended.pem", -3)
    (root / "web/broken.pem").write_text("-----BEGIN CERTIFICATE-----\nnothing\n")
    out = read("host.certificates", roots=[str(root)], only_roots=True)
    assert [entry["days_left"] for entry in out["entries"]] == [-3, 300]
    assert out["first_to_end"] == str(ended)
    assert out["expired_count"] == 1
    assert out["entries"][0]["subject"] == "CN=example.org"


def test_no_certificate_is_a_hundred_years(read: Read, root: Path) -> None:
    assert read("host.certificates", roots=[str(root)], only_roots=True)["days_left"] == 36_500


# ----------------------------------------------------------------------------------- the rest of it


def test_a_log_that_grows_is_seen_to_grow(read: Read, root: Path) -> None:
    log = root / "server.log"
    log.write_bytes(b"x" * 2_000_000)
    stop = threading.Event()

    def grow() -> None:
        with log.open("ab", buffering=0) as file:
            while not stop.wait(0.05):
                file.write(b"y" * 100_000)

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        out = read("host.logs", roots=[str(root)], only_roots=True)
    finally:
        stop.set()
        thread.join()
    assert out["biggest_mb"] >= 2
    assert out["growing_mb_per_hour"] > 100
    assert out["entries"][0]["path"] == str(log)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_deleted_file_that_is_open_still_holds_space(read: Read, root: Path) -> None:
    before = read("host.logs")["deleted_open_mb"]
    with (root / "gone").open("wb") as file:
        file.write(os.urandom(5_000_000))
        file.flush()
        os.fsync(file.fileno())
        (root / "gone").unlink()
        assert read("host.logs")["deleted_open_mb"] >= before + 4


def test_a_listening_port_is_seen_with_its_reach(read: Read) -> None:
    with socket.create_server(("127.0.0.1", 0)) as near, socket.create_server(("0.0.0.0", 0)) as far:
        out = read("host.ports")
        if not out["available"]:
            pytest.skip("this system does not say")
        exposed = {item["port"]: item["exposed"] for item in out["listening"]}
        assert exposed[near.getsockname()[1]] is False
        assert exposed[far.getsockname()[1]] is True


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("0.0.0.0", True),
        ("::", True),
        ("10.0.0.1", True),
        ("::ffff:10.0.0.1", True),
    ],
)
def test_only_loopback_is_not_exposed(address: str, exposed: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_exposed(address) is exposed


@pytest.fixture
def zombie() -> Iterator[None]:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    yield
    os.waitpid(pid, 0)


def test_a_zombie_is_counted(read: Read, zombie: None) -> None:
    assert read("host.processes")["zombies"] >= 1


def test_a_process_that_burns_a_core_is_found_once_it_is_old_enough(read: Read) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            time.sleep(1.5)
            assert busy.pid not in {item["pid"] for item in read("host.processes", runaway_pct=15)["runaway"]}
            found: set[int] = set()
            for _ in range(10):
                found |= {
                    item["pid"]
                    for item in read("host.processes", runaway_minutes=0, runaway_pct=15)["runaway"]
                }
                if busy.pid in found:
                    break
            assert busy.pid in found
        finally:
            busy.kill()


def test_a_reading_that_hangs_is_left_behind_in_time(call: Caller) -> None:
    began = time.monotonic()
    call("host.processes", timeout_ms=100)
    assert time.monotonic() - began < 0.8
