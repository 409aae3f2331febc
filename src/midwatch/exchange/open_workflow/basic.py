"""`set`, `do`, `switch`, `raise`, `wait`: what needs nothing but data and flow."""

import re

from midwatch.exchange.draft import DraftTask
from midwatch.exchange.open_workflow.build import ERRORS, FAILED, Build, Flow, Scope, Unit
from midwatch.exchange.open_workflow.jq import bare, literal, template, variables_of
from midwatch.exchange.open_workflow.order import CONTINUE
from midwatch.exchange.open_workflow.point import Edge, Point
from midwatch.exchange.tree import Node

OTHERWISE = "otherwise"
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")
_UNITS = {"days": "d", "hours": "h", "minutes": "m", "seconds": "s", "milliseconds": "ms"}


def leave(build: Build, flow: Flow, node: Node, edge: Edge, scope: Scope) -> Flow:
    """Let the flow leave by `then`, and errors to the handler."""
    then = node.get("then")
    flow.add(then.text if then is not None else CONTINUE, edge)
    if scope.catches:
        flow.errors.append(build.error_edge(edge.task))
    return flow


def set_task(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    """Map `set`: its template is the program's work."""
    values = node.get("set")
    assert values is not None, "the caller looked"
    build.check(values)
    work = bare(values) if values.is_text else template(values)
    unit = Unit(name=build.names.fresh(title), title=title, node=node, entry=entry, work=work)
    build.ran[node.pointer] = unit.name
    _mark_data(build, values, "set")
    return leave(build, Flow(), node, build.unit(unit, scope), scope)


def switch_task(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    """Map `switch`: a jq task says which case is `next`, and the tasks that follow go by that."""
    cases = [(name, case) for item in _items(node, "switch") for name, case in item.entries()]
    name = build.names.fresh(title)
    labels = [case_name for case_name, _ in cases]
    if len(set(labels)) < len(labels) or OTHERWISE in labels or FAILED in labels:
        labels = [f"case_{number}" for number in range(1, len(cases) + 1)]
    text, has_default = literal(OTHERWISE), False
    for label, (_, case) in reversed(list(zip(labels, cases, strict=True))):
        when = case.get("when")
        build.check(when)
        if when is None:
            text, has_default = literal(label), True
        else:
            text = f"if {bare(when)} then {literal(label)} else {text} end"
    words = [*labels, OTHERWISE] + ([FAILED] if scope.catches else [])
    unit = Unit(
        name=name,
        title=title,
        node=node,
        entry=entry,
        fields={"next": text},
        schemas={"next": {"enum": words}},
    )
    edge = build.unit(unit, scope)
    build.ran[node.pointer] = name
    flow = Flow()
    for label, (_, case) in zip(labels, cases, strict=True):
        target = case.get("then")
        flow.add(target.text if target is not None else CONTINUE, _chosen(edge, name, label))
    rest = node.get("then")
    if not has_default:
        flow.add(rest.text if rest is not None else CONTINUE, _chosen(edge, name, OTHERWISE))
    build.accounts.exactly(node.get("switch"), "switch", f"`{name}.next`, and `when:` of what follows")
    if scope.catches:
        flow.errors.append(build.error_edge(name))
    return flow


def _chosen(edge: Edge, name: str, label: str) -> Edge:
    return Edge(
        task=edge.task,
        when=f'{name}.next == "{label}"',
        data=edge.data,
        context=edge.context,
    )


def raise_task(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    """Map `raise`: a program that raises the error; its task fails, or inside of a `try` says it."""
    error = node.get("raise", "error")
    if error is None:
        raise node.refused("`raise` needs an `error`")
    shown = error
    if error.is_text:
        found = build.root.get("use", "errors", error.text)
        if found is None:
            raise error.refused(f"`use.errors` has no `{error.text}`")
        shown = found
        build.accounts.exactly(found, "use.errors", f"written out in {title}")
    build.check(shown)
    name = build.names.fresh(title)
    work = f"error({template(shown)})"
    unit = Unit(name=name, title=title, node=node, entry=entry, work=work)
    edge = build.unit(unit, scope)
    build.ran[node.pointer] = name
    _mark_data(build, error, "raise")
    flow = Flow()
    if node.get("if") is not None and node.pointer not in build.gated:
        return leave(build, flow, node, edge, scope)
    build.accounts.exactly(node.get("then"), "then", "never reached: the task always raises")
    if scope.catches:
        flow.errors.append(build.error_edge(name))
    return flow


def wait_task(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    """Map `wait`: a wait of ours, with the data of before going past it."""
    wait = node.get("wait")
    assert wait is not None, "the caller looked"
    length = duration_of(wait)
    if not length:
        raise wait.refused("`wait` is no duration")
    name = build.names.fresh(title)
    keys = {**entry.keys, "for": length}
    build.add(DraftTask(name=name, title=title, kind="wait", keys=keys))
    build.ran[node.pointer] = name
    build.accounts.exactly(wait, "wait", f"`for: {length}`")
    return leave(build, Flow(), node, passed(build, title, node, entry, scope, name=name), scope)


def passed(build: Build, title: str, node: Node, entry: Point, scope: Scope, *, name: str) -> Edge:
    """Return the edge that leaves a task without an output of its own: the data of before, past it."""
    after = Edge(task=name, data=entry.data, context=entry.context)
    unit = Unit(
        name=build.names.fresh(f"{title}_after"),
        title=f"{title}: go on",
        node=node,
        entry=Point(edges=(after,)),
        shapes_input=False,
    )
    return build.unit(unit, scope)


def duration_of(node: Node) -> str:
    """Return a duration as the language writes it, or an empty text where it is none."""
    if node.is_mapping:
        parts = [f"{value.text}{_UNITS[key]}" for key, value in node.entries() if key in _UNITS]
        known = len(parts) == len(list(node.entries())) and all(part[0].isdigit() for part in parts)
        order = [f"{node.at(key)}{unit}" for key, unit in _UNITS.items() if node.at(key)]
        return "".join(order) if known else ""
    found = _ISO.fullmatch(node.text)
    if found is None or not any(found.groups()):
        return ""
    return "".join(f"{number}{unit}" for number, unit in zip(found.groups(), "dhms", strict=True) if number)


def _items(node: Node, key: str) -> list[Node]:
    found = node.get(key)
    if found is None or not found.is_list:
        raise node.refused(f"`{key}` is a list")
    return list(found.items())


def _mark_data(build: Build, node: Node, what: str) -> None:
    text = template(node) if not node.is_text else node.text
    used = variables_of(text)
    if used & {"workflow", "task", "runtime"}:
        how = "of `$workflow`, `$task` and `$runtime` only names, version and input are known"
        build.accounts.approximately(node, what, how)
    else:
        build.accounts.exactly(node, what, "part of the task's jq program")


def error_type(name: str) -> str:
    """Return the type of one of the standard errors."""
    return ERRORS + name
