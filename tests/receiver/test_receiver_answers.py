"""What each webhook is answered, and what it leaves in the inbox."""

import gzip
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from receiving import (
    JSON,
    ORDER,
    OTHER_SECRET,
    Answer,
    Inbox,
    Service,
    answer_on,
    ask,
    connected,
    new_id,
    post,
    service,
    signed,
)

LIMIT = 2**20


def test_a_webhook_is_stored_as_it_was_received(receiver: Service, inbox: Inbox) -> None:
    sent_at = int(time.time()) - 60
    head = {**JSON, **signed("evt_1", ORDER, timestamp=sent_at)}

    answer = ask(receiver.url, post("/webhooks/bitrix", head, ORDER))

    assert (answer.status, answer.body) == (202, b"")
    assert inbox.rows(
        "source, event_id, body, extract(epoch FROM sent_at)::int, type, entity, entity_id, state"
    ) == [("module", "evt_1", ORDER, sent_at, "order.saved", "orders", 17, "waiting")]


def test_the_same_webhook_again_is_known(receiver: Service, inbox: Inbox) -> None:
    answers = [receiver.send("evt_1").status for _ in range(3)]

    assert answers == [202, 200, 200]
    assert inbox.ids() == ["evt_1"]


def test_a_retry_is_signed_anew_and_known(receiver: Service, inbox: Inbox) -> None:
    receiver.send("evt_1")
    later = signed("evt_1", ORDER, timestamp=int(time.time()) + 30)

    answer = ask(receiver.url, post("/webhooks/bitrix", {**JSON, **later}, ORDER))

    assert answer.status == 200
    assert inbox.ids() == ["evt_1"]


def test_the_same_id_with_another_body_is_a_conflict(receiver: Service, inbox: Inbox) -> None:
    receiver.send("evt_1", ORDER)

    answer = receiver.send("evt_1", ORDER + b" ")

    assert (answer.status, answer.body) == (409, b"")
    assert inbox.rows("body") == [(ORDER,)]


def test_what_makes_no_sense_is_kept_apart_and_acknowledged(
    receiver: Service, inbox: Inbox
) -> None:
    strange_type = b'{"type":"order.\\u0000","data":{"id":1}}'

    answers = [receiver.send("evt_1", b"[]").status, receiver.send("evt_2", strange_type).status]

    assert answers == [202, 202]
    assert inbox.rows("body, type, state") == [
        (b"[]", None, "quarantined"),
        (strange_type, None, "quarantined"),
    ]


def test_an_unknown_type_is_kept(receiver: Service, inbox: Inbox) -> None:
    answer = receiver.send(body=b'{"type":"coupon.used","data":{"id":5,"code":"X"}}')

    assert answer.status == 202
    assert inbox.rows("type, entity, entity_id, state") == [("coupon.used", None, 5, "waiting")]


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_without_a_header_it_is_not_authentic(
    receiver: Service, inbox: Inbox, missing: str
) -> None:
    head = {**JSON, **signed(new_id(), ORDER)}
    del head[missing]

    answer = ask(receiver.url, post("/webhooks/bitrix", head, ORDER))

    assert (answer.status, answer.body) == (401, b"")
    assert inbox.ids() == []


def test_a_doubled_header_is_not_authentic(receiver: Service, inbox: Inbox) -> None:
    head = {**JSON, **signed("evt_1", ORDER)}
    head["webhook-timestamp"] += f"\r\nwebhook-timestamp: {head['webhook-timestamp']}"

    assert ask(receiver.url, post("/webhooks/bitrix", head, ORDER)).status == 401
    assert inbox.ids() == []


def test_a_stranger_learns_nothing_from_the_answer(receiver: Service) -> None:
    known = new_id()
    receiver.send(known)

    answers = [receiver.send(event_id, secret=OTHER_SECRET) for event_id in (known, new_id())]

    assert answers[0] == answers[1]
    assert set(answers[0].headers) == {"content-length", "connection"}


def test_the_largest_body_is_taken_and_a_byte_more_is_not(receiver: Service, inbox: Inbox) -> None:
    largest = b'{"type":"order.saved","data":{"id":1,"x":"' + b"x" * LIMIT
    largest = largest[: LIMIT - 3] + b'"}}'

    assert receiver.send("largest", largest).status == 202
    assert receiver.send("larger", largest + b" ").status == 413
    assert inbox.rows("event_id, state") == [("largest", "waiting")]


def test_the_largest_size_is_a_setting(inbox: Inbox, log: Path) -> None:
    body = b'{"type":"order.saved","data":{"id":1}}'.ljust(2048)
    with service(inbox.receiver_url, log, WEBHOOK_MAX_BYTES="2048") as receiver:
        answers = [receiver.send(body=content).status for content in (body, body + b" ")]

    assert answers == [202, 413]


def test_a_sender_that_asks_first_is_told_to_go_on(receiver: Service, inbox: Inbox) -> None:
    """As curl does, which the module sends with, where a body is not small."""
    head = {**JSON, **signed("evt_1", ORDER), "expect": "100-continue"}
    request = post("/webhooks/bitrix", head, ORDER).removesuffix(ORDER)
    with connected(receiver.url) as connection:
        connection.sendall(request)
        first = answer_on(connection).status
        connection.sendall(ORDER)
        second = answer_on(connection).status

    assert (first, second) == (100, 202)
    assert inbox.ids() == ["evt_1"]


def test_a_stranger_that_asks_first_is_refused_before_it_sends(receiver: Service) -> None:
    request = post("/webhooks/bitrix", {**JSON, "expect": "100-continue"}, ORDER)

    assert ask(receiver.url, request.removesuffix(ORDER)).status == 401


def test_an_announced_size_is_refused_before_it_is_sent(receiver: Service) -> None:
    head = {**JSON, **signed(new_id(), b""), "content-length": str(LIMIT + 1)}

    assert ask(receiver.url, post("/webhooks/bitrix", head, b"")).status == 413


def test_a_chunked_body_is_counted(receiver: Service, inbox: Inbox) -> None:
    small = [ORDER[:10], ORDER[10:]]
    large = [b"x" * 65_536] * (LIMIT // 65_536 + 1)

    answers = [ask_in_chunks(receiver, pieces) for pieces in (small, large)]

    assert answers == [202, 413]
    assert inbox.rows("body") == [(ORDER,)]


@pytest.mark.parametrize(
    "head",
    [
        {"content-type": "application/json", "content-encoding": "gzip"},
        {"content-type": "application/json", "content-encoding": "br"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/jsonp"},
        {"content-type": ""},
    ],
    ids=str,
)
def test_compressed_or_another_type_is_refused(
    receiver: Service, inbox: Inbox, head: dict[str, str]
) -> None:
    body = gzip.compress(ORDER) if "content-encoding" in head else ORDER

    answer = ask(receiver.url, post("/webhooks/bitrix", {**head, **signed(new_id(), body)}, body))

    assert (answer.status, answer.body) == (415, b"")
    assert inbox.ids() == []


@pytest.mark.parametrize(
    "head",
    [
        {"content-type": "application/json; charset=utf-8"},
        {"content-type": "Application/JSON", "content-encoding": "identity"},
        {},
    ],
    ids=str,
)
def test_json_is_json_however_it_is_written(receiver: Service, head: dict[str, str]) -> None:
    request = post("/webhooks/bitrix", {**head, **signed(new_id(), ORDER)}, ORDER)

    assert ask(receiver.url, request).status == 202


def test_many_headers_are_ignored_and_too_many_are_refused(receiver: Service) -> None:
    many = {f"x-{number}": "1" for number in range(500)}
    too_many = {f"x-{number}": "1" * 1000 for number in range(500)}

    answers = [
        ask(
            receiver.url,
            post("/webhooks/bitrix", {**JSON, **signed(new_id(), ORDER), **more}, ORDER),
        ).status
        for more in (many, too_many)
    ]

    # The connection may be closed while it still sends, and then the answer is lost.
    assert answers[0] == 202
    assert answers[1] in {401, 0}


@pytest.mark.parametrize(
    "request_line", ["POST /", "POST /webhooks", "POST /webhooks/bitrix/", "GET /docs", "GET /%00"]
)
def test_another_path_is_not_there(receiver: Service, request_line: str) -> None:
    answer = bare_request(receiver, request_line)

    assert (answer.status, answer.headers, answer.body) == (404, {"content-length": "0"}, b"")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("path", ["/webhooks/bitrix", "/webhooks/bitrix/events"])
def test_another_method_is_told_the_right_one(receiver: Service, method: str, path: str) -> None:
    answer = bare_request(receiver, f"{method} {path}")

    assert (answer.status, answer.body) == (405, b"")
    assert answer.headers == {"content-length": "0", "allow": "post"}


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03", b"hello\r\n\r\n"])
def test_what_is_not_http_is_not_authentic(receiver: Service, garbage: bytes) -> None:
    assert ask(receiver.url, garbage).status == 401


def test_a_connection_carries_one_webhook_after_another(receiver: Service, inbox: Inbox) -> None:
    bad = post("/webhooks/bitrix", {**JSON, "connection": "keep-alive"}, ORDER)
    good = [
        post("/webhooks/bitrix", {**JSON, **signed(name, ORDER), "connection": "keep-alive"}, ORDER)
        for name in ("evt_1", "evt_2")
    ]
    with connected(receiver.url) as connection:
        answers = []
        for request in (good[0], bad, good[1]):
            connection.sendall(request)
            answers.append(answer_on(connection).status)

    assert answers == [202, 401, 202]
    assert inbox.ids() == ["evt_1", "evt_2"]


def test_metrics_and_the_description_are_on_the_second_port_alone(receiver: Service) -> None:
    receiver.send()

    assert receiver.get("/metrics").status == 404
    assert receiver.get("/openapi.json").status == 404
    assert b"bitrix_receiver_answers_total" in receiver.get("/metrics", metrics=True).body
    assert b"webhook-signature" in receiver.get("/openapi.json", metrics=True).body


def test_the_second_port_is_on_the_loopback_interface_wherever_webhooks_are_taken(
    inbox: Inbox, log: Path
) -> None:
    with service(inbox.receiver_url, log, RECEIVER_HOST="0.0.0.0") as receiver:
        listening = {
            (connection.laddr.ip, connection.laddr.port)
            for connection in psutil.Process(receiver.process.pid).net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }

    webhooks, metrics = urlsplit(receiver.url).port, urlsplit(receiver.metrics_url).port
    assert listening == {("0.0.0.0", webhooks), ("127.0.0.1", metrics)}


@pytest.mark.parametrize("on_second_port", [False, True])
def test_health_is_on_both_ports(receiver: Service, *, on_second_port: bool) -> None:
    answers = [receiver.get(path, metrics=on_second_port) for path in ("/healthz", "/readyz")]

    assert [answer.status for answer in answers] == [200, 200]


def test_a_trailer_is_no_header(receiver: Service, inbox: Inbox) -> None:
    proof = signed("evt_1", ORDER)
    said_late = "".join(f"{name}: {value}\r\n" for name, value in proof.items()).encode()

    assert ask_in_chunks(receiver, [ORDER], trailer=said_late, head={}) == 401
    assert ask_in_chunks(receiver, [ORDER], trailer=b"content-type: text/plain\r\n") == 202
    assert len(inbox.ids()) == 1


def bare_request(receiver: Service, request_line: str) -> Answer:
    request = f"{request_line} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
    return ask(receiver.url, request.encode())


def ask_in_chunks(
    receiver: Service,
    pieces: list[bytes],
    *,
    trailer: bytes = b"",
    head: dict[str, str] | None = None,
) -> int:
    proof = signed(new_id(), b"".join(pieces)) if head is None else head
    head = {**JSON, **proof, "transfer-encoding": "chunked"}
    request = post("/webhooks/bitrix", head, b"").replace(b"content-length: 0\r\n", b"")
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return ask(receiver.url, request + chunks + b"0\r\n" + trailer + b"\r\n").status
