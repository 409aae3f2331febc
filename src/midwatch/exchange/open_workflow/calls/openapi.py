"""Finding one operation in a description of Swagger 2 or OpenAPI 3, in jq, at run time."""

FIND_OPERATION = """\
(def fault($kind; $status; $title; $detail):
   error({{ type: "https://open-workflow-specification.org/dsl/errors/types/\\($kind)",
     status: $status, title: $title, detail: $detail }});
 {operation} as $id
| (if ($document | type) == "object" then $document
   else fault("communication"; 500; "Communication Error"; "the description is no JSON object") end) as $doc
| [ $doc.paths | to_entries[] | .key as $path | .value as $item | $item | to_entries[]
    | select((.value | type) == "object" and .value.operationId == $id)
    | {{ path: $path, method: (.key | ascii_upcase), operation: .value,
        shared: ($item.parameters // []) }} ] as $found
| if ($found | length) == 0
  then fault("configuration"; 400; "Configuration Error"; "the description has no operation \\($id)")
  elif $found[0].method != "GET" and $found[0].method != "HEAD"
  then fault("configuration"; 400; "Configuration Error";
    "\\($id) is a \\($found[0].method): only readings are sent; write that call as a task of its own")
  else $found[0] end
| . as $f
| [ $f.shared[], ($f.operation.parameters // [])[] ] as $declared
| ($address | capture("^(?<scheme>https?)://(?<host>[^/]+)")) as $at
| (if $doc.servers then $doc.servers[0].url
   else "\\(($doc.schemes // ["https"]) | if index("https") then "https" else .[0] end)"
     + "://\\($doc.host // $at.host)\\($doc.basePath // "")"
   end) as $base
| (if ($base | startswith("/")) then "\\($at.scheme)://\\($at.host)\\($base)" else $base end) as $base
| {{ method: $f.method,
    url: (($base | rtrimstr("/")) + (reduce ($declared[] | select(.in == "path")) as $p ($f.path;
      split("{{" + $p.name + "}}") | join($parameters[$p.name] | tostring | @uri)))),
    query: ([ $declared[] | select(.in == "query" and $parameters[.name] != null)
      | {{ key: .name,
          value: ($parameters[.name] | if type == "array" then map(tostring) | join(",") else . end) }}
      ] | from_entries),
    headers: ([ $declared[] | select(.in == "header" and $parameters[.name] != null)
      | {{ key: .name, value: ($parameters[.name] | tostring) }} ] | from_entries) }})"""
