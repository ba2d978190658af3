"""A customer's words and our secrets appear in no log line, no metric and no answer."""

from pathlib import Path

import pytest
from receiving import (
    JSON,
    SECRET,
    TOKEN,
    Answer,
    Inbox,
    Service,
    ask,
    new_id,
    post,
    service,
    signed,
)

CUSTOMER = "Канарейкина"
PHONE = "79990001122"
HEADER = "canary-in-a-header"
CANARIES = [CUSTOMER, PHONE, HEADER, SECRET, SECRET.removeprefix("whsec_"), TOKEN, "pass-canary"]


def everything_that_can_happen(receiver: Service) -> list[Answer]:
    customer = f'{{"type":"order.saved","data":{{"id":1,"order":{{"N":"{CUSTOMER} {PHONE}"}}}}}}'
    bodies = [
        customer.encode(),
        customer.encode()[:-1],
        customer.encode("cp1251"),
        f'{{"type":"{CUSTOMER}","data":{{"id":"{PHONE}"}}}}'.encode(),
        f'{{"type":"{CUSTOMER}\\u0000","data":{{"id":1}}}}'.encode(),
        b'"' + PHONE.encode() * 200_000 + b'"',
    ]
    answers = [receiver.send(body=body) for body in bodies]
    answers += [receiver.send("evt_1", body) for body in bodies[:3]]
    for change in (
        {"webhook-signature": f"v1,{HEADER}"},
        {"webhook-id": HEADER + "."},
        {"content-type": HEADER},
        {"content-encoding": HEADER},
        {"x\x00": HEADER},
        {"upgrade": HEADER, "connection": "upgrade"},
    ):
        head = {**JSON, **signed(new_id(), bodies[0]), **change}
        answers.append(ask(receiver.url, post("/webhooks/bitrix", head, bodies[0])))
    for token in (TOKEN, TOKEN + HEADER):
        form = f"event={CUSTOMER}&data[FIELDS][ID]={PHONE}&auth[application_token]={token}"
        head = {"content-type": "application/x-www-form-urlencoded"}
        path = f"/webhooks/bitrix/events?{HEADER}"
        answers.append(ask(receiver.url, post(path, head, form.encode())))
    return answers


@pytest.mark.parametrize("database", ["", "missing"], ids=["stored", "refused"])
def test_canaries_are_seen_nowhere(inbox: Inbox, log: Path, database: str) -> None:
    url = inbox.receiver_url.replace("@", ":pass-canary@")
    if database:
        url = f"{url.rsplit('/', 1)[0]}/{database}"
    with service(url, log, ready=not database) as receiver:
        answers = everything_that_can_happen(receiver)
        metrics = receiver.get("/metrics", metrics=True).body.decode()
    said = log.read_text() + metrics + str([(each.headers, each.body) for each in answers])

    assert len({answer.status for answer in answers}) > 2
    assert "Refused a request" in said
    assert [canary for canary in CANARIES if canary.lower() in said.lower()] == []


def test_refusals_do_not_fill_the_disk(receiver: Service) -> None:
    before = len(receiver.log.read_text().splitlines())

    for _ in range(100):
        ask(receiver.url, post("/webhooks/bitrix", JSON, b"{}"))

    assert len(receiver.log.read_text().splitlines()) - before <= 21
