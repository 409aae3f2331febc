"""What an operator declares about a tool; nothing is believed from the tool itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.canonical import digest, frozen_value
from midwatch.base.classes import EffectClass, RetryClass
from midwatch.base.ids import Digest, ToolName
from midwatch.base.labels import UNTRUSTED, Label
from midwatch.base.units import DurationMs


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One tool as its operator declares it (`tools/*.toml`)."""

    tool: ToolName
    summary: str
    """What it does, in words that a Guardian understands."""
    major: int
    effect: EffectClass
    retry: RetryClass
    arguments: Mapping[str, Any]
    """JSON Schema 2020-12 of the arguments: an object without additional properties."""
    out: Mapping[str, Any] = field(default_factory=dict)
    """JSON Schema of the output; empty where each task declares its own."""
    target: str = "tool"
    """Template of the resource it acts on, over the arguments: `file:{path}`; leases are taken on it."""
    labels: Mapping[str, Label] = field(default_factory=dict)
    """Label of each output field; `*` for the others; unclassified is untrusted and personal."""
    timeout_ms: DurationMs = DurationMs(30_000)
    output_bytes_max: int = 1 << 20
    text_argument: str = ""
    """Name of the argument that a fence in the task's text gives, e.g. `query` or `argv`."""
    bound_argument: str = ""
    """Name of the argument that takes the values of `bind:`, e.g. `parameters` or `environment`."""
    note: str = ""
    """A sentence for the card about what follows, e.g. when space comes back."""
    undone_by: str = ""
    """Name of the tool that takes an effect back, for the lint's hint."""
    runs: str = ""
    """What carries it out on this host, e.g. `command`; empty where nothing here does."""
    programs: tuple[str, ...] = ()
    """The programs that a tool which runs `command` may start."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """The origins that a tool which runs `http.…` may reach, each with where; empty for itself."""
    digest: Digest = field(init=False, repr=False, compare=False)
    """Over argument schema, effect class and major version: what an action is bound to."""

    def __post_init__(self) -> None:
        """Make the digest, once for all actions."""
        bound = {
            "arguments": frozen_value(dict(self.arguments)),
            "effect": self.effect.value,
            "major": self.major,
            "tool": self.tool,
        }
        object.__setattr__(self, "digest", digest(bound))

    def label_of(self, name: str) -> Label:
        """Return the label of an output field."""
        return self.labels.get(name, self.labels.get("*", UNTRUSTED))
