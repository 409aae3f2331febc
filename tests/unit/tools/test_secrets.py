"""Secrets are handles everywhere but in the child, and for no longer than the call."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from midwatch.adapters.tools.registry import HostTools
from midwatch.adapters.tools.secrets import SecretSource, resolved, scrubbed, wants_secrets
from midwatch.base.ids import EffectKey, ToolName
from midwatch.base.units import DurationMs
from midwatch.ports.tools import ToolCall, ToolDone, ToolFailed, ToolOutcome

SECRET = "hunter2-correct-horse"
MANIFEST = """
tool = "test.{name}"
summary = "Tells something about the secret that it gets."
major = 1
effect = "{effect}"
retry = "unsafe"
runs = "command"
programs = ["sh"]

[arguments]
type = "object"
additionalProperties = false

[arguments.properties.argv]

[arguments.properties.environment]
type = "object"
additionalProperties = {{ type = "string", format = "secret" }}
"""
COUNT = ["sh", "-c", 'printf %s "$TOKEN" | wc -c']
ECHO = ["sh", "-c", 'echo "it is $TOKEN"; echo "$TOKEN" >&2']


@pytest.fixture(params=["file", "environment"])
def tools(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HostTools]:
    folder = tmp_path / "tools"
    folder.mkdir()
    for effect in ("read", "write"):
        (folder / f"{effect}.toml").write_text(MANIFEST.format(name=effect, effect=effect))
    file = tmp_path / "secrets.toml"
    file.write_text(f'DB = "{SECRET}"')
    file.chmod(0o600)
    monkeypatch.setenv("DB", SECRET)
    by_file = request.param == "file"
    source = SecretSource(file=file if by_file else None, environment=() if by_file else ("DB", "NONE"))
    host = HostTools(state=tmp_path / "state", folders=[folder], secrets=source)
    yield host
    host.close()


def called(tools: HostTools, argv: list[str], *, tool: str = "read", token: str = "secret:DB") -> ToolOutcome:
    args = {"argv": argv, "environment": {"TOKEN": token}}
    name, key = ToolName(f"test.{tool}"), EffectKey("r/t/0/0/0")
    return tools.call(ToolCall(tool=name, args=args, key=key, timeout_ms=DurationMs(20_000)))


@pytest.mark.parametrize("tool", ["read", "write"])
def test_the_tool_gets_the_value_and_the_handle_comes_back(tools: HostTools, tool: str) -> None:
    counted = called(tools, COUNT, tool=tool)
    assert isinstance(counted, ToolDone)
    assert counted.out["stdout"].strip() == str(len(SECRET))
    said = called(tools, ECHO, tool=tool)
    assert isinstance(said, ToolDone)
    assert (said.out["stdout"], said.out["stderr"]) == ("it is secret:DB\n", "secret:DB\n")


@pytest.mark.parametrize("token", ["secret:OTHER", "plain", "secret:", "secret:A B"])
def test_what_is_no_known_handle_is_not_sent(tools: HostTools, token: str) -> None:
    outcome = called(tools, COUNT, token=token)
    assert isinstance(outcome, ToolFailed)
    assert outcome.code == "MW640"
    assert SECRET not in outcome.why


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    schema = {"properties": {"token": {"format": "secret"}}}
    file = tmp_path / "secrets.toml"
    file.write_text(f'DB = "{SECRET}"')
    for mode in (0o644, 0o640, 0o604):
        file.chmod(mode)
        with pytest.raises(Exception, match="others may read") as caught:
            resolved(schema, {"token": "secret:DB"}, file=str(file), tool="test")
        assert getattr(caught.value, "code", "") == "MW641"
    file.chmod(stat.S_IRUSR)
    assert resolved(schema, {"token": "secret:DB"}, file=str(file), tool="test")[0] == {"token": SECRET}
    file.chmod(0o600)
    file.write_text("DB = ")
    with pytest.raises(Exception, match="not TOML"):
        resolved(schema, {"token": "secret:DB"}, file=str(file), tool="test")
    with pytest.raises(Exception, match="can't be read"):
        resolved(schema, {"token": "secret:DB"}, file=str(tmp_path / "none"), tool="test")


def test_only_what_the_manifest_calls_a_secret_is_resolved() -> None:
    schema: dict[str, Any] = {
        "properties": {
            "text": {"type": "string"},
            "list": {"items": {"properties": {"key": {"format": "secret"}}}},
        }
    }
    assert wants_secrets(schema)
    assert not wants_secrets({"properties": {"text": {"type": "string"}}})
    args = {"text": "secret:DB", "list": [], "more": "secret:DB", "count": 3}
    assert resolved(schema, args, file="", tool="test") == (args, {})


def test_the_longest_secret_is_taken_out_first_and_names_too() -> None:
    used = {"abc": "secret:A", "abcdef": "secret:B"}
    assert scrubbed({"abc": ["x abcdef", 7, None], "k": ("abc",)}, used) == {
        "secret:A": ["x secret:B", 7, None],
        "k": ["secret:A"],
    }
