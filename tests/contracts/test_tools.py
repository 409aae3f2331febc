"""Every acting tool, through the port, with real children and real files."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from midwatch.adapters.tools.registry import HostTools
from midwatch.base.ids import EffectKey, ToolName
from midwatch.base.units import DurationMs
from midwatch.ports.tools import ToolCall, ToolDone, ToolFailed, ToolOutcome, Tools, ToolSilent

Caller = Callable[..., ToolOutcome]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def tools(state: Path) -> Iterator[Tools]:
    host = HostTools(state=state)
    yield host
    host.close()


@pytest.fixture
def call(tools: Tools) -> Caller:
    def call(tool: str, *, key: str = "r/t/0/0/0", timeout_ms: int = 20_000, **args: Any) -> ToolOutcome:
        return tools.call(
            ToolCall(tool=ToolName(tool), args=args, key=EffectKey(key), timeout_ms=DurationMs(timeout_ms))
        )

    return call


def plant(folder: Path, *, files: int = 3) -> Path:
    folder.mkdir(parents=True)
    for number in range(files):
        (folder / f"wheel-{number}").write_bytes(b"x" * 5000)
    return folder


def named(path: Path) -> dict[str, str]:
    status = path.lstat()
    return {"path": str(path), "device": str(status.st_dev), "inode": str(status.st_ino)}


def done(outcome: ToolOutcome) -> dict[str, Any]:
    assert isinstance(outcome, ToolDone), outcome
    return dict(outcome.out)


def code(outcome: ToolOutcome) -> str:
    assert isinstance(outcome, ToolFailed), outcome
    return outcome.code


# --------------------------------------------------------------------------------------- quarantine


def test_quarantine_moves_aside_and_restore_puts_the_same_inode_back(call: Caller, tmp_path: Path) -> None:
    cache = plant(tmp_path / "home/.cache/pip")
    before = named(cache)
    out = done(call("files.quarantine", paths=[before], reason="a test"))
    assert not cache.exists()
    assert out["count"] == 1
    assert out["bytes"] >= 15_000
    assert len(list(Path(out["moved"][0]["to"]).iterdir())) == 3
    assert Path(out["moved"][0]["to"]).parent.stat().st_mode & 0o077 == 0

    back = done(call("files.restore", key="r/undo/0/0/0", moved=out["moved"]))
    assert back["conflicts"] == []
    assert named(cache) == before
    assert done(call("files.quarantined"))["count"] == 0


def test_a_replay_under_the_same_key_says_the_same_and_moves_nothing(call: Caller, tmp_path: Path) -> None:
    cache = plant(tmp_path / "cache")
    args = {"paths": [named(cache)], "reason": "a test"}
    first = done(call("files.quarantine", **args))
    plant(cache)
    assert done(call("files.quarantine", **args)) == first
    assert cache.exists()


def test_a_key_with_other_arguments_is_refused(call: Caller, tmp_path: Path) -> None:
    one, other = plant(tmp_path / "one"), plant(tmp_path / "other")
    done(call("files.quarantine", paths=[named(one)], reason="a test"))
    assert code(call("files.quarantine", paths=[named(other)], reason="a test")) == "MW513"
    assert other.exists()


def test_a_changed_inode_is_refused_and_nothing_moves(call: Caller, tmp_path: Path) -> None:
    one, other = plant(tmp_path / "one"), plant(tmp_path / "other")
    paths = [named(one), named(other)]
    other.rename(tmp_path / "kept")
    plant(other)
    assert code(call("files.quarantine", paths=paths, reason="a test")) == "MW508"
    assert one.exists()
    assert other.exists()


@pytest.mark.parametrize("link", ["last", "above"])
def test_links_are_refused(call: Caller, tmp_path: Path, link: str) -> None:
    real = plant(tmp_path / "real/cache")
    if link == "last":
        path = tmp_path / "link"
        path.symlink_to(real)
        asked = named(path)
    else:
        (tmp_path / "link").symlink_to(tmp_path / "real")
        asked = named(real) | {"path": str(tmp_path / "link/cache")}
    assert code(call("files.quarantine", paths=[asked], reason="a test")) == "MW509"
    assert real.exists()


@pytest.mark.parametrize("path", ["/", "/etc/../etc/hosts", "/etc/", "//etc/hosts", "/etc/./hosts"])
def test_paths_that_are_not_plain_are_refused(call: Caller, path: str) -> None:
    asked = {"path": path, "device": "1", "inode": "1"}
    assert code(call("files.quarantine", paths=[asked], reason="a test")) == "MW509"


def test_a_path_within_another_is_refused(call: Caller, tmp_path: Path) -> None:
    outer = plant(tmp_path / "outer")
    plant(tmp_path / "outer-b")
    inner = plant(outer / "inner")
    asked = [named(outer), named(tmp_path / "outer-b"), named(inner)]
    assert code(call("files.quarantine", paths=asked, reason="a test")) == "MW509"


def test_the_state_folder_itself_is_refused(call: Caller, tmp_path: Path, state: Path) -> None:
    done(call("files.quarantine", key="first", paths=[named(plant(tmp_path / "cache"))], reason="a test"))
    assert code(call("files.quarantine", paths=[named(state)], reason="a test")) == "MW509"


def test_a_file_system_that_is_not_the_states_gets_a_quarantine_beside_the_source(call: Caller) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or not os.access(other, os.W_OK):
        pytest.skip("needs a second file system")
    root = other / f"midwatch-test-{os.getpid()}"
    try:
        cache = plant(root / "cache")
        out = done(call("files.quarantine", paths=[named(cache)], reason="a test"))
        assert out["moved"][0]["to"].startswith(f"{root}/.midwatch-quarantine-{os.geteuid()}/")
        done(call("files.restore", key="undo", moved=out["moved"]))
        assert [path.name for path in root.iterdir()] == ["cache"]
    finally:
        shutil.rmtree(root, ignore_errors=True)


def test_a_regenerated_cache_is_moved_aside_and_said(call: Caller, tmp_path: Path) -> None:
    cache = plant(tmp_path / "cache")
    before = named(cache)
    out = done(call("files.quarantine", paths=[before], reason="a test"))
    newcomer = named(plant(cache, files=1))
    back = done(call("files.restore", key="undo", moved=out["moved"]))
    assert named(cache) == before
    assert back["conflicts"][0]["path"] == str(cache)
    assert named(Path(back["conflicts"][0]["aside"]))["inode"] == newcomer["inode"]
    assert done(call("files.quarantined"))["places"][0]["newcomers"] == 1
    assert done(call("files.restore", key="undo", moved=out["moved"])) == back


def test_restore_moves_nothing_that_no_quarantine_moved(call: Caller, tmp_path: Path) -> None:
    secret = plant(tmp_path / "secret")
    forged = named(secret) | {"from": str(tmp_path / "public"), "to": str(secret), "bytes": 0}
    del forged["path"]
    assert code(call("files.restore", moved=[forged])) == "MW516"
    assert secret.exists()


def test_a_kill_of_the_child_midway_is_silent_and_a_replay_completes(call: Caller, tmp_path: Path) -> None:
    caches = [plant(tmp_path / f"cache-{number}", files=1) for number in range(200)]
    args = {"paths": [named(cache) for cache in caches], "reason": "a test"}
    killed = threading.Event()

    def kill() -> None:
        while caches[3].exists():
            time.sleep(0.0002)
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        killed.set()

    threading.Thread(target=kill, daemon=True).start()
    outcome = call("files.quarantine", **args)
    assert killed.wait(5)
    assert isinstance(outcome, ToolSilent | ToolDone)
    out = done(call("files.quarantine", **args))
    assert not any(cache.exists() for cache in caches)
    assert len({Path(entry["to"]).stat().st_ino for entry in out["moved"]}) == 200


def children() -> list[int]:
    own = f"/proc/{os.getpid()}/task"
    found = [int(pid) for task in Path(own).iterdir() for pid in (task / "children").read_text().split()]
    return [pid for pid in found if b"crash.worker" not in Path(f"/proc/{pid}/cmdline").read_bytes()]


# -------------------------------------------------------------------------------------------- chmod


def test_chmod_sets_the_mode_and_its_own_output_takes_it_back(call: Caller, tmp_path: Path) -> None:
    key = tmp_path / "id_test"
    key.write_text("secret")
    key.chmod(0o644)
    out = done(call("files.chmod", files=[named(key) | {"mode": "0600"}]))
    assert out["changed"] == 1
    assert out["before"] == [named(key) | {"mode": "0644"}]
    assert key.stat().st_mode & 0o7777 == 0o600
    done(call("files.chmod", key="undo", files=out["before"]))
    assert key.stat().st_mode & 0o7777 == 0o644


def test_chmod_replayed_still_knows_the_mode_before(call: Caller, tmp_path: Path) -> None:
    key = tmp_path / "id_test"
    key.write_text("secret")
    key.chmod(0o640)
    args = {"files": [named(key) | {"mode": "0600"}]}
    first = done(call("files.chmod", **args))
    assert done(call("files.chmod", **args)) == first
    assert first["before"][0]["mode"] == "0640"


def test_chmod_refuses_a_changed_inode_a_link_and_special_bits(call: Caller, tmp_path: Path) -> None:
    key, other = tmp_path / "key", tmp_path / "other"
    for path in (key, other):
        path.write_text("secret")
        path.chmod(0o644)
    link = tmp_path / "link"
    link.symlink_to(key)
    wrong = named(other) | {"mode": "0600", "path": str(key)}
    good = named(other) | {"mode": "0600"}
    assert code(call("files.chmod", key="1", files=[good, wrong])) == "MW508"
    assert code(call("files.chmod", key="2", files=[named(link) | {"mode": "0600"}])) == "MW509"
    assert code(call("files.chmod", key="3", files=[named(key) | {"mode": "4755"}])) == "MW509"
    assert {path.stat().st_mode & 0o7777 for path in (key, other)} == {0o644}


# -------------------------------------------------------------------------------------------- purge


def test_purge_deletes_only_what_it_knows_and_nothing_is_restored_after(call: Caller, tmp_path: Path) -> None:
    cache = plant(tmp_path / "cache")
    (cache / "closed").mkdir()
    (cache / "closed/file").write_text("x")
    (cache / "closed").chmod(0o500)
    outside = plant(tmp_path / "outside")
    (cache / "link").symlink_to(outside)
    out = done(call("files.quarantine", paths=[named(cache)], reason="a test"))
    listed = done(call("files.quarantined"))
    assert listed["bytes"] == out["bytes"]
    place = listed["places"][0]["place"]

    assert code(call("files.purge", key="p0", places=[str(outside)])) == "MW516"
    purged = done(call("files.purge", key="p1", places=[place]))
    assert purged["left"] == []
    assert purged["bytes"] == out["bytes"]
    assert not Path(place).exists()
    assert len(list(outside.iterdir())) == 3
    assert done(call("files.purge", key="p2", places=[place]))["bytes"] == 0
    assert code(call("files.restore", key="undo", moved=out["moved"])) == "MW508"


def test_a_forged_place_is_not_purged(call: Caller, tmp_path: Path) -> None:
    out = done(call("files.quarantine", paths=[named(plant(tmp_path / "cache"))], reason="a test"))
    place = Path(out["moved"][0]["to"]).parent
    place.rename(tmp_path / "away")
    plant(place)
    assert code(call("files.purge", key="p", places=[str(place)])) == "MW516"
    assert len(list(place.iterdir())) == 3


# --------------------------------------------------------------------------------------------- port


def test_an_unknown_tool_and_wrong_arguments_fail_and_raise_nothing(call: Caller) -> None:
    assert code(call("files.shred")) == "MW503"
    assert code(call("files.chmod", files=[])) == "MW504"
    assert code(call("host.filesystems", free_text="x")) == "MW504"


def test_after_close_nothing_acts(tools: Tools, call: Caller, tmp_path: Path) -> None:
    cache = plant(tmp_path / "cache")
    others = set(children())
    done(call("files.quarantine", key="first", paths=[named(plant(tmp_path / "one"))], reason="a test"))
    tools.close()
    assert set(children()) <= others
    assert code(call("files.quarantine", paths=[named(cache)], reason="a test")) == "MW515"
    assert cache.exists()


def test_many_threads_share_the_children(call: Caller, tmp_path: Path) -> None:
    caches = [plant(tmp_path / f"cache-{number}") for number in range(24)]
    outcomes: list[ToolOutcome] = []
    threads = [
        threading.Thread(
            target=lambda cache=cache: outcomes.append(
                call("files.quarantine", key=cache.name, paths=[named(cache)], reason="a test")
            )
        )
        for cache in caches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(outcome) for outcome in outcomes] == [ToolDone] * 24
    assert len(children()) <= 8
    assert done(call("files.quarantined"))["count"] == 24
