"""The health endpoint of `midwatch server`: GET /healthz on this machine, and nothing else."""

import errno
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from midwatch.base.errors import MidwatchError

ADDRESS = "127.0.0.1"
PATH = "/healthz"


class PortTakenError(MidwatchError):
    """Something else listens on the server's port."""

    code = "MW905"
    fix = "See who it is with `ss -lntp 'sport = :{port}'`, or set another `port` under [server] in {file}."


class Health:
    """Answers on loopback while it is open."""

    def __init__(self, port: int, *, file: str, report: Callable[[], Mapping[str, Any]]) -> None:
        """Listen from now on.

        Args:
            port: on 127.0.0.1.
            file: the configuration that names it, for the error.
            report: what the answer says; `ok: false` in it is answered with 503.

        Raises:
            PortTakenError: MW905.
        """
        try:
            self._server = ThreadingHTTPServer((ADDRESS, port), _handler(report))
        except OSError as error:
            why = "is taken" if error.errno == errno.EADDRINUSE else f"can't be used: {error.strerror}"
            raise PortTakenError(f"port {port} {why}", port=port, file=file) from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="midwatch-health", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def port_is_free(port: int) -> bool:
    """Return whether the server could listen there now."""
    try:
        Health(port, file="", report=dict).close()
    except PortTakenError:
        return False
    return True


def _handler(report: Callable[[], Mapping[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "midwatch"
        sys_version = ""

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != PATH:
                self.send_error(404)
                return
            said = dict(report())
            body = json.dumps(said).encode() + b"\n"
            self.send_response(200 if said.get("ok", True) else 503)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
            """Keep quiet: a health check says nothing worth a line."""

    return Handler
