"""Run one program: argv, never a shell.

What *read-only* means here, and no more: the program is on the manifest's list, found on a fixed
PATH, gets its arguments as they are, no input, and an environment of PATH, LANG and the bound values.
Nothing confines what it does then: a list that names a program that can write is a list that lets it
write. The shipped list names only programs that have no option to change anything.

It lies in the child's process group and dies with it. Linux: what a program leaves behind, in a
session of its own too, is handed to the child, and the child is ended with it after the call.
"""

import ctypes
import os
import re
import selectors
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from shutil import which
from typing import Any

from midwatch.adapters.tools.context import Context
from midwatch.adapters.tools.errors import OutputTooBigError, ProgramNotAllowedError, ProgramNotFoundError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CHUNK_BYTES = 1 << 16
_PR_SET_CHILD_SUBREAPER = 36
_RESERVED = re.compile(
    r"^(PATH|LANG|HOME|IFS|ENV|SHELL|SHELLOPTS|BASHOPTS|CDPATH|PS4|TMPDIR|EDITOR|PAGER|LESSOPEN"
    r"|(LD|DYLD|BASH|PYTHON|PERL|RUBY|NODE|GIT|JAVA|SSH|LC|GCONV|MALLOC)_?.*)$"
)


def run(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Run `argv` and return its exit code and what it said.

    An exit code other than 0 is an answer, not a failure: `grep` says 1 for "not found".

    Raises:
        ProgramNotAllowedError: MW510.
        ProgramNotFoundError: MW511.
        OutputTooBigError: MW506, a read said too much and was ended.
    """
    argv = _argv(args["argv"])
    program = _program(argv, context.programs)
    environment = {"PATH": PATH, "LANG": "C.UTF-8"} | _bound(args.get("environment", {}))
    adopts = _adopt_orphans()
    context.before_acting()
    with subprocess.Popen(
        argv,
        executable=program,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        said, is_cut = _listen(process, context)
    if is_cut and context.is_read:
        sentence = f"{argv[0]} said more than {context.output_bytes_max} bytes and was ended"
        raise OutputTooBigError(sentence, tool=context.tool)
    return {
        "exit_code": process.returncode,
        "stdout": said["stdout"].decode(errors="replace"),
        "stderr": said["stderr"].decode(errors="replace"),
        "truncated": is_cut,
        "$retire": not adopts or _has_orphans(),
    }


def _argv(given: str | list[str]) -> list[str]:
    """Return the words: a text is split as a shell would, with nothing expanded."""
    if not isinstance(given, str):
        return given
    try:
        argv = shlex.split(given, comments=True)
    except ValueError as error:
        raise ProgramNotAllowedError(f"the command can't be split into words: {error}") from error
    if not argv:
        raise ProgramNotAllowedError("the command is empty")
    return argv


def _program(argv: list[str], programs: tuple[str, ...]) -> str:
    name = argv[0]
    if name not in programs:
        known = ", ".join(programs) or "none"
        raise ProgramNotAllowedError(f"{name} is not among the allowed programs: {known}", program=name)
    if any("\0" in word for word in argv):
        raise ProgramNotAllowedError("an argument holds a NUL character", program=name)
    found = which(name, path=PATH)
    if found is None:
        raise ProgramNotFoundError(f"there is no {name} on this host", program=name)
    return found


def _bound(values: Mapping[str, Any]) -> dict[str, str]:
    bound: dict[str, str] = {}
    for name, value in values.items():
        if _RESERVED.match(name):
            raise ProgramNotAllowedError(f"the environment variable {name} can't be bound", program=name)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if "\0" in text:
            raise ProgramNotAllowedError(f"the value of {name} holds a NUL character", program=name)
        bound[name] = text
    return bound


def _listen(process: "subprocess.Popen[bytes]", context: Context) -> tuple[dict[str, bytearray], bool]:
    """Return what the program said, and whether that was cut; a read is ended when it says too much.

    Half the limit is each stream's own, because JSON spells some bytes with more.
    """
    said = {"stdout": bytearray(), "stderr": bytearray()}
    is_cut, limit = False, context.output_bytes_max // 2
    with selectors.DefaultSelector() as selector:
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert stream is not None
            selector.register(stream.fileno(), selectors.EVENT_READ, name)
        while selector.get_map():
            for ready, _ in selector.select():
                chunk = os.read(ready.fd, _CHUNK_BYTES)
                if not chunk:
                    selector.unregister(ready.fd)
                    continue
                part = said[ready.data]
                room = limit // 2 - len(part)
                part += chunk[: max(0, room)]
                is_cut |= len(chunk) > room
            if is_cut and context.is_read:
                process.kill()
                break
    return said, is_cut


def _adopt_orphans() -> bool:
    """Have what a program leaves behind handed to this process; return whether this system can."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def _has_orphans() -> bool:
    with suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return True
    return False
