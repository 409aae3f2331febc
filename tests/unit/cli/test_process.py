"""Who we are, and who is surely dead."""

import dataclasses
import os
import signal
import subprocess
import sys
import threading

from midwatch.adapters.crew import ThreadCrew
from midwatch.adapters.process import boot_id, is_surely_dead, os_user, own_row, process_start_ms


def _wait(on: threading.Barrier | threading.Event) -> None:
    on.wait(30)


def test_this_process_is_alive() -> None:
    assert not is_surely_dead(own_row("w"))


def test_a_reused_number_is_another_process() -> None:
    row = own_row("w")
    assert is_surely_dead(dataclasses.replace(row, started_ms=row.started_ms - 1000))


def test_whatever_ran_before_a_restart_of_the_host_is_dead() -> None:
    assert is_surely_dead(dataclasses.replace(own_row("w"), boot="another"))


def test_of_another_host_nothing_is_sure() -> None:
    elsewhere = dataclasses.replace(own_row("w"), host="elsewhere", boot="another", pid=1)
    assert not is_surely_dead(elsewhere)


def test_a_killed_process_is_dead_even_before_it_is_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        row = dataclasses.replace(
            own_row("w"), pid=process.pid, started_ms=process_start_ms(process.pid) or 0
        )
        assert not is_surely_dead(row)
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_surely_dead(row)
    assert is_surely_dead(row)


def test_the_environment_has_no_say_in_who_one_is(monkeypatch: object) -> None:
    code = "from midwatch.adapters.process import os_user; print(os_user())"
    environ = {**os.environ, "USER": "mallory", "LOGNAME": "mallory"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == os_user()


def test_a_boot_has_one_name() -> None:
    assert boot_id() == boot_id() != ""


def test_a_crew_runs_everything_that_was_begun_before_it_closes() -> None:
    crew = ThreadCrew(threads_max=3)
    done: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        with lock:
            done.append(number)

    for number in range(100):
        crew.start(lambda number=number: work(number))  # type: ignore[misc]
    crew.close()
    assert sorted(done) == list(range(100))


def test_a_crew_works_on_several_things_at_once() -> None:
    crew = ThreadCrew(threads_max=4)
    met = threading.Barrier(4, timeout=30)
    for _ in range(4):
        crew.start(lambda: _wait(met))
    crew.close()
    assert not met.broken


def test_a_crew_waits_no_longer_than_it_was_told() -> None:
    crew, go = ThreadCrew(), threading.Event()
    crew.start(lambda: _wait(go))
    crew.close(within_s=0.01)
    go.set()
