"""`emit` and `listen`."""

from midwatch.exchange.draft import DraftTask
from midwatch.exchange.naming import snake
from midwatch.exchange.open_workflow.basic import leave
from midwatch.exchange.open_workflow.build import ANY, Build, Flow, Scope, Unit
from midwatch.exchange.open_workflow.hands import manual_task
from midwatch.exchange.open_workflow.jq import is_expression, template
from midwatch.exchange.open_workflow.point import Edge, Point
from midwatch.exchange.tree import Node

LISTEN_WITHIN = "30d"
_OWN = frozenset({"source", "type", "data"})


def emit_task(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    """Map `emit`: jq computes the data, a notice of ours emits the event."""
    event = node.get("emit", "event", "with")
    kind = event.get("type") if event is not None else None
    source = event.get("source") if event is not None else None
    if event is None or kind is None or source is None:
        raise node.refused("`emit` needs `event.with.type` and `event.with.source`")
    data = event.get("data")
    is_plain = not is_expression(kind) and not is_expression(source)
    if not is_plain or (data is not None and not data.is_mapping):
        return manual_task(
            build, title, node, entry, scope, why="type, source or data are computed as a whole"
        )
    build.check(event)
    for key, extra in event.entries():
        if key not in _OWN:
            build.accounts.not_carried(
                extra, f"event.{key}", "the event gets this attribute by itself, or lacks it"
            )
    name = build.names.fresh(title)
    emit: dict[str, object] = {"type": kind.text, "source": source.text}
    entered, prepared = entry, ""
    if data is not None:
        unit = Unit(
            name=build.names.fresh(f"{title}_event"),
            title=f"{title}: put the event together",
            node=node,
            entry=entry,
            fields={"event": template(data)},
            schemas={"event": ANY},
            shapes_output=False,
        )
        entered, prepared = Point(edges=(build.unit(unit, scope),)), unit.name
        emit["data"] = {key: f'{unit.name}.event["{_quoted(key)}"]' for key, _ in data.entries()}
        build.accounts.exactly(data, "emit", f"computed by task `{unit.name}`")
    keys = {**entered.keys, "emit": emit}
    build.add(DraftTask(name=name, title=title, kind="notify", keys=keys))
    build.ran[node.pointer] = name
    build.accounts.exactly(kind, "emit", "`emit.type`")
    build.accounts.exactly(source, "emit", "`emit.source`")
    edge = Edge(task=name, field="id", data=name, context=entered.context)
    flow = _shaped(build, title, node, edge, scope)
    if scope.catches and prepared:
        flow.errors.append(build.error_edge(prepared))
    return flow


def listen_task(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    """Map `listen` to one event, or to all of several, each of one type; anything else is done by hand."""
    to = node.get("listen", "to")
    filters = _filters(to) if to is not None else None
    if to is None:
        raise node.refused("`listen` needs `to`")
    if filters is None or node.get("foreach") is not None:
        why = "it listens to any of several events, or goes on listening"
        return manual_task(build, title, node, entry, scope, why=why)
    waits: list[str] = []
    for given in filters:
        kind = given.get("with", "type")
        if kind is None or is_expression(kind):
            return manual_task(build, title, node, entry, scope, why="the type of the event is not given")
        name = build.names.fresh(title if len(filters) == 1 else f"{title}_{len(waits) + 1}")
        event = snake(kind.text, "event")
        keys = {**entry.keys, "event": event, "within": LISTEN_WITHIN, "on_timeout": "fail"}
        build.add(DraftTask(name=name, title=f"{title}: wait for {kind.text}", kind="wait", keys=keys))
        waits.append(name)
        _mark_filter(build, given, kind, event)
    first, after = waits[0], [Edge(task=name, data=entry.data, context=entry.context) for name in waits]
    items = ", ".join(f"$event_{number}" for number in range(1, len(waits) + 1))
    unit = Unit(
        name=build.names.fresh(f"{title}_events"),
        title=f"{title}: what came",
        node=node,
        entry=Point(edges=(after[0],)),
        work=f"[{items}]",
        binds={f"event_{number}": name for number, name in enumerate(waits, 1)},
        shapes_input=False,
        keys={"needs": waits, "join": "all"},
    )
    build.ran[node.pointer] = first
    how = (
        f"waits of ours, {LISTEN_WITHIN} at most; the data of the events are the output, not their envelopes"
    )
    build.accounts.approximately(node.get("listen"), "listen", how)
    return leave(build, Flow(), node, build.unit(unit, scope), scope)


def _filters(to: Node) -> list[Node] | None:
    one, every = to.get("one"), to.get("all")
    if to.get("until") is not None or to.get("any") is not None:
        return None
    if one is not None:
        return [one]
    return list(every.items()) if every is not None and list(every.items()) else None


def _mark_filter(build: Build, given: Node, kind: Node, event: str) -> None:
    accounts = build.accounts
    accounts.approximately(kind, "listen", f"`midwatch signal RUN {event}` says that it came")
    given_with = given.get("with")
    for key, value in given_with.entries() if given_with is not None else ():
        if key != "type":
            why = "only the type of an event is compared: signal this name for the events that are meant"
            accounts.not_carried(value, f"with.{key}", why)
    accounts.not_carried(given.get("correlate"), "correlate", "events are for one run; nothing is correlated")


def _shaped(build: Build, title: str, node: Node, edge: Edge, scope: Scope) -> Flow:
    if node.get("output", "as") is None and node.get("export", "as") is None and not scope.catches:
        flow = Flow()
        then = node.get("then")
        flow.add(then.text if then is not None else "continue", edge)
        return flow
    unit = Unit(
        name=build.names.fresh(f"{title}_output"),
        title=f"{title}: shape the output",
        node=node,
        entry=Point(edges=(edge,)),
        shapes_input=False,
    )
    return leave(build, Flow(), node, build.unit(unit, scope), scope)


def _quoted(key: str) -> str:
    return key.replace("\\", "\\\\").replace('"', '\\"')
