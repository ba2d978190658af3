"""The receiver is away, slow or refuses all: senders pause, nothing dies, and one event tries first."""

import time
from threading import Event

import pytest
from bitrix_site import Listener, Request, Site
from receiving import Inbox, Service, frozen


@pytest.mark.parametrize("status", [401, 404, 429, 502, 503, 504, 522, 301])
def test_an_outage_stops_the_run_and_kills_nothing(
    site: Site, listener: Listener, status: int
) -> None:
    site.set(attempts=1)
    site.add("user.deleted", 1, 2, 3)
    listener.answer = lambda _, __: status

    assert site.send()["stopped"] == f"answered {status}"
    # The first pause is of a second, which this machine may need for a start of PHP.
    site.shop.run(
        "UPDATE b_bitrixpipeline_state SET PAUSED_UNTIL = PAUSED_UNTIL + INTERVAL 1 MINUTE"
    )
    assert site.send()["stopped"] == "the receiver is given a pause"

    assert len(listener.requests) == 1
    assert site.outbox("STATE, REFUSALS") == [("W", 0)] * 3


def test_after_an_outage_one_event_tries_before_the_others(site: Site, listener: Listener) -> None:
    site.add("user.deleted", *range(1, 6))
    listener.answer = lambda number, _: 503 if number < 2 else 202
    pauses = []
    for _ in range(2):
        site.send()
        pauses.append(
            site.shop.value("SELECT PAUSED_UNTIL IS NOT NULL FROM b_bitrixpipeline_state")
        )
        site.let_time_pass()

    assert listener.ids() == [1, 2], "another one each time"
    assert site.send()["delivered"] == 5
    assert pauses == [1, 1]


def test_an_event_that_is_never_answered_holds_up_no_other(site: Site, listener: Listener) -> None:
    """The receiver or a proxy chokes on it, which looks like an outage."""
    site.add("user.deleted", 666, 1, 2, 3)
    listener.answer = lambda _, request: 0 if request.event["data"]["id"] == 666 else 202

    for _ in range(4):
        site.send()
        site.let_time_pass()

    assert {1, 2, 3} < set(listener.ids())
    assert site.outbox("ENTITY_ID, STATE, REFUSALS") == [(666, "W", 0)]


def test_each_silence_makes_an_event_wait_longer_but_never_long(
    site: Site, listener: Listener
) -> None:
    site.add("user.deleted", 1)
    listener.answer = lambda _, __: 0
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET ATTEMPTS = 99")

    site.send()

    ((wait,),) = site.outbox("TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), DUE_AT)")
    assert 30 <= wait <= 120


def test_it_waits_as_long_as_the_receiver_asks(site: Site, listener: Listener) -> None:
    site.add("user.deleted", 1)
    listener.answer = lambda _, __: 429
    listener.headers = {"Retry-After": "77"}

    site.send()

    paused = (
        "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), PAUSED_UNTIL) FROM b_bitrixpipeline_state"
    )
    assert 70 <= site.shop.value(paused) <= 77


def test_with_nobody_listening_nothing_is_lost(site: Site, receiver: Service, inbox: Inbox) -> None:
    site.set(url="http://127.0.0.1:9/webhooks/bitrix")
    site.add("user.deleted", 1, 2)

    assert site.send()["stopped"] == "no answer: curl 7 Couldn't connect to server"
    assert len(site.outbox()) == 2

    site.set(url=receiver.webhooks)
    site.let_time_pass()
    assert site.send()["delivered"] == 2
    assert {row[0] for row in inbox.rows("e.entity_id")} == {1, 2}


def test_a_frozen_receiver_costs_one_deadline_and_nothing_comes_twice(
    site: Site, receiver: Service, inbox: Inbox
) -> None:
    site.set(url=receiver.webhooks, timeout=1)
    site.add("user.deleted", *range(1, 31))

    started = time.monotonic()
    with frozen(receiver.process.pid):
        assert "no answer" in site.send()["stopped"]
        assert time.monotonic() - started < 15, "of 30"
    site.let_time_pass()
    site.set(timeout=30)

    assert site.send()["delivered"] == 30
    assert [row[0] for row in inbox.rows("e.entity_id")] == list(range(1, 31))


def test_a_slow_receiver_does_not_make_a_run_endless(site: Site, listener: Listener) -> None:
    site.set(run_seconds=1)
    site.add("user.deleted", *range(1, 21))

    def slowly(_: int, __: Request) -> int:
        time.sleep(0.5)
        return 202

    listener.answer = slowly
    report = site.send()

    assert report["stopped"] == "its time is up"
    assert 1 <= report["delivered"] <= 3
    assert {row[0] for row in site.outbox("LEASE")} == {None}


def test_the_fast_path_gives_up_quickly(site: Site, listener: Listener) -> None:
    release = Event()
    listener.answer = lambda _, __: 202 * release.wait(60)
    site.set(fast_path="always", fast_timeout=1)

    started = time.monotonic()
    site.hit("$fire('main', 'OnAfterUserDelete', [5]);")
    release.set()

    assert time.monotonic() - started < 30
    assert site.outbox("ENTITY_ID, STATE") == [(5, "W")]
