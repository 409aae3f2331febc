"""Runbooks as tests of pytest, for those who ask for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.scenarios import EXAMPLES

pytest_plugins = ["pytester"]

PLUGIN = "midwatch.cli.commands.testing.collected"
LAG = (EXAMPLES / "replica-lag.runbook.md").read_text()
QUIET = ("-p", "no:randomly", "-p", "no:cacheprovider")


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a suite of somebody else with one test, a runbook and the settings of the examples."""
    pytester.makepyfile(test_own="def test_own(): pass")
    pytester.path.joinpath("replica-lag.runbook.md").write_text(LAG)
    return pytester


def ini(suite: pytest.Pytester, *lines: str) -> None:
    suite.makeini("\n".join(["[pytest]", f"midwatch_config = {EXAMPLES / 'midwatch.toml'}", *lines]))


def played(suite: pytest.Pytester, *args: str) -> pytest.RunResult:
    return suite.runpytest_inprocess(*QUIET, *_named(suite), *args)


def _named(suite: pytest.Pytester) -> tuple[str, ...]:
    """Name the plugin where the installed package does not declare it yet."""
    del suite
    from importlib.metadata import entry_points

    known = {point.value for point in entry_points(group="pytest11")}
    return () if PLUGIN in known else ("-p", PLUGIN)


def test_without_being_asked_it_collects_nothing(suite: pytest.Pytester) -> None:
    ini(suite)
    played(suite).assert_outcomes(passed=1)


@pytest.mark.parametrize(("line", "args"), [("midwatch = true", ()), ("", ("--midwatch",))])
def test_each_scenario_is_a_test(suite: pytest.Pytester, line: str, args: tuple[str, ...]) -> None:
    ini(suite, line)
    played(suite, *args).assert_outcomes(passed=9)


def test_k_takes_the_name_of_a_scenario(suite: pytest.Pytester) -> None:
    ini(suite, "midwatch = true")
    played(suite, "-k", "keeps").assert_outcomes(passed=1, deselected=8)


def test_a_failure_says_where_what_and_how_it_went(suite: pytest.Pytester) -> None:
    ini(suite, "midwatch = true")
    text = LAG.replace("ends: no_action, notified: 1", "ends: no_action, notified: 2")
    suite.path.joinpath("replica-lag.runbook.md").write_text(text)
    result = played(suite)
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines(
        ["*MW650 it keeps up: `notified` was to be 2, and is 1", "*started A replica falls behind*"]
    )


def test_a_runbook_with_errors_is_one_test_that_fails(suite: pytest.Pytester) -> None:
    ini(suite, "midwatch = true")
    suite.path.joinpath("replica-lag.runbook.md").write_text(LAG.replace("needs: [pause]", "needs: [pauze]"))
    result = played(suite)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*pauze*"])


def test_importing_it_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = "{'pydantic', 'cedarpy', 'cel_expr_python', 'sqlalchemy', 'dbos', 'click', 'ruamel'}"
    code = f"import sys, {PLUGIN}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"
