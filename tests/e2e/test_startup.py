"""What is only looked at imports no engine."""

import subprocess
import sys

import pytest

from e2e.machine import MIDWATCH, Machine

HEAVY = ("dbos", "sqlalchemy", "psycopg")
CODE = """
import sys
from midwatch.cli.wall import run
code = run(sys.argv[1:])
print(code, *({heavy!r} and [name for name in {heavy!r} if name in sys.modules]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "args",
    [
        ("--help",),
        ("--version",),
        ("lint", "x.md"),
        ("explain", "MW612"),
        ("status",),
        ("runs",),
        ("show",),
        ("why",),
    ],
)
def test_it_does_not_import_the_engine(machine: Machine, args: tuple[str, ...]) -> None:
    machine.home.mkdir()
    (machine.home / "x.md").write_text("# Anything\n")
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(heavy=HEAVY), *args],
        env=machine.environ,
        cwd=machine.home,
        capture_output=True,
        text=True,
        check=True,
    )
    last = done.stderr.splitlines()[-1].split()
    assert last[1:] == []


def test_help_imports_no_subcommand_and_no_adapter(machine: Machine) -> None:
    machine.home.mkdir()
    listed = (
        "import sys; from midwatch.cli.wall import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", listed],
        env=machine.environ,
        cwd=machine.home,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = done.stderr.split()
    assert [
        name
        for name in modules
        if name.startswith(("midwatch.adapters", "midwatch.cli.commands", "midwatch.wiring"))
    ] == []


def test_python_dash_m_is_the_same_command(machine: Machine) -> None:
    assert machine.ok("--version").out.startswith("midwatch ")
    assert MIDWATCH[1:] == ("-m", "midwatch")
