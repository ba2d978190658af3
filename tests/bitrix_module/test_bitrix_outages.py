"""The receiver is away, slow or refuses all: senders pause, nothing dies, and one event tries first."""

import time
from email.utils import formatdate
from threading import Event

import pytest
from bitrix_site import Listener, Request, Site
from receiving import Inbox, Service, frozen


def seconds_of_pause(site: Site) -> int:
    found: int = site.shop.value(
        "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), PAUSED_UNTIL) FROM b_bitrixpipeline_state"
    )
    return found


@pytest.mark.parametrize("status", [401, 404, 405, 407, 415, 421, 429, 502, 503, 504, 522, 301])
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


@pytest.mark.parametrize("status", [400, 403, 409, 413, 422, 500])
@pytest.mark.parametrize("count", [1, 3])
def test_what_a_ping_is_refused_with_too_is_an_outage(
    site: Site, listener: Listener, status: int, count: int
) -> None:
    """A proxy or a filter says it to all, or the receiver is broken."""
    site.set(attempts=1)
    site.add("user.deleted", *range(1, count + 1))
    listener.answer = lambda _, __: status

    assert site.send()["stopped"] == f"answered {status}; to a ping: answered {status}"

    assert [request.is_ping for request in listener.requests] == [False, True]
    assert site.outbox("STATE, REFUSALS") == [("W", 0)] * count


def test_a_proxy_that_finds_all_too_large_costs_no_event_its_snapshot(
    site: Site, listener: Listener
) -> None:
    site.add("order.saved", site.order())
    listener.answer = lambda number, _: 413 if number < 2 else 202
    site.send()
    site.let_time_pass()

    assert site.send()["delivered"] == 1

    assert "order" in listener.events()[-1].event["data"]


def test_through_hours_of_a_proxy_that_refuses_all_nothing_dies(
    site: Site, listener: Listener
) -> None:
    site.set(attempts=2)
    site.add("user.deleted", 1, 2)
    listener.answer = lambda number, _: 403 if number < 20 else 202

    for _ in range(10):
        assert site.send()["delivered"] == 0
        site.let_time_pass()

    assert site.send()["delivered"] == 2


def test_an_event_that_is_refused_alone_dies_even_if_no_other_waits(
    site: Site, listener: Listener
) -> None:
    site.set(attempts=3)
    site.add("user.deleted", 666)
    listener.refuse(403)

    for _ in range(3):
        assert site.send()["stopped"] == "nothing more is due"
        site.let_time_pass()

    assert site.outbox("STATE, LAST_ERROR") == [("D", "answered 403")]


def test_a_delivery_right_before_is_as_good_as_a_ping_but_for_one_refusal_only(
    site: Site, listener: Listener
) -> None:
    site.add("user.deleted", 7, 666, 2, 3)
    listener.answer = lambda _, request: 202 if request.event["data"]["id"] == 7 else 500

    site.send()

    assert site.outbox("ENTITY_ID, REFUSALS") == [(666, 1), (2, 0), (3, 0)]
    assert listener.ids() == [7, 666, 2]
    assert len(listener.requests) == 4, "before the second refusal counts it asks by a ping"


def test_it_waits_as_long_as_the_answer_to_the_ping_asks(site: Site, listener: Listener) -> None:
    site.add("user.deleted", 1)

    def answer(_: int, request: Request) -> int:
        listener.headers = {"Retry-After": "77"} if request.is_ping else {}
        return 429 if request.is_ping else 500

    listener.answer = answer

    assert site.send()["stopped"] == "answered 500; to a ping: answered 429"
    assert site.outbox("REFUSALS") == [(0,)]
    assert 70 <= seconds_of_pause(site) <= 77


@pytest.mark.parametrize(("failures", "least", "most"), [(0, 0, 1), (5, 10, 32), (50, 50, 120)])
def test_each_failure_makes_the_pause_twice_as_long(
    site: Site, listener: Listener, failures: int, least: int, most: int
) -> None:
    site.add("user.deleted", 1)
    site.shop.run("UPDATE b_bitrixpipeline_state SET FAILURES = %s", failures)
    listener.answer = lambda _, __: 503

    site.send()

    assert least <= seconds_of_pause(site) <= most


def test_a_receiver_too_slow_for_the_fast_path_does_not_keep_the_agent_from_it(
    site: Site, listener: Listener
) -> None:
    site.set(fast_path="always", fast_timeout=1, timeout=60)

    def slowly(_: int, __: Request) -> int:
        time.sleep(1.5)
        return 202

    listener.answer = slowly
    save = "$fire('main', 'OnAfterUserDelete', [5]);"
    site.hit(save)
    site.shop.run(
        "UPDATE b_bitrixpipeline_state SET PAUSED_UNTIL = PAUSED_UNTIL + INTERVAL 1 MINUTE"
    )
    site.hit(save)
    assert len(listener.requests) == 1, "the fast path pauses"
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET DUE_AT = UTC_TIMESTAMP()")

    assert site.send()["delivered"] == 2
    assert site.outbox() == []


def test_a_pause_that_a_long_timeout_has_made_holds_for_all(site: Site, listener: Listener) -> None:
    site.add("user.deleted", 1)
    site.set(timeout=1, fast_path="always", fast_timeout=1)
    listener.answer = lambda _, __: time.sleep(2) or 202
    site.send()
    site.shop.run(
        "UPDATE b_bitrixpipeline_state SET PAUSED_UNTIL = PAUSED_UNTIL + INTERVAL 1 MINUTE"
    )

    site.hit("$fire('main', 'OnAfterUserDelete', [5]);")
    assert site.send()["stopped"] == "the receiver is given a pause"

    assert len(listener.requests) == 1


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


@pytest.mark.parametrize("says", ["seconds", "a date"])
def test_it_waits_as_long_as_the_receiver_asks(site: Site, listener: Listener, says: str) -> None:
    site.add("user.deleted", 1)
    listener.answer = lambda _, __: 429
    in_a_minute = formatdate(time.time() + 77, usegmt=True)
    listener.headers = {"Retry-After": "77" if says == "seconds" else in_a_minute}

    site.send()

    assert 60 <= seconds_of_pause(site) <= 77


@pytest.mark.parametrize("status", [200, 202, 403])
def test_a_web_page_has_taken_nothing(site: Site, listener: Listener, status: int) -> None:
    """A proxy's notice, or a site at a wrong path."""
    site.add("user.deleted", 1)
    listener.answer = lambda _, __: status
    listener.headers = {"Content-Type": "text/html; charset=utf-8"}

    report = site.send()

    assert report["delivered"] == 0
    assert site.outbox("ENTITY_ID, STATE, REFUSALS") == [(1, "W", 0)]
    if status < 300:
        assert report["stopped"] == f"answered {status} with a page"


def test_a_redirect_is_not_followed(site: Site, listener: Listener) -> None:
    """The signature is the address's that was set."""
    site.add("user.deleted", 1)
    listener.answer = lambda number, _: 307 if number == 0 else 202
    listener.headers = {"Location": f"{listener.url}/elsewhere"}

    assert site.send()["stopped"] == "answered 307"

    assert len(listener.requests) == 1


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
    site.set(fast_path="always", fast_timeout=1, timeout=60, run_seconds=60)

    started = time.monotonic()
    site.hit("$fire('main', 'OnAfterUserDelete', [5]);")
    release.set()

    assert time.monotonic() - started < 30
    assert site.outbox("ENTITY_ID, STATE") == [(5, "W")]
