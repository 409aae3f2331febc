"""A machine for the command line: real processes with a home and a state folder of their own."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MIDWATCH = (sys.executable, "-m", "midwatch")
PATIENCE_S = 90


@dataclass
class Said:
    """What one command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Machine:
    """Runs `midwatch`, as somebody who logged in to it would."""

    root: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "TMPDIR"}}
        own = {"HOME": str(self.home), "MIDWATCH_STATE": str(self.state), "PYTHONUTF8": "1"}
        return kept | own | self.extra

    def begin(self, *args: str, prefix: tuple[str, ...] = (), **more: Any) -> "subprocess.Popen[str]":
        self.home.mkdir(exist_ok=True)
        return subprocess.Popen(
            (*prefix, *MIDWATCH, *args),
            env=self.environ,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def database_has_an_owner(self) -> bool:
        """Return whether some process drives a run at this very moment."""
        file = self.state / "midwatch.db"
        if not file.exists():
            return False
        with contextlib.closing(sqlite3.connect(file)) as connection, contextlib.suppress(sqlite3.Error):
            return connection.execute("SELECT 1 FROM mw_runs WHERE owner IS NOT NULL").fetchone() is not None
        return False

    def database_is_free(self) -> bool:
        """Return whether nobody is in the middle of a write."""
        connection = sqlite3.connect(self.state / "midwatch.db", timeout=0.2)
        with contextlib.closing(connection), contextlib.suppress(sqlite3.OperationalError):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            return True
        return False

    def run(self, *args: str, prefix: tuple[str, ...] = ()) -> Said:
        return said(self.begin(*args, prefix=prefix))

    def ok(self, *args: str) -> Said:
        done = self.run(*args)
        assert done.code == 0, f"midwatch {' '.join(args)}: {done.code}\n{done.out}\n{done.err}"
        return done

    def practice(self) -> dict[str, Any]:
        """Return the record of a practice watch that has come to its question."""
        record: dict[str, Any] = self.ok("start", "--practice", "--json").json
        assert record["rests"] == "asks", record
        return record

    @property
    def planted(self) -> Path:
        return self.state / "practice" / "home-1"


def said(process: "subprocess.Popen[str]") -> Said:
    out, err = process.communicate(timeout=PATIENCE_S)
    return Said(code=process.returncode, out=out, err=err)


def wait_until(holds: Callable[[], bool], *, within_s: float = PATIENCE_S) -> None:
    """Wait for a condition; fail when it does not come."""
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, "it did not come to pass in time"
        time.sleep(0.01)
