"""Manifests of the tools that an imported workflow calls by HTTP, for an operator to review."""

import json

_HEAD = """\
# Review this before you put it into the folder of your tools: it is made from what the document calls.
# An origin in quotes is allowed; what stands after `=` is where it is reached, empty for itself.
tool = "{name}"
summary = "{summary}"
major = 1
effect = "{effect}"
retry = "{retry}"
runs = "http.{kind}"
target = "{target}"
timeout_ms = 30_000
output_bytes_max = 1_048_576

[origins]
{origins}

[labels]
"*" = "untrusted/internal"
status_code = "tool/internal"

[arguments]
type = "object"
additionalProperties = false
required = [{required}]

[arguments.properties]
url = {{ type = "string", minLength = 8, maxLength = 8000 }}
method = {{ type = "string", pattern = "{methods}" }}
headers = {{ type = "object", maxProperties = 50 }}
query = {{ type = "object", maxProperties = 100 }}
{more}

[out]
type = "object"
additionalProperties = false
required = ["status_code", "headers", "content", "request"]

[out.properties]
status_code = {{ type = "integer" }}
headers = {{ type = "object" }}
content = {{ description = "parsed where the answer is JSON, else a text" }}
request = {{ type = "object" }}
"""


def manifest_text(name: str, kind: str, origins: list[str]) -> str:
    """Return the manifest of a tool that runs `http.get` or `http.request`."""
    is_reading = kind == "get"
    verb = "Asks, with GET or HEAD," if is_reading else "Sends requests that may act to"
    return _HEAD.format(
        name=name,
        kind=kind,
        summary=f"{verb} the servers that the imported workflow names.",
        effect="read" if is_reading else "write",
        retry="idempotent" if is_reading else "unsafe",
        target="host:http" if is_reading else "url:{url}",
        origins="\n".join(f'{json.dumps(origin)} = ""' for origin in origins),
        required='"url"' if is_reading else '"url", "method"',
        methods="^(?i:get|head)$" if is_reading else "^(?i:get|head|post|put|patch|delete|options)$",
        more='fail_on = { type = "array", maxItems = 100, items = { type = "integer" } }'
        if is_reading
        else 'body = { description = "a text as it is, or a value that is sent as JSON" }',
    )
