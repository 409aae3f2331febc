"""From a workflow to a runbook."""

import json
from typing import Any

from midwatch.exchange.draft import Draft, written
from midwatch.exchange.errors import ForeignTooBigError
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.naming import document_id
from midwatch.exchange.open_workflow.build import Build, Scope, Unit
from midwatch.exchange.open_workflow.calls.manifests import manifest_text
from midwatch.exchange.open_workflow.lists import list_flow
from midwatch.exchange.open_workflow.order import END, EXIT
from midwatch.exchange.open_workflow.point import Point, start
from midwatch.exchange.tree import Node
from midwatch.runbook.cel.schema import schema_fault
from midwatch.runbook.model import TASKS_MAX

FORMAT = "open-workflow"
MAJOR = "1"
FINISH = "finish"
_FOR_PEOPLE = ("dsl", "namespace", "tags", "metadata")


def is_open_workflow(root: Node) -> bool:
    """Return whether a document says that it is one."""
    return root.get("document", "dsl") is not None and root.get("do") is not None


def read_open_workflow(root: Node, wish: Wish) -> Imported:
    """Return the runbook of a workflow.

    Raises:
        ForeignInvalidError: MW172; ForeignTooBigError: MW173.
    """
    return mapped(root, wish)[0]


def mapped(root: Node, wish: Wish) -> tuple[Imported, dict[str, str]]:
    """Return the runbook of a workflow, and the names of our tasks by the pointers of the document's."""
    _check_head(root)
    build = Build(root, wish)
    tasks = root.get("do")
    assert tasks is not None, "it was just checked"
    entry = _begin(build)
    flow = list_flow(build, tasks, entry, Scope())
    ends = Point(edges=(*flow.to[EXIT], *flow.to[END]))
    is_finished = _finish(build, ends)
    if len(build.tasks) > TASKS_MAX:
        sentence = f"the workflow needs {len(build.tasks)} tasks, more than {TASKS_MAX}"
        raise ForeignTooBigError(sentence, place=root.place, limit=f"{TASKS_MAX} tasks")
    draft = _draft(build, is_finished=is_finished)
    imported = Imported(
        id=draft.id,
        text=written(draft),
        report=build.accounts.report(source_format=FORMAT),
        files=_manifests(build),
    )
    return imported, build.ran


def _check_head(root: Node) -> None:
    version = root.get("document", "dsl")
    if version is None or not root.is_mapping:
        raise root.refused("a workflow needs `document.dsl`")
    if version.text.partition(".")[0] != MAJOR:
        raise version.refused(f"this reads version {MAJOR} of the language, not {version.text}")
    tasks = root.get("do")
    if tasks is None or not tasks.is_list or not list(tasks.items()):
        raise root.refused("a workflow needs `do`, a list of tasks")


def _begin(build: Build) -> Point:
    """Return the beginning: after a task of its own where the workflow filters its input."""
    entry = start("inputs.input")
    source = build.root.get("input", "from")
    if source is None:
        return entry
    unit = Unit(
        name=build.names.fresh("begin"),
        title="Filter the input",
        node=build.root,
        entry=entry,
        shapes_output=False,
    )
    build.accounts.exactly(source, "input.from", f"task `{unit.name}`")
    return Point(edges=(build.unit(unit, Scope()),))


def _finish(build: Build, ends: Point) -> bool:
    if not ends.is_reached or ends.is_start:
        return False
    unit = Unit(
        name=build.names.fresh(FINISH),
        title="Finish",
        node=build.root,
        entry=ends,
        shapes_input=False,
        keys={"ends": "resolved"},
    )
    build.unit(unit, Scope())
    build.ran[""] = unit.name
    shape = build.root.get("output", "as")
    build.accounts.exactly(shape, "output.as", f"task `{unit.name}`")
    return True


def _draft(build: Build, *, is_finished: bool) -> Draft:
    root, accounts, wish = build.root, build.accounts, build.wish
    name, version = root.get("document", "name"), root.get("document", "version")
    title = root.get("document", "title") or name
    header: dict[str, Any] = {
        "version": (version.text if version is not None else "").strip() or "1",
        "owner": wish.owner,
        "mode": wish.mode.value,
    }
    triggers = _triggers(build)
    if triggers:
        header["triggers"] = triggers
    header["inputs"] = {"input": _input_schema(build)}
    if is_finished:
        header["out"] = {"output": {"value": f"{build.ran['']}.output"}}
    header["tools"] = sorted(build.tools)
    header["ladder"] = [{"ask": wish.owner, "within": "30m"}]
    for key in ("name", "version", "title", "summary"):
        accounts.exactly(root.get("document", key), key, "header and title")
    for key in _FOR_PEOPLE:
        accounts.approximately(root.get("document", key), key, "said under Origin, for people")
    accounts.not_carried(root.get("timeout"), "timeout", "a run has no time limit of its own; give `budget:`")
    for part in ("secrets", "extensions", "catalogs"):
        accounts.not_carried(root.get("use", part), f"use.{part}", "nothing here takes their place")
    accounts.not_carried(root.get("evaluate"), "evaluate", "expressions are strict, and jq")
    text = name.text if name is not None else root.source.name
    return Draft(
        id=document_id(text),
        title=title.text if title is not None else text,
        header=header,
        prose=_summary(root),
        sections=[("Origin", _origin(build))],
        tasks=build.tasks,
    )


def _summary(root: Node) -> str:
    summary = root.get("document", "summary")
    return summary.text if summary is not None else ""


def _origin(build: Build) -> str:
    said = [
        "Imported from Open Workflow. `output` of a task is what it passes on; errors are problem details."
    ]
    head = build.root.get("document")
    facts = [(key, value) for key, value in head.entries() if key in _FOR_PEOPLE] if head is not None else []
    said.extend(f"{key}: {_for_people(value)}" for key, value in facts)
    for kind, hosts in sorted(build.origins.items()):
        allowed = ", ".join(f"`{host}`" for host in sorted(hosts)) or "no origin yet"
        said.append(
            f"The manifest of `{build.own_tool(kind)}` beside this runbook allows {allowed}: review it, and "
            "put it into the folder of your tools."
        )
    return "\n\n".join(said)


def _for_people(node: Node) -> str:
    return node.text or json.dumps(node.value, ensure_ascii=False)


def _input_schema(build: Build) -> dict[str, Any]:
    node = build.root.get("input", "schema")
    document = build.root.get("input", "schema", "document")
    if document is None:
        build.accounts.not_carried(node, "input.schema", "only a schema that is written out is checked")
        return {"default": {}}
    schema = document.value
    if not isinstance(schema, dict) or schema_fault(schema):
        build.accounts.not_carried(node, "input.schema", f"{schema_fault(schema)}: the input is not checked")
        return {"default": {}}
    build.accounts.exactly(node, "input.schema", "`inputs.input`")
    return schema


def _triggers(build: Build) -> list[dict[str, Any]]:
    schedule = build.root.get("schedule")
    if schedule is None:
        return []
    cron = schedule.get("cron")
    for key, value in schedule.entries():
        if key != "cron":
            build.accounts.not_carried(
                value, f"schedule.{key}", "no trigger of this kind; start it some other way"
            )
    build.accounts.exactly(cron, "schedule.cron", "`triggers:`")
    return [{"schedule": cron.text}] if cron is not None else []


def _manifests(build: Build) -> dict[str, str]:
    """Return manifests that allow what the workflow calls, for an operator to review."""
    return {
        f"{build.own_tool(kind)}.toml": manifest_text(build.own_tool(kind), kind, sorted(hosts))
        for kind, hosts in sorted(build.origins.items())
    }
