"""Bitrix's own outgoing webhooks: forms that are known by the token within them."""

from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest
from receiving import TOKEN, Answer, Inbox, Service, ask, post, service

FORM = {"content-type": "application/x-www-form-urlencoded"}
ACCESS_TOKEN = "s6p6eclrvim6da22ft9ch94ekreb52lv"


def form(event: str, entity_id: str = "300", **more: str) -> dict[str, str]:
    return {
        "event": event,
        "event_handler_id": "4",
        "data[FIELDS][ID]": entity_id,
        "data[FIELDS][XML_ID]": "bx_65df",
        "ts": "1714649632",
        "auth[domain]": "shop.example",
        "auth[access_token]": ACCESS_TOKEN,
        "auth[application_token]": TOKEN,
        **more,
    }


def send(receiver: Service, fields: dict[str, str] | bytes) -> Answer:
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    return ask(receiver.url, post("/webhooks/bitrix/events", FORM, body))


@pytest.mark.parametrize(
    ("event", "stored"),
    [
        ("ONSALEORDERSAVED", ("order.saved", "orders", 300)),
        ("OnSaleOrderSaved", ("order.saved", "orders", 300)),
        ("ONSALEBEFOREORDERDELETE", ("order.deleted", "orders", 300)),
        ("ONORDERDELETED", ("order.deleted", "orders", 300)),
        ("ONPAYMENTENTITYSAVED", ("ONPAYMENTENTITYSAVED", None, None)),
    ],
)
def test_an_event_becomes_news_of_an_order(
    receiver: Service, inbox: Inbox, event: str, stored: tuple[object, ...]
) -> None:
    answer = send(receiver, form(event))

    assert (answer.status, answer.body) == (202, b"")
    assert inbox.rows("type, entity, entity_id") == [stored]
    assert inbox.rows("source, state, extract(epoch FROM sent_at)::int") == [
        ("bitrix", "waiting", 1714649632)
    ]


def test_two_saves_within_a_second_are_two_events(receiver: Service, inbox: Inbox) -> None:
    answers = [send(receiver, form("ONSALEORDERSAVED")).status for _ in range(2)]

    assert answers == [202, 202]
    assert len(set(inbox.ids())) == 2


def test_the_form_is_stored_without_its_secrets(receiver: Service, inbox: Inbox) -> None:
    send(receiver, form("ONSALEORDERSAVED", **{" AUTH[refresh_token]": ACCESS_TOKEN}))

    [(body,)] = inbox.rows("body")

    assert parse_qs(body.decode(), keep_blank_values=True).keys() == {
        "event",
        "event_handler_id",
        "data[FIELDS][ID]",
        "data[FIELDS][XML_ID]",
        "ts",
    }
    assert TOKEN.encode() not in body
    assert ACCESS_TOKEN.encode() not in body


@pytest.mark.parametrize(
    "fields",
    [
        form("ONSALEORDERSAVED", **{"auth[application_token]": TOKEN[:-1] + "0"}),
        form("ONSALEORDERSAVED", **{"auth[application_token]": ""}),
        form("ONSALEORDERSAVED", **{"auth[application_token]": "ключ"}),
        {"event": "ONSALEORDERSAVED", "application_token": TOKEN},
        urlencode([("auth[application_token]", TOKEN), ("auth[application_token]", "x")]).encode(),
        b"&".join([b"x=1"] * 200 + [urlencode(form("ONSALEORDERSAVED")).encode()]),
        b"",
        b"\xff\xfe=1",
    ],
    ids=["wrong", "empty", "not ascii", "elsewhere", "doubled", "many fields", "nothing", "bytes"],
)
def test_without_the_token_it_is_not_authentic(
    receiver: Service, inbox: Inbox, fields: dict[str, str] | bytes
) -> None:
    answer = send(receiver, fields)

    assert (answer.status, answer.body) == (401, b"")
    assert inbox.ids() == []


@pytest.mark.parametrize(
    "fields",
    [
        form("ONSALEORDERSAVED", entity_id="0"),
        form("ONSALEORDERSAVED", entity_id="99999999999"),
        form("ONSALEORDERSAVED", entity_id="٣٠٠"),
        form("ONORDERDELETED", entity_id="1 OR 1=1"),
        form(""),
        form("a\x00b"),
        {"auth[application_token]": TOKEN},
    ],
    ids=["zero", "too large", "arabic", "words", "no name", "odd name", "token alone"],
)
def test_what_makes_no_sense_is_kept_apart(
    receiver: Service, inbox: Inbox, fields: dict[str, str]
) -> None:
    assert send(receiver, fields).status == 202
    assert inbox.rows("entity, entity_id, state") == [(None, None, "quarantined")]


def test_another_type_or_a_compressed_form_is_refused(receiver: Service) -> None:
    body = urlencode(form("ONSALEORDERSAVED")).encode()
    heads = [{}, {"content-type": "multipart/form-data"}, {**FORM, "content-encoding": "gzip"}]

    answers = [ask(receiver.url, post("/webhooks/bitrix/events", head, body)) for head in heads]

    assert [answer.status for answer in answers] == [415, 415, 415]


def test_a_large_form_is_refused(receiver: Service) -> None:
    assert send(receiver, form("ONSALEORDERSAVED", x="x" * 65_536)).status == 413


def test_without_a_token_in_the_settings_the_entrance_does_not_exist(
    inbox: Inbox, log: Path
) -> None:
    with service(inbox.receiver_url, log, BITRIX_APPLICATION_TOKENS="") as receiver:
        answers = send(receiver, form("ONSALEORDERSAVED")), receiver.send()

    assert [answer.status for answer in answers] == [404, 202]
