"""One type per kind of id, so that a run can never pass for a task."""

from typing import NewType

RunId = NewType("RunId", str)
"""`r-` and ten characters of Crockford's base 32."""

TaskName = NewType("TaskName", str)
"""A node of the graph, unique within its runbook: `^[a-z][a-z0-9_]*$`."""

EffectKey = NewType("EffectKey", str)
"""The idempotency key `run/task/iteration/step/ordinal`, fixed before the call."""

ApprovalId = NewType("ApprovalId", str)
"""`a-` and six characters of Crockford's base 32."""

HandId = NewType("HandId", str)
"""`h-` and six characters of Crockford's base 32: something that people do by hand."""

Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hexadecimal digits."""

StreamId = NewType("StreamId", str)
"""`run/<id>`, `policy`, `tenant/<id>` or `access/<process>`."""

ToolName = NewType("ToolName", str)
"""A dotted name such as `files.chmod`."""

PersonId = NewType("PersonId", str)
"""A person's short name in `people.toml`, without the `person:` in front."""

Principal = NewType("Principal", str)
"""Who acts: `person:<id>`, `agent:<runbook>/<task>` or `system:<part>`."""

OwnerToken = NewType("OwnerToken", str)
"""Random; names the one drive that may write to a run until another claims it."""


def run_stream(run: RunId) -> StreamId:
    """Return the stream that holds the journal of `run`."""
    return StreamId(f"run/{run}")


def effect_key(
    run: RunId, task: TaskName, *, iteration: int = 0, step: int = 0, ordinal: int = 0
) -> EffectKey:
    """Return the idempotency key of one effect; a retry and a takeover have the same one."""
    return EffectKey(f"{run}/{task}/{iteration}/{step}/{ordinal}")
