"""The failures that the other tests don't meet, each once, and the catalogue of all of them."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

import midwatch
from midwatch.adapters.tools import errors
from midwatch.adapters.tools.registry import HostTools
from midwatch.base.errors import catalogue, meaning_of
from midwatch.base.ids import EffectKey, ToolName
from midwatch.base.units import DurationMs
from midwatch.ports.tools import ToolCall, ToolFailed, ToolOutcome

Caller = Callable[..., ToolOutcome]

LOOSE = """
tool = "test.loose"
summary = "A reading that promises something else."
major = 1
effect = "read"
retry = "idempotent"
runs = "{runs}"
[arguments]
type = "object"
additionalProperties = false
properties = {{ smallest_mb = {{}} }}
[out]
required = ["something else"]
"""

AS_NOBODY = """
import os, sys, tempfile
from midwatch.adapters.tools import child
from midwatch.adapters.tools.context import boot_ns
from midwatch.adapters.tools.files import chmod, quarantine
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
tool, path = sys.argv[1:]
status = os.lstat(path)
item = {"path": path, "device": str(status.st_dev), "inode": str(status.st_ino)}
args = {"files": [item | {"mode": "0600"}]} if tool == "files.chmod" else {"paths": [item], "reason": "x"}
print(child.answer({"tool": tool, "manifest": tool, "runs": tool, "arguments": {}, "args": args, "key": "k",
    "state": tempfile.mkdtemp(), "deadline_ns": boot_ns() + 10**10, "programs": (), "origins": (),
    "output_bytes_max": 10**6,
    "is_read": False})["code"])
"""


def code(outcome: ToolOutcome) -> str:
    assert isinstance(outcome, ToolFailed), outcome
    return outcome.code


def called(tmp_path: Path, runs: str, **args: object) -> ToolOutcome:
    folder = tmp_path / "loose"
    folder.mkdir()
    (folder / "loose.toml").write_text(LOOSE.format(runs=runs))
    host = HostTools(state=tmp_path / "state", folders=[folder])
    tool, key = ToolName("test.loose"), EffectKey("k")
    return host.call(ToolCall(tool=tool, args=args, key=key, timeout_ms=DurationMs(5000)))


def test_an_output_that_is_not_as_declared_is_refused(tmp_path: Path) -> None:
    assert code(called(tmp_path, "host.clock")) == "MW507"


def test_a_defect_in_a_reading_ends_as_its_failure(tmp_path: Path) -> None:
    assert code(called(tmp_path, "host.caches", smallest_mb="many")) == "MW514"


def test_a_quarantine_whose_name_is_taken_is_refused(call: Caller, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    (tmp_path / "state/tools").mkdir(parents=True)
    (tmp_path / "state/tools/quarantine").write_text("mine")
    status = cache.stat()
    asked = {"path": str(cache), "device": str(status.st_dev), "inode": str(status.st_ino)}
    assert code(call("files.quarantine", paths=[asked], reason="x")) == "MW512"
    assert cache.exists()


def test_a_record_that_can_not_be_read_stops_everything(call: Caller, tmp_path: Path) -> None:
    records = tmp_path / "state/tools/records"
    records.mkdir(parents=True)
    (records / "broken.json").write_text("{")
    assert code(call("files.quarantined")) == "MW519"
    assert code(call("files.purge", places=["/tmp/x"])) == "MW519"


def as_nobody(tool: str, path: str) -> str:
    said = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, tool, path],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        env={"PYTHONPATH": str(Path(midwatch.__file__).parents[1])},
    )
    return said.stdout.strip()


def test_what_belongs_to_others_is_left_alone() -> None:
    assert as_nobody("files.chmod", "/etc/passwd") == "MW517"
    assert as_nobody("files.quarantine", "/etc/ssl") == "MW517"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a folder of another user's in /tmp")
def test_what_the_system_does_not_let_rename_is_left_alone() -> None:
    folder = tempfile.mkdtemp(dir="/tmp")
    try:
        assert as_nobody("files.quarantine", folder) == "MW518"
        assert Path(folder).exists()
    finally:
        shutil.rmtree(folder)


def test_every_code_is_in_its_range_and_says_what_to_do() -> None:
    own = [kind for kind in catalogue().values() if kind.__module__ == errors.__name__]
    assert [kind.code for kind in own] == [f"MW{number}" for number in range(501, 520)]
    assert all(kind.fix and meaning_of(kind) for kind in own)
