"""`http.get` and `http.request`: where they may go, what they send, and what an answer becomes."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from midwatch.adapters.tools.context import NS_PER_S, Context, UncertainError, boot_ns
from midwatch.adapters.tools.errors import ManifestError
from midwatch.adapters.tools.exchange.errors import HttpAnswerError, HttpRefusedError, HttpUnreachableError
from midwatch.adapters.tools.exchange.http import get, request
from midwatch.adapters.tools.manifests import load_manifest, shipped_folder
from suites.petstore import petstore

ORIGIN = "https://petstore.swagger.io"


@pytest.fixture
def address() -> Iterator[str]:
    with petstore() as (found, _):
        yield found


def context(origins: dict[str, str], *, limit: int = 1 << 20) -> Context:
    return Context(
        tool="http.get",
        key="r/t/0/0/0",
        state=Path("/nowhere"),
        deadline_ns=boot_ns() + 10 * NS_PER_S,
        origins=tuple(origins.items()),
        output_bytes_max=limit,
    )


def test_a_get_returns_the_answer_whatever_its_status(address: str) -> None:
    said = get({"url": f"{ORIGIN}/v2/pet/2"}, context({ORIGIN: address}))

    assert said["status_code"] == 200
    assert said["content"]["id"] == 2
    assert said["request"]["uri"] == f"{ORIGIN}/v2/pet/2"
    assert said["request"]["method"] == "GET"
    assert get({"url": f"{ORIGIN}/v2/nothing"}, context({ORIGIN: address}))["status_code"] == 404


def test_query_and_header_are_sent_and_a_credential_is_not_said_again(address: str) -> None:
    query = get(
        {"url": f"{ORIGIN}/v2/pet/findByStatus", "query": {"status": "sold"}}, context({ORIGIN: address})
    )
    assert [pet["id"] for pet in query["content"]] == [3]

    headers = {"Authorization": "Basic YTpi"}
    secured = get({"url": f"{ORIGIN}/basic-auth/a/b", "headers": headers}, context({ORIGIN: address}))
    assert secured["status_code"] == 200
    assert "YTpi" not in str(secured)


@pytest.mark.parametrize(
    "args",
    [
        {"url": "https://elsewhere.example/"},
        {"url": "http://petstore.swagger.io/"},
        {"url": "https://petstore.swagger.io:8443/"},
        {"url": "https://user@petstore.swagger.io/"},
        {"url": "file:///etc/passwd"},
        {"url": "https://petstore.swagger.io/\r\nX: y"},
        {"url": f"{ORIGIN}/", "headers": {"Host": "elsewhere"}},
        {"url": f"{ORIGIN}/", "headers": {"X-A": "b\r\nX-C: d"}},
        {"url": f"{ORIGIN}/", "headers": {"X A": "b"}},
        {"url": f"{ORIGIN}/", "method": "POST"},
        {"url": "https://[not-an-address/"},
    ],
)
def test_what_is_not_allowed_is_not_sent(address: str, args: dict[str, Any]) -> None:
    with pytest.raises(HttpRefusedError):
        get(args, context({ORIGIN: address}))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1.nip.example"])
def test_a_name_that_leads_into_this_machine_is_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with pytest.raises(HttpRefusedError) as caught:
        get({"url": f"http://{host}/"}, context({f"http://{host}": ""}))

    assert "not public" in caught.value.sentence


def test_an_address_that_the_operator_wrote_down_may_be_private(address: str) -> None:
    assert get({"url": f"{address}/v2/pet/1"}, context({address: ""}))["status_code"] == 200


def test_a_server_that_is_not_there_was_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    for send in (get, request):
        with pytest.raises(HttpUnreachableError):
            send({"url": f"{ORIGIN}/", "method": "GET"}, context({ORIGIN: f"http://127.0.0.1:{port}"}))


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with answering(
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    ) as address:
        said = get({"url": f"{ORIGIN}/"}, context({ORIGIN: address}))

    assert said["status_code"] == 302
    assert said["headers"]["location"] == "http://169.254.169.254/"


def test_an_answer_that_breaks_off_is_known_of_a_reading_and_in_doubt_of_an_action() -> None:
    with (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of") as address,
        pytest.raises(HttpAnswerError),
    ):
        get({"url": f"{ORIGIN}/"}, context({ORIGIN: address}))
    with answering(b"") as address, pytest.raises(UncertainError):
        request({"url": f"{ORIGIN}/", "method": "POST", "body": {"a": 1}}, context({ORIGIN: address}))


def test_an_answer_that_is_too_big_is_refused() -> None:
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + b"x" * 90_000
    with answering(body) as address, pytest.raises(HttpAnswerError):
        get({"url": f"{ORIGIN}/"}, context({ORIGIN: address}, limit=50_000))


def test_a_status_that_is_to_fail_fails(address: str) -> None:
    with pytest.raises(HttpAnswerError) as caught:
        get({"url": f"{ORIGIN}/v2/nothing", "fail_on": [404]}, context({ORIGIN: address}))

    assert caught.value.retryable


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('runs = "http.get"', 'runs = "command"'),
        ('"https://a.example" = ""', '"https://a.example/path" = ""'),
        ('"https://a.example" = ""', '"a.example" = ""'),
        ('"https://a.example" = ""', '"https://a.example" = "ftp://b"'),
    ],
)
def test_a_manifest_says_where_only_of_tools_that_go_there(tmp_path: Path, old: str, new: str) -> None:
    shipped = (shipped_folder() / "http.get.toml").read_text().replace("http.get", "web.get", 1)
    text = shipped.replace("[labels]", '[origins]\n"https://a.example" = ""\n\n[labels]')
    path = tmp_path / "web.toml"
    path.write_text(text)
    assert load_manifest(path).origins == {"https://a.example": ""}

    path.write_text(text.replace(old, new))
    with pytest.raises(ManifestError):
        load_manifest(path)


class answering:  # noqa: N801 - reads as a sentence
    """A server that says these bytes to whoever connects, and closes."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def __enter__(self) -> str:
        import threading

        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(self._said)

    def __exit__(self, *_: object) -> None:
        self._thread.join(timeout=5)
        self._server.close()
