"""Children die with their parent, end in time, and never act late."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import midwatch
from midwatch.adapters.tools import child
from midwatch.adapters.tools.alive import is_held
from midwatch.adapters.tools.context import boot_ns
from midwatch.adapters.tools.registry import HostTools
from midwatch.ports.tools import ToolDone, ToolFailed, ToolOutcome, ToolSilent

Caller = Callable[..., ToolOutcome]

PARENT = """
import sys, threading, time
from pathlib import Path
from midwatch.adapters.tools.registry import HostTools
from midwatch.ports.tools import ToolCall
host = HostTools(state=Path(sys.argv[1]), folders=[Path(sys.argv[2])])
call = ToolCall(tool="test.write", args={"argv": sys.argv[3:]}, key="k", timeout_ms=600000)
threading.Thread(target=host.call, args=(call,), daemon=True).start()
print("started", flush=True)
time.sleep(600)
"""


def running(mark: str) -> list[int]:
    """Return the living processes that have `mark` among their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark.encode() in words:
            found.append(int(folder.name))
    return found


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.01)
    return holds()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "words", [["sleep"], ["setsid", "sleep"]], ids=["in the group", "in a session of its own"]
)
def test_a_killed_parent_takes_child_and_program_with_it(
    tools: HostTools, tmp_path: Path, words: list[str]
) -> None:
    mark = f"54{os.getpid()}{len(words)}"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "state"), str(tmp_path / "tools"), *words, mark],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(midwatch.__file__).parents[1]), "PATH": os.environ["PATH"]},
    )
    with parent:
        assert wait_until(lambda: any(comm(pid) == "sleep" for pid in running(mark)))
        below = child.descendants(parent.pid)
        assert len(below) >= 2
        parent.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below))
    assert running(mark) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_parent_is_not_over_before_its_last_child_is(tools: HostTools, tmp_path: Path) -> None:
    mark, state = f"55{os.getpid()}", tmp_path / "state"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(state), str(tmp_path / "tools"), "sleep", mark],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(midwatch.__file__).parents[1]), "PATH": os.environ["PATH"]},
    )
    alive = state / "alive" / f"process-{parent.pid}"
    with parent:
        assert wait_until(lambda: any(comm(pid) == "sleep" for pid in running(mark)))
        acting = child.descendants(parent.pid)[0]
        os.kill(acting, signal.SIGSTOP)
        stat = Path(f"/proc/{acting}/stat")
        assert wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
        parent.send_signal(signal.SIGKILL)
    assert is_held(alive), "a child that is stopped may still act"
    os.kill(acting, signal.SIGCONT)
    assert wait_until(lambda: not is_held(alive))
    assert not alive.exists()


def test_a_host_that_is_closed_leaves_no_sign_of_life(call: Caller, tools: HostTools, tmp_path: Path) -> None:
    call("test.write", argv=["false"])
    (alive,) = (tmp_path / "state" / "alive").iterdir()
    assert is_held(alive)
    tools.close()
    assert not alive.exists()


def comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "words", [["sleep"], ["setsid", "sleep"]], ids=["in the group", "in a session of its own"]
)
def test_a_call_over_its_time_is_silent_and_its_processes_are_gone(call: Caller, words: list[str]) -> None:
    mark = f"55{os.getpid()}{len(words)}"
    call("test.read", argv=["env"])
    began = time.monotonic()
    outcome = call("test.write", argv=[*words, mark], timeout_ms=300)
    assert isinstance(outcome, ToolSilent)
    assert time.monotonic() - began < 1.3
    assert running(mark) == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_program_leaves_behind_is_ended_with_the_call(call: Caller) -> None:
    mark = f"56{os.getpid()}"
    script = f"setsid sleep {mark} >/dev/null 2>&1 & exit 0"
    outcome = call("test.write", argv=["sh", "-c", script])
    assert isinstance(outcome, ToolDone)
    assert wait_until(lambda: running(mark) == [], seconds=2)


def test_a_child_is_used_again_and_a_dead_one_is_replaced(tools: HostTools, call: Caller) -> None:
    assert isinstance(call("test.read", argv=["env"]), ToolDone)
    (first,) = [each.process.pid for each in tools._pool._idle]
    assert isinstance(call("test.read", argv=["env"]), ToolDone)
    assert [each.process.pid for each in tools._pool._idle] == [first]
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: not tools._pool._idle[0].is_alive)
    assert isinstance(call("test.read", argv=["env"]), ToolDone)
    assert [each.process.pid for each in tools._pool._idle] != [first]


def request(tmp_path: Path, **changed: Any) -> dict[str, Any]:
    target = tmp_path / "key"
    target.touch(mode=0o644)
    status = target.stat()
    item = {"path": str(target), "device": str(status.st_dev), "inode": str(status.st_ino), "mode": "0600"}
    return {
        "tool": "files.chmod",
        "manifest": "m",
        "runs": "files.chmod",
        "arguments": {"type": "object"},
        "args": {"files": [item]},
        "key": "k",
        "state": str(tmp_path / "state"),
        "deadline_ns": boot_ns() + 10**10,
        "programs": (),
        "origins": (),
        "output_bytes_max": 1 << 20,
        "is_read": False,
    } | changed


def test_a_child_that_comes_late_does_nothing_and_says_so(tmp_path: Path) -> None:
    answer = child.answer(request(tmp_path, deadline_ns=boot_ns() - 1))
    assert answer["code"] == "MW505"
    assert answer["retryable"] is True
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o644


def test_a_child_checks_the_arguments_once_more(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"files": {"maxItems": 0}}}
    assert child.answer(request(tmp_path, manifest="n", arguments=schema))["code"] == "MW504"


def test_a_defect_in_a_tool_is_silent_not_failed(tmp_path: Path) -> None:
    assert "KeyError" in child.answer(request(tmp_path, args={}))["silent"]


def test_what_acted_and_said_too_much_is_silent(tmp_path: Path) -> None:
    assert "it acted" in child.answer(request(tmp_path, output_bytes_max=10))["silent"]


def test_a_call_without_time_does_nothing(call: Caller) -> None:
    outcome = call("test.write", argv=["env"], timeout_ms=0)
    assert isinstance(outcome, ToolFailed)
    assert outcome.code in {"MW505", "MW515"}


def test_importing_the_tools_is_light() -> None:
    code = (
        "import sys; import midwatch.adapters.tools.registry; "
        "print([name for name in ('psutil', 'cryptography', 'dbos', 'pydantic') if name in sys.modules])"
    )
    paths = {"PYTHONPATH": str(Path(midwatch.__file__).parents[1])}
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=paths)
    assert said.stdout.strip() == b"[]"
