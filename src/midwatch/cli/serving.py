"""The server: a worker that lives until it is told to stop, and says on loopback how it is."""

import signal
import threading
from typing import TYPE_CHECKING, Any

from midwatch.base.errors import MidwatchError
from midwatch.base.units import MINUTE_MS
from midwatch.cli.errors import EXIT_OK
from midwatch.cli.face import Face
from midwatch.cli.told import show_error

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened

LOOK_EVERY_S = 0.5
STOP_WITHIN_S = 30.0


def serve(face: Face, port: int) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code."""
    from midwatch.wiring.health import ADDRESS, PATH, Health
    from midwatch.wiring.opening import SERVER, open_house

    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    config = face.config
    standing = _Standing()
    health = Health(port, file=str(config.file or "midwatch.toml"), report=standing.report)
    try:
        opened = open_house(config, need_engine=True, role=SERVER)
        standing.opened = opened
        assert opened.worker is not None, "a server drives"
        opened.worker.start()
        face.screen.line(f"Watching. Health: http://{ADDRESS}:{port}{PATH}  State: {config.state}")
        while not over.wait(LOOK_EVERY_S):
            standing.look(face)
        face.screen.line("Stopping: what is under way comes to a commit first.")
        opened.interrupt(within_s=STOP_WITHIN_S)
    finally:
        health.close()
    return EXIT_OK


class _Standing:
    """How the server is, as its health endpoint says it."""

    def __init__(self) -> None:
        self.opened: Opened | None = None
        self._last = ""

    def look(self, face: Face) -> None:
        """Say what broke in the worker; the run it broke in is tried again."""
        assert self.opened is not None, "looked at once open"
        assert self.opened.worker is not None, "a server drives"
        trouble = self.opened.worker.trouble()
        if trouble is None:
            return
        self._last = trouble.code if isinstance(trouble, MidwatchError) else type(trouble).__name__
        if isinstance(trouble, MidwatchError):
            show_error(face.screen, trouble)
        else:
            face.screen.line(f"A drive broke with {self._last}; it is tried again.")

    def report(self) -> dict[str, Any]:
        """Return what GET /healthz says."""
        if self.opened is None:
            return {"ok": False, "status": "opening"}
        house = self.opened.house
        lag_ms = house.seal_lag_ms()
        return {
            "ok": lag_ms < MINUTE_MS,
            "status": "watching",
            "worker": house.worker,
            "sealed": house.store.sealed_size(),
            "seal_lag_ms": lag_ms,
            "last_trouble": self._last,
        }
