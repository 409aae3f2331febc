"""A small runbook that has nothing wrong with it, its tools, and ways to spoil it."""

from collections.abc import Mapping

from midwatch.base.classes import EffectClass, RetryClass
from midwatch.base.ids import ToolName
from midwatch.base.labels import label_from
from midwatch.base.units import DurationMs
from midwatch.effects.manifest import Manifest
from midwatch.plan.review import LintReport, lint_text

NAME = "disk.runbook.md"

GOOD = """\
---
runbook: v1
id: disk
title: A disk fills up
version: "1.2.0"
owner: team:ops
mode: approve
inputs:
  volume: {type: string, pattern: "^[a-z0-9]+$"}
  keep_days: {type: integer, default: 7, minimum: 1}
tools: [disk.read, disk.move, disk.back, disk.drop]
budget: {usd: 0.50, tokens: 0, working_time: 10m, tool_calls: 20, effects: 2}
ladder:
  - {ask: "oncall:ops", within: 10m, via: [chat]}
metrics: {resolved_within: 15m}
---

# A disk fills up

## Meaning

There is little space left.

## Task: Measure

Look once.

```yaml
task: measure
kind: command
tool: disk.read
timeout: 5s
retry: {max: 2, backoff: 1s}
bind: {volume: inputs.volume}
out:
  used_pct: {type: number}
  files: {type: array, items: {type: object, properties: {path: {type: string}, bytes: {type: integer}}}}
  state: {enum: [fine, full]}
```

Ask the file system:

```sh
df --output=pcent
```

## Task: Decide

The first row that matches wins.

```yaml
task: decide
kind: decision
needs: [measure]
hit: first
out: {next: {enum: [done, move, drop]}}
ends: {no_action: decide.next == "done"}
```

By how full it is:

| measure.used_pct | measure.state | next |
|------------------|---------------|------|
| < 80             | -             | done |
| [80..95)         | full          | move |
| -                | -             | drop |

## Task: Ask

Show the files.

```yaml
task: ask
kind: approval
needs: [decide]
when: decide.next != "done"
actions: [move, drop]
question: "{{ decide.next }} on {{ inputs.volume }}?"
approvers: ["team:ops", "oncall:ops"]
sla: 10m
expires: 1h
on_timeout: leave
on_deny: leave
```

## Task: Move

Put them elsewhere.

```yaml
task: move
kind: command
needs: [ask]
when: decide.next == "move"
tool: disk.move
effect: write
args: {paths: "measure.files.map(f, f.path)", reason: "'little space'", days: inputs.keep_days}
precondition: {probe: measure, holds: "args.paths.all(p, probe.files.exists(f, f.path == p))"}
verify: {probe: measure, until: "probe.used_pct < 80.0", for: 10s, within: 1m}
undo: put_back
on_fail: undo
ends: resolved
```

## Undo: Put back

```yaml
task: put_back
kind: command
tool: disk.back
effect: write
args: {moved: move.moved}
verify: {probe: measure, until: "probe.used_pct >= 0.0", within: 1m}
```

## Task: Drop

Delete them for good.

```yaml
task: drop
kind: command
needs: [ask]
when: decide.next == "drop"
tool: disk.drop
effect: irreversible
args: {paths: "measure.files.map(f, f.path)", force: false}
verify: {probe: measure, until: "probe.used_pct < 80.0", within: 1m}
on_fail: leave
ends: resolved
```

## Task: Leave it

Reached when nobody said yes.

```yaml
task: leave
kind: decision
needs: [decide]
when: "false"
hit: first
out: {note: {type: string}}
ends: escalated
```

One row is enough.

| decide.next | note      |
|-------------|-----------|
| -           | "Look."   |

## Tests

```yaml
tests:
  - name: there is space
    given: {volume: data}
    mocks:
      measure: {used_pct: 12, files: [], state: fine}
    expect: {path: [measure, decide], ends: no_action, effects: 0}
```
"""


def _manifest(tool: str, effect: EffectClass, arguments: dict[str, object], **more: object) -> Manifest:
    given: dict[str, object] = {"out": {}, "labels": {"*": label_from("tool/internal")}, **more}
    required = [name for name in arguments if name not in ("text", "bound", "days")]
    return Manifest(
        tool=ToolName(tool),
        summary="A tool of the tests.",
        major=1,
        effect=effect,
        retry=RetryClass.IDEMPOTENT,
        arguments={
            "type": "object",
            "properties": arguments,
            "required": required,
            "additionalProperties": False,
        },
        timeout_ms=DurationMs(10_000),
        **given,  # type: ignore[arg-type]  # tests give what the fields take
    )


_PATHS = {"type": "array", "items": {"type": "string"}}
_MOVED = {
    "type": "object",
    "properties": {"moved": _PATHS},
    "required": ["moved"],
    "additionalProperties": False,
}
MANIFESTS: Mapping[ToolName, Manifest] = {
    manifest.tool: manifest
    for manifest in (
        _manifest(
            "disk.read",
            EffectClass.READ,
            {"text": {"type": "string"}, "bound": {"type": "object"}},
            text_argument="text",
            bound_argument="bound",
            labels={"*": label_from("tool/internal"), "files": label_from("untrusted/personal")},
        ),
        _manifest(
            "disk.move",
            EffectClass.WRITE,
            {"paths": _PATHS, "reason": {"type": "string"}, "days": {"type": "number"}},
            out=_MOVED,
            undone_by="disk.back",
            target="disk:{reason}",
        ),
        _manifest("disk.back", EffectClass.WRITE, {"moved": _PATHS}, out=_MOVED),
        _manifest(
            "disk.drop",
            EffectClass.IRREVERSIBLE,
            {"paths": _PATHS, "force": {"type": "boolean"}},
            out=_MOVED,
        ),
        _manifest(
            "disk.login",
            EffectClass.READ,
            {"token": {"type": "string", "format": "secret"}},
            out={"type": "object", "properties": {}},
        ),
    )
}


def report_on(text: str) -> LintReport:
    """Return the report on a document."""
    return lint_text(text.encode(), name=NAME, manifests=MANIFESTS)


def spoilt(old: str, new: str, *, count: int = 1) -> str:
    """Return the good document with one part replaced."""
    assert old in GOOD, f"the good document has no {old!r}"
    return GOOD.replace(old, new, count)


def place_of(text: str, mark: str, *, nth: int = 1) -> str:
    """Return the place of the n-th `mark` in a text."""
    at = -1
    for _ in range(nth):
        at = text.index(mark, at + 1)
    line = text.count("\n", 0, at) + 1
    return f"{NAME}:{line}:{at - (text.rfind(chr(10), 0, at) + 1) + 1}"
