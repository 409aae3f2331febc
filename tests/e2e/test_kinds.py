"""A runbook that calls another one with every kind of task, from files to its end, on the command line."""

import pathlib

from e2e.machine import Machine

CALLER = """\
---
runbook: v1
id: caller
title: A caller
version: "1"
owner: team:guardians
mode: auto
ladder:
  - {ask: "team:guardians", within: 1h}
---

# A caller

Call it.

```yaml
task: call_it
kind: call
call: ./called.runbook.md
```
"""
CALLED = """\
---
runbook: v1
id: called
title: What is called
version: "1"
owner: team:guardians
mode: auto
tools: [host.clock]
ladder:
  - {ask: "team:guardians", within: 1h}
---

# What is called

## Look

Look at the clock.

```yaml
task: clock
kind: command
tool: host.clock
```

## Tell

Tell of each.

```yaml
task: tell
kind: notify
needs: [clock]
foreach: "[1, 2, 3]"
max: 3
to: ["team:guardians"]
message: "Item {{ item }}."
```

## Clean

Clean by hand.

```yaml
task: clean
kind: manual
needs: [tell]
sla: 1h
out: {freed: {type: integer}}
```

## Go

Wait for a word.

```yaml
task: go
kind: wait
needs: [clean]
event: go
within: 1h
```

## Over

Say that it is over.

```yaml
task: tidy
kind: notify
finally: true
to: ["team:guardians"]
message: "Over."
```
"""


def begun(machine: Machine) -> tuple[str, str, str]:
    """Start the caller, and return its run, the called one, and what is to be done by hand."""
    folder = machine.root / "runbooks"
    folder.mkdir()
    for name, text in (("caller", CALLER), ("called", CALLED)):
        (folder / f"{name}.runbook.md").write_text(text, encoding="utf-8")
    caller = pathlib.Path(folder) / "caller.runbook.md"
    record = machine.ok("start", str(caller), "--json").json
    assert record["rests"] == "waits", record
    runs = {run["runbook"]: run for run in machine.ok("status", "--json").json["runs"]}
    (hand,) = runs["called"]["hands"]
    return runs["caller"]["run"], runs["called"]["run"], hand["hand"]


def test_a_runbook_that_calls_waits_and_needs_people_comes_to_its_end(machine: Machine) -> None:
    caller, called, hand = begun(machine)
    refused = machine.run("done", hand, "--out", "freed=much")
    assert (refused.code, "MW637" in refused.err) == (1, True)
    assert machine.ok("done", hand, "--out", "freed=3", "-m", "swept", "--json").json["rests"] == "waits"
    assert "MW632" in machine.run("signal", called, "nothing").err
    record = machine.ok("signal", called, "go", "--json").json
    assert (record["rests"], record["journal"]["verified"]) == ("ended", True)
    shown = machine.ok("show", caller, "--json").json
    assert [(call["run"], call["outcome"]) for call in shown["calls"]] == [(called, "no_action")]
    assert machine.ok("show", called, "--json").json["parent"] == caller
    notices = [one["message"] for one in machine.ok("show", called, "--json").json["notices"]]
    assert notices == ["Item 1.", "Item 2.", "Item 3.", "Over."]
    assert "swept" in machine.ok("why", f"{called}/clean").out
    assert machine.ok("audit", "verify", "--json").json["whole"] is True


def test_stopping_the_caller_stops_what_it_called(machine: Machine) -> None:
    caller, called, hand = begun(machine)
    assert machine.ok("cancel", caller, "-m", "enough", "--json").json["outcome"] == "cancelled"
    outcomes = {run["run"]: run["outcome"] for run in machine.ok("runs", "--json").json["runs"]}
    assert outcomes == {caller: "cancelled", called: "cancelled"}
    assert "MW635" in machine.run("done", hand, "--out", "freed=3").err
    assert machine.ok("show", hand, "--json").json["status"] == "cancelled"
