"""A list of tasks, one after the other, by their `then`; and which mapping each kind of task has."""

from collections.abc import Callable
from dataclasses import replace

from midwatch.exchange.open_workflow import composite
from midwatch.exchange.open_workflow.basic import raise_task, set_task, switch_task, wait_task
from midwatch.exchange.open_workflow.build import UNKNOWN_VARIABLES, Build, Flow, Scope, Unit
from midwatch.exchange.open_workflow.calls.http import http_task, openapi_task
from midwatch.exchange.open_workflow.events import emit_task, listen_task
from midwatch.exchange.open_workflow.hands import manual_task, way_back
from midwatch.exchange.open_workflow.jq import bare, template, variables_of
from midwatch.exchange.open_workflow.order import CONTINUE, END, EXIT, Entry, entries_of, order_of
from midwatch.exchange.open_workflow.point import Edge, Point
from midwatch.exchange.tree import Node

Mapper = Callable[[Build, str, Node, Point, Scope], Flow]
COMPOSITE = frozenset({"do", "fork", "for", "try"})
FUNCTIONS_DEPTH_MAX = 5


def list_flow(build: Build, node: Node, entry: Point, scope: Scope) -> Flow:
    """Map a list of tasks, and return what leaves it: by `exit` (also past its end), by `end`, as errors."""
    entries = entries_of(node)
    order = order_of(entries)
    following = {entry.name: entries[at + 1].name for at, entry in enumerate(entries[:-1])}
    arriving: dict[str, list[Edge]] = {entries[0].name: list(entry.edges)} if entries else {}
    left = Flow(to={EXIT: [] if entries else list(entry.edges), END: []})
    for one in order.entries:
        edges = arriving.get(one.name, [])
        if not edges:
            build.accounts.not_carried(one.node, one.name, "nothing leads to this task")
            continue
        flow = task_flow(build, one.name, one.node, Point(edges=tuple(edges)), scope)
        left.errors.extend(flow.errors)
        for target, found in flow.to.items():
            to = following.get(one.name, EXIT) if target == CONTINUE else target
            if (one.name, to) in order.backward:
                for edge in found:
                    way_back(build, one.name, to, _naming(one, to), edge)
            elif to in (EXIT, END):
                left.add(to, *found)
            else:
                arriving.setdefault(to, []).extend(found)
    return left


def _naming(entry: Entry, target: str) -> Node:
    then = entry.node.get("then")
    return then if then is not None and then.text == target else entry.node


def task_flow(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    """Map one task."""
    build.mark_shapes(node)
    kind = kind_of(node)
    if _own_variables(node) & UNKNOWN_VARIABLES:
        return manual_task(
            build, title, node, entry, scope, why="it reads secrets, which don't travel as values"
        )
    flow = Flow()
    if node.get("if") is not None and (kind not in ("set", "raise") or node.get("then") is not None):
        entry, skipped = _gate(build, title, node, entry, scope)
        flow.add(CONTINUE, skipped)  # `then` is where a task goes on that ran
    found = _mapper(build, node, kind)(build, title, node, entry, scope)
    for target, edges in found.to.items():
        flow.add(target, *edges)
    flow.errors.extend(found.errors)
    return flow


def kind_of(node: Node) -> str:
    """Return the key that says what a task does, or an empty text."""
    kinds = ("call", "fork", "emit", "for", "listen", "raise", "run", "set", "switch", "try", "wait", "do")
    return next((kind for kind in kinds if node.get(kind) is not None), "")


def _mapper(build: Build, node: Node, kind: str) -> Mapper:
    simple: dict[str, Mapper] = {
        "set": set_task,
        "switch": switch_task,
        "raise": raise_task,
        "wait": wait_task,
        "emit": emit_task,
        "listen": listen_task,
        "do": composite.do_task(list_flow),
        "fork": composite.fork_task(task_flow),
        "for": composite.for_task(list_flow, kind_of),
        "try": composite.try_task(list_flow),
        "run": _run,
        "call": _call,
    }
    if kind not in simple:
        raise node.refused("nothing here says what the task does")
    del build
    return simple[kind]


def _gate(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> tuple[Point, Edge]:
    condition = node.get("if")
    assert condition is not None, "the caller looked"
    build.check(condition)
    name = build.names.fresh(f"{title}_if")
    plain = Scope(variables=scope.variables)
    unit = Unit(
        name=name,
        title=f"{title}: whether it applies",
        node=node,
        entry=entry,
        fields={"next": f'if {bare(condition)} then "run" else "skip" end'},
        schemas={"next": {"enum": ["run", "skip"]}},
        shapes_input=False,
        shapes_output=False,
    )
    edge = build.unit(unit, plain)
    build.gated.add(node.pointer)
    run = replace(edge, when=f'{name}.next == "run"')
    return Point(edges=(run,)), replace(edge, when=f'{name}.next == "skip"')


def _run(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    run = node.get("run")
    kind = next(
        (key for key in ("shell", "script", "container", "workflow") if run and run.get(key)), "something"
    )
    return manual_task(build, title, node, entry, scope, why=f"nothing here runs a {kind} of another system")


def _call(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    what = node.at("call")
    build.accounts.exactly(node.get("call"), "call", "tasks of this runbook")
    if what == "http":
        return http_task(build, title, node, entry, scope)
    if what == "openapi":
        return openapi_task(build, title, node, entry, scope)
    function = build.root.get("use", "functions", what)
    if function is None:
        return manual_task(build, title, node, entry, scope, why=f"no tool here calls {what or 'that'}")
    return _function(build, title, node, entry, scope, function=function)


def _function(build: Build, title: str, node: Node, entry: Point, scope: Scope, *, function: Node) -> Flow:
    """Map a call of a function that the document defines: its task is written out in place of the call."""
    build.depth += 1
    if build.depth > FUNCTIONS_DEPTH_MAX:
        raise node.refused(f"functions call each other more than {FUNCTIONS_DEPTH_MAX} deep")
    given = node.get("with")
    build.check(given)
    unit = Unit(
        name=build.names.fresh(f"{title}_arguments"),
        title=f"{title}: put the arguments together",
        node=node,
        entry=entry,
        work=template(given) if given is not None else "{}",
        shapes_output=False,
    )
    edge = build.unit(unit, scope)
    build.accounts.exactly(given, "call", f"computed by task `{unit.name}`")
    build.accounts.approximately(node.get("call"), "call", "the function's task is written out in its place")
    build.accounts.approximately(function, "use.functions", "written out where it is called")
    inner = task_flow(build, title, function, Point(edges=(edge,)), scope)
    build.depth -= 1
    build.ran[node.pointer] = build.ran.get(function.pointer, unit.name)
    flow = composite.leaving(build, title, node, inner, scope)
    if scope.catches:
        flow.errors.append(build.error_edge(unit.name))
    return flow


def _own_variables(node: Node) -> frozenset[str]:
    """Return the variables that a task mentions, without those of tasks inside of it."""
    found: frozenset[str] = frozenset()
    for key, value in node.entries():
        if key in COMPOSITE or (key == "catch"):
            continue
        found |= variables_of(_texts(value))
    return found


def _texts(node: Node) -> str:
    parts = [node.text] if node.is_text else []
    parts += [_texts(value) for _, value in node.entries()] + [_texts(item) for item in node.items()]
    return "\n".join(parts)
