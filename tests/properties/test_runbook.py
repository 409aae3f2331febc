"""Whatever the text, there is a report: no crash, no hang, every finding with its place."""

import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from midwatch.adapters.tools.manifests import load_manifests
from midwatch.base.errors import MidwatchError
from midwatch.plan.check import check_plan
from midwatch.plan.codec import plan_bytes, plan_from
from midwatch.plan.review import LintReport, lint_text
from midwatch.runbook.cel.evaluation import parsed
from midwatch.runbook.errors import EvaluationError, ExpressionError
from midwatch.runbook.expr import check, evaluate, free_names
from midwatch.runbook.source import Severity
from midwatch.runbook.unary import holds, unary_test
from unit.plan.documents import GOOD, MANIFESTS, NAME, report_on

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples" / "pg-connections.runbook.md").read_text()
EXAMPLE_MANIFESTS = load_manifests([ROOT / "examples" / "tools"])
LINES = EXAMPLE.splitlines(keepends=True)

HEAD = "---\nrunbook: v1\nid: x\n---\n\n# X\n\n"


def manual(line: str) -> str:
    """Return a task with one more line."""
    return f"## T\n\n```yaml\ntask: a\nkind: manual\n{line}\n```\n"


SCRAPS = st.sampled_from(
    [
        "```yaml\n",
        "```\n",
        "---\n",
        "# T\n",
        "## Task: A\n",
        "runbook: v1\n",
        "id: x\n",
        "task: a\n",
        "kind: command\n",
        "kind: decision\n",
        "kind: approval\n",
        "tool: disk.read\n",
        "tool: disk.move\n",
        "needs: [a]\n",
        "when: a.b == 1\n",
        "out: {b: {type: number}}\n",
        "args: {paths: a.b}\n",
        "undo: a\n",
        "verify: {probe: a, until: probe.b > 1.0}\n",
        "tests:\n",
        "- {name: t, expect: {ends: resolved}}\n",
        "| a.b | b |\n|---|---|\n| < 1 | 2 |\n",
        "&x *x !!y <<\n",
        "\t- [ {\n",
        "> ",
        "  ",
        "\n",
        "\r\n",
        "\u202e",
        "{{ }}",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(SCRAPS, max_size=25).map("".join),
    st.lists(SCRAPS, max_size=25).map(lambda scraps: "---\nrunbook: v1\nid: x\n---\n" + "".join(scraps)),
)


def assert_sound(report: LintReport, text: bytes) -> None:
    lines = text.count(b"\n") + text.count(b"\r") + 1
    for finding in report.findings:
        assert finding.code.startswith("MW")
        assert finding.place == f"{report.name}:{finding.line}:{finding.column}"
        assert 1 <= finding.line <= lines
        assert finding.column >= 1
        assert finding.sentence
        assert finding.fix
    if report.plan is not None:
        assert report.errors == ()
        assert check_plan(report.plan) == []
        assert plan_from(plan_bytes(report.plan)) == report.plan


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_gives_a_report(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    assert_sound(lint_text(data, name=NAME, manifests=MANIFESTS), data)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_report(data: bytes) -> None:
    assert_sound(lint_text(data, name=NAME, manifests=MANIFESTS), data)


@settings(max_examples=80, deadline=None)
@given(st.randoms(use_true_random=False))
@example(random.Random(0))
def test_a_spoilt_example_gives_a_report(chance: random.Random) -> None:
    lines = list(LINES)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        match chance.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, chance.choice(lines))
            case 2:
                other = chance.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                cut = chance.randrange(len(lines[at]))
                lines[at] = lines[at][:cut] + chance.choice("{}[]:|`\"'#-&*!%@\t\\ x0") + lines[at][cut + 1 :]
            case _:
                del lines[at : at + chance.randint(1, 20)]
        lines = lines or ["\n"]
    data = "".join(lines).encode()
    assert_sound(lint_text(data, name="pg", manifests=EXAMPLE_MANIFESTS), data)


@pytest.mark.parametrize("at", range(len(LINES)))
def test_the_example_without_one_line_gives_a_report(at: int) -> None:
    data = "".join(LINES[:at] + LINES[at + 1 :]).encode()
    assert_sound(lint_text(data, name="pg", manifests=EXAMPLE_MANIFESTS), data)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="abx.()[]{}<>=!&|+-*/?:,'\"01 \n", max_size=60))
def test_any_expression_has_a_value_or_an_error(source: str) -> None:
    scope = {"a": {"b": 1, "x": [1, 2]}, "b": "text", "x": [0.5, None]}
    types = {"a": {}, "b": {"type": "string"}, "x": {"type": "array"}}
    offset = 0
    try:
        names = free_names(source)
        evaluate(source, scope)
        assert {name.partition(".")[0] for name in names} <= scope.keys()
        check(source, types)
    except ExpressionError as error:
        offset = int(error.facts.get("offset", 0))
    assert 0 <= offset <= len(source)


NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_a_value_passes_through_an_expression_unchanged_or_not_at_all(value: object) -> None:
    assert evaluate("x", {"x": value}) == value
    try:
        found = evaluate("[x][0]", {"x": value})
    except MidwatchError:
        return
    assert found == value


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30) | st.text(alphabet='-<>=![](),.0159ab"not ', max_size=20), JSON)
def test_any_cell_is_a_test_or_says_why_not(text: str, value: object) -> None:
    try:
        test = unary_test(text)
    except ValueError:
        return
    assert holds(test, value) in (True, False)


NAMES = st.sampled_from(["measure", "decide", "ask", "move", "put_back", "drop", "leave"])


@settings(max_examples=80, deadline=None)
@given(
    needs=st.dictionaries(NAMES, st.lists(NAMES, max_size=3, unique=True), max_size=4),
    joins=st.sets(NAMES),
    routes=st.dictionaries(st.sampled_from(["on_timeout", "on_deny"]), NAMES),
)
def test_whatever_graph_compiles_keeps_the_rules(
    needs: dict[str, list[str]], joins: set[str], routes: dict[str, str]
) -> None:
    lines: list[str] = []
    task = ""
    for line in GOOD.splitlines():
        key, _, value = line.partition(": ")
        task = value if key == "task" else task
        if key == "needs" and task in needs:
            continue
        lines.append(f"{key}: {routes[key]}" if key in routes else line)
        if key == "task" and task in needs:
            lines.append(f"needs: [{', '.join(needs[task])}]")
        if key == "task" and task in joins:
            lines.append("join: any")
    text = "\n".join(lines) + "\n"
    report = report_on(text)
    assert_sound(report, text.encode())
    assert all(finding.code != "MW189" for finding in report.findings), report.findings


@pytest.mark.parametrize(
    "text",
    [
        "- a\n" * 9_500,
        "> a\n" * 9_500,
        "# x\n" * 9_500,
        "|a|b|\n|-|-|\n" * 4_500,
        "```\n" * 9_500,
        ">" * 900_000,
        "- " * 400_000,
        "[" * 900_000,
        "`" * 900_000,
        "|" * 400_000 + "\n|-|\n",
        "*a " * 300_000,
        "<div>\n" * 9_500,
        "[a]: b\n" * 9_500,
        "---\nrunbook: v1\nid: x\n" + "a: [\n" * 15_000,
        "---\nrunbook: v1\nid: x\nowner: '" + "x " * 30_000 + "'\n---\n",
        "---\nrunbook: v1\nid: x\ntitle: " + "[" * 60_000 + "\n---\n",
        "---\nrunbook: v1\nid: x\n---\n" + "password: " * 90_000,
        "---\nrunbook: v1\nid: x\n---\n" + "eyJaaaaaaaaaaaa." * 60_000,
        "---\nrunbook: v1\nid: x\n---\n" + "a" * 900_000,
        "---\nrunbook: v1\nid: x\n---\n" + "\u202e" * 300_000,
        "---\nrunbook: v1\nid: x\n---\n" + "## T\n\n```yaml\ntask: a\nkind: manual\n```\n\n" * 2_500,
        "x" * 10_000_000,
        HEAD + ("## T\n\n```yaml\ntask: a\nx-a: [" + "1," * 29_000 + "]\n```\n\n") * 15,
        HEAD + "## T\n\n```yaml\ntask: a\nx-a: " + "[" * 20_000 + "]" * 20_000 + "\n```\n",
        HEAD + "## T\n\n```yaml\ntask: a\nx-a:\n" + "- " * 20_000 + "\n```\n",
        HEAD + "## T\n\n```yaml\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b, *b]\n```\n",
        HEAD + "## T\n\n" + "{{ a " * 180_000 + "\n\n```yaml\ntask: a\nkind: agent\n```\n",
        HEAD + "## T\n\n" + "{{ a.b }} " * 90_000 + "\n\n```yaml\ntask: a\nkind: agent\n```\n",
        HEAD + manual("when: '" + "(" * 900 + "true" + ")" * 900 + "'"),
        HEAD + manual("when: '" + "[" * 900 + "]" * 900 + " == []'"),
        HEAD + manual("when: '" + "!" * 1_900 + "true'"),
        HEAD + manual("out: {a: {type: string, pattern: '((((a{1,1000}){1,1000}){1,1000}){1,1000})'}}"),
        HEAD + manual("out: {a: " + "{items: " * 23 + "{}" + "}" * 23 + "}"),
        HEAD + manual("needs: [" + ", ".join(f"b{n}" for n in range(9_000)) + "]"),
        HEAD + "".join(f"```yaml\ninclude: ./f{n}.md\n```\n\nx\n" for n in range(1_500)),
        HEAD + "[a](b.md) " * 90_000,
        HEAD + "[a](" * 200_000,
        HEAD + "`a` " * 200_000,
    ],
    ids=range(38),
)
def test_bombs_end(text: str) -> None:
    report = lint_text(text.encode(), name=NAME, manifests=MANIFESTS)
    assert_sound(report, text.encode())
    assert len(report.findings) <= 100
    assert {finding.severity for finding in report.findings} <= set(Severity)


LOOPS = st.sampled_from(
    [
        "x.all(a, y.exists(b, b == a))",
        "x.exists(a, y.all(b, b >= a))",
        "x.all(a, y.exists(b, 1 / b == a)) || x.exists(a, y.exists(b, a > b))",
        "!x.all(a, y.exists(b, 10 / (a - b) > 0)) && size(x) > 1",
        "x.exists(a, a > 1 && y.all(b, [b].exists(c, c / a > 0)))",
    ]
)


@settings(max_examples=200, deadline=None)
@given(LOOPS, st.lists(st.integers(-2, 4), max_size=5), st.lists(st.integers(-2, 4), max_size=5))
def test_loops_run_here_mean_what_the_library_means(source: str, x: list[int], y: list[int]) -> None:
    expression = parsed(source)
    assert expression.skeleton is not None
    native = expression.program.eval(data={"x": x, "y": y})
    if native.type().name() == "ERROR":
        with pytest.raises(EvaluationError):
            evaluate(source, {"x": x, "y": y})
    else:
        assert evaluate(source, {"x": x, "y": y}) is native.plain_value()
