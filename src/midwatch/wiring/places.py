"""What lies in Midwatch's own folders: practice files, quarantines, runbooks, a first configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midwatch.adapters.config import NAME, Config
from midwatch.adapters.files import Practice, Written, plant_practice, write_missing
from midwatch.adapters.process import full_name, os_user
from midwatch.adapters.runbooks import RUNBOOK_SUFFIX
from midwatch.adapters.tools.context import Context, boot_ns
from midwatch.adapters.tools.files.look import quarantined
from midwatch.adapters.tools.files.records import all_records
from midwatch.approvals.people import solo_template
from midwatch.wiring.force import shipped_folder, shipped_policy

__all__ = ["RUNBOOK_SUFFIX", "Practice", "Quarantined", "Written"]

_LOOK_NS = 10_000_000_000
CONFIG_TEXT = """\
# Midwatch's settings; every key may be left out. Paths are relative to this file.

# state = "~/.local/state/midwatch"   # journal, keys, quarantine; MIDWATCH_STATE goes first
profile = "solo"                      # `team`: who asks for a run never answers for it
policy = "policy"
people = "people.toml"
tools = ["tools"]
runbooks = ["runbooks"]

[server]
port = 4747                           # health of `midwatch server`, on 127.0.0.1 only
"""
TOOLS_TEXT = """\
# Tools of your own

One `NAME.toml` per tool: what it is called, what it takes and returns, and what it may do to the world.
Those that ship with Midwatch need no file here. `midwatch lint` compares each runbook with them.
"""
EXAMPLE_TEXT = """\
---
runbook: v1
id: disk-space
title: Is there space left?
version: "1.0.0"
owner: team:guardians
mode: observe
tools: [host.filesystems]
budget: {usd: 0, tokens: 0, working_time: 1m, tool_calls: 2, effects: 0}
---

# Is there space left?

## Meaning

A small runbook to change into one of your own. It reads, and decides by a table.

## Task: Measure

By hand: `df -PT`.

```yaml
task: measure
kind: command
tool: host.filesystems
timeout: 10s
```

## Task: Decide

```yaml
task: verdict
kind: decision
needs: [measure]
hit: first
out:
  severity: {enum: [info, warning, critical]}
  finding: {type: string}
ends: {no_action: verdict.severity == "info", escalated: verdict.severity != "info"}
```

The first row that matches wins.

| measure.used_pct | severity | finding                                 |
|------------------|----------|-----------------------------------------|
| >= 95            | critical | "A file system is about to be full."    |
| >= 85            | warning  | "A file system fills up."               |
| -                | info     | "There is space on every file system."  |
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One place in quarantine."""

    place: str
    run: str
    since_ms: int
    bytes: int
    from_paths: tuple[str, ...]


def practice(config: Config) -> Practice:
    """Return the practice folder of a house, planted."""
    return plant_practice(config.state / "practice")


def in_quarantine(config: Config) -> tuple[Quarantined, ...]:
    """Return what Midwatch's own records say lies in quarantine, the oldest first."""
    found: Mapping[str, Any] = quarantined({}, _context(config))
    places = [
        Quarantined(
            place=each["place"],
            run=each["run"],
            since_ms=each["since_ms"],
            bytes=each["bytes"],
            from_paths=tuple(entry["from"] for entry in each["entries"]),
        )
        for each in found["places"]
    ]
    return tuple(sorted(places, key=lambda each: (each.since_ms, each.place)))


def purged_keys(config: Config) -> frozenset[str]:
    """Return the keys of the effects whose quarantine was deleted for good."""
    return frozenset(record["key"] for _, record in all_records(config.state) if record.get("purged"))


def _context(config: Config) -> Context:
    return Context(
        tool="files.quarantined",
        key="look/0",
        state=config.state.resolve(),
        deadline_ns=boot_ns() + _LOOK_NS,
    )


def runbook_file(config: Config, name: str) -> Path | None:
    """Return the file of a runbook: a path, or the name of one in the own folders or the shipped one."""
    if "/" in name or name.endswith(".md"):
        path = Path(name)
        return path if path.exists() else None
    for folder in (*config.runbooks, shipped_folder("runbooks")):
        path = folder / f"{name}{RUNBOOK_SUFFIX}"
        if path.exists():
            return path
    return None


def shipped_runbook(name: str) -> Path:
    """Return the file of a runbook that ships with Midwatch."""
    return shipped_folder("runbooks") / f"{name}{RUNBOOK_SUFFIX}"


def runbook_files(config: Config) -> tuple[Path, ...]:
    """Return every runbook in the own folders, then the shipped ones."""
    folders = (*config.runbooks, shipped_folder("runbooks"))
    return tuple(path for folder in folders for path in sorted(folder.glob(f"*{RUNBOOK_SUFFIX}")))


def init_files() -> dict[str, str]:
    """Return what `midwatch init` writes, by name."""
    policies, schema = shipped_policy()
    return {
        NAME: CONFIG_TEXT,
        "people.toml": solo_template(os_user(), full_name()),
        "policy/default.cedar": policies,
        "policy/schema.cedarschema": schema,
        f"runbooks/disk-space{RUNBOOK_SUFFIX}": EXAMPLE_TEXT,
        "tools/README.md": TOOLS_TEXT,
    }


def write_init(folder: Path) -> Written:
    """Write a first configuration into a folder; what is there stays."""
    return write_missing(folder, init_files())
