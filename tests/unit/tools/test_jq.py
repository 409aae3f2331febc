"""`jq.transform`: what it computes, how it fails, and what it can't reach."""

import json
from pathlib import Path
from typing import Any

import pytest

from midwatch.adapters.tools.context import NS_PER_S, Context, boot_ns
from midwatch.adapters.tools.exchange.errors import (
    JqFailedError,
    JqLimitError,
    JqMissingError,
    JqProgramError,
)
from midwatch.adapters.tools.exchange.jq import EXPRESSION_ERROR, transform


def run(program: str, *, seconds: int = 20, limit: int = 1 << 18, **more: Any) -> dict[str, Any]:
    context = Context(
        tool="jq.transform",
        key="r/t/0/0/0",
        state=Path("/nowhere"),
        deadline_ns=boot_ns() + seconds * NS_PER_S,
        output_bytes_max=limit,
    )
    return transform({"program": program, **more}, context)


def test_a_program_reads_bound_values_and_gives_an_object() -> None:
    said = run("{sum: ($data.a + $b), first: ([1, 2.5][1])}", values={"data": {"a": 1}, "b": 2})

    assert said == {"sum": 3, "first": 2.5}


def test_an_error_that_was_raised_fails_as_the_problem_it_is() -> None:
    with pytest.raises(JqFailedError) as caught:
        run('error({type: "https://e/compliance", status: 400, title: "No"})', instance="/do/0/raiseError")

    assert json.loads(caught.value.sentence) == {
        "type": "https://e/compliance",
        "status": 400,
        "title": "No",
        "instance": "/do/0/raiseError",
    }


def test_any_other_error_is_a_problem_of_the_expression() -> None:
    with pytest.raises(JqFailedError) as caught:
        run('{a: (1 + "x")}', instance="/do/1/add")

    problem = json.loads(caught.value.sentence)
    assert problem["type"] == EXPRESSION_ERROR
    assert problem["instance"] == "/do/1/add"


def test_with_on_error_an_error_is_an_output() -> None:
    caught = run('error({type: "t"})', on_error={"output": None}, instance="/do/0")

    assert caught == {"output": None, "error": {"type": "t", "instance": "/do/0"}}
    assert run("{output: 1}", on_error={"output": None}) == {"output": 1, "error": None}


@pytest.mark.parametrize("program", ["{a:", "foo(1)", "1", "[1]", "empty"])
def test_what_is_no_program_or_gives_no_object_is_refused(program: str) -> None:
    with pytest.raises(JqProgramError):
        run(program)


@pytest.mark.parametrize(
    "program", ["def f: f; f", "[range(1e9)] | {a: .}", 'def g: . + .; "x" | [recurse(g)] | {a: .}']
)
def test_a_program_without_an_end_is_ended(program: str) -> None:
    with pytest.raises(JqLimitError):
        run(program, seconds=2)


def test_too_much_is_not_handed_on() -> None:
    with pytest.raises(JqLimitError):
        run('{a: ("x" * 300000)}', limit=1 << 16)


def test_it_sees_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIDWATCH_PLANTED", "a secret")

    said = run("{env: env, also: $ENV}")

    assert "MIDWATCH_PLANTED" not in json.dumps(said)
    assert set(said["env"]) <= {"LC_CTYPE"}


@pytest.mark.parametrize(
    "program",
    [
        'import "planted" as $x {{search: "{folder}"}}; {{a: $x}}',
        'include "planted" {{search: "{folder}"}}; {{a: planted}}',
        "{{a: (input)}}",
    ],
)
def test_it_reads_no_file(tmp_path: Path, program: str) -> None:
    (tmp_path / "planted.json").write_text('{"secret": 1}')
    (tmp_path / "planted.jq").write_text('def planted: "secret";')

    with pytest.raises((JqProgramError, JqFailedError)) as caught:
        run(program.format(folder=tmp_path))

    assert "secret" not in caught.value.sentence


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(JqMissingError) as caught:
        run("{}")

    assert "midwatch[jq]" in caught.value.help
