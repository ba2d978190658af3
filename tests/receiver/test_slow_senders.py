"""Senders that are slow, stop halfway or go away cost the receiver little and are never believed."""

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from receiving import (
    JSON,
    ORDER,
    SECRET,
    Here,
    Inbox,
    answer_on,
    ask,
    connected,
    new_id,
    post,
    receiver_here,
    signed,
    wait_for,
)

from bitrix_pipeline.inbox.store import InboxStore
from bitrix_pipeline.receiver.app import Receiver
from bitrix_pipeline.receiver.body import Memory
from bitrix_pipeline.receiver.protocol import BoundedProtocol
from bitrix_pipeline.receiver.server import KEEP_ALIVE_SECONDS
from bitrix_pipeline.receiver.signature import secrets_of

REQUEST_SECONDS = 0.8
ROOM = 300_000


@pytest.fixture(scope="module")
def shared_here(shared_inbox: Inbox) -> Iterator[Here]:
    def make() -> Receiver:
        return Receiver(
            store=InboxStore(shared_inbox.receiver_url),
            secrets=secrets_of(SECRET),
            most_bytes=200_000,
            memory=Memory(ROOM),
        )

    with receiver_here(make, request_seconds=REQUEST_SECONDS) as running:
        wait_for(lambda: running.receiver.is_ready)
        yield running


@pytest.fixture
def here(shared_here: Here, inbox: Inbox) -> Here:  # noqa: ARG001 - empties it
    return shared_here


def request_for(body: bytes) -> bytes:
    return post("/webhooks/bitrix", {**JSON, **signed(new_id(), body)}, body)


@pytest.mark.parametrize("sent", [0, 20, 200, -1], ids=["nothing", "a line", "headers", "body"])
def test_a_request_that_does_not_end_is_hung_up_on(here: Here, inbox: Inbox, sent: int) -> None:
    began = time.monotonic()
    with connected(here.addresses.webhooks) as connection:
        connection.sendall(request_for(ORDER)[:sent])
        answer = answer_on(connection)

    assert answer.status == 0
    assert time.monotonic() - began < REQUEST_SECONDS + 1
    assert inbox.ids() == []


@pytest.mark.parametrize("after", [b"\r\n", b"\r\n\r\n", b"\n", b"P"], ids=repr)
def test_what_follows_a_finished_request_and_is_none_buys_no_time(
    here: Here, inbox: Inbox, after: bytes
) -> None:
    kept_open = request_for(ORDER).replace(b"connection: close", b"connection: keep-alive")
    with connected(here.addresses.webhooks) as connection:
        connection.sendall(kept_open)
        first = answer_on(connection).status
        connection.sendall(after)
        # Less than the time for which an idle connection is kept.
        connection.settimeout(KEEP_ALIVE_SECONDS / 2)
        second = answer_on(connection).status

    assert (first, second) == (202, 0)
    assert len(inbox.ids()) == 1


def test_a_trickle_does_not_buy_time(here: Here, inbox: Inbox) -> None:
    began = time.monotonic()
    with connected(here.addresses.webhooks) as connection, suppress(OSError):
        for byte in request_for(ORDER):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    assert time.monotonic() - began < REQUEST_SECONDS + 1
    assert inbox.ids() == []


def test_a_cut_request_leaves_nothing(here: Here, inbox: Inbox) -> None:
    for cut in (30, 150, -5):
        with connected(here.addresses.webhooks) as connection:
            connection.sendall(request_for(ORDER)[:cut])

    assert ask(here.addresses.webhooks, request_for(ORDER)).status == 202
    assert len(inbox.ids()) == 1
    wait_for(lambda: here.receiver.memory.used == 0)


def test_a_request_without_end_is_hung_up_on(here: Here, inbox: Inbox) -> None:
    head = {**JSON, **signed(new_id(), ORDER), "transfer-encoding": "chunked"}
    endless = post("/webhooks/bitrix", head, b"").replace(b"content-length: 0\r\n", b"")
    for beginning in (endless + b"0\r\nx: ", b"POST /webhooks/bitrix HTTP/1.1\r\nx: "):
        with connected(here.addresses.webhooks) as connection, pytest.raises(ConnectionError):
            connection.sendall(beginning + b"x" * 50_000_000)

    assert inbox.ids() == []


def test_others_are_served_while_some_are_slow(here: Here) -> None:
    slow = [connected(here.addresses.webhooks) for _ in range(50)]
    for connection in slow:
        connection.sendall(request_for(ORDER)[:-1])

    answer = ask(here.addresses.webhooks, request_for(ORDER))

    assert answer.status == 202
    for connection in slow:
        connection.close()


def test_more_connections_than_there_may_be_are_told_to_try_again(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedProtocol, "most_connections", 3)
    others = [connected(here.addresses.webhooks) for _ in range(3)]

    with connected(here.addresses.webhooks) as connection:
        refused = answer_on(connection)
    for other in others:
        other.close()

    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    wait_for(lambda: ask(here.addresses.webhooks, request_for(ORDER)).status == 202)


def test_bodies_take_only_so_much_memory(here: Here) -> None:
    large = b'{"type":"order.saved","data":{"id":1,"x":"' + b"x" * 140_000
    unfinished = [connected(here.addresses.webhooks) for _ in range(2)]
    for connection in unfinished:
        connection.sendall(request_for(large + b'"}}')[:-1])
    wait_for(lambda: here.receiver.memory.used > ROOM - len(large))

    refused = ask(here.addresses.webhooks, request_for(large))

    assert (refused.status, refused.headers["retry-after"]) == (429, "2")
    for connection in unfinished:
        connection.close()
    wait_for(lambda: here.receiver.memory.used == 0)
    assert ask(here.addresses.webhooks, request_for(large)).status == 202


def test_a_sender_that_does_not_wait_for_the_answer_has_its_webhook_stored(
    here: Here, inbox: Inbox
) -> None:
    with connected(here.addresses.webhooks) as connection:
        connection.sendall(request_for(ORDER))

    wait_for(inbox.ids)
