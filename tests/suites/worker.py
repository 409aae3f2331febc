"""A process of Midwatch that runs one imported runbook in a folder, and may be killed after any write.

    python -m suites.worker          jobs from stdin, one a line; see `suites.hands`

It imports everything once and forks for each job, as `crash.worker` does, from which it has its moments.
"""

import faulthandler
import json
import os
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import midwatch.adapters.engine.serving  # noqa: F401 - imported once, before anything forks
from crash.worker import ASKED_BY, Job, Moments, config, watch_house
from midwatch.app.drive.session import load_state
from midwatch.app.start import StartRequest, start_run
from midwatch.plan.review import lint_text
from midwatch.ports.store import DuplicateRunError, RunFilter
from midwatch.wiring.opening import open_house

RUNBOOK = "runbook.md"
DEADLINE_S = 40.0
LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker does."""

    folder: str
    """With `runbook.md` and `tools/`."""
    inputs: dict[str, Any] = field(default_factory=dict)
    at: int = 0
    """The number of the commit after which it is killed; 0 for never."""
    only: str = "^after append run/"
    """A regular expression: only moments with such names count."""


def work(order: Order) -> None:
    """Start the runbook unless that was done, and see it to its end."""
    folder = Path(order.folder)
    job = Job(folder=order.folder, at=order.at, only=order.only)
    moments = Moments(job)
    opened = open_house(config(folder), need_engine=True)
    house, changed = opened.house, threading.Event()
    opened.listeners.append(lambda _: changed.set())
    report = lint_text((folder / RUNBOOK).read_bytes(), name=RUNBOOK, manifests=dict(house.tools.manifests))
    if report.plan is None:
        raise AssertionError("\n".join(f"{one.place} {one.code} {one.sentence}" for one in report.errors))
    watch_house(house, moments, job)
    assert opened.worker is not None, "the house was opened with its engine"
    opened.worker.start()
    if not house.store.run_rows(RunFilter()):
        with suppress(DuplicateRunError):
            start_run(
                house, StartRequest(plan=report.plan, inputs=order.inputs, initiator=ASKED_BY, key="one")
            )
    (row,) = house.store.run_rows(RunFilter())
    until_s = time.monotonic() + DEADLINE_S
    while not (load_state(house, row.run)[0].outcome and house.store.owner(row.run) is None):
        changed.wait(LOOK_EVERY_S)
        changed.clear()
        if time.monotonic() > until_s:
            raise TimeoutError("the run does not end")
    opened.worker.seal()
    (folder / "count.txt").write_text(str(moments.count))


def _alone(order: Order) -> int:
    log = Path(order.folder) / f"log-{os.getpid()}.txt"
    with log.open("w") as file:
        os.dup2(file.fileno(), 2)
        faulthandler.dump_traceback_later(DEADLINE_S + 10, exit=True)
        try:
            work(order)
        except BaseException:  # noqa: BLE001 - the wall of a forked process: nothing of its parent may run on
            traceback.print_exc()
            sys.stderr.flush()
            return 1
    return 0


def told(order: Order) -> str:
    """Return the order as a line."""
    return json.dumps(asdict(order))


def serve() -> None:
    """Fork a worker for each line of stdin."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_alone(Order(**json.loads(line))))
        print(json.dumps({"pid": pid}), flush=True)  # noqa: T201 - the protocol
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": status}), flush=True)  # noqa: T201 - the protocol


if __name__ == "__main__":
    serve()
