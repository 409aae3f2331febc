"""A sealed action: everything a Guardian is asked about, named by one digest.

There is no attempt in it, so a retry keeps its approval; there is a nonce in it, so no two questions
are ever the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.canonical import canonical, digest, digest_of, frozen_value
from midwatch.base.ids import Digest, EffectKey, Principal, RunId, TaskName, ToolName
from midwatch.base.labels import Label

ACTION_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """What must still hold when the action is dispatched."""

    probe: TaskName
    holds: str
    """CEL over `args` and `probe`."""
    seen: Any
    """What the probe returned when the action was sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One proposed call of one tool, complete and canonical."""

    key: EffectKey
    tool: ToolName
    manifest: Digest
    effect: str
    args: Mapping[str, Any]
    """After every hook; exactly what the tool receives."""
    target: str
    precondition: Precondition | None
    labels: Mapping[str, Label]
    """Label of each argument."""
    guard: Label
    """Label of the conditions that led here; a `when` on untrusted values taints it."""
    agent: Principal
    initiator: Principal
    document: Digest
    plan: Digest
    run: RunId
    task: TaskName
    iteration: int
    step: int
    nonce: str

    record: Mapping[str, Any] = field(init=False, repr=False)
    """The wire form: plain JSON values, no floats. Made once, since every use of an action needs it."""
    digest: Digest = field(init=False)
    """The action's name: the digest of its canonical wire form."""

    def __post_init__(self) -> None:
        """Make the wire form and its digest."""
        record = _record(self)
        object.__setattr__(self, "record", record)
        object.__setattr__(self, "digest", digest_of(canonical(record)))

    def as_record(self) -> dict[str, Any]:
        """Return a copy of the wire form."""
        return dict(self.record)


def _record(action: Action) -> dict[str, Any]:
    precondition = action.precondition
    return {
        "action_v": ACTION_VERSION,
        "agent": action.agent,
        "args": frozen_value(dict(action.args)),
        "document": action.document,
        "effect": action.effect,
        "guard": str(action.guard),
        "initiator": action.initiator,
        "iteration": action.iteration,
        "key": action.key,
        "labels": {name: str(label) for name, label in action.labels.items()},
        "manifest": action.manifest,
        "nonce": action.nonce,
        "plan": action.plan,
        "precondition": None
        if precondition is None
        else {
            "holds": precondition.holds,
            "probe": precondition.probe,
            "seen": frozen_value(precondition.seen),
        },
        "run": action.run,
        "step": action.step,
        "target": action.target,
        "task": action.task,
        "tool": action.tool,
    }


def bundle_digest(actions: Sequence[Digest]) -> Digest:
    """Return the name of an ordered list of actions; one action is the special case."""
    return digest({"bundle_v": 1, "actions": list(actions)})


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[tuple[str, Any, Any], ...]:
    """Return (path, old, new) for each leaf in which two wire forms of actions differ, in path order.

    The nonce is left out: it always differs. A missing leaf is None.
    """
    left, right = dict(_leaves("", before)), dict(_leaves("", after))
    paths = sorted((left.keys() | right.keys()) - {"nonce"})
    return tuple(
        (path, left.get(path), right.get(path)) for path in paths if left.get(path) != right.get(path)
    )


def _leaves(path: str, value: Any) -> list[tuple[str, Any]]:
    children: list[tuple[str, Any]]
    if isinstance(value, Mapping) and value:
        children = [(f"{path}.{key}" if path else str(key), item) for key, item in value.items()]
    elif isinstance(value, list) and value:
        children = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        return [(path, value)]
    return [leaf for child_path, child in children for leaf in _leaves(child_path, child)]
