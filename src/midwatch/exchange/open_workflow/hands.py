"""What no tool of ours does: a person does it, with the original before them."""

from midwatch.exchange.draft import DraftTask, snippet
from midwatch.exchange.open_workflow.basic import leave
from midwatch.exchange.open_workflow.build import Build, Flow, Scope, Unit
from midwatch.exchange.open_workflow.order import CONTINUE
from midwatch.exchange.open_workflow.point import Edge, Point
from midwatch.exchange.tree import Node

HAND_IN = "`midwatch done` hands in what came out of it, as `output`."


def manual_task(build: Build, title: str, node: Node, entry: Point, scope: Scope, *, why: str) -> Flow:
    """Map anything to a manual task; `why` says what kept it from being run."""
    name = build.names.fresh(title)
    prose = f"Do by hand what this task of the original does, then hand in its output. {HAND_IN}\n\n"
    keys = {**entry.keys, "out": {"output": {}}}
    build.add(DraftTask(name=name, title=title, kind="manual", keys=keys, prose=prose + snippet(node.value)))
    build.ran[node.pointer] = name
    build.accounts.approximately(node, title, f"a person does it (task `{name}`): {why}")
    edge = Edge(task=name, data=f"{name}.output", context=entry.context)
    flow = Flow()
    if node.get("output", "as") is None and node.get("export", "as") is None:
        then = node.get("then")
        flow.add(then.text if then is not None else CONTINUE, edge)
        return flow
    shaped = Unit(
        name=build.names.fresh(f"{title}_output"),
        title=f"{title}: shape the output",
        node=node,
        entry=Point(edges=(edge,)),
        shapes_input=False,
    )
    return leave(build, flow, node, build.unit(shaped, scope), scope)


def way_back(build: Build, source: str, target: str, node: Node, edge: Edge) -> None:
    """End the run with a person where the original jumps back: that circle is not carried."""
    name = build.names.fresh(f"back_to_{target}")
    prose = (
        f"The original jumps back here, from `{source}` to `{target}`, and goes through what follows again. "
        "This runbook doesn't: decide whether to start it anew."
    )
    keys = {**Point(edges=(edge,)).keys, "ends": "escalated"}
    build.add(DraftTask(name=name, title=f"Go back to {target}?", kind="manual", keys=keys, prose=prose))
    build.accounts.not_carried(
        node, "then", f"a jump back to `{target}` would be a circle; task `{name}` hands over to a person"
    )
