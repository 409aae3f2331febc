"""Kill a tool before every line that it executes, replay it, and look: run by test_kill.py.

    python killing.py TOOL FOLDER

Each round plants files anew, forks, and has the fork killed with SIGKILL right before the n-th line of
the package `files`; then the same call is made again to its end. Prints the number of kills.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from midwatch.adapters.tools import child, files
from midwatch.adapters.tools.context import boot_ns
from midwatch.adapters.tools.files import (
    chmod,
    look,
    moves,
    paths,
    places,
    purge,
    quarantine,
    records,
    restore,
)

WATCHED = str(Path(files.__file__).parent)
ONLY_LOOKS = frozenset({"_enter", "checked", "folder", "identity", "looked_at", "mount_of", "mode_text"})
"""Functions that open and look, many times: a kill there is a kill before the line that called them."""
MODULES = (chmod, look, moves, paths, places, purge, quarantine, records, restore)


def ask(state: Path, tool: str, key: str, args: dict[str, Any]) -> dict[str, Any]:
    return child.answer(
        {
            "tool": tool,
            "manifest": tool,
            "runs": tool,
            "arguments": {"type": "object"},
            "args": args,
            "key": key,
            "state": str(state),
            "deadline_ns": boot_ns() + 60 * 10**9,
            "programs": (),
            "origins": (),
            "output_bytes_max": 1 << 20,
            "is_read": False,
        }
    )


def killed_at(line: int, state: Path, tool: str, args: dict[str, Any]) -> bool:
    """Return whether the call had so many lines."""
    pid = os.fork()
    if pid == 0:
        left = line

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal left
            code = frame.f_code
            if not code.co_filename.startswith(WATCHED) or code.co_name in ONLY_LOOKS:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        answer = ask(state, tool, "k", args)
        os._exit(0 if "out" in answer else 3)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, f"{tool} failed without a kill"
    return False


def named(path: Path, **more: str) -> dict[str, str]:
    status = path.stat()
    return {"path": str(path), "device": str(status.st_dev), "inode": str(status.st_ino), **more}


def plant(root: Path) -> list[Path]:
    shutil.rmtree(root, ignore_errors=True)
    found = []
    for name in ("a", "b"):
        path = root / "home" / name
        path.mkdir(parents=True)
        (path / "file").write_text(name)
        (path / "file").chmod(0o644)
        found.append(path)
    return found


def inodes(found: list[Path]) -> list[int]:
    return [path.stat().st_ino for path in found]


def quarantine_round(root: Path, line: int) -> bool:
    found, state = plant(root), root / "state"
    before = inodes(found)
    args = {"paths": [named(path) for path in found], "reason": "x"}
    was_killed = killed_at(line, state, "files.quarantine", args)
    out = ask(state, "files.quarantine", "k", args)["out"]
    assert [Path(entry["to"]).stat().st_ino for entry in out["moved"]] == before
    assert not any(path.exists() for path in found)
    assert ask(state, "files.quarantine", "k", args)["out"] == out
    ask(state, "files.restore", "u", {"moved": out["moved"]})
    assert inodes(found) == before
    return was_killed


def restore_round(root: Path, line: int) -> bool:
    found, state = plant(root), root / "state"
    before = inodes(found)
    args = {"paths": [named(path) for path in found], "reason": "x"}
    moved = ask(state, "files.quarantine", "q", args)["out"]["moved"]
    found[0].mkdir()
    newcomer = found[0].stat().st_ino
    was_killed = killed_at(line, state, "files.restore", {"moved": moved})
    out = ask(state, "files.restore", "k", {"moved": moved})["out"]
    assert inodes(found) == before
    assert [Path(each["aside"]).stat().st_ino for each in out["conflicts"]] == [newcomer]
    return was_killed


def chmod_round(root: Path, line: int) -> bool:
    found, state = [path / "file" for path in plant(root)], root / "state"
    args = {"files": [named(path, mode="0600") for path in found]}
    was_killed = killed_at(line, state, "files.chmod", args)
    out = ask(state, "files.chmod", "k", args)["out"]
    assert [entry["mode"] for entry in out["before"]] == ["0644", "0644"]
    assert [path.stat().st_mode & 0o777 for path in found] == [0o600, 0o600]
    return was_killed


def purge_round(root: Path, line: int) -> bool:
    found, state = plant(root), root / "state"
    args = {"paths": [named(path) for path in found], "reason": "x"}
    moved = ask(state, "files.quarantine", "q", args)["out"]["moved"]
    place = str(Path(moved[0]["to"]).parent)
    was_killed = killed_at(line, state, "files.purge", {"places": [place]})
    out = ask(state, "files.purge", "k", {"places": [place]})["out"]
    assert out["left"] == []
    assert not Path(place).exists()
    return was_killed


ROUNDS = {
    "files.chmod": chmod_round,
    "files.purge": purge_round,
    "files.quarantine": quarantine_round,
    "files.restore": restore_round,
}


def main() -> None:
    tool, root = sys.argv[1], Path(sys.argv[2]) / "world"
    line = 1
    while ROUNDS[tool](root, line):
        line += 1
    sys.stdout.write(json.dumps({"kills": line - 1}))


if __name__ == "__main__":
    main()
