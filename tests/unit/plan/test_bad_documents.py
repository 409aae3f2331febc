"""Each mistake an author can make: exactly one finding, with its code, its place and a fix."""

import pytest

from midwatch.runbook.source import Severity
from unit.plan.documents import GOOD, NAME, place_of, report_on, spoilt

MOVE_VERIFY = 'verify: {probe: measure, until: "probe.used_pct < 80.0", for: 10s, within: 1m}\n'
ARGS = """## Task: Args

```yaml
task: args
kind: decision
needs: [measure]
out: {a: {type: string}}
```

By:

| measure.state | a |
|---------------|---|
| -             | b |

"""
RLO = "\N{RIGHT-TO-LEFT OVERRIDE}"

# Name: (old text, new text, code, mark at whose first appearance the finding stands)
BAD = {
    "hidden character": ("little space left.", f"little {RLO}space left.", "MW103", RLO),
    "yaml": ("kind: command\ntool: disk.read", "kind: [command\ntool: disk.read", "MW110", ": disk.read"),
    "duplicate key": ("timeout: 5s", "timeout: 5s\ntimeout: 6s", "MW111", "timeout: 6s"),
    "anchor": ("timeout: 5s", "timeout: &t 5s", "MW112", "&t 5s"),
    "tag": ("timeout: 5s", "timeout: !!str 5s", "MW112", "!!str 5s"),
    "merge key": ("timeout: 5s", "<<: {timeout: 5s}", "MW112", "<<: "),
    "unknown key": ("timeout: 5s", "timeuot: 5s", "MW113", "timeuot"),
    "unknown key in the header": ("owner: team:ops", "onwer: team:ops", "MW113", "onwer"),
    "unknown key in a probe": ("for: 10s", "fro: 10s", "MW113", "fro: 10s"),
    "no kind": ("task: leave\nkind: decision\n", "task: leave\n", "MW114", "task: leave\n"),
    "no id": ("id: disk\n", "", "MW114", "runbook: v1"),
    "wrong duration": ("timeout: 5s", "timeout: 5 seconds", "MW115", "5 seconds"),
    "no time": ("timeout: 5s", "timeout: 0s", "MW115", "0s\nretry"),
    "wrong kind": ("task: leave\nkind: decision", "task: leave\nkind: descision", "MW115", "descision"),
    "wrong mode": ("mode: approve", "mode: aprove", "MW115", "aprove"),
    "wrong outcome": ("ends: escalated", "ends: escalate", "MW115", "escalate\n"),
    "wrong join": ("needs: [ask]\n", "needs: [ask]\njoin: some\n", "MW115", "some\n"),
    "wrong money": ("usd: 0.50", "usd: 0.0000001", "MW115", "0.0000001"),
    "needs is no list": ("needs: [measure]", "needs: measure", "MW115", "measure\nhit"),
    "wrong format": ("runbook: v1", "runbook: v9", "MW115", "v9"),
    "nobody to ask": ('["team:ops", "oncall:ops"]', '["team:ops", "ops"]', "MW115", '"ops"]'),
    "two command fences": (
        "df --output=pcent\n```",
        "df --output=pcent\n```\n\nor\n\n```sh\ndu\n```",
        "MW116",
        "```sh\ndu",
    ),
    "two tasks under one heading": (
        "## Task: Leave it\n\nReached when nobody said yes.\n",
        "and\n",
        "MW116",
        "```yaml\ntask: leave",
    ),
    "open fence": ("little space left.\n", "little space left.\n\n> ```sh\n> x\n", "MW116", "> ```sh"),
    "block in a list": (
        "little space left.\n",
        "little space left.\n\n- ```yaml\n  task: nested\n  ```\n",
        "MW116",
        "- ```yaml",
    ),
    "two headers": (
        "little space left.\n",
        "little space left.\n\n```yaml\nrunbook: v1\n```\n",
        "MW116",
        "runbook: v1\n```",
    ),
    "needs an undo": (
        'needs: [decide]\nwhen: "false"',
        'needs: [decide, put_back]\nwhen: "false"',
        "MW116",
        "put_back]",
    ),
    "undo with needs": (
        "task: put_back\nkind: command\n",
        "task: put_back\nkind: command\nneeds: [move]\n",
        "MW116",
        "move]\ntool: disk.back",
    ),
    "reserved name": (
        "## Tests",
        ARGS + "## Tests",
        "MW116",
        "args\nkind",
    ),
    "adjacent fences": ("```\n\nAsk the file system:\n\n```sh", "```\n\n```sh", "MW117", "```sh\ndf"),
    "template in a command": (
        "df --output=pcent",
        "df {{ inputs.volume }}",
        "MW118",
        "{{ inputs.volume }}\n",
    ),
    "private key": ("little space left.", "-----BEGIN RSA PRIVATE KEY-----", "MW119", "-----BEGIN"),
    "aws key": ("little space left.", "AKIAIOSFODNN7EXAMPLE", "MW119", "AKIA"),
    "password": ("little space left.", "password: hunter2hunter2", "MW119", "password: h"),
    "password in an address": ("little space left.", "postgres://me:s3cr3tt@db/x", "MW119", "postgres:"),
    "duplicate task": (
        "## Tests",
        "## Task: Again\n\n```yaml\ntask: measure\nkind: manual\n```\n\n## Tests",
        "MW120",
        "measure\nkind: manual",
    ),
    "unknown task in needs": ("needs: [measure]", "needs: [mesure]", "MW121", "mesure"),
    "unknown task in undo": ("undo: put_back", "undo: put_bck", "MW121", "put_bck"),
    "unknown task in on_fail": ("on_fail: leave", "on_fail: leaf", "MW121", "leaf"),
    "unknown task in a probe": (MOVE_VERIFY, MOVE_VERIFY.replace("measure", "measur"), "MW121", "measur,"),
    "unknown task in on_timeout": ("on_timeout: leave", "on_timeout: live", "MW121", "live"),
    "cycle": (
        "task: measure\nkind: command\n",
        "task: measure\nkind: command\nneeds: [decide]\n",
        "MW122",
        "decide]\ntool",
    ),
    "never true": (
        'needs: [ask]\nwhen: decide.next == "drop"',
        'needs: [ask]\nwhen: "false"',
        "MW123",
        '"false"\ntool',
    ),
    "not above": ("{{ inputs.volume }}?", "{{ move.moved }}?", "MW124", "move.moved }}"),
    "no sla": ("sla: 10m\n", "", "MW130", "ask\nkind"),
    "no on_timeout": ("on_timeout: leave\n", "", "MW130", "ask\nkind"),
    "no actions": ("actions: [move, drop]\n", "", "MW130", "ask\nkind"),
    "expires too early": ("expires: 1h", "expires: 15m", "MW130", "ask\nkind"),
    "silence acts": ("on_timeout: leave", "on_timeout: move", "MW131", "move\non_deny"),
    "a no acts": ("on_deny: leave", "on_deny: drop", "MW131", "drop\n```"),
    "asks for a reading": (
        "actions: [move, drop]",
        "actions: [move, drop, decide]",
        "MW132",
        "decide]\nquestion",
    ),
    "not cel": ('when: decide.next == "move"', 'when: decide.next = "move"', "MW140", '= "move"'),
    "integer against double": ('probe.used_pct < 80.0", for', 'probe.used_pct < 80", for', "MW141", '< 80",'),
    "not a condition": ('when: decide.next == "move"', "when: decide.next", "MW141", "decide.next\ntool"),
    "never equal": ('when: decide.next == "move"', 'when: decide.next == "mvoe"', "MW141", '== "mvoe"'),
    "typo in an output": ('"probe.used_pct < 80.0", for', '"probe.usd_pct < 80.0", for', "MW142", ".usd_pct"),
    "typo below a list": (
        'measure.files.map(f, f.path)", reason',
        'measure.files.map(f, f.pth)", reason',
        "MW142",
        ".pth",
    ),
    "typo in an input": ("bind: {volume: inputs.volume}", "bind: {volume: inputs.volum}", "MW142", ".volum}"),
    "typo in a question": ("{{ inputs.volume }}?", "{{ inputs.volme }}?", "MW142", ".volme"),
    "task in a probe": (
        '"probe.used_pct < 80.0", for',
        '"measure.used_pct < 80.0", for',
        "MW142",
        "measure.used_pct < 80.0",
    ),
    "loops too deep": (
        'when: decide.next == "move"',
        'when: "[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))"',
        "MW143",
        "[1].all(a",
    ),
    "no schema": ("used_pct: {type: number}", "used_pct: {type: numbr}", "MW146", "{type: numbr}"),
    "unknown keyword": ("string, pattern:", "string, patern:", "MW146", "{type: string, patern"),
    "reference": ("used_pct: {type: number}", 'used_pct: {$ref: "http://x.example/y"}', "MW146", "{$ref"),
    "wrong default": (
        "default: 7, minimum: 1",
        "default: 0, minimum: 1",
        "MW147",
        "{type: integer, default: 0",
    ),
    "no table": (
        '| decide.next | note      |\n|-------------|-----------|\n| -           | "Look."   |\n',
        "",
        "MW150",
        "task: leave",
    ),
    "no column": (
        "| decide.next | note      |",
        "| decide.next | nope      |",
        "MW150",
        "decide.next | nope",
    ),
    "short row": ('| -           | "Look."   |', "| -           |", "MW150", "-           |"),
    "hit policy": ("hit: first\nout: {next", "hit: frist\nout: {next", "MW151", "frist"),
    "aggregate without collect": (
        "hit: first\nout: {next",
        "hit: first\naggregate: sum\nout: {next",
        "MW151",
        "sum\nout: {next",
    ),
    "order of no use": (
        "hit: first\nout: {next",
        "hit: first\nvalues: {next: [drop]}\nout: {next",
        "MW151",
        "[drop]}",
    ),
    "overlap": (
        "hit: first\nout: {next",
        "hit: unique\nout: {next",
        "MW158",
        "-                | -             | drop",
    ),
    "default of no output": (
        "hit: first\nout: {next",
        "hit: first\ndefault: {next: done, nxt: done}\nout: {next",
        "MW156",
        "done}\nout: {next",
    ),
    "default without an output": (
        "hit: first\nout: {next",
        "hit: first\ndefault: {}\nout: {next",
        "MW156",
        "{}\nout: {next",
    ),
    "default that doesn't fit": (
        "hit: first\nout: {next",
        "hit: first\ndefault: {next: dorp}\nout: {next",
        "MW156",
        "dorp}",
    ),
    "no test": ("| < 80  ", "| < 80%", "MW152", "< 80%"),
    "empty cell": ("| < 80             | -  ", "| < 80             |    ", "MW152", "| done |"),
    "wrong type": (
        "| [80..95)         | full ",
        "| [80..95)         | 5    ",
        "MW153",
        "5             | move",
    ),
    "unknown word": ("| [80..95)         | full ", "| [80..95)         | ful  ", "MW153", "ful "),
    "gap": (
        "| -                | -             | drop |",
        "| >= 95            | -             | drop |",
        "MW154",
        ">= 95 ",
    ),
    "dead row": (
        "| -                | -             | drop |",
        "| -                | -             | drop |\n| > 99             | -             | done |",
        "MW155",
        "> 99",
    ),
    "unknown output": ("| drop |\n", "| dorp |\n", "MW156", "dorp"),
    "test of no task": ("measure: {used_pct: 12, ", "mesure: {used_pct: 12, ", "MW160", "{used_pct: 12"),
    "mock that doesn't fit": (
        "measure: {used_pct: 12, ",
        "measure: {used_pct: much, ",
        "MW160",
        "{used_pct: much",
    ),
    "expects no outcome": ("ends: no_action, effects", "ends: nothing, effects", "MW160", "nothing, effects"),
    "given doesn't fit": ("given: {volume: data}", "given: {volume: DATA}", "MW160", "name: there"),
    "unknown tool": (
        "tools: [disk.read, disk.move",
        "tools: [disk.rad, disk.read, disk.move",
        "MW180",
        "disk.rad,",
    ),
    "unknown tool in a task": ("tool: disk.read", "tool: disk.raed", "MW180", "disk.raed"),
    "effect mismatch": (
        "effect: irreversible",
        "effect: write",
        "MW181",
        'write\nargs: {paths: "measure.files.map(f, f.path)", force',
    ),
    "effect not said": ("effect: irreversible\n", "", "MW181", "disk.drop\nargs"),
    "unknown argument": ("force: false", "force: false, frce: true", "MW182", "true}"),
    "missing argument": (", reason: \"'little space'\"", "", "MW182", "disk.move\neffect"),
    "argument of another type": (
        "days: inputs.keep_days",
        "days: inputs.volume",
        "MW182",
        "inputs.volume}\npre",
    ),
    "literal of another type": ("force: false", "force: 3", "MW182", "3}"),
    "text for a tool without": (
        "## Undo: Put back\n",
        "By hand:\n\n```sh\nmv\n```\n\n## Undo: Put back\n",
        "MW182",
        "mv\n",
    ),
    "no verify": (MOVE_VERIFY, "", "MW183", "move\nkind: command"),
    "no approval": ("actions: [move, drop]", "actions: [move]", "MW185", "drop\nkind"),
    "not granted": ("tools: [disk.read, disk.move, ", "tools: [disk.read, ", "MW186", "disk.move\neffect"),
    "probe that acts": (
        'verify: {probe: measure, until: "probe.used_pct >= 0.0", within: 1m}',
        'verify: {probe: drop, until: "true"}',
        "MW187",
        "drop, until",
    ),
    "undo without undo": (
        "on_fail: leave\nends: resolved",
        "on_fail: undo\nends: resolved",
        "MW188",
        "undo\nends: resolved\n```\n\n## Task: Leave",
    ),
    "unbounded": ("retry: {max: 2, backoff: 1s}", "declassify: [files]", "MW193", "files]"),
    "too much time": ("timeout: 5s", "timeout: 50s", "MW194", "50s"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_mistake_gives_one_finding(name: str) -> None:
    old, new, code, mark = BAD[name]
    text = spoilt(old, new)
    report = report_on(text)
    assert [(finding.code, finding.place) for finding in report.findings] == [(code, place_of(text, mark))]
    finding = report.findings[0]
    assert finding.sentence
    assert finding.fix
    assert "<" not in finding.fix.replace("< ", "").replace("<<", ""), f"a fact is missing: {finding.fix}"
    line, caret = finding.excerpt.split("\n")
    assert caret == " " * (len(caret) - 1) + "^"
    assert text.splitlines()[finding.line - 1].replace(RLO, "\N{REPLACEMENT CHARACTER}") == line
    assert (report.plan is None) is (finding.severity is Severity.ERROR)


def test_the_good_document_has_no_finding() -> None:
    report = report_on(GOOD)
    assert report.findings == ()
    assert report.level == 3
    assert report.next_level_needs == ()
    assert report.plan is not None
    assert report.name == NAME


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("undo: put_back\non_fail: undo\n", "", "MW184"),
        ("undo: put_back", "undo: leave", "MW188"),
        ("args: {moved: move.moved}", "args: {moved: move.moved}\nundo: drop", "MW188"),
        ('needs: [ask]\nwhen: decide.next == "drop"', "needs: [ask, decide]\njoin: any", "MW185"),
    ],
)
def test_some_mistakes_have_consequences(old: str, new: str, code: str) -> None:
    assert code in {finding.code for finding in report_on(spoilt(old, new)).errors}


def test_an_approval_without_anybody_to_ask() -> None:
    ladder = 'ladder:\n  - {ask: "oncall:ops", within: 10m, via: [chat]}\n'
    text = spoilt(ladder, "").replace('approvers: ["team:ops", "oncall:ops"]\n', "")
    report = report_on(text)
    assert [(finding.code, finding.place) for finding in report.errors] == [
        ("MW130", place_of(text, "ask\nkind"))
    ]
    assert "approvers" in report.errors[0].fix


def test_a_circle_is_named() -> None:
    report = report_on(spoilt(*BAD["cycle"][:2]))
    assert "measure → decide → measure" in report.findings[0].sentence


def test_a_typo_is_answered_with_the_nearest_name() -> None:
    report = report_on(spoilt(*BAD["typo in an output"][:2]))
    assert report.findings[0].fix.startswith("Did you mean `used_pct`?")
    report = report_on(spoilt(*BAD["unknown key"][:2]))
    assert report.findings[0].fix.startswith("Did you mean `timeout`?")


def test_an_integer_against_a_fraction_is_told_how_to_write_it() -> None:
    report = report_on(spoilt(*BAD["integer against double"][:2]))
    assert "write 80.0 instead of 80" in report.findings[0].fix


def test_several_mistakes_are_found_in_one_go() -> None:
    text = (
        spoilt("timeout: 5s", "timeout: soon")
        .replace("on_deny: leave", "on_deny: leaf")
        .replace("| drop |\n", "| dorp |\n")
    )
    assert [finding.code for finding in report_on(text).findings] == ["MW115", "MW156", "MW121"]


def test_a_gap_names_a_reading_that_no_row_takes() -> None:
    report = report_on(spoilt(*BAD["gap"][:2]))
    assert 'measure.used_pct = 80, measure.state = "fine"' in report.findings[0].sentence


def test_keys_of_ones_own_begin_with_x() -> None:
    assert report_on(spoilt("timeout: 5s", "timeout: 5s\nx-team: {any: [thing]}")).findings == ()
