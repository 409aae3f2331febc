"""A runbook as a workflow of Open Workflow 1.0.

What is ours alone goes along as a call of a function of ours with everything that its block says: another
engine can't run it by itself, and doesn't run it wrongly either.
"""

import re
from typing import Any

from midwatch.exchange.export.document import Parts, parts_of
from midwatch.exchange.export.markdown import mark_header
from midwatch.exchange.report import Accounts, Report
from midwatch.runbook.emit.layout import block_text
from midwatch.runbook.model import Runbook, Task

FORMAT = "open-workflow"
DSL = "1.0.3"
NAMESPACE = "midwatch"
_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds", "ms": "milliseconds"}
_DURATION = re.compile(r"(\d+)(ms|[dhms])")


def to_open_workflow(runbook: Runbook) -> tuple[str, Report]:
    """Return the workflow as YAML, and what went along.

    Raises:
        NotExportableError: MW174.
    """
    parts = parts_of(runbook)
    header = runbook.header
    assert header is not None, "parts have a header"
    accounts = Accounts(parts.root)
    told = {"id": "`document.name`", "version": "`document.version`", "inputs": "`input.schema`"}
    mark_header(parts, accounts, told)
    document: dict[str, Any] = {
        "dsl": DSL,
        "namespace": NAMESPACE,
        "name": re.sub(r"[^a-z0-9]+", "-", header.id.value).strip("-") or "runbook",
        "version": _version(header.version),
        "title": runbook.title or header.id.value,
    }
    root = parts.root
    whole: dict[str, Any] = {"document": document}
    inputs = root.get("header", "inputs")
    if inputs is not None:
        schema = {"type": "object", "properties": inputs.value}
        whole["input"] = {"schema": {"format": "json", "document": schema}}
    sections = {section.title: section.prose for section in runbook.sections if section.prose}
    if sections:
        document["metadata"] = {"sections": sections}
    for section in _items(root, "sections"):
        accounts.exactly(section, "section", "`document.metadata.sections`")
    whole["do"] = [{task.name.value: _task(parts, task, accounts)} for task in parts.ordered]
    accounts.not_carried(root.get("tests"), "tests", "a workflow has no scenarios")
    return block_text(whole, "workflow"), accounts.report(source_format="midwatch", target_format=FORMAT)


def _items(root: Any, key: str) -> list[Any]:
    node = root.get(key)
    return list(node.items()) if node is not None else []


def _task(parts: Parts, task: Task, accounts: Accounts) -> dict[str, Any]:
    node = parts.of(task)
    assert node is not None, "every task has a block"
    length, emit = node.get("for"), node.get("emit")
    about: dict[str, Any] = {"title": task.title}
    if task.prose:
        about["prose"] = task.prose
    accounts.exactly(parts.of(task, "title"), "title", "`metadata.title`")
    accounts.exactly(parts.of(task, "prose"), "prose", "`metadata.prose`")
    accounts.exactly(node.get("task"), "task", "its name")
    kind = str(node.at("kind"))
    if kind == "wait" and length is not None and _duration(length.text):
        accounts.exactly(length, "wait", "`wait`")
        accounts.exactly(node.get("kind"), "kind", "`wait`")
        mapped: dict[str, Any] = {"wait": _duration(length.text)}
    elif kind == "notify" and emit is not None:
        mapped = {"emit": {"event": {"with": emit.value}}}
        accounts.exactly(emit.get("type"), "emit", "`event.with.type`")
        accounts.exactly(emit.get("source"), "emit", "`event.with.source`")
        accounts.approximately(emit.get("data"), "emit", "`event.with.data`: expressions stay CEL")
        accounts.exactly(node.get("kind"), "kind", "`emit`")
    else:
        return {**_called(parts, task, accounts), "metadata": about}
    rest = {
        key: value.value for key, value in node.entries() if key not in ("task", "kind", "for", "emit", *_OWN)
    }
    for key, value in node.entries():
        if key in rest:
            accounts.approximately(value, key, "`metadata`; the order of the list is the order of the tasks")
    return {**mapped, "metadata": {**about, **rest}}


_OWN = ("title", "prose", "command", "table")


def _called(parts: Parts, task: Task, accounts: Accounts) -> dict[str, Any]:
    """Return a call of a function of ours, with everything that the task says."""
    node = parts.of(task)
    assert node is not None, "every task has a block"
    given = {key: value.value for key, value in node.entries() if key not in ("task", "title", "prose")}
    for key, value in node.entries():
        if key not in ("task", "title", "prose", "command"):
            accounts.approximately(value, key, f"`with` of a call of `{NAMESPACE}.{node.at('kind')}`")
    if task.text is not None:
        accounts.exactly(parts.of(task, "command"), "command", "`with.command`")
    return {"call": f"{NAMESPACE}.{node.at('kind')}", "with": given}


def _duration(text: str) -> dict[str, int]:
    found = _DURATION.findall(text)
    whole = "".join(number + unit for number, unit in found)
    return {_UNITS[unit]: int(number) for number, unit in found} if whole == text else {}


def _version(text: str) -> str:
    found = re.fullmatch(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)", text or "1")
    if found is None:
        return "1.0.0"
    return ".".join(part or "0" for part in found.groups()[:3])
