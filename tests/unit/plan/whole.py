"""A runbook that uses the whole language and has nothing wrong with it, with the files around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from midwatch.plan.review import LintReport, lint_text
from midwatch.runbook.errors import IncludeError
from midwatch.runbook.source import Found
from unit.plan.documents import MANIFESTS

NAME = "books/whole.runbook.md"

WHOLE = """\
---
runbook: v1
id: whole
title: Everything at once
version: "1.0.0"
owner: team:ops
mode: approve
inputs:
  volume: {type: string, pattern: "^[a-z0-9]+$"}
  hosts: {type: array, items: {type: string}, maxItems: 8}
  token: {type: string, format: secret}
tools: [disk.read, disk.move, disk.back, disk.login]
budget: {usd: 1, tokens: 9000, working_time: 2h, tool_calls: 90, effects: 12}
ladder:
  - {ask: "oncall:ops", within: 10m, via: [chat]}
  - {ask: "manager:ops", within: 20m}
out:
  moved: {type: integer, value: size(move.items)}
  note: {type: string, value: hand.note}
on_stop: leave
last_rehearsed: 2026-11-20
metrics: {resolved_within: 1h}
---

# Everything at once

## Task: Log in

```yaml
task: login
kind: command
tool: disk.login
args: {token: inputs.token}
on_fail: escalate
```

## Task: Measure

Look until something is there.

```yaml
task: measure
kind: command
needs: [login]
tool: disk.read
bind: {volume: inputs.volume}
retry: {max: 2, backoff: 1s, cap: 4s, on: [timeout, MW520], jitter: none}
until: size(measure.files) > 0
every: 30s
max: 10
out:
  used_pct: {type: number}
  files:
    type: array
    maxItems: 5
    items: {type: object, properties: {path: {type: string}, bytes: {type: integer}}}
```

## Task: Look again

One reading, for the probes.

```yaml
task: look
kind: command
tool: disk.read
on_fail: continue
out:
  used_pct: {type: number}
  files: {type: array, items: {type: object, properties: {path: {type: string}}}}
```

## Task: Sort the files

```yaml
task: sort
kind: decision
needs: [measure]
foreach: measure.files
as: file
hit: first
out: {what: {enum: [keep, move]}}
```

By size:

| file.bytes | what |
|------------|------|
| < 10       | keep |
| -          | move |

## Task: Find the cause

Look at {{ measure.used_pct }} % of {{ inputs.volume }}.

```yaml
task: cause
kind: agent
needs: [measure]
tools: [disk.read]
budget: {tokens: 4000, tool_calls: 5}
timeout: 10m
out: {cause: {enum: [leak, growth]}, evidence: {type: string}}
declassify: [cause]
```

## Task: Ask

```yaml
task: ask
kind: approval
needs: [sort, cause, look]
join: 2
actions: [move]
question: "Move {{ size(measure.files) }} files?"
on_timeout: tell
on_deny: tell
```

## Task: Move

```yaml
task: move
kind: command
needs: [ask]
foreach: measure.files
as: file
max: 5
parallel: 1
on_item_fail: continue
tool: disk.move
effect: write
args: {paths: "[file.path]", reason: "has(previous.moved) ? 'more' : 'first'", days: double(index)}
precondition: {probe: look, holds: "args.paths.all(p, probe.files.exists(f, f.path == p))"}
verify: {probe: look, until: "probe.used_pct < 80.0", within: 1m}
undo: put_back
on_fail: undo
```

## Undo: Put back

```yaml
task: put_back
kind: command
tool: disk.back
effect: write
args: {moved: "move.moved + [file.path]"}
verify: {probe: look, until: "probe.used_pct >= 0.0", within: 1m}
```

## Task: Wait a little

```yaml
task: breathe
kind: wait
needs: [move]
for: 10m
```

## Task: Wait until then

```yaml
task: later
kind: wait
needs: [breathe]
at: "'2026-11-27T03:00:00Z'"
```

## Task: Wait for a deploy

```yaml
task: deployed
kind: wait
needs: [move]
event: deploy
where: event.app == inputs.volume
within: 1h
on_timeout: continue
out: {app: {type: string}}
```

## Task: Wait for space

```yaml
task: space
kind: wait
needs: [move]
probe: look
holds: probe.used_pct < 70.0
every: 1m
within: 30m
on_timeout: hand
```

## Task: Check the hosts

```yaml
task: hosts
kind: call
needs: [space]
foreach: inputs.hosts
as: host
parallel: 4
call: ./other.runbook.md
with: {host: host, secret: inputs.token, limit: 3}
accept: [resolved, no_action, escalated]
timeout: 1h
on_fail: continue
```

## Task: By hand

Write down what is left.

```yaml
task: hand
kind: manual
needs: [hosts, later, deployed]
approvers: ["team:ops"]
sla: 15m
on_timeout: tell
out: {note: {type: string}}
ends: resolved
```

## Task: Tell

```yaml
task: tell
kind: notify
needs: [sort]
when: "false"
to: ["team:ops", "person:kim"]
via: [chat]
message: "{{ inputs.volume }} is at {{ measure.used_pct }} %"
ends: escalated
```

## Task: Emit

```yaml
task: emit
kind: notify
finally: true
emit:
  type: com.example.disk
  source: /disk
  data: {used: "has(measure.used_pct) ? measure.used_pct : -1.0", ok: true}
```

## Shared tasks

```yaml
include: ./common.runbook.md
tasks: [bye]
```

## Tests

```yaml
tests:
  - name: two files are moved
    given: {volume: data, hosts: [a], token: "secret:disk"}
    mode: auto
    start: "2026-11-27T03:00:00Z"
    mocks:
      measure:
        - {fail: timeout, why: slow, times: 1, then: {used_pct: 91, files: []}}
        - {used_pct: 91, files: [{path: /a, bytes: 20}]}
      look: {used_pct: 60, files: [{path: /a}]}
      cause: {cause: leak, evidence: x, after: 2m}
      move: [{moved: [/a]}]
      put_back: {moved: [/a]}
      hosts: [{checked: true}]
      hand: {note: done, after: 5m}
    answers: {ask: {approve: "oncall:ops", after: 2m}}
    events: {deploy: [{data: {app: data}, after: 1m}]}
    faults:
      - {crash: before, task: move}
      - {fail: look, times: 1, code: MW520}
      - {silent: move}
      - {stop: 3h}
    expect:
      path: [login, measure, sort]
      ends: resolved
      effects: 1
      asks: 1
      rungs: 1
      outputs: {sort: {items: [{what: move}]}}
      out: {moved: 1}
      undone: []
      skipped: [tell]
      failed: []
      notified: 0
  - name: nobody is there
    given: {volume: data, hosts: [], token: "secret:disk"}
    answers: {ask: timeout}
    expect: {ends: escalated, undone: [move]}
  - name: somebody says no
    given: {volume: data, hosts: [], token: "secret:disk"}
    answers: {ask: {deny: "team:ops", why: not now, after: 1m}}
    expect: {ends: escalated}
  - name: too late
    given: {volume: data, hosts: [], token: "secret:disk"}
    answers: {ask: {late: "manager:ops"}}
    expect: {ends: escalated}
```
"""

OTHER = """\
---
runbook: v1
id: other
title: Check a host
mode: observe
inputs:
  host: {type: string}
  secret: {type: string, format: secret}
  limit: {type: integer, default: 5}
tools: [disk.read]
budget: {usd: 0, working_time: 5m, tool_calls: 4, effects: 0}
out: {checked: {type: boolean, value: read.used_pct < 50.0}}
---

# Check a host

## Task: Read

```yaml
task: read
kind: command
tool: disk.read
bind: {host: inputs.host}
out: {used_pct: {type: number}}
ends: resolved
```
"""

COMMON = """\
# Tasks for all

## Task: Say goodbye

```yaml
task: bye
kind: notify
finally: true
to: ["team:ops"]
message: done
```

## Task: Not wanted

```yaml
task: unwanted
kind: notify
to: ["team:ops"]
message: done
```
"""

FILES: Mapping[str, str] = {"other.runbook.md": OTHER, "common.runbook.md": COMMON}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The files around a document, in memory."""

    files: Mapping[str, str] = field(default_factory=lambda: FILES)

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise IncludeError(f"{path} is not there", hint="Write it.")
        return self.files[path].encode()

    def has(self, path: str) -> bool:
        return path in self.files or any(name.startswith(f"{path}/") for name in self.files)

    def find(self, runbook: str) -> Found | None:
        path = f"{runbook}.runbook.md"
        if path not in self.files:
            return None
        return Found(name=f"books/{path}", path=path, data=self.files[path].encode(), library=self)


def whole_report(text: str = WHOLE, files: Mapping[str, str] = FILES) -> LintReport:
    """Return the report on a document among some files."""
    return lint_text(
        text.encode(), name=NAME, manifests=MANIFESTS, library=Shelf(files=files), path="whole.runbook.md"
    )


def changed(old: str, new: str, *, count: int = 1) -> str:
    """Return the whole document with one part replaced."""
    assert old in WHOLE, f"the whole document has no {old!r}"
    return WHOLE.replace(old, new, count)
