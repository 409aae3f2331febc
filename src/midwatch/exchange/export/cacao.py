"""A runbook as a playbook of OASIS CACAO 2.0: every task is a step that a person does.

Ids follow from the runbook alone, so that two exports of the same document are the same playbook.
"""

import json
from typing import Any

from midwatch.base.canonical import digest_of
from midwatch.exchange.export.document import Parts, parts_of
from midwatch.exchange.export.markdown import mark_header
from midwatch.exchange.export.words import sentences
from midwatch.exchange.report import Accounts, Report
from midwatch.runbook.model import Runbook, Task

FORMAT = "cacao"


def to_cacao(runbook: Runbook, *, now: str) -> tuple[str, Report]:
    """Return the playbook as JSON, and what went along.

    Args:
        runbook: as parsed.
        now: the moment of the export, RFC 3339 in UTC.

    Raises:
        NotExportableError: MW174.
    """
    parts = parts_of(runbook)
    header = runbook.header
    assert header is not None, "parts have a header"
    accounts = Accounts(parts.root)
    told = {
        "id": "`id`, from which a UUID follows",
        "owner": "`agent_definitions`",
        "inputs": "`playbook_variables`; names, types and defaults",
    }
    mark_header(parts, accounts, told)
    who = _id("individual", header.owner or "owner")
    steps = _steps(parts, accounts, who)
    playbook: dict[str, Any] = {
        "type": "playbook",
        "spec_version": "cacao-2.0",
        "id": _id("playbook", header.id.value),
        "name": runbook.title or header.id.value,
        "description": _description(runbook),
        "created_by": _id("identity", header.owner or "owner"),
        "created": now,
        "modified": now,
        "workflow_start": _id("start", header.id.value),
        "workflow": steps,
        "agent_definitions": {who: {"type": "individual", "name": header.owner or "owner"}},
    }
    root = parts.root
    sections = root.get("sections")
    for section in sections.items() if sections is not None else ():
        accounts.approximately(section, "section", "`description`, as one text")
    inputs = root.get("header", "inputs")
    if inputs is not None:
        playbook["playbook_variables"] = {
            f"__{name}__": _variable(node.value) for name, node in inputs.entries()
        }
    accounts.not_carried(root.get("tests"), "tests", "a playbook has no scenarios")
    text = json.dumps(playbook, indent=2, ensure_ascii=False) + "\n"
    return text, accounts.report(source_format="midwatch", target_format=FORMAT)


def _steps(parts: Parts, accounts: Accounts, who: str) -> dict[str, Any]:
    seed = parts.runbook.header.id.value if parts.runbook.header else ""
    tasks = [task for task in parts.ordered if not task.is_undo]
    ids = [_id("action", f"{seed}/{task.name.value}") for task in tasks]
    end = _id("end", seed)
    following = [*ids[1:], end]
    steps: dict[str, Any] = {_id("start", seed): {"type": "start", "on_completion": ids[0] if ids else end}}
    for task, own, after in zip(tasks, ids, following, strict=True):
        steps[own] = _step(parts, task, accounts, who) | {"on_completion": after}
    steps[end] = {"type": "end"}
    for task in parts.ordered:
        if task.is_undo:
            accounts.not_carried(parts.of(task), "undo", "a playbook has no undo")
    return steps


def _step(parts: Parts, task: Task, accounts: Accounts, who: str) -> dict[str, Any]:
    said = "\n".join(sentences(parts, task))
    accounts.approximately(parts.of(task), task.kind.value, "a manual step; its conditions are words")
    accounts.exactly(parts.of(task, "title"), "title", "`name`")
    command = task.text.value if task.text is not None else task.prose or task.title
    if task.text is not None:
        accounts.exactly(parts.of(task, "command"), "command", "`commands`")
    elif task.prose:
        accounts.exactly(parts.of(task, "prose"), "prose", "`commands`")
    described = "\n\n".join(part for part in (task.prose if task.text is not None else "", said) if part)
    step: dict[str, Any] = {
        "type": "action",
        "name": task.title or task.name.value,
        "commands": [{"type": "manual", "command": command}],
        "agent": who,
    }
    return {**step, "description": described} if described else step


def _variable(schema: Any) -> dict[str, Any]:
    kinds = {"integer": "integer", "boolean": "bool", "number": "float"}
    given = schema if isinstance(schema, dict) else {}
    found: dict[str, Any] = {
        "type": kinds.get(str(given.get("type", "")), "string"),
        "external": "default" not in given,
    }
    if "description" in given:
        found["description"] = str(given["description"])
    if "default" in given:
        found["value"] = (
            given["default"] if isinstance(given["default"], str) else json.dumps(given["default"])
        )
    return found


def _description(runbook: Runbook) -> str:
    return "\n\n".join(
        f"{one.title}: {one.prose}" if one.title else one.prose for one in runbook.sections if one.prose
    )


def _id(kind: str, seed: str) -> str:
    """Return an id whose UUID follows from a text, in the shape of version 4."""
    digits = digest_of(f"{kind}/{seed}".encode()).partition(":")[2]
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{kind}--{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
