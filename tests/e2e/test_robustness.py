"""What goes wrong on real machines: one clear error, nothing lost, nothing done twice."""

import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from e2e.machine import Machine, said, wait_until

AS_ROOT = os.geteuid() == 0
ANY_ADDRESS = ("AF_INET", "AF_INET6")


def test_two_at_once_stand_one_watch(machine: Machine) -> None:
    first, second = machine.begin("start", "--practice"), machine.begin("start", "--practice")
    done = [said(first), said(second)]
    assert [each.code for each in done] == [0, 0], [each.err for each in done]
    rows = machine.ok("runs", "--json").json["runs"]
    assert len(rows) == 1
    assert all(f"midwatch why {rows[0]['run']}" in each.out for each in done)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_it_goes_on_where_it_was(machine: Machine, seed: int) -> None:
    chance = random.Random(seed)
    machine.home.mkdir()
    for _ in range(2):
        process = machine.begin("start", "--practice")
        until = chance.uniform(0.3, 4.0)
        try:
            process.wait(until)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        said(process)
    record = machine.practice()
    assert len(machine.ok("runs", "--json").json["runs"]) == 1
    assert machine.ok("audit", "verify", "--json").json["whole"] is True
    approving = machine.begin("approve", record["questions"][0]["approval"])
    try:
        approving.wait(chance.uniform(0.5, 3.0))
    except subprocess.TimeoutExpired:
        approving.send_signal(signal.SIGKILL)
    said(approving)
    last = machine.run("start", "--practice", "--json").json
    if last["rests"] == "asks":  # killed before the answer was recorded
        last = machine.run("approve", last["questions"][0]["approval"], "--json").json
    elif last["run"] != record["run"]:  # it had ended before the kill
        last = machine.ok("show", record["run"], "--json").json
    effects = {effect["task"]: effect["status"] for effect in last["effects"]}
    assert effects == {"quarantine": "verified", "tighten": "verified"}
    assert machine.ok("audit", "verify", "--json").json["whole"] is True


def test_an_interruption_leaves_a_run_that_goes_on(machine: Machine) -> None:
    process = machine.begin("start", "--practice")
    while process.poll() is None and not machine.database_has_an_owner():
        pass
    process.send_signal(signal.SIGINT)
    done = said(process)
    assert (done.code, "goes on at the next `midwatch start`" in done.err) == (130, True)
    assert "Traceback" not in done.err
    assert len(machine.practice()["questions"]) == 1
    assert len(machine.ok("runs", "--json").json["runs"]) == 1


@pytest.mark.parametrize("after_s", [0.4, 1.2, 2.5])
def test_an_interruption_never_prints_a_trace(machine: Machine, after_s: float) -> None:
    process = machine.begin("start", "--practice")
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    done = said(process)
    if done.code in {0, 130}:  # else Python itself was still starting
        assert "Traceback" not in done.err
    else:
        assert not machine.state.exists()
    assert machine.practice()["journal"]["verified"] is True


def test_a_home_that_can_not_be_written_is_one_clear_error(machine: Machine) -> None:
    machine.home.mkdir()
    file = machine.root / "a-file"
    file.write_text("")
    machine.extra["MIDWATCH_STATE"] = str(file / "state")
    refused = machine.run("start")
    assert refused.code == 1
    assert refused.err.startswith("MW707 ")
    assert "Fix: " in refused.err
    assert "Traceback" not in refused.err


def test_a_full_disk_is_one_clear_error_and_nothing_is_lost(machine: Machine) -> None:
    if not AS_ROOT or not shutil.which("mount"):
        pytest.skip("only root can mount a small file system")
    machine.home.mkdir()
    machine.state.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", str(machine.state)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        assert machine.run("start").code == 0
        filler = machine.state / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                pass
        refused = machine.run("start")
        assert refused.code == 1, refused.out
        assert "MW706" in refused.err, refused.err
        assert "Traceback" not in refused.err
        filler.unlink()
        assert machine.run("start").code == 0
        assert machine.ok("audit", "verify", "--json").json["whole"] is True
    finally:
        subprocess.run(["umount", "-l", str(machine.state)], check=True)


def test_a_port_that_is_taken_is_one_clear_error(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = machine.run("server", "--port", str(port))
    assert refused.code == 1
    assert refused.err.startswith("MW905 ")
    assert str(port) in refused.err
    assert not machine.state.exists(), "nothing was begun"


def test_a_server_watches_until_it_is_told_to_stop(machine: Machine) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = machine.begin("server", "--port", str(port))
    try:
        wait_until(lambda: _health(port) == 200)
        record = machine.practice()
        assert machine.ok("status", "--json").json["watched"] is True
        approved = machine.ok("approve", record["questions"][0]["approval"], "--json").json
        assert approved["outcome"] == "resolved"
    finally:
        process.send_signal(signal.SIGTERM)
        done = said(process)
    assert done.code == 0, done.err
    assert machine.ok("status", "--json").json["workers"] == []


def _health(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("profile = solo", "MW902", "midwatch.toml:1:"),
        ('\nprofil = "solo"', "MW903", "midwatch.toml:2:1"),
        ('profile = "alone"', "MW904", "midwatch.toml:1:1"),
        ("[server]\nport = 70000", "MW904", "midwatch.toml:2:1"),
        ('policy = "nowhere"', "MW301", ""),
        ('people = "nobody.toml"', "MW413", ""),
    ],
)
def test_a_bad_configuration_is_one_clear_error(machine: Machine, text: str, code: str, place: str) -> None:
    machine.home.mkdir()
    (machine.home / "midwatch.toml").write_text(text)
    refused = machine.run("start")
    assert refused.code == 1
    assert refused.err.startswith(f"{code} ")
    assert place in refused.err
    assert "Fix: " in refused.err


def test_a_configuration_that_others_may_write_is_ignored_with_a_word(machine: Machine) -> None:
    machine.home.mkdir()
    file = machine.home / "midwatch.toml"
    file.write_text("nonsense")
    file.chmod(0o666)
    done = machine.run("status")
    assert done.code == 0
    assert "is ignored" in done.err


def test_bad_runbooks_are_findings_with_a_place(machine: Machine, tmp_path: Path) -> None:
    bad = {
        "typo.md": b"---\nrunbook: v1\nid: x\ntitel: X\n---\n\n# X\n",
        "binary.md": bytes(range(256)),
        "big.md": b"x" * 5_000_000,
        "empty.md": b"",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    done = machine.run("lint", *(str(tmp_path / name) for name in bad), "--json")
    assert done.code == 3
    errors = {Path(report["name"]).name: report["errors"] for report in done.json["reports"]}
    assert errors["typo.md"] >= 1
    assert errors["binary.md"] == errors["big.md"] == 1


def test_an_error_is_json_where_json_was_asked_for(machine: Machine) -> None:
    machine.home.mkdir()
    refused = machine.run("runs", "--json")
    assert refused.code == 1
    assert refused.json["error"]["code"] == "MW943"


def test_a_reader_that_leaves_is_no_error(machine: Machine) -> None:
    machine.ok("start")
    process = machine.begin("why")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == ""
    assert process.wait(30) in {0, 141}


@pytest.mark.parametrize("args", [("start", "--practice"), ("lint", "x.md"), ("doctor",)])
def test_nothing_connects_beyond_this_machine(
    machine: Machine, tmp_path: Path, args: tuple[str, ...]
) -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    machine.home.mkdir()
    (machine.home / "x.md").write_text("# Anything\n")
    trace = tmp_path / "trace"
    machine.run(*args, prefix=("strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(trace)))
    lines = trace.read_text().splitlines()
    beyond = [
        line
        for line in lines
        if any(family in line for family in ANY_ADDRESS) and '"127.0.0.1"' not in line and '"::1"' not in line
    ]
    assert beyond == []
