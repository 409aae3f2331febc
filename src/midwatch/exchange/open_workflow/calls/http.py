"""`call: http` and `call: openapi`: jq computes the request, one tool sends it, jq shapes the answer."""

import re
from dataclasses import dataclass

from midwatch.exchange.draft import DraftTask
from midwatch.exchange.open_workflow.basic import error_type, leave
from midwatch.exchange.open_workflow.build import ANY, Build, Flow, Scope, Unit
from midwatch.exchange.open_workflow.calls.openapi import FIND_OPERATION
from midwatch.exchange.open_workflow.hands import manual_task
from midwatch.exchange.open_workflow.jq import bare, is_expression, literal, template, uri_template
from midwatch.exchange.open_workflow.point import Edge, Point
from midwatch.exchange.tree import Node

GET = "get"
REQUEST = "request"
READING = frozenset({"get", "head"})
METHODS = READING | {"post", "put", "patch", "delete", "options"}
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?=[/?#]|$)")
_AUTHORIZED = frozenset({"basic", "bearer"})
_NO_ANSWER = (
    f'{{ type: "{error_type("communication")}", status: 503, '
    'title: "Communication Error", detail: "no answer" }'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How a reading is tried again: statuses that make it fail, and the task's `retry:`."""

    statuses: tuple[int, ...]
    keys: dict[str, object]
    problem: str
    """jq of the error that is left once all attempts failed."""


def http_task(
    build: Build, title: str, node: Node, entry: Point, scope: Scope, *, retry: Retry | None = None
) -> Flow:
    """Map `call: http`."""
    call = node.get("with")
    method = (call.at("method") if call is not None else "").lower()
    endpoint = call.get("endpoint") if call is not None else None
    if call is None or endpoint is None or method not in METHODS:
        raise node.refused("a call of http needs `with.method` and `with.endpoint`")
    where = endpoint.get("uri") if endpoint.is_mapping else endpoint
    if where is None:
        raise endpoint.refused("an endpoint needs a `uri`")
    secured = _authentication(build, endpoint)
    if secured is not None and not any(secured.get(kind) is not None for kind in _AUTHORIZED):
        return manual_task(build, title, node, entry, scope, why="its way to authenticate has no tool here")
    build.check(call)
    if secured is not None:
        build.check(secured)
    fields = {"method": literal(method.upper()), "url": _url(where)}
    headers = [template(part) for part in (call.get("headers"),) if part is not None]
    if secured is not None:
        headers.append(_authorization(secured))
        how = (
            "the credentials are ordinary values here, and lie in the journal; give them as a secret instead"
        )
        build.accounts.approximately(secured, "authentication", how)
    fields["headers"] = " + ".join(headers) or "{}"
    query = call.get("query")
    fields["query"] = template(query) if query is not None else "{}"
    body = call.get("body")
    if body is not None and method not in READING:
        fields["body"] = template(body)
    tool = GET if method in READING else REQUEST
    _note_origin(build, tool, where)
    _mark_call(build, call, where, tool)
    asked = Unit(
        name=build.names.fresh(f"{title}_request"),
        title=f"{title}: put the request together",
        node=node,
        entry=entry,
        fields=fields,
        schemas=dict.fromkeys(fields, ANY),
        shapes_output=False,
    )
    return _sent(
        build, title, node, scope, _Sending(request=asked, tool=tool, fields=tuple(fields), retry=retry)
    )


def openapi_task(build: Build, title: str, node: Node, entry: Point, scope: Scope) -> Flow:
    """Map `call: openapi`: fetch the description, find the operation in it, and send what it says."""
    call = node.get("with")
    document = call.get("document", "endpoint") if call is not None else None
    operation = call.get("operationId") if call is not None else None
    if call is None or document is None or operation is None:
        raise node.refused("a call of openapi needs `with.document.endpoint` and `with.operationId`")
    where = document.get("uri") if document.is_mapping else document
    if where is None:
        raise document.refused("an endpoint needs a `uri`")
    if call.get("authentication") is not None:
        return manual_task(build, title, node, entry, scope, why="its way to authenticate has no tool here")
    build.check(call)
    first = _parameters(build, title, node, entry, where=where)
    given = build.unit(first, scope)
    described = build.names.fresh(f"{title}_document")
    keys = {
        **Point(edges=(given,)).keys,
        "tool": build.own_tool(GET),
        "args": {"url": f"{first.name}.document"},
    }
    build.add(DraftTask(name=described, title=f"{title}: read the description", kind="command", keys=keys))
    fields = {name: f"$asked.{name}" for name in ("method", "url", "headers", "query")}
    asked = Unit(
        name=build.names.fresh(f"{title}_request"),
        title=f"{title}: put the request together",
        node=node,
        entry=Point(edges=(Edge(task=described, data=given.data, context=given.context),)),
        work=FIND_OPERATION.format(operation=literal(operation.value)) + " as $asked | .",
        fields=fields,
        schemas=dict.fromkeys(fields, ANY),
        binds={
            "document": f"{described}.content",
            "address": f"{first.name}.document",
            "parameters": f"{first.name}.parameters",
        },
        shapes_input=False,
        shapes_output=False,
    )
    _note_origin(build, GET, where)
    how = (
        "read at run time; the operation is sent only if it is a GET, any other fails with words that say so"
    )
    build.accounts.approximately(call, "call openapi", how)
    build.accounts.exactly(node.get("call"), "call", f"`{build.own_tool(GET)}`")
    sending = _Sending(request=asked, tool=GET, fields=tuple(fields), retry=None)
    flow = _sent(build, title, node, scope, sending)
    if scope.catches:
        flow.errors.append(build.error_edge(first.name))
    return flow


def _parameters(build: Build, title: str, node: Node, entry: Point, *, where: Node) -> Unit:
    """Return the unit that computes the description's address and the parameters."""
    parameters = node.get("with", "parameters")
    return Unit(
        name=build.names.fresh(f"{title}_parameters"),
        title=f"{title}: put the parameters together",
        node=node,
        entry=entry,
        fields={
            "document": _url(where),
            "parameters": template(parameters) if parameters is not None else "{}",
        },
        schemas={"document": ANY, "parameters": ANY},
        shapes_output=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sending:
    request: Unit
    tool: str
    fields: tuple[str, ...]
    retry: Retry | None


def _sent(build: Build, title: str, node: Node, scope: Scope, sending: _Sending) -> Flow:
    asked = build.unit(sending.request, scope)
    request = sending.request.name
    name = build.names.fresh(title)
    sent = build.names.fresh(f"{title}_answer")
    keys: dict[str, object] = {**Point(edges=(asked,)).keys, "tool": build.own_tool(sending.tool)}
    if sending.tool == REQUEST:
        keys["effect"] = "write"
    args: dict[str, object] = {field: f"{request}.{field}" for field in sending.fields}
    is_survived = scope.catches and sending.tool == GET
    if sending.retry is not None:
        args["fail_on"] = list(sending.retry.statuses)
        keys.update(sending.retry.keys)
    if is_survived:
        keys["on_fail"] = "continue"
    keys["args"] = args
    build.add(DraftTask(name=sent, title=f"{title}: send it", kind="command", keys=keys))
    shaped = Unit(
        name=name,
        title=title,
        node=node,
        entry=Point(edges=(Edge(task=sent, data=asked.data, context=asked.context),)),
        work=_answered(node, sending.retry, is_survived=is_survived),
        binds={"answer": sent},
        shapes_input=False,
    )
    build.ran[node.pointer] = name
    flow = leave(build, Flow(), node, build.unit(shaped, scope), scope)
    if scope.catches:
        flow.errors.append(build.error_edge(request))
    return flow


def _answered(node: Node, retry: Retry | None, *, is_survived: bool) -> str:
    """Return the jq from an answer to the task's raw output, or to an error of communication."""
    call = node.get("with")
    redirects = call is not None and call.at("redirect") == "true"
    wanted = call.at("output") if call is not None else ""
    limit = 400 if redirects else 300
    output = {
        "response": "{ request: $answer.request, statusCode: $answer.status_code, headers: $answer.headers, "
        "content: $answer.content }",
        "raw": '$answer.content | if type == "string" then . else tojson end | @base64',
    }.get(wanted, "$answer.content")
    problem = (
        f'error({{ type: "{error_type("communication")}", status: $answer.status_code, '
        'title: "Communication Error", detail: "\\($answer.request.method) \\($answer.request.uri) answered '
        '\\($answer.status_code)" })'
    )
    is_well = f"$answer.status_code >= 200 and $answer.status_code < {limit}"
    text = f"if {is_well}\n  then {output}\n  else {problem} end"
    if is_survived:
        gone = retry.problem if retry is not None else _NO_ANSWER
        text = f'if ($answer | has("status_code") | not)\n  then error({gone})\n  else {text} end'
    return text


def _url(node: Node) -> str:
    return bare(node) if is_expression(node) else uri_template(node.text)


def _note_origin(build: Build, tool: str, where: Node) -> None:
    """Remember which origin a manifest has to allow; one that is computed can't be known."""
    if is_expression(where):
        return
    found = _ORIGIN.match(where.text)
    if found is not None:
        build.origins.setdefault(tool, set()).add(found[0].lower())


def _authentication(build: Build, endpoint: Node) -> Node | None:
    found = endpoint.get("authentication")
    if found is None or found.get("use") is None:
        return found
    named = build.root.get("use", "authentications", found.at("use"))
    if named is None:
        raise found.refused(f"`use.authentications` has no `{found.at('use')}`")
    build.accounts.approximately(found, "authentication", "written out from `use.authentications`")
    return named


def _authorization(secured: Node) -> str:
    basic, bearer = secured.get("basic"), secured.get("bearer")
    if basic is not None:
        name, word = basic.get("username"), basic.get("password")
        parts = [template(part) if part is not None else '""' for part in (name, word)]
        return '{ Authorization: ("Basic " + ("\\(' + parts[0] + "):\\(" + parts[1] + ')" | @base64)) }'
    token = bearer.get("token") if bearer is not None else None
    return '{ Authorization: "Bearer \\(' + (template(token) if token is not None else '""') + ')" }'


def _mark_call(build: Build, call: Node, where: Node, tool: str) -> None:
    accounts = build.accounts
    accounts.exactly(call, "call http", f"a request that jq computes, sent by `{build.own_tool(tool)}`")
    if is_expression(where):
        how = f"the address is computed: the manifest of `{build.own_tool(tool)}` has to allow its origin"
        accounts.approximately(where, "endpoint", how)
