"""The world outside: things with values, tools that change them, and all that can go wrong on the way."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.classes import EffectClass, RetryClass
from midwatch.base.ids import EffectKey, ToolName
from midwatch.effects.manifest import Manifest
from midwatch.ports.tools import ToolCall, ToolDone, ToolFailed, ToolOutcome, ToolSilent
from support.houses import manifest

WRITE, IRREVERSIBLE, READ = EffectClass.WRITE, EffectClass.IRREVERSIBLE, EffectClass.READ

BEGIN_VALUE = 1
MANIFESTS: tuple[Manifest, ...] = (
    manifest("look", READ),
    manifest("check", READ),
    manifest("gauge", READ),
    manifest("put", WRITE, RetryClass.IDEMPOTENT),
    manifest("give", WRITE, RetryClass.KEYED),
    manifest("set", WRITE, RetryClass.PROBE),
    manifest("pour", WRITE, RetryClass.UNSAFE),
    manifest("burn", IRREVERSIBLE, RetryClass.UNSAFE),
    manifest("melt", IRREVERSIBLE, RetryClass.IDEMPOTENT),
)
RETRY = {one.tool: one.retry for one in MANIFESTS}


class Killed(BaseException):
    """`kill -9`: nothing of the process runs after this."""


@dataclass(slots=True)
class World:
    """Everything that outlives every process of ours."""

    manifests: dict[ToolName, Manifest] = field(default_factory=lambda: {one.tool: one for one in MANIFESTS})
    values: dict[str, int] = field(default_factory=dict)
    gauge: int = 1
    """What preconditions rely on: they hold at 1."""
    acting_faults: list[str] = field(default_factory=list)
    """What becomes of the next acting calls, in their order; then all goes well."""
    reading_faults: list[str] = field(default_factory=list)
    lies: int = 0
    """How many of the next readings of `check` are wrong."""
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """What others do while the next calls are under way, one for each call."""
    applied: Counter[EffectKey] = field(default_factory=Counter)
    """How often each acting call took effect, a repeated one under a known key left out."""
    before: dict[EffectKey, int] = field(default_factory=dict)
    """The value of the thing before each effect."""
    writers: list[tuple[str, EffectKey]] = field(default_factory=list)
    """(thing, effect) in the order in which they took effect."""
    done: dict[EffectKey, Mapping[str, Any]] = field(default_factory=dict)
    """What was returned for each key: repeatable tools know a key again."""

    def value(self, thing: str) -> int:
        return self.values.get(thing, BEGIN_VALUE)

    def is_acting(self, tool: ToolName) -> bool:
        return self.manifests[tool].effect is not READ

    def read(self, call: ToolCall) -> ToolOutcome:
        fault = self.reading_faults.pop(0) if self.reading_faults else ""
        if fault == "silent":
            return ToolSilent(why="it hung")
        if fault:
            return ToolFailed(code="MW598", why="it could not be read", retryable=fault == "busy")
        if call.tool == "gauge":
            return ToolDone(out={"value": self.gauge})
        value = self.value(call.args["name"])
        if call.tool == "check" and self.lies:
            self.lies -= 1
            return ToolDone(out={"value": value + 1000})
        return ToolDone(out={"value": value})

    def act(self, call: ToolCall, fault: str) -> ToolOutcome:
        """Return what the caller is told, once the thing was changed, or was not."""
        if fault in {"failed", "busy"}:
            nothing = not self.applied[call.key]
            return ToolFailed(code="MW599", why="refused", retryable=fault == "busy", settles=nothing)
        if fault == "silent before":
            return ToolSilent(why="it was cut off")
        out = self._changed(call)
        return ToolSilent(why="it was cut off") if fault == "silent after" else ToolDone(out=out)

    def _changed(self, call: ToolCall) -> Mapping[str, Any]:
        """Change the thing; under a key that is known, repeatable tools change nothing a second time."""
        known = self.done.get(call.key)
        if known is not None and RETRY[call.tool] in {RetryClass.IDEMPOTENT, RetryClass.KEYED}:
            return known
        thing = call.args["name"]
        before = self.value(thing)
        self.before.setdefault(call.key, before)
        self.values[thing] = before + call.args["by"] if call.tool == "pour" else call.args["value"]
        self.applied[call.key] += 1
        self.writers.append((thing, call.key))
        self.done[call.key] = {"before": before}
        return self.done[call.key]
