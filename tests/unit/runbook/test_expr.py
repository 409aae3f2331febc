"""Expressions: values, names, types, and the limits on what they may cost."""

import pytest

from midwatch.base.errors import MidwatchError
from midwatch.runbook.cel.schema import object_of, schema_fault
from midwatch.runbook.errors import (
    EvaluationError,
    ExpressionError,
    ExpressionSyntaxError,
    ExpressionTooCostlyError,
    ExpressionTypeError,
    NotBooleanError,
    UnknownNameError,
    ValueMismatchError,
)
from midwatch.runbook.expr import check, coerce, evaluate, evaluate_bool, free_names, validate

SCOPE = {
    "measure": {"used_pct": 97.5, "apps": ["a", "b"], "n": 3, "none": None, "deep": {"x": {"y": 1}}},
    "args": {"sessions": [{"pid": 1, "at": "x"}]},
    "probe": {"sessions": [{"pid": 1, "at": "x"}, {"pid": 2, "at": "y"}]},
    "inputs": {},
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("measure", SCOPE["measure"]),
        ("measure.apps", ["a", "b"]),
        ("measure.deep.x.y", 1),
        ("measure['apps'][1]", "b"),
        ("measure.used_pct > 80.0 && measure.n == 3", True),
        ("measure.used_pct > 80", True),
        ("measure.none == null", True),
        ("measure.none", None),
        ("has(measure.nothing)", False),
        ("measure.apps.map(m, m + '!')", ["a!", "b!"]),
        ("measure.apps.filter(measure, measure == 'a')", ["a"]),
        ("args.sessions.all(s, probe.sessions.exists(p, p.pid == s.pid && p.at == s.at))", True),
        ("{'a': [1, 2.5, true, null, 'x']}", {"a": [1, 2.5, True, None, "x"]}),
        ("0.5", 0.5),
        ("1u", 1),
        ("'text'", "text"),
        ("size(measure.apps) > 1 ? 'many' : 'few'", "many"),
        ("measure.nothing == 1 || true", True),
        ("nobody.x == 1 || true", True),
        ("measure.?nothing.orValue(7)", 7),
        ("measure.?n.orValue(7)", 3),
        ("cel.bind(many, measure.n, many * many)", 9),
        ("measure.apps.join(', ')", "a, b"),
        ("'a/b/c'.split('/')", ["a", "b", "c"]),
        ("'%s: %.1f'.format(['used', measure.used_pct])", "used: 97.5"),
        ("math.greatest(measure.n, 5)", 5),
        ("math.ceil(measure.used_pct)", 98.0),
        ("base64.encode(b'hello')", "aGVsbG8="),
    ],
)
def test_values_are_plain_json(source: str, value: object) -> None:
    found = evaluate(source, SCOPE)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "source",
    [
        "measure.nothing",
        "measure.nothing > 1",
        "measure.apps[7]",
        "measure.n / 0",
        "9223372036854775807 + measure.n",
        "1.0 / 0.0",
        "{1: 2}",
        "b'bytes'",
        "timestamp('2026-01-01T00:00:00Z')",
        "type(1)",
        "measure.n + 'x'",
        "nosuch(measure.n)",
        "measure.n.x",
        "{'a': 1, 'a': 2}",
        "optional.of(measure.n)",
    ],
)
def test_what_has_no_value_raises_and_never_decides(source: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate(source, SCOPE)
    assert caught.value.code == "MW144"
    assert source in caught.value.sentence
    with pytest.raises(ExpressionError):
        evaluate_bool(source, SCOPE)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("x.all(a, y.exists(b, b.p == a.p))", True),
        ("x.all(a, !y.exists(b, b.p == a.p))", False),
        ("!x.exists(a, y.exists(b, b.p == a.p + 1000))", True),
        ("x.map(a, a.p).all(a, y.exists(b, b.p == a)) && size(x) == 300", True),
        ("y.all(a, x.all(b, b.p >= 0) && a.p < 100)", False),
        ("nothing.z == 1 || x.exists(a, y.exists(b, b.p == 3))", True),
        ("x.all(a, y.exists(b, b.p == 0) && a.p > 0 && (a.p < 5 || a.z))", False),
        ("x.exists(y, x.exists(a, a.p == y.p))", True),
        ("{'a': 1, 'b': 2}.all(k, ['a', 'b'].exists(i, i == k))", True),
        ("[].all(a, y.exists(b, b.p == a))", True),
        ("[].exists(a, y.exists(b, b.p == a))", False),
        ("[true].all(a, [1].exists(b, a)) && ![1].all(a, [1].exists(b, a == true))", True),
    ],
)
def test_loops_in_loops_work_on_lists_of_hundreds(source: str, value: object) -> None:
    rows = [{"p": n} for n in range(300)]
    scope = {"x": rows, "y": rows[::-1], "nothing": {}}
    assert evaluate(source, scope) is value


@pytest.mark.parametrize(
    "source",
    [
        "x.all(a, x.exists(b, b.q == a.p))",
        "x.all(a, x.exists(b, b.p == a.p) ? 1 : 2)",
        "x[0].p.all(a, x.exists(b, b.p == a))",
        "!(x.all(a, x.exists(b, b.p == a.p)) && x)",
    ],
)
def test_errors_in_loops_in_loops_decide_nothing(source: str) -> None:
    with pytest.raises(EvaluationError):
        evaluate(source, {"x": [{"p": n} for n in range(3)]})


def test_a_name_without_value_is_named() -> None:
    with pytest.raises(UnknownNameError, match="reads `other`") as caught:
        evaluate("other.x == 1", SCOPE)
    assert caught.value.code == "MW142"


@pytest.mark.parametrize(
    "source", ["1 +", "", "  ", "a b", "measure.", "'open", "\u00a7", "a.b.?", "cel.bind(", "if x"]
)
def test_what_is_no_cel_says_where(source: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        free_names(source)
    assert caught.value.code == "MW140"
    assert 0 <= int(caught.value.facts["offset"]) <= len(source)


def test_a_condition_is_true_or_false() -> None:
    assert evaluate_bool("measure.n == 3", SCOPE) is True
    with pytest.raises(NotBooleanError) as caught:
        evaluate_bool("measure.n", SCOPE)
    assert caught.value.code == "MW145"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("measure.used_pct > inputs.limit", {"measure.used_pct", "inputs.limit"}),
        (
            "args.sessions.all(s, probe.sessions.exists(p, p.pid == s.pid))",
            {"args.sessions", "probe.sessions"},
        ),
        ("measure", {"measure"}),
        ("measure['used_pct']", {"measure.used_pct"}),
        ("measure[inputs.key]", {"measure", "inputs.key"}),
        ("measure.deep.x.y", {"measure.deep"}),
        ("has(measure.x) ? a : b.c", {"measure.x", "a", "b.c"}),
        ("[a.b, c].map(a, a + d.e)", {"a.b", "c", "d.e"}),
        ("{a.b: c.d}", {"a.b", "c.d"}),
        ("xs.exists_one(x, x == y.z)", {"xs", "y.z"}),
        ("'a.b' == \"c.d\"", set()),
        ("size(a.b)", {"a.b"}),
        ("a.?b.orValue(c.d)", {"a.b", "c.d"}),
        ("a[?'b'].hasValue()", {"a.b"}),
        ("math.sqrt(a.b) + math.greatest(1.0, c)", {"a.b", "c"}),
        ("math.rows.exists(r, r > 1) && strings.x == 'y'", {"math.rows", "strings.x"}),
        ("base64.encode(bytes(strings.quote(a.b)))", {"a.b"}),
        ("cel.bind(x, a.b, x + c)", {"a.b", "c"}),
    ],
)
def test_free_names(source: str, names: set[str]) -> None:
    assert free_names(source) == names


@pytest.mark.parametrize(
    "source",
    [
        "x" * 3_000,
        "(" * 60 + "1" + ")" * 60,
        "1" + "+1" * 200,
        "a" + ".b" * 200,
        "[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))",
        "[1].map(a, a).map(b, b).map(c, c).map(d, d)",
        "x.map(a, a + a + a + a + a).map(b, b + b + b + b + b).map(c, c + c + c + c + c)",
        "x.replace('', y)",
        "x.join(y)",
        f"x.replace('a', '{'b' * 64}')",
        "x.replace('a', '12345678').replace('b', '12345678')",
        "cel.bind(a, x + x + x + x, cel.bind(b, a + a + a + a, b + b + b + b + b))",
        "'%s%s'.format([x + x + x, x]).replace('a', '0123456789abcdefg')",
    ],
)
def test_costly_expressions_are_refused_before_they_run(source: str) -> None:
    with pytest.raises(ExpressionTooCostlyError) as caught:
        free_names(source)
    assert caught.value.code == "MW143"


DEEP: object = 1
for _ in range(200):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("x.map(a, a)", list(range(3_000))),
        ("x.all(a, x.all(b, true))", list(range(1_500))),
        ("x.all(a, x.all(b, x.all(c, true)))", list(range(200))),
        ("[x]", "cut\0here"),
        ("[1, 2].map(i, x.indexOf('b'))", "y" * 100_001),
        ("x.all(t, t.split(',')[0] == 'a')", ["a,b" * 500] * 100),
        ("[x]", "lone \ud800"),
        ("[x]", DEEP),
        ("[x]", 2**63),
        ("[x]", ["y" * 1_000_000] * 5),
        ("[x]", {1: 2}),
        ("[x]", {1, 2}),
        ("[x]", b"bytes"),
        ("x.map(a, x)", [list(range(300))] * 300),
    ],
)
def test_costly_or_strange_values_are_refused(source: str, value: object) -> None:
    with pytest.raises(ExpressionTooCostlyError):
        evaluate(source, {"x": value})


def test_the_slowest_expression_that_is_allowed_ends() -> None:
    assert len(evaluate("x.map(a, a)", {"x": list(range(2_000))})) == 2_000  # type: ignore[arg-type]  # a list


TYPES = {
    "measure": object_of(
        {
            "used_pct": {"type": "number"},
            "n": {"type": "integer"},
            "apps": {"type": "array", "items": {"type": "string"}},
            "rows": {"type": "array", "items": object_of({"pid": {"type": "integer"}})},
            "disk": object_of({"free": {"type": "number"}}),
            "state": {"enum": ["fine", "full"]},
            "open": {"type": "object"},
            "odd": {"type": ["string", "null"]},
        }
    ),
    "any": {},
}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("measure.used_pct > 80.0", "bool"),
        ("measure.n", "int"),
        ("measure.used_pct", "double"),
        ("measure.apps", "list"),
        ("measure.rows.map(r, r.pid)", "list"),
        ("measure.rows.exists(r, r.pid == measure.n)", "bool"),
        ("measure.disk", "map"),
        ("measure.disk.free > 1.0", "bool"),
        ("measure.open.whatever.x == 1", "bool"),
        ("measure.odd == null || measure.odd == 'x'", "bool"),
        ("any.thing.goes", "dyn"),
        ("measure.state == 'fine'", "bool"),
        ("measure", "map"),
        ("[1, 2]", "list"),
        ("'x'", "string"),
    ],
)
def test_types_of_expressions(source: str, name: str) -> None:
    assert check(source, TYPES).name == name


def test_what_is_known_of_a_value_is_a_schema() -> None:
    assert check("measure.rows.map(r, {'p': r.pid})", TYPES).schema == {
        "type": "array",
        "items": {"type": "object", "properties": {"p": {"type": "integer"}}},
    }
    assert check("measure.rows.filter(r, r.pid > 1)", TYPES).schema["items"]["required"] == ["pid"]
    assert check("measure.rows[0].pid", TYPES).schema == {"type": "integer"}
    assert check("measure.n + 1", TYPES).schema == {"type": "integer"}


@pytest.mark.parametrize(
    ("source", "error", "offset", "words"),
    [
        ("measure.used_pct > 80", ExpressionTypeError, 17, "write 80.0 instead of 80"),
        ("measure.used_pct + measure.n", ExpressionTypeError, 17, "convert one side"),
        ("measure.n + 'x'", ExpressionTypeError, 10, "one type"),
        ("measure.state == 'ful'", ExpressionTypeError, 14, "Did you mean `full`?"),
        ("measure.usd_pct > 80.0", UnknownNameError, 7, "Did you mean `used_pct`?"),
        ("mesure.n > 1", UnknownNameError, 0, "Did you mean `measure`?"),
        ("measure.rows.all(r, r.pd == 1)", UnknownNameError, 21, "Did you mean `pid`?"),
        ("measure.disk.fre > 1.0", UnknownNameError, 12, "Did you mean `free`?"),
        ("has(measure.fre)", UnknownNameError, 3, ""),
        ("nosuch(measure.n)", UnknownNameError, 6, "standard functions"),
        ("measure.n.all(x, true)", ExpressionTypeError, 7, ""),
    ],
)
def test_mistakes_are_found_before_anything_runs(
    source: str, error: type[MidwatchError], offset: int, words: str
) -> None:
    with pytest.raises(error) as caught:
        check(source, TYPES)
    assert caught.value.facts["offset"] == offset
    assert words in caught.value.help


def test_values_get_the_numbers_that_their_schema_wants() -> None:
    schema = object_of(
        {"pct": {"type": "number"}, "n": {"type": "integer"}, "all": {"items": {"type": "number"}}}
    )
    found = coerce(schema, {"pct": 97, "n": 3.0, "all": [1, True], "other": 5})
    assert found == {"pct": 97.0, "n": 3, "all": [1.0, True], "other": 5}
    assert type(found["pct"]) is float
    assert type(found["n"]) is int
    assert found["all"][1] is True
    assert coerce({"type": "integer"}, 3.5) == 3.5
    assert coerce({"additionalProperties": {"type": "number"}}, {"a": 1}) == {"a": 1.0}


def test_a_value_that_does_not_fit_is_named() -> None:
    schema = object_of({"rows": {"type": "array", "items": object_of({"pid": {"type": "integer"}})}})
    validate(schema, {"rows": [{"pid": 1}]}, what="the output")
    with pytest.raises(
        ValueMismatchError, match=r"the output doesn't fit its schema at `rows\.1\.pid`"
    ) as caught:
        validate(schema, {"rows": [{"pid": 1}, {"pid": "x"}]}, what="the output")
    assert caught.value.code == "MW147"


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "number"}, ""),
        ({"type": "numbr"}, "anyOf"),
        ({"$ref": "https://example.org/x"}, "$ref"),
        ({"properties": {"a": {"items": {"$dynamicRef": "#x"}}}}, "$dynamicRef"),
        ({"allOf": [{"minimun": 1}]}, "did you mean `minimum`"),
        ({"pattern": "("}, "regex"),
        ({"pattern": "(?=x)"}, "regex"),
        ({"x-note": 1, "one_of": "measure.apps"}, ""),
        ({"properties": {"type": {"type": "string"}}}, ""),
        (["type"], "mapping"),
        ({"const": {"$ref": "data, no reference"}}, ""),
    ],
)
def test_a_schema_stands_on_its_own(schema: object, fault: str) -> None:
    found = schema_fault(schema)
    assert (fault in found) if fault else found == ""
