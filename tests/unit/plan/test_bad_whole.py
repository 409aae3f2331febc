"""Each mistake in what is newer than decisions and approvals: one finding, with its code, place and fix."""

import pytest

from midwatch.approvals.people import people_from
from midwatch.base.ids import PersonId
from midwatch.base.units import DAY_MS, EpochMs
from midwatch.plan.parts.reach import Reach
from midwatch.plan.review import LintReport, lint_text
from midwatch.runbook.source import Finding, Severity
from unit.plan.documents import MANIFESTS
from unit.plan.whole import FILES, NAME, OTHER, WHOLE, Shelf, changed, whole_report

NOW_MS = EpochMs(1_795_737_600_000)  # 2026-11-27


def told(report: LintReport) -> list[Finding]:
    """Return the findings but for what this release can't run."""
    return [finding for finding in report.findings if finding.code != "MW190"]


def place_of(text: str, mark: str) -> str:
    at = text.index(mark)
    line = text.count("\n", 0, at) + 1
    return f"{NAME}:{line}:{at - (text.rfind(chr(10), 0, at) + 1) + 1}"


# Name: (old text, new text, code, mark at whose first appearance the finding stands)
BAD = {
    "no limit of rounds": ("every: 30s\nmax: 10\n", "every: 30s\n", "MW125", "size(measure.files) > 0"),
    "no limit of items": ("maxItems: 8", "title: Hosts", "MW125", "inputs.hosts\nas: host"),
    "no limit of a wait": ("within: 1h\non_timeout", "on_timeout", "MW125", "deploy\nwhere"),
    "no limit of a probing wait": ("within: 30m\non_timeout", "on_timeout", "MW125", "look\nholds"),
    "no time to do it": ("sla: 15m\n", "", "MW125", '"team:ops"]\non_timeout'),
    "too many rounds": ("max: 10\n", "max: 1001\n", "MW115", "1001"),
    "too parallel": ("parallel: 4", "parallel: 33", "MW115", "33"),
    "no list": ("foreach: inputs.hosts", "foreach: [a, b]", "MW115", "[a, b]\nas"),
    "items of no list": (
        "foreach: inputs.hosts",
        "foreach: inputs.volume\nmax: 3",
        "MW141",
        "inputs.volume\nmax",
    ),
    "rounds for items": (
        "foreach: inputs.hosts",
        'foreach: inputs.hosts\nuntil: "true"',
        "MW126",
        '"true"\nas',
    ),
    "as without foreach": ("every: 30s\nmax: 10\n", "every: 30s\nmax: 10\nas: x\n", "MW126", "x\nout:"),
    "max without a loop": ("task: login\n", "task: login\nmax: 3\n", "MW126", "3\nkind: command"),
    "loop of an approval": (
        "join: 2\n",
        "join: 2\nforeach: measure.files\n",
        "MW126",
        "measure.files\nactions",
    ),
    "loop of a wait": ("for: 10m\n", 'for: 10m\nuntil: "true"\nmax: 2\n', "MW126", '"true"\nmax: 2'),
    "item with a taken name": (
        "as: host\nparallel: 4\ncall: ./other.runbook.md\nwith: {host: host,",
        "as: look\nparallel: 4\ncall: ./other.runbook.md\nwith: {host: look,",
        "MW126",
        "look\nparallel: 4",
    ),
    "previous at the same time": ("parallel: 1\n", "parallel: 2\n", "MW126", "previous.moved) ?"),
    "typo in an item": ('args: {paths: "[file.path]"', 'args: {paths: "[file.pth]"', "MW142", ".pth]"),
    "until of another": (
        "until: size(measure.files) > 0",
        "until: size(look.files) > 0",
        "MW124",
        "look.files) > 0",
    ),
    "until that is no condition": (
        "until: size(measure.files) > 0",
        "until: size(measure.files)",
        "MW141",
        "size(measure.files)\nevery",
    ),
    "jitter": ("jitter: none", "jitter: full", "MW115", "full}"),
    "unknown key in a retry": ("cap: 4s", "cup: 4s", "MW113", "cup: 4s"),
    "join of too many": ("join: 2\n", "join: 4\n", "MW129", "4\nactions"),
    "join of nothing": ("join: 2\n", "join: 0\n", "MW115", "0\nactions"),
    "nothing to undo above": (
        "on_fail: escalate\n",
        "on_fail: undo\n",
        "MW188",
        "undo\n```\n\n## Task: Measure",
    ),
    "on_fail of no task": ("on_fail: escalate\n", "on_fail: esclate\n", "MW121", "esclate"),
    "needs what runs at the end": (
        "needs: [hosts, later, deployed]",
        "needs: [hosts, later, emit]",
        "MW128",
        "emit]",
    ),
    "the end needs the ordinary": (
        "task: emit\nkind: notify\n",
        "task: emit\nkind: notify\nneeds: [hand]\n",
        "MW128",
        "hand]\n",
    ),
    "hands over to the end": (
        "on_timeout: hand\n",
        "on_timeout: emit\n",
        "MW128",
        "emit\n```\n\n## Task: Check",
    ),
    "the end says how it ends": (
        "task: emit\nkind: notify\n",
        "task: emit\nkind: notify\nends: resolved\n",
        "MW128",
        "resolved\nfinally",
    ),
    "finally of something": (
        "task: emit\nkind: notify\nfinally: true",
        "task: emit\nkind: notify\nfinally: maybe",
        "MW115",
        "maybe",
    ),
    "waits for nothing": ("for: 10m\n", "", "MW134", "task: breathe"),
    "waits for two things": (
        "for: 10m\n",
        "for: 10m\nat: \"'2026-11-27T03:00:00Z'\"\n",
        "MW134",
        "task: breathe",
    ),
    "what doesn't belong": (
        "for: 10m\n",
        "for: 10m\nwithin: 1h\n",
        "MW134",
        "1h\n```\n\n## Task: Wait until",
    ),
    "a moment that is no text": ("at: \"'2026-11-27T03:00:00Z'\"", 'at: "3"', "MW141", '"3"'),
    "probe without holds": ("holds: probe.used_pct < 70.0\n", "", "MW114", "look\nevery: 1m"),
    "typo in an event": ("where: event.app ==", "where: event.ap ==", "MW142", ".ap =="),
    "typo in a wait's probe": ("holds: probe.used_pct", "holds: probe.usd_pct", "MW142", ".usd_pct < 70"),
    "probe that loops": ("probe: look\nholds", "probe: measure\nholds", "MW187", "measure\nholds"),
    "probe that is no task": ("probe: look\nholds", "probe: loko\nholds", "MW121", "loko"),
    "wait hands over to nobody": ("on_timeout: hand\n", "on_timeout: hadn\n", "MW121", "hadn"),
    "tells nobody": ('to: ["team:ops", "person:kim"]\n', "", "MW161", "task: tell"),
    "says nothing": (
        'message: "{{ inputs.volume }} is at {{ measure.used_pct }} %"\n',
        "",
        "MW161",
        "task: tell",
    ),
    "tells and emits": ("emit:\n  type", 'to: ["team:ops"]\nmessage: x\nemit:\n  type', "MW161", "type: com"),
    "an event without type": ("  type: com.example.disk\n", "", "MW114", "source: /disk"),
    "typo in a message": ("{{ inputs.volume }} is at", "{{ inputs.volum }} is at", "MW142", ".volum }} is"),
    "typo in a prompt": ("% of {{ inputs.volume }}", "% of {{ inputs.volum }}", "MW142", ".volum }}."),
    "typo in an event's data": (
        "has(measure.used_pct) ?",
        "has(measure.usd_pct) ?",
        "MW142",
        "(measure.usd_pct) ?",
    ),
    "reads what runs later": (
        'message: "{{ inputs.volume }}',
        'message: "{{ hand.note }}',
        "MW124",
        "hand.note }}",
    ),
    "output without value": (
        "note: {type: string, value: hand.note}",
        "note: {type: string}",
        "MW114",
        "{type: string}\non_stop",
    ),
    "output of another type": (
        "note: {type: string, value: hand.note}",
        "note: {type: integer, value: hand.note}",
        "MW141",
        "hand.note}",
    ),
    "typo in an output": ("value: hand.note", "value: hand.nte", "MW142", ".nte"),
    "wrong word for a stop": ("on_stop: leave", "on_stop: keep", "MW115", "keep"),
    "no day": ("last_rehearsed: 2026-11-20", "last_rehearsed: in autumn", "MW115", "in autumn"),
    "calls nothing": ("call: ./other.runbook.md", "call: ./nothing.runbook.md", "MW196", "./nothing"),
    "calls an unknown id": ("call: ./other.runbook.md", "call: nothing", "MW196", "nothing\nwith"),
    "calls out of the folder": ("call: ./other.runbook.md", "call: ../other.runbook.md", "MW196", "../other"),
    "hands over too little": ("with: {host: host, ", "with: {", "MW196", "./other.runbook.md"),
    "hands over too much": ("limit: 3}", "limit: 3, more: 4}", "MW196", "4}\naccept"),
    "hands over a wrong type": ("limit: 3}", "limit: \"'x'\"}", "MW196", "\"'x'\""),
    "hands over a wrong literal": ("limit: 3}", "limit: [3]}", "MW196", "[3]}"),
    "typo in what it hands over": ("with: {host: host,", "with: {host: hots,", "MW142", "hots,"),
    "accepts a cancelled run": ("accept: [resolved, ", "accept: [cancelled, ", "MW115", "cancelled,"),
    "includes nothing": ("include: ./common.runbook.md", "include: ./nothing.md", "MW139", "./nothing.md"),
    "includes from outside": ("include: ./common.runbook.md", "include: /etc/passwd", "MW139", "/etc/passwd"),
    "includes a lost task": ("tasks: [bye]", "tasks: [bye, hello]", "MW139", "hello]"),
    "secret in a message": (
        "{{ inputs.volume }} is at",
        "{{ inputs.token }} is at",
        "MW136",
        '"{{ inputs.token }} is',
    ),
    "secret in a prompt": (
        "% of {{ inputs.volume }}",
        "% of {{ inputs.token }}",
        "MW136",
        "cause\nkind: agent",
    ),
    "secret in a condition": (
        "where: event.app == inputs.volume",
        "where: event.app == inputs.token",
        "MW136",
        "event.app == inputs.token",
    ),
    "secret in an event": ("ok: true}", "ok: inputs.token}", "MW136", "inputs.token}\n```"),
    "secret that is changed": (
        "args: {token: inputs.token}",
        "args: {token: \"inputs.token + 'x'\"}",
        "MW136",
        "\"inputs.token + 'x'\"",
    ),
    "secret for what takes none": (
        "with: {host: host,",
        "with: {host: inputs.token,",
        "MW136",
        "inputs.token, secret",
    ),
    "no secret for what takes one": (
        "args: {token: inputs.token}",
        "args: {token: inputs.volume}",
        "MW136",
        "inputs.volume}\non_fail",
    ),
    "secret as an output": ("value: hand.note", "value: inputs.token", "MW136", "inputs.token}\non_stop"),
    "mock of a question": (
        "      look: {used_pct: 60",
        "      ask: {}\n      look: {used_pct: 60",
        "MW160",
        "{}\n      look",
    ),
    "mock of no output": ("      hosts: [{checked: true}]", "      hosts: [5]", "MW160", "[5]"),
    "mock of a callee that doesn't fit": (
        "      hosts: [{checked: true}]",
        "      hosts: [{checked: 5}]",
        "MW160",
        "[{checked: 5}]",
    ),
    "failure with a typo": (
        "times: 1, then: {used_pct: 91, files: []}",
        "tims: 1, then: {used_pct: 91, files: []}",
        "MW160",
        "- {fail: timeout",
    ),
    "wrong time of a hand": (
        "evidence: x, after: 2m",
        "evidence: x, after: soon",
        "MW160",
        "{cause: leak, evidence",
    ),
    "answer of no kind": ("answers: {ask: timeout}", "answers: {ask: maybe}", "MW160", "maybe}"),
    "answer to no question": (
        "answers: {ask: timeout}",
        "answers: {hand: timeout}",
        "MW160",
        "timeout}\n    expect: {ends: escalated, undone",
    ),
    "event that nobody waits for": ("events: {deploy:", "events: {depoly:", "MW160", "[{data: {app"),
    "event with a typo": (
        "[{data: {app: data}, after: 1m}]",
        "[{dta: {app: data}, after: 1m}]",
        "MW160",
        "[{dta",
    ),
    "no fault": ("- {silent: move}", "- {loud: move}", "MW160", "{loud"),
    "fault of no task": ("- {silent: move}", "- {silent: mvoe}", "MW160", "{silent: mvoe"),
    "crash at no time": ("{crash: before,", "{crash: during,", "MW160", "{crash: during"),
    "wrong start": ('start: "2026-11-27T03:00:00Z"', 'start: "tomorrow"', "MW115", '"tomorrow"'),
    "wrong mode of a test": ("mode: auto", "mode: yolo", "MW115", "yolo"),
    "unknown expectation": ("notified: 0", "notifed: 0", "MW160", "0\n  - name: nobody"),
    "expects a text": ("asks: 1\n", "asks: one\n", "MW160", "one\n"),
    "expects an unknown output": ("out: {moved: 1}", "out: {move: 1}", "MW160", "{move: 1}"),
    "expects a wrong output": ("out: {moved: 1}", "out: {moved: x}", "MW160", "{moved: x}"),
    "expects an unknown field": ("{sort: {items:", "{sort: {itms:", "MW160", "{sort: {itms"),
    "expects that nothing undid": ("undone: [move]", "undone: [mvoe]", "MW160", "[mvoe]"),
    "dead link": (
        "# Everything at once\n",
        "# Everything at once\n\nSee [this](./lost.md).\n",
        "MW137",
        "./lost.md",
    ),
    "dead anchor": (
        "# Everything at once\n",
        "# Everything at once\n\nSee [this](#lost).\n",
        "MW137",
        "#lost",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_mistake_gives_one_finding(name: str) -> None:
    old, new, code, mark = BAD[name]
    text = changed(old, new)
    found = told(whole_report(text))
    assert [(one.code, one.place) for one in found] == [(code, place_of(text, mark))]
    assert found[0].sentence
    assert found[0].fix
    assert "<" not in found[0].fix.replace("< ", "").replace("<<", ""), f"a fact is missing: {found[0].fix}"


def test_the_whole_document_has_no_finding_but_what_this_release_cant_run() -> None:
    report = whole_report()
    assert told(report) == []
    assert report.level == 3
    assert report.plan is not None
    assert {finding.severity for finding in report.findings} <= {Severity.INFO}


DEAD = """\
---
runbook: v1
id: dead
tools: [disk.read]
inputs: {way: {enum: [a, b]}}
ladder: [{ask: "team:ops", within: 5m}]
---

# Dead

## Task: Decide

```yaml
task: decide
kind: decision
hit: first
out: {next: {enum: [go, stop, wait]}}
ends: {no_action: decide.next == "stop"}
```

| inputs.way | next |
|------------|------|
| a          | go   |
| -          | stop |

## Task: Go

```yaml
task: go
kind: manual
needs: [decide]
when: decide.next == "go"
ends: resolved
```
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ('when: decide.next == "go"', 'when: decide.next == "wait"', ["MW123"]),
        ('when: decide.next == "go"', 'when: decide.next == "go" && decide.next == "stop"', ["MW123"]),
        ('when: decide.next == "go"', 'when: decide.next == "go" && inputs.way == "a"', []),
        ('when: decide.next == "go"', "when: 1 > 2", ["MW123"]),
        ("| -          | stop |", "| -          | wait |", ["MW127"]),
        ('ends: {no_action: decide.next == "stop"}\n', "", ["MW127"]),
        ('when: decide.next == "go"\n', "", []),
    ],
)
def test_dead_branches(old: str, new: str, expected: list[str]) -> None:
    text = DEAD.replace(old, new, 1) if old else DEAD
    report = lint_text(text.encode(), name="dead.md", manifests=MANIFESTS)
    assert [finding.code for finding in told(report)] == expected


def test_a_decision_is_not_repeated() -> None:
    text = DEAD.replace("hit: first", 'hit: first\nuntil: "true"\nmax: 2')
    report = lint_text(text.encode(), name="dead.md", manifests=MANIFESTS)
    assert [finding.code for finding in told(report)] == ["MW126"]


def test_a_person_must_be_named_for_what_a_person_does() -> None:
    text = DEAD.replace('ladder: [{ask: "team:ops", within: 5m}]\n', "")
    report = lint_text(text.encode(), name="dead.md", manifests=MANIFESTS)
    assert [(one.code, one.severity) for one in told(report)] == [("MW135", Severity.ERROR)]
    agent = text.replace("kind: manual", "kind: agent\nout: {a: {type: string}}")
    report = lint_text(agent.encode(), name="dead.md", manifests=MANIFESTS)
    assert [(one.code, one.severity) for one in told(report)] == [("MW135", Severity.WARNING)]


PEOPLE = people_from(
    {
        "people": {"kim": {}, "ada": {}},
        "teams": {"ops": ["kim"]},
        "managers": {"ops": ["ada"]},
        "oncall": {"ops": [{"person": "ada"}]},
    }
)


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        (Reach(people=PEOPLE), []),
        (Reach(people=PEOPLE, requester=PersonId("kim")), []),
        (Reach(people=PEOPLE, requester=PersonId("ada")), [("MW133", "error")] * 2),
        (Reach(people=people_from({}), is_house=False), [("MW133", "warning")] * 4),
    ],
)
def test_somebody_is_behind_every_name(reach: Reach, expected: list[tuple[str, str]]) -> None:
    report = lint_text(
        WHOLE.encode(), name=NAME, manifests=MANIFESTS, library=Shelf(), now_ms=NOW_MS, reach=reach
    )
    assert [(one.code, one.severity.value) for one in told(report)] == expected


@pytest.mark.parametrize(("days", "expected"), [(0, []), (83, []), (84, ["MW138"])])
def test_a_rehearsal_of_long_ago_is_told(days: int, expected: list[str]) -> None:
    now_ms = EpochMs(NOW_MS + days * DAY_MS)
    report = lint_text(WHOLE.encode(), name=NAME, manifests=MANIFESTS, library=Shelf(), now_ms=now_ms)
    assert [one.code for one in told(report)] == expected


def test_a_circle_of_calls_names_the_chain() -> None:
    back = OTHER.replace(
        "## Task: Read",
        "## Task: Back\n\n```yaml\ntask: back\nkind: call\ncall: ./third.runbook.md\n```\n\n## Task: Read",
    )
    third = back.replace("./third", "./other").replace("id: other", "id: third")
    given = "with: {host: inputs.host, secret: inputs.secret}\n```"
    files = {**FILES, "other.runbook.md": back.replace("runbook.md\n```", f"runbook.md\n{given}", 1)}
    files["third.runbook.md"] = third.replace("runbook.md\n```", f"runbook.md\n{given}", 1)
    found = told(whole_report(files=files))
    assert [one.code for one in found] == ["MW196"]
    report = lint_text(
        files["other.runbook.md"].encode(),
        name="books/other.runbook.md",
        manifests=MANIFESTS,
        library=Shelf(files=files),
    )
    found = told(report)
    assert [one.code for one in found] == ["MW196"]
    assert "MW197" in found[0].sentence
    assert "books/other.runbook.md → books/third.runbook.md → books/other.runbook.md" in found[0].sentence
    itself = files["third.runbook.md"].replace("call: ./other", "call: ./third")
    report = lint_text(
        itself.encode(), name="books/third.runbook.md", manifests=MANIFESTS, library=Shelf(files=files)
    )
    assert [one.code for one in told(report)] == ["MW197"]


def test_calls_go_five_deep_and_no_deeper() -> None:
    def level(number: int) -> str:
        call = f"kind: call\ncall: level{number + 1}\nends: resolved"
        last = 'kind: notify\nto: ["team:ops"]\nmessage: hi\nends: resolved'
        return (
            f"---\nrunbook: v1\nid: level{number}\n---\n\n# Level\n\n## Task: Go\n\n"
            f"```yaml\ntask: go\n{call if number < 6 else last}\n```\n"
        )

    files = {f"level{number}.runbook.md": level(number) for number in range(7)}

    def codes(number: int) -> list[str]:
        path = f"level{number}.runbook.md"
        report = lint_text(
            files[path].encode(), name=f"books/{path}", manifests=MANIFESTS, library=Shelf(files=files)
        )
        return [one.code for one in told(report)]

    assert codes(1) == []
    assert codes(0) == ["MW196"]


def test_files_that_include_each_other_are_told() -> None:
    files = {
        **FILES,
        "common.runbook.md": FILES["common.runbook.md"] + "\nx\n\n```yaml\ninclude: ./more.md\n```\n",
    }
    files["more.md"] = "# More\n\n```yaml\ninclude: ./common.runbook.md\n```\n"
    found = told(whole_report(files=files))
    assert [one.code for one in found] == ["MW139"]
    assert found[0].place.startswith("books/more.md:4:")
    assert "common.runbook.md → more.md → common.runbook.md" in found[0].sentence


def test_a_mistake_in_an_included_file_stands_in_that_file() -> None:
    files = {
        **FILES,
        "common.runbook.md": FILES["common.runbook.md"].replace("message: done", "mesage: done", 1),
    }
    found = told(whole_report(files=files))
    assert [(one.code, one.place) for one in found] == [
        ("MW161", "books/common.runbook.md:6:1"),
        ("MW113", "books/common.runbook.md:10:1"),
    ]
    assert found[1].excerpt == "mesage: done\n^"


def test_at_most_twenty_files_are_included() -> None:
    files = {f"f{n}.md": f"# F\n\n```yaml\ninclude: ./f{n + 1}.md\n```\n" for n in range(40)}
    report = whole_report(changed("./common.runbook.md\ntasks: [bye]", "./f0.md"), files={**FILES, **files})
    assert [(one.code, one.place.partition(":")[0]) for one in told(report)] == [("MW139", "books/f19.md")]


def test_without_files_around_nothing_is_included_or_called() -> None:
    report = lint_text(WHOLE.encode(), name=NAME, manifests=MANIFESTS)
    assert [one.code for one in told(report)] == ["MW196", "MW139"]
