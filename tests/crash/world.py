"""The world outside: a file beside Midwatch's database that tools append to, and that counts what they did.

Tools of every retry class, as a child process of the real pool finds them (`register`). Each line of the
log is one physical call that was carried out, synced before the tool answers; `changed` says whether it
changed anything: a keyed tool knows a key again, an idempotent one sets the same value.
"""

import fcntl
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch.adapters.tools.builtin import BUILTINS, Builtin
from midwatch.adapters.tools.context import Context
from midwatch.base.classes import EffectClass
from midwatch.base.errors import MidwatchError

BEGIN_VALUE = 1
MOMENTS = ("acting", "acted")
"""Right before an acting tool changes the world, and right after, before it answers."""
_PACKAGE, _MODULE = "midwatch.adapters.tools", "outside"
_ACTING = {"put": "idempotent", "give": "keyed", "pour": "unsafe", "place": "probe"}
_MANIFEST = """\
tool = "world.{name}"
summary = "Does {name} to a thing of the world outside."
major = 1
effect = "{effect}"
retry = "{retry}"
runs = "world.{name}"
target = "thing:{{name}}"
timeout_ms = 5_000

[labels]
"*" = "tool/internal"

[arguments]
type = "object"
additionalProperties = false
required = ["name"]

[arguments.properties]
name = {{ type = "string" }}
value = {{ type = "integer" }}
"""


class BusyError(MidwatchError):
    """The world can't be read right now."""

    code = "MW598"
    fix = "Try again."
    retryable = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One call that was carried out."""

    tool: str
    key: str
    name: str
    value: int
    """Of the thing afterwards."""
    changed: bool


class World:
    """The log in a folder, and what it means."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "world.log"
        self._order = folder / "world.order"
        self._busy = folder / "world.busy"

    def lines(self) -> list[Line]:
        text = self._log.read_text() if self._log.exists() else ""
        return [Line(**json.loads(line)) for line in text.splitlines()]

    def value(self, name: str) -> int:
        values = [line.value for line in self.lines() if line.name == name]
        return values[-1] if values else BEGIN_VALUE

    def calls(self, key: str) -> int:
        """How often a tool carried out a call with the key."""
        return sum(line.key == key for line in self.lines())

    def changes(self, key: str) -> int:
        """How often that changed anything."""
        return sum(line.key == key and line.changed for line in self.lines())

    def act(self, tool: str, key: str, name: str, value: int) -> int:
        """Carry a call out, whole, and return what the value was before."""
        with self.alone("log") as log_fd:
            before = self.value(name)
            after = before + value if tool == "pour" else value
            if tool == "give" and self.calls(key):
                after = before
            line = Line(tool=tool, key=key, name=name, value=after, changed=after != before)
            written = {field: getattr(line, field) for field in Line.__slots__}
            os.write(log_fd, json.dumps(written).encode() + b"\n")
            os.fsync(log_fd)
            return before

    @contextmanager
    def alone(self, what: str) -> Iterator[int]:
        """Open `world.<what>` to append to, and hold it against every other process until the end."""
        fd = os.open(self._log.with_suffix(f".{what}"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield fd
        finally:
            os.close(fd)

    def busy_once(self) -> None:
        """Refuse the first reading ever."""
        try:
            self._busy.touch(exist_ok=False)
        except FileExistsError:
            return
        raise BusyError("the world is busy")

    def order(self, key: str, moment: str, number: int, *, hangs: bool = False) -> None:
        """Have the tool that is called with the key send a signal to this process at a moment, once."""
        order = {"key": key, "moment": moment, "signal": number, "hangs": hangs, "pid": os.getpid()}
        self._order.write_text(json.dumps(order))

    def at(self, moment: str, key: str) -> None:
        """Follow the order, if there is one for this moment."""
        if not self._order.exists():
            return
        order = json.loads(self._order.read_text())
        if (order["key"], order["moment"]) != (key, moment):
            return
        self._order.unlink()
        (self._order.parent / "child.pid").write_text(str(os.getpid()))
        if os.getppid() == order["pid"]:
            os.kill(order["pid"], order["signal"])
        while order["hangs"]:  # what ends it is not in its own hands
            signal.pause()


def of(context: Context) -> World:
    return World(context.state.parent)


def _act(tool: str, args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    world = of(context)
    world.at("acting", context.key)
    before = world.act(tool, context.key, args["name"], args["value"])
    world.at("acted", context.key)
    return {"before": before}


def put(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return _act("put", args, context)


def give(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return _act("give", args, context)


def pour(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return _act("pour", args, context)


def place(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return _act("place", args, context)


def look(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    return {"value": of(context).value(args["name"])}


def flaky(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    of(context).busy_once()
    return look(args, context)


def register() -> None:
    """Make the tools known to this process: to a worker, and to each child of its pool."""
    sys.modules[f"{_PACKAGE}.{_MODULE}"] = sys.modules[__name__]
    for name in _ACTING:
        BUILTINS[f"world.{name}"] = Builtin(where=f"{_MODULE}:{name}", floor=EffectClass.WRITE)
    for name in ("look", "flaky"):
        BUILTINS[f"world.{name}"] = Builtin(where=f"{_MODULE}:{name}")


def write_manifests(folder: Path) -> None:
    """Declare the tools, as an operator does; each file is whole at any moment, since others read them."""
    folder.mkdir(exist_ok=True)
    for name, retry in {**_ACTING, "look": "idempotent", "flaky": "idempotent"}.items():
        effect = "write" if name in _ACTING else "read"
        whole = folder / f"{name}.{os.getpid()}"
        whole.write_text(_MANIFEST.format(name=name, retry=retry, effect=effect))
        whole.rename(folder / f"{name}.toml")
