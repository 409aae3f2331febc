"""Documents of the language's own words: they parse or say where they are wrong, and plans keep the rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midwatch.plan.ahead.outlook import outlook
from midwatch.plan.check import check_plan
from midwatch.plan.codec import plan_bytes, plan_from
from midwatch.plan.review import LintReport, lint_text
from unit.plan.documents import MANIFESTS
from unit.plan.whole import FILES, NAME, WHOLE, Shelf

TASKS = ("measure", "look", "decide", "ask", "move", "put_back", "pause", "hosts", "hand", "tell", "bye")
SOURCES = (
    "measure.files",
    "measure.used_pct > 80.0",
    "size(measure.files) > 0",
    "decide.next == 'go'",
    "has(measure.used_pct)",
    "has(previous.moved)",
    "inputs.hosts",
    "inputs.volume",
    "item.path == ''",
    "item",
    "index > 1",
    "event.app == inputs.volume",
    "probe.used_pct < 80.0",
    "hosts.items.all(i, i.checked)",
    "move.items.size()",
    "true",
    "1 +",
)
names = st.sampled_from(TASKS)
sources = st.sampled_from(SOURCES)
words = st.sampled_from(["undo", "escalate", "continue", "fail", *TASKS])
spans = st.sampled_from(["1s", "10m", "2h", "0s", "soon"])
numbers = st.integers(-1, 40).map(str)


def listed(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(values, max_size=3, unique=True).map(lambda found: f"[{', '.join(found)}]")


def quoted(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return values.map(lambda source: f'"{source}"')


# Each key with what may stand behind it; the last ones are part of tasks of one kind alone.
KEYS: dict[str, st.SearchStrategy[str]] = {
    "needs": listed(names),
    "when": quoted(sources),
    "join": st.sampled_from(["all", "any", "1", "2", "9", "most"]),
    "foreach": quoted(sources),
    "as": st.sampled_from(["item", "file", "measure", "index"]),
    "parallel": numbers,
    "max": numbers,
    "on_item_fail": st.sampled_from(["stop", "continue", "go"]),
    "until": quoted(sources),
    "every": spans,
    "retry": st.sampled_from(["{max: 2}", "{max: 2, backoff: 1s, cap: 9s, on: [timeout]}", "{on: x}", "3"]),
    "timeout": spans,
    "on_fail": words,
    "finally": st.sampled_from(["true", "false", "maybe"]),
    "ends": st.sampled_from(["resolved", '{escalated: "true"}', "nowhere"]),
    "undo": names,
    "verify": st.sampled_from(
        ['{probe: look, until: "probe.used_pct < 80.0", within: 1m}', '{probe: measure, until: "true"}']
    ),
    "out": st.sampled_from(["{used_pct: {type: number}}", "{next: {enum: [go, stop]}}", "{a: {type: x}}"]),
    "approvers": listed(st.sampled_from(['"team:ops"', '"oncall:ops"', "nobody"])),
    "sla": spans,
    "actions": listed(names),
    "on_timeout": words,
    "on_deny": names,
    "for": spans,
    "at": quoted(sources),
    "event": names,
    "where": quoted(sources),
    "within": spans,
    "probe": names,
    "holds": quoted(sources),
    "call": st.sampled_from(["./other.runbook.md", "other", "./whole.runbook.md", "../x.md", "[]"]),
    "with": st.sampled_from(["{host: inputs.volume, secret: inputs.token}", "{host: 1}", "[]"]),
    "to": listed(st.sampled_from(['"team:ops"', '"person:kim"', "us"])),
    "message": quoted(st.sampled_from(["hi", "{{ inputs.volume }}", "{{ ", "{{ hand.note }}"])),
    "emit": st.sampled_from(
        ["{type: a, source: /b}", "{type: a, source: /b, data: {x: inputs.volume}}", "{}"]
    ),
    "tool": st.sampled_from(["disk.read", "disk.move", "disk.back", "disk.login", "disk.nothing"]),
    "effect": st.sampled_from(["read", "write", "irreversible"]),
    "args": st.sampled_from(
        ["{paths: measure.files.map(f, f.path)}", "{token: inputs.token}", "{moved: index}"]
    ),
    "hit": st.sampled_from(["first", "unique", "collect", "never"]),
}
KINDS = ("command", "agent", "decision", "approval", "manual", "wait", "call", "notify")
HEADER = WHOLE.partition("out:\n")[0]
TABLE = "| measure.used_pct | next |\n|---|---|\n| < 80 | stop |\n| - | go |\n"


@st.composite
def task_texts(draw: st.DrawFn, name: str) -> str:
    """Return one task under its heading, with any keys."""
    kind = draw(st.sampled_from(KINDS))
    keys = draw(st.lists(st.sampled_from(list(KEYS)), max_size=9, unique=True))
    lines = [f"{key}: {draw(KEYS[key])}" for key in keys]
    block = "\n".join([f"task: {name}", f"kind: {kind}", *lines])
    title = draw(st.sampled_from(["Task", "Undo"])) if name == "put_back" else "Task"
    table = f"\nBy:\n\n{TABLE}" if kind == "decision" else ""
    return f"\n## {title}: {name}\n\n```yaml\n{block}\n```\n{table}"


@st.composite
def document_texts(draw: st.DrawFn) -> str:
    """Return a document of the language's own words, hardly ever without a mistake."""
    chosen = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    parts = [draw(task_texts(name)) for name in chosen]
    include = "\nAnd more.\n\n```yaml\ninclude: ./common.runbook.md\n```\n"
    tail = draw(st.sampled_from(["", include]))
    return HEADER + "---\n\n# Anything\n" + "".join(parts) + tail


@st.composite
def changed_texts(draw: st.DrawFn) -> str:
    """Return the whole document with some keys taken out, changed or put in: often without a mistake."""
    lines = WHOLE.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        key = lines[at].partition(":")[0]
        if key in KEYS:
            lines[at] = draw(st.sampled_from(["", f"{key}: {draw(KEYS[key])}\n"]))
        elif lines[at].startswith("kind: "):
            other = draw(st.sampled_from(list(KEYS)))
            lines.insert(at + 1, f"{other}: {draw(KEYS[other])}\n")
    return "".join(lines)


def report_on(text: str) -> LintReport:
    return lint_text(
        text.encode(),
        name=NAME,
        manifests=MANIFESTS,
        library=Shelf(files={**FILES, "whole.runbook.md": text}),
    )


def assert_sound(report: LintReport, text: str) -> None:
    for finding in report.findings:
        file, line, column = finding.place.rsplit(":", 2)
        assert file in {NAME, "books/common.runbook.md"}
        assert (int(line), int(column)) == (finding.line, finding.column)
        if file == NAME:
            assert 1 <= finding.line <= text.count("\n") + 1
        assert finding.code != "MW189", finding.sentence
        assert finding.sentence
        assert finding.fix
        assert "<" not in finding.fix.replace("< ", "").replace("<<", ""), f"a fact is missing: {finding.fix}"
    if report.compiled is not None:
        assert report.errors == ()
        for plan in (report.compiled.plan, *report.compiled.callees.values()):
            assert check_plan(plan) == []
            assert plan_from(plan_bytes(plan)) == plan
        assert outlook(report, MANIFESTS) is not None


@settings(max_examples=60, deadline=None)
@given(document_texts())
def test_any_document_of_the_languages_words_parses_or_says_where_it_is_wrong(text: str) -> None:
    assert_sound(report_on(text), text)


@settings(max_examples=40, deadline=None)
@given(changed_texts())
def test_the_whole_document_with_changes_compiles_or_says_where_it_is_wrong(
    text: str,
) -> None:
    assert_sound(report_on(text), text)


@pytest.mark.nightly
@settings(max_examples=10_000, deadline=None)
@given(document_texts())
def test_ten_thousand_documents_parse_or_say_where_they_are_wrong(text: str) -> None:
    assert_sound(report_on(text), text)


@pytest.mark.nightly
@settings(max_examples=10_000, deadline=None)
@given(changed_texts())
def test_ten_thousand_changes_of_the_whole_document_compile_by_the_rules(text: str) -> None:
    assert_sound(report_on(text), text)
