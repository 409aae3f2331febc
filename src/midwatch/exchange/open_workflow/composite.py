"""`do`, `fork`, `for` and `try`: tasks around other tasks."""

import re
from collections.abc import Callable
from dataclasses import replace

from midwatch.exchange.open_workflow.basic import duration_of, error_type, leave
from midwatch.exchange.open_workflow.build import ANY, ERRORS, Build, Flow, Scope, Unit
from midwatch.exchange.open_workflow.calls.http import READING, Retry, http_task
from midwatch.exchange.open_workflow.hands import manual_task
from midwatch.exchange.open_workflow.jq import bare, literal, template
from midwatch.exchange.open_workflow.order import CONTINUE, END, EXIT, entries_of
from midwatch.exchange.open_workflow.point import Edge, Point
from midwatch.exchange.tree import Node

Mapper = Callable[[Build, str, Node, Point, Scope], Flow]
Lists = Callable[[Build, Node, Point, Scope], Flow]
ITEMS_MAX = 1000
CAUGHT = "caught"
_STANDARD = re.compile(
    r"https://(?:open-workflow-specification\.org|serverlessworkflow\.io)/.*errors/(?:types/)?"
    r"(configuration|validation|expression|authentication|authorization|timeout|communication|runtime)"
)


def do_task(lists: Lists) -> Mapper:
    """Return the mapping of `do`."""

    def mapped(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
        inner = node.get("do")
        assert inner is not None, "the caller looked"
        inside = lists(build, inner, entering(build, title, node, entry, scope), scope)
        return leaving(build, title, node, inside, scope)

    return mapped


def entering(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Point:
    """Return the point inside of a composite task: after a task of its own where it filters its input."""
    if node.get("input", "from") is None:
        return entry
    unit = Unit(
        name=build.names.fresh(f"{title}_input"),
        title=f"{title}: filter the input",
        node=node,
        entry=entry,
        shapes_output=False,
    )
    return Point(edges=(build.unit(unit, scope),))


def leaving(build: Build, title: str, node: Node, inside: Flow, scope: Scope) -> Flow:
    """Return what leaves a composite task: its output is shaped, and `then` says where it goes on."""
    exits = Point(edges=(*inside.to.get(CONTINUE, ()), *inside.to.get(EXIT, ())))
    flow = Flow(errors=list(inside.errors))
    if inside.to.get(END):
        flow.add(END, *inside.to[END])
    if not exits.is_reached:
        return flow
    if node.get("output", "as") is None and node.get("export", "as") is None:
        then = node.get("then")
        flow.add(then.text if then is not None else CONTINUE, *exits.edges)
        return flow
    unit = Unit(
        name=build.names.fresh(f"{title}_output"),
        title=f"{title}: shape the output",
        node=node,
        entry=exits,
        shapes_input=False,
    )
    return leave(build, flow, node, build.unit(unit, scope), scope)


def fork_task(tasks: Mapper) -> Mapper:
    """Return the mapping of `fork`: branches beside each other, and a task that joins them."""

    def mapped(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
        branches = node.get("fork", "branches")
        if branches is None:
            raise node.refused("`fork` needs `branches`")
        competes = node.get("fork", "compete")
        inside = entering(build, title, node, entry, scope)
        flow = Flow()
        ends: list[str] = []
        for one_entry in entries_of(branches):
            found = tasks(build, one_entry.name, one_entry.node, inside, scope)
            flow.errors.extend(found.errors)
            reached = [*found.to.get(CONTINUE, ()), *found.to.get(EXIT, ())]
            others = [name for name in found.to if name not in (CONTINUE, EXIT)]
            if others:
                raise one_entry.node.refused(f"a branch can't go on at `{others[0]}`")
            if reached:
                ends.append(_end(build, one_entry.name, one_entry.node, Point(edges=tuple(reached)), scope))
        is_race = competes is not None and competes.value is True
        build.accounts.exactly(branches, "fork", "tasks that run beside each other")
        if is_race:
            how = "every branch runs to its end; the first in the document that succeeded gives the output"
            build.accounts.approximately(competes, "fork.compete", how)
        else:
            build.accounts.exactly(competes, "fork.compete", "the outputs of all branches, in their order")
        if not ends:
            return flow
        unit = _joined(build, title, node, inside, ends, is_race=is_race)
        return leave(build, flow, node, build.unit(unit, scope), scope)

    return mapped


def _end(build: Build, title: str, node: Node, reached: Point, scope: Scope) -> str:
    """Return the one task at which a branch ends."""
    edge = reached.edges[0]
    if len(reached.edges) == 1 and edge.data == f"{edge.task}.output" and not edge.when:
        return edge.task
    unit = Unit(
        name=build.names.fresh(f"{title}_end"),
        title=f"{title}: its output",
        node=node,
        entry=reached,
        shapes_input=False,
        shapes_output=False,
    )
    build.unit(unit, Scope(variables=scope.variables))
    return unit.name


def _joined(build: Build, title: str, node: Node, inside: Point, ends: list[str], *, is_race: bool) -> Unit:
    binds = {f"branch_{number}": f"{name}.output" for number, name in enumerate(ends, 1)}
    work = "[" + ", ".join(f"${name}" for name in binds) + "]"
    if is_race:
        text = f"{ends[-1]}.output"
        for name in reversed(ends[:-1]):
            text = f"has({name}.output) ? {name}.output : ({text})"
        binds, work = {"winner": text}, "$winner"
    return Unit(
        name=build.names.fresh(title),
        title=title,
        node=node,
        entry=Point(edges=tuple(Edge(task=name, data=inside.data, context=inside.context) for name in ends)),
        work=work,
        binds=binds,
        shapes_input=False,
        keys={"needs": ends, "join": "any" if is_race else "all", "when": "true"},
    )


# ----------------------------------------------------------------------------------------------- for


def for_task(lists: Lists, kind_of: Callable[[Node], str]) -> Mapper:
    """Return the mapping of `for`: one `set` becomes a task with `foreach:`, a person does the rest."""
    del lists

    def mapped(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
        source, body = node.get("for", "in"), node.get("do")
        if source is None or body is None:
            raise node.refused("`for` needs `for.in` and `do`")
        entries = entries_of(body)
        if len(entries) != 1 or kind_of(entries[0].node) != "set" or scope.catches:
            why = "only loops around one `set` have a task of ours, outside of a `try`"
            return manual_task(build, title, node, entry, scope, why=why)
        return _loop(build, title, node, entry, scope)

    return mapped


def _loop(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    source, body = node.get("for", "in"), node.get("do")
    assert source is not None, "the caller looked"
    assert body is not None, "the caller looked"
    (one_entry,) = entries_of(body)
    build.mark_shapes(one_entry.node)
    build.check(source)
    listed = Unit(
        name=build.names.fresh(f"{title}_items"),
        title=f"{title}: list the items",
        node=node,
        entry=entry,
        fields={"items": bare(source) if source.is_text else template(source)},
        schemas={"items": {"type": "array", "maxItems": ITEMS_MAX}},
        shapes_output=False,
    )
    edge = build.unit(listed, scope)
    loop = node.get("for")
    each = (loop.at("each") if loop is not None else "") or "item"
    at = (loop.at("at") if loop is not None else "") or "index"
    name = build.names.fresh(one_entry.name)
    variables = {**scope.variables, each: "item", at: "index"}
    unit = _round(build, node, one_entry.name, one_entry.node, edge)
    unit = replace(
        unit,
        name=name,
        keys={"foreach": f"{listed.name}.items", "as": "item", "max": ITEMS_MAX},
    )
    done = build.unit(unit, Scope(variables=variables))
    build.ran[one_entry.node.pointer] = name
    accounts = build.accounts
    accounts.exactly(node.get("for"), "for", f"`foreach:` of task `{name}`, one item after the other")
    accounts.exactly(one_entry.node.get("set"), "set", "part of the task's jq program")
    last = f"{name}.items[size({name}.items) - 1]"
    is_empty = f"size({name}.items) == 0"
    ended = replace(
        done,
        field="items",
        data=f"{is_empty} ? {edge.data} : {last}.output",
        context=f"{is_empty} ? {edge.context} : {last}.context" if build.has_context else "null",
    )
    last_unit = Unit(
        name=build.names.fresh(title),
        title=title,
        node=node,
        entry=Point(edges=(ended,)),
        shapes_input=False,
    )
    build.ran[node.pointer] = last_unit.name
    return leave(build, Flow(), node, build.unit(last_unit, scope), scope)


def _round(build: Build, node: Node, title: str, task: Node, edge: Edge) -> Unit:
    """Return the unit of one round: it begins with what the round before gave."""
    values = task.get("set")
    assert values is not None, "the caller looked"
    build.check(values)
    work = bare(values) if values.is_text else template(values)
    fields: dict[str, str] = {}
    condition = node.get("while")
    before = "index == 0 ? {first} : previous.{field}"
    entry = Point(
        edges=(
            replace(
                edge,
                data=before.format(first=edge.data, field="output"),
                context=before.format(first=edge.context, field="context") if build.has_context else "null",
            ),
        )
    )
    if condition is not None:
        build.check(condition)
        build.accounts.approximately(
            condition,
            "while",
            "rounds after the first for which it doesn't hold change nothing, and are recorded",
        )
        work = f"if $stopped or ({bare(condition)} | not) then . else {work} end"
        fields["stopped"] = f"$stopped or ($data | {bare(condition)} | not)"
    return Unit(
        name="",
        title=title,
        node=task,
        entry=entry,
        work=work,
        fields=fields,
        schemas={"stopped": {"type": "boolean"}} if fields else {},
        binds={"stopped": "index == 0 ? false : previous.stopped"} if fields else {},
    )


# ----------------------------------------------------------------------------------------------- try


def try_task(lists: Lists) -> Mapper:
    """Return the mapping of `try`: errors inside are outputs, and a task says whether they are caught."""

    def mapped(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
        body, catch = node.get("try"), node.get("catch")
        if body is None or catch is None:
            raise node.refused("`try` needs `catch`")
        inside = entering(build, title, node, entry, scope)
        caught_scope = Scope(variables=scope.variables, catches=True)
        retry = _retry(build, node, body, catch)
        if retry is None:
            tried = lists(build, body, inside, caught_scope)
        else:
            (single,) = entries_of(body)
            build.mark_shapes(single.node)
            build.accounts.exactly(single.node.get("call"), "call", "tasks of this runbook")
            tried = http_task(build, single.name, single.node, inside, caught_scope, retry=retry)
        flow = leaving(build, title, node, replace_errors(tried), scope)
        if not tried.errors:
            build.accounts.approximately(catch, "catch", "nothing inside can raise an error that is caught")
            return flow
        handled = _caught(
            build, title, node, Point(edges=tuple(tried.errors)), inside=inside, scope=scope, lists=lists
        )
        for target, edges in handled.to.items():
            flow.add(target, *edges)
        flow.errors.extend(handled.errors)
        return flow

    return mapped


def replace_errors(flow: Flow) -> Flow:
    """Return the flow without its errors: they are handled here."""
    return Flow(to=flow.to)


def _caught(
    build: Build, title: str, node: Node, errors: Point, *, inside: Point, scope: Scope, lists: Lists
) -> Flow:
    catch = node.get("catch")
    assert catch is not None, "the caller looked"
    name = build.names.fresh(f"{title}_catch")
    variable = catch.at("as") or "error"
    test = _matches(build, catch, variable)
    unit = Unit(
        name=name,
        title=f"{title}: whether the error is caught",
        node=node,
        entry=Point(
            edges=tuple(replace(edge, data=inside.data, context=inside.context) for edge in errors.edges)
        ),
        work=f"if {test} then . else error($error) end",
        fields={CAUGHT: "$error"},
        schemas={CAUGHT: ANY},
        binds={"error": errors.data},
        shapes_input=False,
        shapes_output=False,
    )
    edge = build.unit(unit, scope)
    build.accounts.exactly(catch.get("as"), "catch.as", f"`{name}.{CAUGHT}`")
    flow = Flow()
    if scope.catches:
        flow.errors.append(build.error_edge(name))
    handler, then = catch.get("do"), catch.get("then")
    build.accounts.exactly(then, "catch.then", "needs and conditions of the tasks that follow")
    inner = Flow(to={EXIT: [edge]})
    if handler is not None:
        variables = {**scope.variables, variable: f"{name}.{CAUGHT}"}
        inner = lists(build, handler, Point(edges=(edge,)), replace(scope, variables=variables))
    left = leaving(build, title, node, inner, scope)
    for target, edges in left.to.items():
        flow.add(then.text if then is not None and target == CONTINUE else target, *edges)
    flow.errors.extend(left.errors)
    return flow


def _matches(build: Build, catch: Node, variable: str) -> str:
    """Return the jq that says whether `$error` is caught."""
    tests: list[str] = []
    wanted = catch.get("errors", "with")
    for key, value in wanted.entries() if wanted is not None else ():
        known = _STANDARD.fullmatch(value.text) if key == "type" else None
        text = literal(f"{ERRORS}{known[1]}") if known is not None else template(value)
        build.check(value)
        if known is not None and value.text != f"{ERRORS}{known[1]}":
            how = f"an older address of the same error: compared with {ERRORS}{known[1]}"
            build.accounts.approximately(value, "catch.errors", how)
        else:
            build.accounts.exactly(value, "catch.errors", "compared with the error by the jq program")
        tests.append(f"$error.{key} == {text}")
    for key, form in (("when", "{}"), ("exceptWhen", "({} | not)")):
        condition = catch.get(key)
        if condition is not None:
            build.check(condition)
            build.accounts.exactly(condition, f"catch.{key}", "part of the jq program")
            text = bare(condition)
            bound = f"($error as ${variable} | {text})" if variable != "error" else text
            tests.append(form.format(bound))
    return " and ".join(f"({test})" for test in tests) or "true"


def _retry(build: Build, node: Node, body: Node, catch: Node) -> Retry | None:
    """Return how a `try` around one reading is tried again; other retries are not carried."""
    given = catch.get("retry")
    if given is None:
        return None
    policy = build.root.get("use", "retries", given.text) if given.is_text else given
    if policy is None:
        raise given.refused(f"`use.retries` has no `{given.text}`")
    entries = entries_of(body)
    single = entries[0].node if len(entries) == 1 else None
    method = single.get("with", "method") if single is not None and single.at("call") == "http" else None
    status = catch.get("errors", "with", "status")
    if (
        method is None
        or method.text.lower() not in READING
        or status is None
        or not isinstance(status.value, int)
    ):
        why = "only one reading by http, for errors of a given status, is tried again"
        build.accounts.not_carried(given, "catch.retry", why)
        return None
    count = policy.get("limit", "attempt", "count")
    delay = policy.get("delay")
    attempts = count.value if count is not None and isinstance(count.value, int) else 3
    keys: dict[str, object] = {
        "retry": {"max": min(attempts, 20), "backoff": duration_of(delay) if delay else "1s"}
    }
    how = f"`retry:` of the request, growing twofold; after {attempts} more attempts the error has no detail"
    for part in {given.pointer: given, policy.pointer: policy}.values():
        build.accounts.approximately(part, "catch.retry", how)
    problem = (
        f'{{ type: "{error_type("communication")}", status: {status.value}, title: "Communication Error", '
        'detail: "every attempt failed" }'
    )
    del node
    return Retry(statuses=(status.value,), keys=keys, problem=problem)
