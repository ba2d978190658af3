"""What becomes of an event that the receiver refuses though it takes others."""

import json
from collections import Counter

from bitrix_site import Listener, Site
from receiving import Inbox, Service


def test_a_refused_event_backs_off_dies_with_the_reason_and_holds_up_no_other(
    site: Site, listener: Listener
) -> None:
    site.set(attempts=3)
    site.add("user.deleted", 666, 2)
    listener.refuse(500, 666)

    waits = []
    for _ in range(3):
        site.send()
        waits += site.outbox("TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), DUE_AT)")
        site.let_time_pass()

    assert Counter(listener.ids()) == {666: 3, 2: 1}
    assert waits[0][0] <= 5
    assert waits[1][0] <= 10
    assert site.outbox("ENTITY_ID, STATE, ATTEMPTS, LAST_ERROR, BODY") == [
        (666, "D", 3, "answered 500", None)
    ]
    assert any("an event is dead" in line for line in site.log())


def test_each_refusal_makes_an_event_wait_twice_as_long(site: Site, listener: Listener) -> None:
    site.add("user.deleted", 1)
    listener.refuse(500)
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET ATTEMPTS = 20, REFUSALS = 8")

    site.send()

    ((wait,),) = site.outbox("TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), DUE_AT)")
    assert 600 <= wait <= 5 * 2**8


def test_the_waits_of_an_outage_do_not_make_a_refusals_longer(
    site: Site, listener: Listener
) -> None:
    site.add("user.deleted", 1)
    listener.refuse(500)
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET ATTEMPTS = 20")

    site.send()

    ((wait,),) = site.outbox("TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), DUE_AT)")
    assert wait <= 5


def test_an_id_that_the_receiver_knows_with_another_body_is_given_up_and_not_the_news(
    site: Site, receiver: Service, inbox: Inbox
) -> None:
    """A server that crashed, or was restored, has the row of before its delivery; a later save goes with it."""
    order = site.order()
    site.set(url=receiver.webhooks)
    site.add("order.saved", order)
    before = site.outbox("ID, UID, TYPE, ENTITY, ENTITY_ID, ORIGIN, DUE_AT, CREATED_AT")[0]
    site.send()
    site.shop.run(
        "INSERT INTO b_bitrixpipeline_outbox (ID, UID, TYPE, ENTITY, ENTITY_ID, ORIGIN, DUE_AT, CREATED_AT)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        *before,
    )
    site.shop.run("UPDATE b_sale_order SET COMMENTS = 'later' WHERE ID = %s", order)
    site.add("order.saved", order)

    assert site.send()["failed"] == 1
    site.let_time_pass()
    assert site.send()["delivered"] == 1

    assert site.outbox() == []
    stored = [json.loads(body) for (body,) in inbox.rows("e.body") if b"later" in bytes(body)]
    assert [event["data"]["id"] for event in stored] == [order]


def test_what_is_refused_for_ever_under_any_id_dies(site: Site, listener: Listener) -> None:
    site.set(attempts=2)
    site.add("user.deleted", 1)
    listener.refuse(409)
    for _ in range(2):
        site.send()
        site.let_time_pass()

    assert site.outbox("STATE, LAST_ERROR") == [("D", "answered 409")]
    assert len({request.id for request in listener.events()}) == 2


def test_what_is_refused_at_every_save_is_dead_once(site: Site, listener: Listener) -> None:
    site.set(attempts=1)
    listener.refuse(422)
    for _ in range(3):
        site.hit("$fire('main', 'OnAfterUserDelete', [5]);")
        site.add("user.saved", 5)
        site.send()
        site.send()

    assert site.outbox("TYPE, STATE") == [("user.deleted", "D"), ("user.saved", "D")]


def test_a_413_makes_it_try_without_the_products_and_then_without_the_snapshot(
    site: Site, listener: Listener
) -> None:
    site.add("order.saved", site.order())
    listener.answer = lambda _, request: 413 if len(request.body) > 1000 else 202

    assert site.send()["delivered"] == 1

    whole, smaller, smallest = listener.events()
    parts = {"order", "basket", "properties", "user"}
    head = {"id", "sequence", "origin"}
    assert [request.event["data"].keys() for request in (whole, smaller, smallest)] == [
        head | parts | {"products"},
        head | parts,
        head,
    ]
    assert len({request.id for request in (whole, smaller, smallest)}) == 3


def test_what_was_not_archived_after_all_stays_a_save_when_it_shrinks(
    site: Site, listener: Listener
) -> None:
    site.add("order.archived", site.order())
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET CREATED_AT = CREATED_AT - INTERVAL 1 HOUR")
    listener.answer = lambda number, _: 503 if number == 0 else 413 if number == 1 else 202
    site.send()
    site.let_time_pass()

    site.send()

    assert [request.event["type"] for request in listener.events()] == ["order.saved"] * 3


def test_what_cannot_be_read_waits_and_loses_nothing_of_its_life(
    site: Site, listener: Listener
) -> None:
    site.set(attempts=2)
    listener.refuse(500)
    site.add("order.saved", site.order())
    site.shop.connection.query("RENAME TABLE b_sale_basket TO b_sale_gone")
    for _ in range(2):
        site.send()
        site.let_time_pass()
    ((state, reason),) = site.outbox("STATE, LAST_ERROR")
    site.shop.connection.query("RENAME TABLE b_sale_gone TO b_sale_basket")

    assert state == "W"
    assert reason.startswith("no snapshot: ")
    site.send()
    assert site.outbox("STATE, REFUSALS") == [("W", 1)]


def test_a_413_after_another_refusal_too(site: Site, listener: Listener) -> None:
    site.add("order.saved", site.order())
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET REFUSALS = 1")
    listener.answer = lambda _, request: 413 if len(request.body) > 1000 else 202

    assert site.send()["delivered"] == 1


def test_a_413_without_a_snapshot_is_the_last_word(site: Site, listener: Listener) -> None:
    site.add("order.saved", site.order())
    listener.refuse(413)

    assert site.send()["dead"] == 1
    assert site.outbox("STATE, LAST_ERROR") == [("D", "answered 413")]
