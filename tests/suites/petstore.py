"""The operations of petstore.swagger.io and httpbin.org that the conformance kit calls, on this machine."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PETS = [
    {"id": 1, "name": "Rex", "status": "available", "photoUrls": [], "tags": []},
    {"id": 2, "name": "Milo", "status": "available", "photoUrls": [], "tags": []},
    {"id": 3, "name": "Bella", "status": "sold", "photoUrls": [], "tags": []},
]
DESCRIPTION = {
    "swagger": "2.0",
    "host": "petstore.swagger.io",
    "basePath": "/v2",
    "schemes": ["https", "http"],
    "paths": {
        "/pet/findByStatus": {
            "get": {
                "operationId": "findPetsByStatus",
                "parameters": [{"name": "status", "in": "query", "type": "array"}],
            }
        },
        "/pet/{petId}": {
            "get": {
                "operationId": "getPetById",
                "parameters": [{"name": "petId", "in": "path", "type": "integer"}],
            },
            "delete": {
                "operationId": "deletePet",
                "parameters": [{"name": "petId", "in": "path", "type": "integer"}],
            },
        },
    },
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[str]

    def do_GET(self) -> None:
        status, value = self._answer()
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self) -> tuple[int, Any]:
        parts = urlsplit(self.path)
        words = [unquote(word) for word in parts.path.strip("/").split("/")]
        self.asked.append(self.path)
        match words:
            case ["basic-auth", user, password]:
                wanted = base64.b64encode(f"{user}:{password}".encode()).decode()
                if self.headers.get("Authorization") != f"Basic {wanted}":
                    return 401, {"authenticated": False}
                return 200, {"authenticated": True, "user": user}
            case ["v2", "swagger.json"]:
                return 200, DESCRIPTION
            case ["v2", "pet", "findByStatus"]:
                wanted_status = parse_qs(parts.query).get("status", [""])
                return 200, [pet for pet in PETS if pet["status"] in wanted_status]
            case ["v2", "pet", number] if number.isdecimal():
                found = [pet for pet in PETS if pet["id"] == int(number)]
                return (200, found[0]) if found else (404, {"message": "Pet not found"})
            case _:
                return 404, {"message": "there is nothing here"}

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def petstore() -> Iterator[tuple[str, list[str]]]:
    """Serve on a free port; give the address, and the list of what was asked for."""
    asked: list[str] = []
    handler = type("Asked", (Handler,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()
