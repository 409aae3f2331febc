"""The parent's side of the children: start, reuse, and end them.

A child serves one call at a time. It is killed, with all below it, when a call runs over its time,
and waited for, so that nothing acts on after the answer `silent`.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from midwatch.adapters.tools.alive import hold, is_held
from midwatch.adapters.tools.child import command_line, descendants
from midwatch.adapters.tools.context import NS_PER_S, boot_ns
from midwatch.adapters.tools.errors import ChildStartError, TooLateError, failed
from midwatch.adapters.tools.wire import framed, receive_by, send_by
from midwatch.ports.tools import ToolDone, ToolFailed, ToolOutcome, ToolSilent

CHILDREN_MAX = 8
IDLE_MAX = 4
_START_NS_MAX = 20 * NS_PER_S
_CLOSE_S_MAX = 2.0
_GRACE_NS = NS_PER_S // 10
"""Time for a child to say that it came too late, and did nothing."""
_SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Child:
    """One process, its two pipes and its lifeline."""

    def __init__(self, deadline_ns: int, alive_fd: int, more_environment: Mapping[str, str]) -> None:
        read_fd, self._lifeline_fd = os.pipe()
        try:
            self.process = subprocess.Popen(
                command_line(read_fd),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env={**child_environment(), **more_environment},
                pass_fds=(read_fd, alive_fd),
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._lifeline_fd)
            raise ChildStartError(f"no process could be started: {error.strerror}") from error
        finally:
            os.close(read_fd)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests, self._answers = self.process.stdin, self.process.stdout
        os.set_blocking(self._requests.fileno(), False)
        self._await_ready(min(deadline_ns, boot_ns() + _START_NS_MAX))

    def _await_ready(self, deadline_ns: int) -> None:
        try:
            receive_by(self._answers.fileno(), deadline_ns)
        except (EOFError, TimeoutError, ValueError) as error:
            self.end()
            code = self.process.returncode
            raise ChildStartError(f"the process for tools did not get ready (exit code {code})") from error

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; a dead one is not reaped here, so that its number stays taken."""
        if self.process.returncode is not None:
            return False
        if not hasattr(os, "waitid"):
            return self.process.poll() is None
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def exchange(self, frame: bytes, deadline_ns: int) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            BrokenPipeError: it was gone before it had the whole request, so it did nothing.
            TimeoutError, EOFError, ValueError: nobody knows what it did.
        """
        sent = send_by(self._requests.fileno(), frame, deadline_ns)
        if sent < len(frame):
            raise BrokenPipeError
        answer = receive_by(self._answers.fileno(), deadline_ns + _GRACE_NS)
        if not isinstance(answer, dict):
            raise ValueError("an answer is an object")  # noqa: TRY004 - the caller catches what is no frame
        return answer

    def end(self) -> None:
        """Kill it and everything below it, and wait until it is gone."""
        below = descendants(self.process.pid) if self.is_alive else []
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in below:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._requests.close()
        self._answers.close()
        with suppress(OSError):
            os.close(self._lifeline_fd)


def child_environment() -> dict[str, str]:
    """Return all that a child gets of our environment."""
    return {"PATH": _SAFE_PATH, "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}


class Pool:
    """Idle children, handed out one call at a time."""

    def __init__(self, alive: Path, more_environment: Mapping[str, str] | None = None) -> None:
        """Start nothing yet; `alive` is the file that shows others whether a child lives."""
        self._alive = alive
        self._alive_fd: int | None = None
        self._more_environment = dict(more_environment or {})
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(CHILDREN_MAX)
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._closed = threading.Event()

    def call(self, request: Mapping[str, Any]) -> ToolOutcome:
        """Have a request carried out; blocks until its deadline at most, and the time to end a child."""
        deadline_ns = request["deadline_ns"]
        if not self._slots.acquire(timeout=max(0, deadline_ns - boot_ns()) / NS_PER_S):
            return _failed(TooLateError("every process for tools was busy; nothing was done"))
        try:
            frame = framed(request)
            return self._call(frame, deadline_ns) or self._call(frame, deadline_ns) or _gone_twice()
        except (ChildStartError, TooLateError) as error:
            return _failed(error)
        finally:
            self._slots.release()

    def _call(self, frame: bytes, deadline_ns: int) -> ToolOutcome | None:
        """Return the outcome, or None when the child was gone before it had the request."""
        child, keep = self._take(deadline_ns), False
        try:
            answer = child.exchange(frame, deadline_ns)
            keep = not answer.get("retire", False)
            return _outcome(answer)
        except BrokenPipeError:
            return None
        except TimeoutError:
            return ToolSilent(why="it ran over its time and was killed")
        except (EOFError, ValueError):
            return ToolSilent(why="its process died on the way")
        finally:
            self._give_back(child, keep=keep)

    def _take(self, deadline_ns: int) -> Child:
        with self._lock:
            if self._closed.is_set():
                raise ChildStartError("the tools of this host are closed")
            while self._idle:
                child = self._idle.pop()
                if child.is_alive:
                    self._busy.add(child)
                    return child
                child.end()
        child = Child(deadline_ns, self._held(), self._more_environment)
        with self._lock:
            self._busy.add(child)
            if self._closed.is_set():
                os.killpg(child.process.pid, signal.SIGKILL)
        return child

    def _held(self) -> int:
        with self._lock:
            if self._alive_fd is None:
                try:
                    self._alive_fd = hold(self._alive)
                except OSError as error:
                    raise ChildStartError(f"{self._alive} can't be made: {error.strerror}") from error
            return self._alive_fd

    def _give_back(self, child: Child, *, keep: bool) -> None:
        with self._lock:
            was_ours = child in self._busy
            self._busy.discard(child)
            if keep and was_ours and len(self._idle) < IDLE_MAX:
                self._idle.append(child)
                return
        if was_ours:
            child.end()

    def close(self) -> None:
        """End every child, also those at work; their calls return `silent`, and are waited for."""
        with self._lock:
            self._closed.set()
            idle, self._idle = self._idle, []
            for child in self._busy:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.process.pid, signal.SIGKILL)
        for child in idle:
            child.end()
        taken = sum(self._slots.acquire(timeout=_CLOSE_S_MAX) for _ in range(CHILDREN_MAX))
        self._slots.release(taken)
        with self._lock:
            held, self._alive_fd = self._alive_fd, None
        if held is not None:
            os.close(held)
            is_held(self._alive)


def _outcome(answer: Mapping[str, Any]) -> ToolOutcome:
    if "out" in answer:
        return ToolDone(out=answer["out"])
    if "silent" in answer:
        return ToolSilent(why=answer["silent"])
    return failed(answer["code"], answer["why"], retryable=answer["retryable"])


def _failed(error: ChildStartError | TooLateError) -> ToolFailed:
    return failed(error.code, error.sentence, retryable=error.retryable)


def _gone_twice() -> ToolFailed:
    return _failed(ChildStartError("two processes for tools were gone before they had the request"))
