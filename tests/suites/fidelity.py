"""One small document for each construct of each format; the reference says of it what the import says."""

WORKFLOW = "document: {dsl: 1.0.3, namespace: a, name: b, version: 1.0.0}\ndo:\n"
HTTP = "call: http, with: {method: get, endpoint: 'https://a.example/x'}"
BEARER = "{uri: 'https://a.example', authentication: {bearer: {token: x}}}"
CACAO = """\
{"type": "playbook", "spec_version": "cacao-2.0", "id": "playbook--1", "name": "P",
"created_by": "identity--1", "created": "c", "modified": "m", "workflow_start": "start--1",
"agent_definitions": {"individual--1": {"type": "individual", "name": "Kim"}}, %s
"workflow": {"start--1": {"type": "start", "on_completion": "s--1"}, "s--1": %s,
"a--1": {"type": "action", "agent": "individual--1", "commands": [{"type": "manual", "command": "look"}]},
"end--1": {"type": "end"}}}"""
SSM = """\
schemaVersion: '0.3'
%smainSteps:
- {name: first, action: aws:executeAwsApi, inputs: {Service: a, Api: GetX}%s}
%s"""
BRANCH = """\
- {name: b, action: aws:branch, inputs: {Choices: [{NextStep: c, Variable: x}]}}
- {name: c, action: aws:executeScript}
"""
ORQUESTA = "version: 1.0\n%stasks:\n  first: {action: core.noop%s}\n  second: {action: core.noop}\n"
RUNDECK = "- name: J\n%s  sequence:\n    keepgoing: %s\n    commands:\n    - {exec: uptime%s}\n"


def cacao(step: str, more: str = "") -> str:
    return CACAO % (more, step)


ACTION = '{"type": "action", "agent": "individual--1", "commands": [{"type": "%s", "command": "x"}]%s}'
GIVEN: dict[str, dict[str, tuple[str, str]]] = {
    "open-workflow": {
        "set": (WORKFLOW + "- t: {set: {a: '${ .b }'}}", "/do/0/t/set"),
        "do": (WORKFLOW + "- t: {do: [{u: {set: {a: 1}}}]}", "/do/0/t/do/0/u/set"),
        "switch": (
            WORKFLOW + "- t: {switch: [{c: {when: .a, then: end}}]}\n- u: {set: {a: 1}}",
            "/do/0/t/switch",
        ),
        "then (forward)": (WORKFLOW + "- t: {set: {a: 1}, then: v}\n- v: {set: {a: 2}}", "/do/0/t/then"),
        "then (backward)": (WORKFLOW + "- t: {set: {a: 1}}\n- v: {set: {a: 2}, then: t}", "/do/1/v/then"),
        "if": (WORKFLOW + "- t: {if: .a, set: {a: 1}}", "/do/0/t/if"),
        "input.from": (WORKFLOW + "- t: {input: {from: .a}, set: {a: 1}}", "/do/0/t/input/from"),
        "output.as": (WORKFLOW + "- t: {set: {a: 1}, output: {as: .a}}", "/do/0/t/output/as"),
        "export.as": (WORKFLOW + "- t: {set: {a: 1}, export: {as: .a}}", "/do/0/t/export/as"),
        "input.schema of a task": (
            WORKFLOW + "- t: {input: {schema: {document: {}}}, set: {a: 1}}",
            "/do/0/t/input/schema",
        ),
        "fork": (WORKFLOW + "- t: {fork: {branches: [{u: {set: {a: 1}}}]}}", "/do/0/t/fork/branches/0/u/set"),
        "fork.compete": (
            WORKFLOW + "- t: {fork: {compete: true, branches: [{u: {set: {a: 1}}}]}}",
            "/do/0/t/fork/compete",
        ),
        "for (one set)": (WORKFLOW + "- t: {for: {in: .a}, do: [{u: {set: {a: 1}}}]}", "/do/0/t/for"),
        "for (anything else)": (WORKFLOW + "- t: {for: {in: .a}, do: [{u: {wait: PT1S}}]}", "/do/0/t"),
        "while": (WORKFLOW + "- t: {for: {in: .a}, while: .b, do: [{u: {set: {a: 1}}}]}", "/do/0/t/while"),
        "raise": (WORKFLOW + "- t: {raise: {error: {type: a, status: 400}}}", "/do/0/t/raise/error"),
        "try, catch": (
            WORKFLOW + "- t: {try: [{u: {set: {a: '${ .b }'}}}], catch: {errors: {with: {status: 404}}}}",
            "/do/0/t/catch/errors/with/status",
        ),
        "catch.retry (one reading)": (
            WORKFLOW
            + "- t: {try: [{u: {"
            + HTTP
            + "}}], catch: {errors: {with: {status: 503}}, retry: {delay: PT1S}}}",
            "/do/0/t/catch/retry",
        ),
        "catch.retry (anything else)": (
            WORKFLOW + "- t: {try: [{u: {set: {a: 1}}}], catch: {retry: {delay: PT1S}}}",
            "/do/0/t/catch/retry",
        ),
        "call http": (WORKFLOW + "- t: {" + HTTP + "}", "/do/0/t/with"),
        "authentication (basic, bearer)": (
            WORKFLOW + "- t: {call: http, with: {method: get, endpoint: " + BEARER + "}}",
            "/do/0/t/with/endpoint/authentication",
        ),
        "call openapi": (
            WORKFLOW
            + "- t: {call: openapi, with: {document: {endpoint: 'https://a.example'}, operationId: x}}",
            "/do/0/t/with",
        ),
        "call grpc, asyncapi, mcp": (WORKFLOW + "- t: {call: grpc, with: {a: 1}}", "/do/0/t"),
        "run": (WORKFLOW + "- t: {run: {shell: {command: ls}}}", "/do/0/t"),
        "emit": (
            WORKFLOW + "- t: {emit: {event: {with: {type: a, source: b, data: {c: 1}}}}}",
            "/do/0/t/emit/event/with/data",
        ),
        "listen (one, all)": (
            WORKFLOW + "- t: {listen: {to: {one: {with: {type: a}}}}}",
            "/do/0/t/listen/to/one/with/type",
        ),
        "listen (any, until, foreach)": (WORKFLOW + "- t: {listen: {to: {any: []}}}", "/do/0/t"),
        "wait": (WORKFLOW + "- t: {wait: PT1S}", "/do/0/t/wait"),
        "schedule.cron": (WORKFLOW + "- t: {wait: PT1S}\nschedule: {cron: 0 0 * * *}", "/schedule/cron"),
        "schedule (anything else)": (
            WORKFLOW + "- t: {wait: PT1S}\nschedule: {every: PT1H}",
            "/schedule/every",
        ),
        "timeout": (WORKFLOW + "- t: {wait: PT1S}\ntimeout: {after: PT1H}", "/timeout"),
        "use.secrets, use.extensions": (WORKFLOW + "- t: {wait: PT1S}\nuse: {secrets: [a]}", "/use/secrets"),
    },
    "cacao": {
        "action, command manual": (cacao(ACTION % ("manual", "")), "/workflow/s--1/commands/0"),
        "action, any other command": (cacao(ACTION % ("bash", "")), "/workflow/s--1/commands/0"),
        "on_completion, on_success": (
            cacao(ACTION % ("bash", ', "on_completion": "end--1"')),
            "/workflow/s--1/on_completion",
        ),
        "on_failure": (cacao(ACTION % ("bash", ', "on_failure": "a--1"')), "/workflow/s--1/on_failure"),
        "timeout": (cacao(ACTION % ("bash", ', "timeout": 1000')), "/workflow/s--1/timeout"),
        "delay": (cacao(ACTION % ("bash", ', "delay": 1000')), "/workflow/s--1/delay"),
        "parallel": (cacao('{"type": "parallel", "next_steps": ["a--1"]}'), "/workflow/s--1/next_steps"),
        "if-condition, switch-condition": (
            cacao('{"type": "if-condition", "condition": "x", "on_true": "a--1"}'),
            "/workflow/s--1/condition",
        ),
        "while-condition": (
            cacao('{"type": "while-condition", "condition": "x", "on_true": "a--1"}'),
            "/workflow/s--1/condition",
        ),
        "playbook-action": (
            cacao('{"type": "playbook-action", "playbook_id": "playbook--2"}'),
            "/workflow/s--1/playbook_id",
        ),
        "playbook_variables": (
            cacao(ACTION % ("bash", ""), '"playbook_variables": {"__a__": {"type": "string"}},'),
            "/playbook_variables/__a__",
        ),
        "authentication_info_definitions": (
            cacao(ACTION % ("bash", ""), '"authentication_info_definitions": {"x--1": {"type": "x"}},'),
            "/authentication_info_definitions",
        ),
    },
    "ssm": {
        "parameters": (SSM % ("parameters: {A: {type: String}}\n", "", ""), "/parameters/A"),
        "any action": (SSM % ("", "", ""), "/mainSteps/0/inputs"),
        "aws:sleep": (
            SSM % ("", "", "- {name: b, action: aws:sleep, inputs: {Duration: PT1M}}"),
            "/mainSteps/1/inputs",
        ),
        "aws:branch": (
            SSM % ("", "", BRANCH),
            "/mainSteps/1/inputs",
        ),
        "aws:approve": (
            SSM % ("", "", "- {name: b, action: aws:approve, inputs: {Message: x}}"),
            "/mainSteps/1/inputs",
        ),
        "onFailure": (SSM % ("", ", onFailure: Continue", ""), "/mainSteps/0/onFailure"),
        "maxAttempts": (SSM % ("", ", maxAttempts: 2", ""), "/mainSteps/0/maxAttempts"),
        "assumeRole": (SSM % ("assumeRole: x\n", "", ""), "/assumeRole"),
    },
    "orquesta": {
        "action": (ORQUESTA % ("", ""), "/tasks/first/action"),
        "next: succeeded()": (
            ORQUESTA % ("", ", next: [{when: '<% succeeded() %>', do: second}]"),
            "/tasks/first/next/0/do",
        ),
        "next: failed()": (
            ORQUESTA % ("", ", next: [{when: '<% failed() %>', do: second}]"),
            "/tasks/first/next/0/when",
        ),
        "next: any other condition": (
            ORQUESTA % ("", ", next: [{when: '<% ctx().a %>', do: second}]"),
            "/tasks/first/next/0/when",
        ),
        "publish": (ORQUESTA % ("", ", next: [{publish: a=1, do: second}]"), "/tasks/first/next/0/publish"),
        "with, delay": (ORQUESTA % ("", ", delay: 1"), "/tasks/first/delay"),
        "retry": (ORQUESTA % ("", ", retry: {count: 1}"), "/tasks/first/retry"),
        "input": (ORQUESTA % ("input: [a]\n", ""), "/input/0"),
        "vars, output": (ORQUESTA % ("vars: [{a: 1}]\n", ""), "/vars"),
    },
    "rundeck": {
        "exec, script": (RUNDECK % ("", "false", ""), "/0/sequence/commands/0/exec"),
        "any other step": (RUNDECK % ("", "false", ", jobref: {name: a}"), "/0/sequence/commands/0/jobref"),
        "errorhandler": (
            RUNDECK % ("", "false", ", errorhandler: {exec: a}"),
            "/0/sequence/commands/0/errorhandler",
        ),
        "keepgoing": (RUNDECK % ("", "true", ""), "/0/sequence/keepgoing"),
        "options": (RUNDECK % ("  options: [{name: a}]\n", "false", ""), "/0/options/0"),
        "schedule.crontab": (
            RUNDECK % ("  schedule: {crontab: 0 0 4 ? * SUN *}\n", "false", ""),
            "/0/schedule/crontab",
        ),
        "notification": (RUNDECK % ("  notification: {onfailure: {}}\n", "false", ""), "/0/notification"),
        "the other jobs of a file": (RUNDECK % ("", "false", "") + RUNDECK % ("", "false", ""), "/1"),
    },
}
"""Format, then the construct as the reference calls it, to a document and the pointer of what is meant."""
