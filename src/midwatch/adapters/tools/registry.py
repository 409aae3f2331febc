"""`HostTools`: every tool that this host has, behind the port `Tools`.

A read runs in this process, in a thread that is left behind when it hangs. Whatever acts, and
whatever starts a program, runs in a child that dies with this process (`child`, `pool`).
"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema_rs

from midwatch.adapters.tools.builtin import BUILTINS, function_of
from midwatch.adapters.tools.child import check_arguments
from midwatch.adapters.tools.context import NS_PER_MS, NS_PER_S, Context, boot_ns
from midwatch.adapters.tools.errors import (
    NoSuchToolError,
    OutputInvalidError,
    OutputTooBigError,
    ReadingError,
    failed,
)
from midwatch.adapters.tools.manifests import load_manifests
from midwatch.adapters.tools.pool import Pool
from midwatch.adapters.tools.secrets import SecretSource, wants_secrets
from midwatch.adapters.tools.wire import encoded
from midwatch.base.classes import EffectClass
from midwatch.base.errors import MidwatchError
from midwatch.base.ids import ToolName
from midwatch.effects.manifest import Manifest
from midwatch.ports.tools import ToolCall, ToolDone, ToolFailed, ToolOutcome, ToolSilent

ALIVE = "alive"
"""The folder in the state folder with a file for each worker that has children."""
_HEAD_BYTES = 200


class HostTools:
    """The tools of this host; safe to call from many threads."""

    def __init__(
        self,
        *,
        state: Path,
        folders: Sequence[Path] = (),
        alive: Path | None = None,
        secrets: SecretSource | None = None,
    ) -> None:
        """Load every manifest; nothing is started yet.

        Args:
            state: Midwatch's own folder; tools keep their records below `tools/` in it.
            folders: The operator's folders of manifests.
            alive: The file that shows others whether a child of this process lives.
            secrets: Where handles of secrets are resolved, by the children alone.

        Raises:
            ManifestError: MW501.
            ManifestTwiceError: MW502.
        """
        self._state = state.resolve()
        self._manifests = load_manifests(folders)
        self._digests = {name: manifest.digest for name, manifest in self._manifests.items()}
        self._outs: dict[ToolName, Any] = {}
        self._secrets = secrets or SecretSource()
        own = alive or self._state / ALIVE / f"process-{os.getpid()}"
        self._pool = Pool(own, self._secrets.for_child(os.environ))

    @property
    def manifests(self) -> Mapping[ToolName, Manifest]:
        """Every tool there is, as its operator declares it."""
        return MappingProxyType(self._manifests)

    def call(self, call: ToolCall) -> ToolOutcome:
        """Call a tool and wait for it; blocks for at most the call's time, and a second to end it."""
        manifest = self._manifests.get(call.tool)
        if manifest is None or not manifest.runs:
            return _failed(NoSuchToolError(f"nothing on this host carries out {call.tool}", tool=call.tool))
        deadline_ns = _deadline_ns(call)
        is_read = manifest.effect is EffectClass.READ
        needs_child = BUILTINS[manifest.runs].in_child or wants_secrets(manifest.arguments)
        if is_read and not needs_child:
            outcome = self._read(call, manifest, deadline_ns)
        else:
            outcome = self._pool.call(self._request(call, manifest, deadline_ns))
        if isinstance(outcome, ToolDone):
            return self._checked(outcome, manifest)
        return outcome

    def close(self) -> None:
        """End every child."""
        self._pool.close()

    def _request(self, call: ToolCall, manifest: Manifest, deadline_ns: int) -> dict[str, Any]:
        return {
            "tool": manifest.tool,
            "manifest": self._digests[manifest.tool],
            "runs": manifest.runs,
            "arguments": manifest.arguments,
            "args": dict(call.args),
            "key": call.key,
            "state": str(self._state),
            "deadline_ns": deadline_ns,
            "programs": manifest.programs,
            "origins": tuple(manifest.origins.items()),
            "output_bytes_max": manifest.output_bytes_max,
            "is_read": manifest.effect is EffectClass.READ,
            "secrets": str(self._secrets.file or ""),
        }

    def _read(self, call: ToolCall, manifest: Manifest, deadline_ns: int) -> ToolOutcome:
        context = Context(
            tool=manifest.tool,
            key=call.key,
            state=self._state,
            deadline_ns=deadline_ns,
            origins=tuple(manifest.origins.items()),
            output_bytes_max=manifest.output_bytes_max,
        )
        try:
            check_arguments(manifest.tool, self._digests[manifest.tool], manifest.arguments, call.args)
        except MidwatchError as error:
            return _failed(error)
        said: list[ToolOutcome] = []
        thread = threading.Thread(
            target=lambda: said.append(_reading(manifest, call.args, context)),
            name=manifest.tool,
            daemon=True,
        )
        thread.start()
        thread.join(max(0, deadline_ns - boot_ns()) / NS_PER_S)
        return said[0] if said else ToolSilent(why="the reading ran over its time and was left behind")

    def _checked(self, done: ToolDone, manifest: Manifest) -> ToolOutcome:
        """Return the outcome, if what it says is within its limit and its schema."""
        error: MidwatchError | None = None
        try:
            body = encoded(done.out)
        except (TypeError, ValueError) as reason:
            return self._unfit(
                manifest, OutputInvalidError(f"{manifest.tool} said what is no JSON: {reason}")
            )
        if len(body) > manifest.output_bytes_max:
            head = body[:_HEAD_BYTES].decode(errors="replace")
            sentence = (
                f"{manifest.tool} said {len(body)} bytes, more than {manifest.output_bytes_max}: {head}…"
            )
            error = OutputTooBigError(sentence, tool=manifest.tool)
        elif manifest.out:
            error = self._misfit(done.out, manifest)
        return done if error is None else self._unfit(manifest, error)

    def _misfit(self, out: Mapping[str, Any], manifest: Manifest) -> MidwatchError | None:
        validator = self._outs.get(manifest.tool)
        if validator is None:
            validator = self._outs[manifest.tool] = jsonschema_rs.Draft202012Validator(dict(manifest.out))
        for problem in validator.iter_errors(dict(out)):
            where = ".".join(str(part) for part in problem.instance_path) or "the output"
            return OutputInvalidError(f"{manifest.tool}: {where}: {problem.message}", tool=manifest.tool)
        return None

    def _unfit(self, manifest: Manifest, error: MidwatchError) -> ToolOutcome:
        """A read that said too much or the wrong thing failed; what acted has happened all the same."""
        if manifest.effect is EffectClass.READ:
            return _failed(error)
        return ToolSilent(why=f"it acted, but {error}")


def _deadline_ns(call: ToolCall) -> int:
    """Return the moment, on the clock that counts sleep too, after which nothing of the call may happen."""
    now_ns, left_ns = boot_ns(), call.timeout_ms * NS_PER_MS
    if call.until_ms is not None:
        left_ns = min(left_ns, call.until_ms * NS_PER_MS - time.monotonic_ns())
    return now_ns + left_ns


def _reading(manifest: Manifest, args: Mapping[str, Any], context: Context) -> ToolOutcome:
    try:
        return ToolDone(out=function_of(manifest.runs)(args, context))
    except MidwatchError as error:
        return _failed(error)
    except Exception as error:  # noqa: BLE001 - the wall of a read: a defect in one ends as its own failure, not as the thread's
        return _failed(ReadingError(f"{manifest.tool} broke off: {type(error).__name__}: {error}"))


def _failed(error: MidwatchError) -> ToolFailed:
    return failed(error.code, error.sentence, retryable=error.retryable)
