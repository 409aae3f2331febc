"""One HTTP request, to origins that an operator declared, and nowhere else.

Rule 1: the manifest's `[origins]` is the allow-list. Each origin (`https://host`, or with a port) names where
it is reached: empty for itself, or another base address, such as a proxy or a stub.
Rule 2: an origin that is reached as itself must have public addresses only, unless the manifest names its
address: no name can be made to lead into this machine or its network. The address that was looked at is the
one that is connected to.
Rule 3: redirects are never followed: 3xx is an answer like any other.
Rule 4: `get` sends GET and HEAD without a body. It is a reading because the operator vouches for the origin.
Rule 5: what acts and breaks off after it began to send is in doubt, never failed.
"""

import http.client
import ipaddress
import json
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from midwatch.adapters.tools.context import Context, UncertainError
from midwatch.adapters.tools.exchange.errors import (
    HttpAnswerError,
    HttpRefusedError,
    HttpUnreachableError,
)

READING = frozenset({"GET", "HEAD"})
METHODS = READING | {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
URL_CHARACTERS_MAX = 8_000
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OWN = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
_BLANK = re.compile(r"[\x00-\x20\x7f]")
_PORTS = {"http": 80, "https": 443}
_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})


def get(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Ask, without changing anything, and return the answer, whatever its status.

    Raises:
        HttpRefusedError: MW534; HttpUnreachableError: MW535.
        HttpAnswerError: MW536, the answer broke off, is too big, or its status is in `fail_on`.
    """
    method = args.get("method", "GET").upper()
    if method not in READING:
        raise HttpRefusedError(f"{method} is no reading", tool=context.tool)
    return _exchange(method, args, context)


def request(args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Send a request that may act, and return the answer, whatever its status.

    Raises:
        HttpRefusedError: MW534; HttpUnreachableError: MW535.
        UncertainError: it may have been received.
    """
    method = args["method"].upper()
    if method not in METHODS:
        raise HttpRefusedError(f"the method {method} is not allowed", tool=context.tool)
    return _exchange(method, args, context)


def _exchange(method: str, args: Mapping[str, Any], context: Context) -> dict[str, Any]:
    origin, target = _address(args["url"], args.get("query", {}))
    headers, body = _headers(args.get("headers", {})), _body(args)
    if body is not None and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = "application/json"
    if method in READING and body is not None:
        raise HttpRefusedError(f"{method} has no body", origin=origin)
    connection, prefix = _connection(origin, context)
    context.before_acting()
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise HttpUnreachableError(f"{origin} can't be reached: {error}", origin=origin) from error
    try:
        connection.request(method, prefix + target, body=body, headers=headers)
        answer = connection.getresponse()
        data = _read(answer, context.output_bytes_max + 1)
        said = [(name.lower(), value) for name, value in answer.getheaders()]
        status = answer.status
    except (OSError, http.client.HTTPException, ValueError) as error:
        sentence = f"{origin} broke off: {type(error).__name__}: {error}"
        if method in READING:
            raise HttpAnswerError(sentence, origin=origin) from error
        raise UncertainError(sentence) from error
    finally:
        connection.close()
    return _answer(method, args, context, (origin + target, headers), (status, said, data))


def _read(answer: http.client.HTTPResponse, limit: int) -> bytes:
    """Return the body, or its beginning where it is longer than the limit.

    Raises:
        IncompleteRead: it ends before its declared length; with a limit, the library doesn't say so.
    """
    declared = answer.length
    data = answer.read(limit)
    if declared is not None and len(data) < min(declared, limit):
        raise http.client.IncompleteRead(data, declared - len(data))
    return data


def _answer(
    method: str,
    args: Mapping[str, Any],
    context: Context,
    asked: tuple[str, dict[str, str]],
    got: tuple[int, list[tuple[str, str]], bytes],
) -> dict[str, Any]:
    url, headers = asked
    status, said, data = got
    if len(data) > context.output_bytes_max // 2:
        sentence = f"{url} answered with more than {context.output_bytes_max // 2} bytes"
        if method in READING:
            raise HttpAnswerError(sentence, origin=url)
        raise UncertainError(f"it was received, but {sentence}")
    if status in args.get("fail_on", ()):
        raise HttpAnswerError(f"{url} answered {status}", origin=url)
    kind = next((value for name, value in said if name == "content-type"), "")
    return {
        "status_code": status,
        "headers": dict(said),
        "content": _content(data, kind),
        "request": {
            "method": method,
            "uri": url,
            "headers": {name: "…" if name.lower() in _SECRET else value for name, value in headers.items()},
        },
    }


def _content(data: bytes, kind: str) -> Any:
    """Return the body: parsed where it says that it is JSON, else as text."""
    text = data.decode(errors="replace")
    media = kind.partition(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        try:
            return json.loads(text, parse_constant=_no_constant)
        except ValueError:
            return text
    return text


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _address(url: str, query: Mapping[str, Any]) -> tuple[str, str]:
    """Return the origin, and path and query as they are sent."""
    if len(url) > URL_CHARACTERS_MAX or _BLANK.search(url):
        raise HttpRefusedError("the address is too long or holds blanks", origin=url[:100])
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise HttpRefusedError(f"the address can't be read: {error}", origin=url[:100]) from error
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise HttpRefusedError(f"{url[:100]} is no plain http or https address", origin=url[:100])
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.lower()
    default = port is None or port == _PORTS[parts.scheme]
    origin = f"{parts.scheme}://{host}" if default else f"{parts.scheme}://{host}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    pairs = [(name, value) for name, value in query.items() if value is not None]
    words = [part for part in (quote(parts.query, safe="%=&/:@!$'()*+,;?~-._"), _encoded(pairs)) if part]
    return origin, path + ("?" + "&".join(words) if words else "")


def _encoded(pairs: list[tuple[str, Any]]) -> str:
    return urlencode([(name, _word(value)) for name, value in pairs])


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _headers(given: Mapping[str, Any]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in given.items():
        text = _word(value)
        if not _HEADER.fullmatch(name) or name.lower() in _OWN:
            raise HttpRefusedError(f"the header {name[:40]!r} can't be set", origin="")
        if any(mark in text for mark in "\r\n\0"):
            raise HttpRefusedError(f"the header {name} holds more than one line", origin="")
        headers[name] = text
    headers.setdefault("Accept", "application/json, */*;q=0.5")
    return headers


def _body(args: Mapping[str, Any]) -> bytes | None:
    body = args.get("body")
    if body is None:
        return None
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()


# ------------------------------------------------------------------------------------------ connecting


def _connection(origin: str, context: Context) -> tuple[http.client.HTTPConnection, str]:
    """Return the connection to an origin, not yet open, and the path that its base address adds."""
    origins = dict(context.origins)
    if origin not in origins:
        known = ", ".join(origins) or "none"
        raise HttpRefusedError(f"{origin} is not among the allowed origins: {known}", origin=origin)
    base = origins[origin] or origin
    parts = urlsplit(base)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    address = _resolved(host, port, is_named=bool(origins[origin]) or _is_address(host), origin=origin)
    left_s = max(0.001, context.left_s)
    prefix = parts.path.rstrip("/")
    if parts.scheme == "https":
        return _Secure(host, port, address, left_s), prefix
    return _Plain(host, port, address, left_s), prefix


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _resolved(host: str, port: int, *, is_named: bool, origin: str) -> str:
    """Return one address of a host; a private one only where the operator named it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise HttpUnreachableError(f"{origin} has no address: {error}", origin=origin) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not is_named:
        inside = [one for one in addresses if not ipaddress.ip_address(one.partition("%")[0]).is_global]
        if inside:
            raise HttpRefusedError(f"{origin} leads to {inside[0]}, which is not public", origin=origin)
    return addresses[0]


class _Plain(http.client.HTTPConnection):
    """A connection to the address that was looked at."""

    def __init__(self, host: str, port: int, address: str, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._address = address

    def connect(self) -> None:
        """Connect, without asking for the name again."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _Secure(_Plain):
    """The same with TLS, its certificate checked for the name."""

    def connect(self) -> None:
        """Connect, and check the certificate."""
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)
