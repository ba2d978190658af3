"""The wire: deadlines that hold against a trickle, one connection, no redirect, no cookie, own CAs."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from certificates import Authority
from rest_at_hand import RestShop, fails_with
from shop_and_crm import Shop

from bitrix_pipeline.bitrix_rest import (
    AccessRefusedError,
    BitrixRest,
    BitrixShop,
    Deadlines,
    NotRestError,
    OrderState,
    RestOptions,
    UnavailableError,
    UnknownOutcome,
    UnreachableError,
    UnreadableAnswerError,
    Webhook,
)
from bitrix_pipeline.demo_rest import RestSimulator, reply, slow

Speak = Callable[[socket.socket], None]

# Seconds.
TRICKLE = 20.0

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def server_that(speaks: Speak) -> Iterator[str]:
    """A webhook's URL of a server that reads a request and then does as it pleases."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                try:
                    speaks(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/rest/1/abc/"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def trickling(connection: socket.socket, byte: bytes) -> None:
    for _ in range(int(TRICKLE / 0.05)):
        connection.sendall(byte)
        time.sleep(0.05)


def trickle(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
    trickling(connection, b" ")


def trickling_head(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    trickling(connection, b"x")


def flood(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")


def half(connection: socket.socket) -> None:
    connection.sendall(HEAD + b'Content-Length: 1000\r\n\r\n{"result"')


def nonsense(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def no_answer(_: socket.socket) -> None:
    time.sleep(1)


def client(url: str, **options: object) -> BitrixRest:
    return BitrixRest(Webhook.parse(url), replace(RestOptions(tries=1), **options))  # type: ignore[arg-type]


def test_a_trickle_ends_at_the_overall_deadline() -> None:
    began = time.monotonic()

    with server_that(trickle) as url, fails_with(UnavailableError, "longer than 0.6 s"):
        client(url, deadlines=Deadlines(overall=0.6)).call("profile")

    assert time.monotonic() - began < TRICKLE / 2


def test_a_head_that_trickles_ends_at_the_read_deadline() -> None:
    began = time.monotonic()

    with server_that(trickling_head) as url, fails_with(UnavailableError, "in time"):
        client(url, deadlines=Deadlines(read=0.3)).call("profile")

    assert time.monotonic() - began < TRICKLE / 2


def test_an_answer_without_end_is_cut_off() -> None:
    with server_that(flood) as url, fails_with(UnreadableAnswerError, "larger than 100000 bytes"):
        client(url, max_bytes=100_000).call("profile")


@pytest.mark.parametrize("speaks", [half, nonsense, no_answer])
def test_an_answer_that_is_none_leaves_a_write_unknown(speaks: Speak) -> None:
    with server_that(speaks) as url, fails_with(UnknownOutcome):
        client(url).call("sale.order.update")


def test_a_port_without_a_server_is_unreachable_and_nothing_is_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with fails_with(UnreachableError):
        client(f"http://127.0.0.1:{port}/rest/1/abc/").call("sale.order.update")


def test_a_host_without_a_name_is_unreachable() -> None:
    with fails_with(UnreachableError, "no-such-host.invalid"):
        client("https://no-such-host.invalid/rest/1/abc/").call("sale.order.update")


def test_a_server_that_accepts_no_connection_is_unreachable() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)  # noqa: FBT003
            one.connect_ex(("127.0.0.1", port))

        with fails_with(UnreachableError):
            hurried = client(
                f"http://127.0.0.1:{port}/rest/1/abc/", deadlines=Deadlines(connect=0.3)
            )
            hurried.call("sale.order.update")
        for one in waiting:
            one.close()


def test_a_late_answer_counts_as_none(rest_shop: RestShop) -> None:
    rest_shop.suffers(slow(1.0))

    with fails_with(UnavailableError, "did not answer in time"):
        rest_shop.client(tries=1, deadlines=Deadlines(read=0.2)).call("profile")


def test_redirects_are_not_followed(rest_shop: RestShop) -> None:
    rest_shop.suffers(reply(b"", status=307, Location=rest_shop.simulator.webhook_url + "profile"))

    with fails_with(NotRestError, "redirects"):
        rest_shop.client().call("profile")

    assert rest_shop.asked == ["profile"]


def test_cookies_are_not_kept(rest_shop: RestShop) -> None:
    rest_shop.suffers(reply({"result": 1}, Set_Cookie="PHPSESSID=stranger; Path=/"))
    rest = rest_shop.client()
    rest.call("profile")

    assert list(rest._transport._session.cookies) == []


def test_one_connection_serves_many_calls(
    rest_shop: RestShop, caplog: pytest.LogCaptureFixture
) -> None:
    rest = rest_shop.client()

    with caplog.at_level(logging.DEBUG, "urllib3"):
        rest.call("profile")
        rest.call("profile")

    opened = [record for record in caplog.records if "Starting new" in record.getMessage()]
    assert len(opened) == 1


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.made_in(tmp_path / "ours")


def test_a_shop_with_a_certificate_of_its_own_authority(shop: Shop, authority: Authority) -> None:
    certificate, key = authority.certificate_for("localhost")
    [order] = shop.ids("SELECT MAX(ID) FROM b_sale_order")

    with RestSimulator(shop.url, certificate=certificate, key=key) as simulator:
        rest = client(simulator.webhook_url, ca_bundle=str(authority.bundle))
        state = BitrixShop(rest).orders.get([order])[order]

    assert simulator.webhook_url.startswith("https://")
    assert isinstance(state, OrderState)


def test_a_certificate_of_a_stranger_is_refused(
    shop: Shop, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.certificate_for("localhost")
    stranger = Authority.made_in(tmp_path / "stranger")

    with RestSimulator(shop.url, certificate=certificate, key=key) as simulator:
        for bundle in ("", str(stranger.bundle)):
            with fails_with(AccessRefusedError, "BITRIX_REST_CA_BUNDLE"):
                client(simulator.webhook_url, ca_bundle=bundle).call("profile")
        assert simulator.bitrix.requests == []


def test_a_certificate_of_another_host_is_refused(shop: Shop, authority: Authority) -> None:
    certificate, key = authority.certificate_for("other.example")

    with (
        RestSimulator(shop.url, certificate=certificate, key=key) as simulator,
        fails_with(AccessRefusedError, "not trusted"),
    ):
        client(simulator.webhook_url, ca_bundle=str(authority.bundle)).call("profile")


def test_the_environment_changes_nothing(
    rest_shop: RestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    rest_shop.client(tries=1).call("profile")

    assert rest_shop.asked == ["profile"]
