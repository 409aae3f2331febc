"""The process in which tools act.

Rule 1: it dies with its parent. A thread waits on the *lifeline*, a pipe whose only writer is the
parent; when that is gone, however it went, the thread kills the whole process group at once.
Rule 2: it never acts late. The deadline is on the boot clock, and is checked right before acting; the
same thread ends a call that runs over it, because a parent that is frozen can't.
Rule 3: it says `failed` only when nothing happened; whatever else goes wrong is `silent`.
"""

import os
import resource
import select
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

from midwatch.adapters.tools.builtin import function_of
from midwatch.adapters.tools.context import NS_PER_S, Context, UncertainError, boot_ns
from midwatch.adapters.tools.errors import ArgumentsError, OutputTooBigError
from midwatch.adapters.tools.secrets import resolved, scrubbed
from midwatch.adapters.tools.wire import encoded, framed, read_frame, write_frame
from midwatch.base.errors import MidwatchError

_UMASK = 0o077
_LOOK_MS = 500
"""How often the deadline of the call under way is looked at."""
_GRACE_NS = NS_PER_S // 2
"""A parent that is well ends the call first: it waits for a word that it came too late."""
_VALIDATORS: dict[tuple[str, str], Any] = {}


def main(lifeline_fd: int) -> None:
    """Answer requests until the parent closes the pipe or dies."""
    os.umask(_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests_fd, answers_fd = _own_pipes()
    deadlines: list[int] = []  # of the call under way
    threading.Thread(target=_die_with, args=(lifeline_fd, deadlines), daemon=True).start()
    write_frame(answers_fd, framed({"ready": os.getpid()}))
    with suppress(EOFError, BrokenPipeError):
        while True:
            request = read_frame(requests_fd)
            deadlines.append(request["deadline_ns"])
            said = answer(request)
            deadlines.clear()
            write_frame(answers_fd, framed(said))


def _own_pipes() -> tuple[int, int]:
    """Move the pipes away from 0 and 1, so that nothing a tool prints gets between the frames."""
    requests_fd, answers_fd = os.dup(0), os.dup(1)
    null_fd = os.open(os.devnull, os.O_RDWR)
    os.dup2(null_fd, 0)
    os.dup2(null_fd, 1)
    os.close(null_fd)
    return requests_fd, answers_fd


def _die_with(lifeline_fd: int, deadlines: list[int]) -> None:
    lifeline = select.poll()
    lifeline.register(lifeline_fd, select.POLLIN)
    with suppress(OSError):
        while not lifeline.poll(_LOOK_MS):
            if any(boot_ns() > deadline_ns + _GRACE_NS for deadline_ns in tuple(deadlines)):
                break
    own = os.getpid()
    for pid in descendants(own):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        os.killpg(own, signal.SIGKILL)
    os._exit(1)


def descendants(pid: int) -> list[int]:
    """Return the processes below `pid`, also those that left its group; empty where /proc does not say."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for tasks in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            with suppress(OSError, ValueError):
                children = [int(word) for word in tasks.read_text().split()]
                found += children
                waiting += children
    return found


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """Carry one request out and return what is to be said about it."""
    context = Context(
        tool=request["tool"],
        key=request["key"],
        state=Path(request["state"]),
        deadline_ns=request["deadline_ns"],
        programs=tuple(request["programs"]),
        origins=tuple(tuple(pair) for pair in request["origins"]),
        output_bytes_max=request["output_bytes_max"],
        is_read=request["is_read"],
    )
    used: dict[str, str] = {}
    try:
        check_arguments(context.tool, request["manifest"], request["arguments"], request["args"])
        args, used = resolved(
            request["arguments"], request["args"], file=request.get("secrets", ""), tool=context.tool
        )
        context.before_acting()
        out = function_of(request["runs"])(args, context)
        said = _said(scrubbed(out, used), context)
    except UncertainError as error:
        said = {"silent": str(error)}
    except MidwatchError as error:
        said = {"code": error.code, "why": error.sentence, "retryable": error.retryable}
    except Exception as error:  # noqa: BLE001 - the wall of the child: a defect in a tool is not knowledge that it did nothing
        said = {"silent": f"{context.tool} broke off: {type(error).__name__}: {error}"}
    found: dict[str, Any] = scrubbed(said, used)
    return found


def _said(out: dict[str, Any], context: Context) -> dict[str, Any]:
    retire = bool(out.pop("$retire", False))
    size_bytes = len(encoded(out))
    if size_bytes <= context.output_bytes_max:
        return {"out": out, "retire": retire}
    sentence = f"{context.tool} said {size_bytes} bytes, and may say {context.output_bytes_max}"
    if context.is_read:
        raise OutputTooBigError(sentence, tool=context.tool)
    raise UncertainError(f"it acted, but {sentence}")


def check_arguments(tool: str, manifest: str, schema: Mapping[str, Any], args: Mapping[str, Any]) -> None:
    """Return if the arguments fit.

    Raises:
        ArgumentsError: MW504.
    """
    validator = _VALIDATORS.get((tool, manifest))
    if validator is None:
        validator = _VALIDATORS[tool, manifest] = jsonschema_rs.Draft202012Validator(dict(schema))
    for problem in validator.iter_errors(dict(args)):
        where = ".".join(str(part) for part in problem.instance_path) or "the arguments"
        raise ArgumentsError(f"{tool} was not called: {where}: {problem.message}", tool=tool)


@cache
def import_paths() -> tuple[str, ...]:
    """Return the folders that a bare interpreter needs to import this module."""
    own = Path(__file__).resolve().parents[3]
    library = Path(str(jsonschema_rs.__file__)).resolve().parents[1]
    return tuple(dict.fromkeys((str(own), str(library))))


BOOT = (
    "import sys; sys.path += sys.argv[2:]; "
    "from midwatch.adapters.tools.child import main; main(int(sys.argv[1]))"
)


def command_line(lifeline_fd: int) -> list[str]:
    """Return the argv that starts a child: isolated from environment, user site and working folder."""
    return [sys.executable, "-I", "-c", BOOT, str(lifeline_fd), *import_paths()]
