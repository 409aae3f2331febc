from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from midwatch.adapters.tools.registry import HostTools
from midwatch.base.ids import EffectKey, ToolName
from midwatch.base.units import DurationMs
from midwatch.ports.tools import ToolCall, ToolOutcome

COMMAND = """
tool = "{tool}"
summary = "A command of the test suite."
major = 1
effect = "{effect}"
retry = "unsafe"
runs = "command"
programs = {programs}
output_bytes_max = 20_000

[arguments]
type = "object"
additionalProperties = false
properties = {{ argv = {{}}, environment = {{ type = "object" }} }}
"""


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[HostTools]:
    folder = tmp_path / "tools"
    folder.mkdir()
    programs = '["sh", "sleep", "env", "head", "cat", "setsid", "false", "no-such-program"]'
    for effect in ("read", "write"):
        text = COMMAND.format(tool=f"test.{effect}", effect=effect, programs=programs)
        (folder / f"{effect}.toml").write_text(text)
    host = HostTools(state=tmp_path / "state", folders=[folder])
    yield host
    host.close()


@pytest.fixture
def call(tools: HostTools) -> Callable[..., ToolOutcome]:
    def call(tool: str, *, key: str = "r/t/0/0/0", timeout_ms: int = 20_000, **args: Any) -> ToolOutcome:
        return tools.call(
            ToolCall(tool=ToolName(tool), args=args, key=EffectKey(key), timeout_ms=DurationMs(timeout_ms))
        )

    return call
