"""What the command line refuses: one error with its code and what to do, and nothing else."""

import signal
import subprocess

import pytest

from e2e.machine import Machine, said

TRIES_MAX = 10


@pytest.mark.parametrize(
    ("command", "code", "exit_code"),
    [
        (("frobnicate",), "MW941", 2),
        (("start", "--no-such-option"), "MW941", 2),
        (("start", "no-such-runbook"), "MW944", 1),
        (("explain", "MW000"), "MW945", 1),
        (("lint", "no-such-file.md"), "MW946", 1),
        (("show", "r-nothing"), "MW943", 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_error_with_its_code_and_what_to_do(
    machine: Machine, command: tuple[str, ...], code: str, exit_code: int
) -> None:
    done = machine.run(*command)
    assert (done.code, code in done.err) == (exit_code, True), done.err
    assert "Fix: " in done.err
    assert "Traceback" not in done.err


def test_the_beginning_of_an_id_that_fits_several_is_told(machine: Machine) -> None:
    for _ in range(2):
        machine.ok("start", "--practice", "--new")
    done = machine.run("show", "r-")
    assert done.code == 1
    assert "MW942" in done.err


def test_who_comes_second_is_told_who_stands_the_watch(machine: Machine) -> None:
    first = _stopped_while_it_drives(machine)
    second = machine.begin("start", "--practice")
    assert second.stdout is not None
    told = next((line for line in second.stdout if "MW615" in line), "")
    first.send_signal(signal.SIGCONT)
    assert f"process {first.pid} stands this watch" in told
    assert [said(first).code, said(second).code] == [0, 0]


def _stopped_while_it_drives(machine: Machine) -> "subprocess.Popen[str]":
    for _ in range(TRIES_MAX):
        process = machine.begin("start", "--practice", "--new")
        while process.poll() is None and not machine.database_has_an_owner():
            pass
        process.send_signal(signal.SIGSTOP)
        if process.poll() is None and machine.database_has_an_owner() and machine.database_is_free():
            return process
        process.send_signal(signal.SIGCONT)
        said(process)
    pytest.fail(f"never caught the watch while it drives, in {TRIES_MAX} tries")
