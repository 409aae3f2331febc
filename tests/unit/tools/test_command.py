"""One program, no shell, little environment, bounded output."""

from collections.abc import Callable
from typing import Any

import pytest

from midwatch.ports.tools import ToolDone, ToolFailed, ToolOutcome

Caller = Callable[..., ToolOutcome]


def out(outcome: ToolOutcome) -> dict[str, Any]:
    assert isinstance(outcome, ToolDone), outcome
    return dict(outcome.out)


def code(outcome: ToolOutcome) -> str:
    assert isinstance(outcome, ToolFailed), outcome
    return outcome.code


def test_the_environment_is_path_language_and_what_was_bound(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do not tell")
    said = out(call("test.read", argv=["env"], environment={"COUNT": 3, "WET": True, "NAME": "a b; $(id)"}))
    assert {line.partition("=")[0] for line in said["stdout"].splitlines()} == {
        "PATH",
        "LANG",
        "COUNT",
        "WET",
        "NAME",
    }
    assert "COUNT=3\n" in said["stdout"]
    assert "WET=true\n" in said["stdout"]
    assert "NAME=a b; $(id)\n" in said["stdout"]


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "PYTHONPATH", "BASH_ENV", "GIT_SSH_COMMAND", "IFS"])
def test_variables_that_change_what_runs_can_not_be_bound(call: Caller, name: str) -> None:
    assert code(call("test.read", argv=["env"], environment={name: "x"})) == "MW510"


def test_a_line_is_split_and_nothing_is_expanded(call: Caller) -> None:
    said = out(call("test.read", argv="env FIRST='a b' SECOND=$HOME THIRD=* FOURTH=`id`"))
    assert {"FIRST=a b", "SECOND=$HOME", "THIRD=*", "FOURTH=`id`"} <= set(said["stdout"].splitlines())


@pytest.mark.parametrize(
    "argv", [["rm", "-rf", "/tmp/x"], "/usr/bin/env", ["./env"], "''", "'unclosed", "# nothing"]
)
def test_other_programs_are_refused(call: Caller, argv: Any) -> None:
    assert code(call("test.read", argv=argv)) == "MW510"


def test_a_missing_program_and_a_program_that_fails_are_two_things(call: Caller) -> None:
    assert code(call("test.read", argv=["no-such-program"])) == "MW511"
    assert out(call("test.read", argv=["false"]))["exit_code"] == 1


def test_a_program_reads_nothing(call: Caller) -> None:
    assert out(call("test.read", argv=["cat"]))["stdout"] == ""


def test_a_read_that_says_too_much_fails_and_a_write_is_cut(call: Caller) -> None:
    argv = ["head", "-c", "3000000", "/dev/zero"]
    assert code(call("test.read", argv=argv)) == "MW506"
    said = out(call("test.write", argv=["sh", "-c", "yes | head -c 3000000"]))
    assert said["truncated"] is True
    assert said["exit_code"] == 0
    assert 0 < len(said["stdout"]) < 20_000


def test_the_shipped_commands_read_and_write_nothing_by_default(call: Caller) -> None:
    assert out(call("command.read", argv="uname -s"))["stdout"].strip() in {"Linux", "Darwin"}
    assert code(call("command.read", argv=["rm", "x"])) == "MW510"
    assert code(call("command.write", argv="uname -s")) == "MW510"
