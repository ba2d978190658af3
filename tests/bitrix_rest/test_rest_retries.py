"""What is tried again, and above all what is not: a write whose outcome nobody knows."""

import logging
from collections.abc import Callable

import pytest
from rest_at_hand import RestShop, fails_with

from bitrix_pipeline.bitrix_rest import (
    AccessRefusedError,
    Deadlines,
    MissingScopeError,
    NotRestError,
    OperatingLimitError,
    OverloadError,
    RateLimitError,
    RestError,
    SiteClosedError,
    UnavailableError,
    UnknownOutcome,
    UnreachableError,
)
from bitrix_pipeline.demo_rest import (
    Fault,
    cut_connection,
    gateway_timeout,
    operation_time_limit,
    overload_limit,
    query_limit,
    reply,
    site_closed,
    slow,
)
from bitrix_pipeline.errors import TransientError

MakeFault = Callable[[], Fault]

REFUSED_AT_THE_DOOR = [query_limit, operation_time_limit, site_closed]
WITHOUT_ANSWER = [
    gateway_timeout,
    lambda: gateway_timeout(status=502),
    lambda: cut_connection(applies=False),
    lambda: reply(b""),
    lambda: reply(b"<b>Fatal error</b>", content_type="text/html"),
    lambda: reply({"error": "INTERNAL_SERVER_ERROR"}, status=500),
    lambda: reply({"error": "ERROR_CORE", "error_description": "SQL query error!"}, status=500),
]


@pytest.mark.parametrize("fault", [*REFUSED_AT_THE_DOOR, *WITHOUT_ANSWER])
def test_a_read_is_tried_again(rest_shop: RestShop, fault: MakeFault) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.suffers(fault(), fault())

    rest_shop.client().call("sale.order.get", {"id": order})

    assert rest_shop.asked == ["sale.order.get"] * 3


@pytest.mark.parametrize("fault", REFUSED_AT_THE_DOOR)
def test_a_write_is_tried_again_when_it_was_refused_at_the_door(
    rest_shop: RestShop, fault: MakeFault
) -> None:
    [order] = rest_shop.orders(1)
    version = rest_shop.order(order, "VERSION")
    rest_shop.suffers(None, fault(), fault())

    rest_shop.speaking().orders.set_status(order, "P")

    assert rest_shop.order(order, "VERSION") == version + 1


@pytest.mark.parametrize("fault", WITHOUT_ANSWER)
def test_a_write_without_an_answer_is_sent_once(rest_shop: RestShop, fault: MakeFault) -> None:
    [order] = rest_shop.orders(1)
    rest_shop.suffers(None, fault())

    with fails_with(UnknownOutcome, "sale.order.update", "read the order before writing again"):
        rest_shop.speaking().orders.set_status(order, "P")

    assert rest_shop.asked == ["methods", "sale.order.update"]


@pytest.mark.parametrize(
    "fault",
    [
        lambda: gateway_timeout(applies=True),
        lambda: cut_connection(applies=True),
        lambda: slow(3.0),
        lambda: reply(b"", applies=True),
    ],
)
def test_a_write_that_was_done_and_not_answered_is_found_by_reading(
    rest_shop: RestShop, fault: MakeFault
) -> None:
    [order] = rest_shop.orders(1)
    version = rest_shop.order(order, "VERSION")
    rest_shop.suffers(None, fault())

    with fails_with(UnknownOutcome):
        rest_shop.speaking(deadlines=Deadlines(read=1.5)).orders.set_status(order, "P")
    state = rest_shop.speaking().orders.get([order])[order]

    assert not isinstance(state, RestError)
    assert (state.status, state.version) == ("P", version + 1)
    assert rest_shop.mails == [(order, "P")]


def test_an_unknown_outcome_is_nothing_that_a_retry_by_type_would_repeat() -> None:
    assert not issubclass(UnknownOutcome, TransientError)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (query_limit, RateLimitError),
        (lambda: operation_time_limit(reset_in=1), OperatingLimitError),
        (site_closed, SiteClosedError),
        (gateway_timeout, UnavailableError),
        (lambda: cut_connection(applies=False), UnavailableError),
    ],
)
def test_the_third_failure_is_raised_as_what_it_is(
    rest_shop: RestShop, fault: MakeFault, kind: type[RestError]
) -> None:
    rest_shop.suffers(*[fault() for _ in range(3)])

    with fails_with(kind, "profile"):
        rest_shop.client().call("profile")

    assert rest_shop.asked == ["profile"] * 3
    assert issubclass(kind, TransientError)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (lambda: reply(b"", status=302, Location="/login"), NotRestError),
        (lambda: reply(b"<html>", status=404), NotRestError),
        (lambda: reply({"error": "INVALID_CREDENTIALS"}, status=401), AccessRefusedError),
        (lambda: reply({"error": "insufficient_scope"}, status=401), MissingScopeError),
    ],
)
def test_what_a_person_must_mend_is_not_tried_again(
    rest_shop: RestShop, fault: MakeFault, kind: type[RestError]
) -> None:
    rest_shop.suffers(fault())

    with fails_with(kind):
        rest_shop.client().call("profile")

    assert rest_shop.asked == ["profile"]


def test_pauses_double_and_their_length_is_left_to_chance(rest_shop: RestShop) -> None:
    rest_shop.suffers(*[gateway_timeout() for _ in range(4)])

    rest_shop.client(rate=None, tries=5).call("profile")

    # The longest each: the test's client leaves nothing to chance.
    assert rest_shop.clock.naps == [1.0, 2.0, 4.0, 8.0]


def test_the_operating_limit_is_waited_out_until_the_moment_that_bitrix_names(
    rest_shop: RestShop,
) -> None:
    rest_shop.suffers(operation_time_limit(reset_in=60))

    rest_shop.client(rate=None).call("profile")

    assert rest_shop.clock.naps == [61.0]


def test_a_wait_beyond_the_calls_own_deadline_is_not_begun(rest_shop: RestShop) -> None:
    rest_shop.suffers(operation_time_limit(reset_in=500))
    rest = rest_shop.client(rate=None)

    with fails_with(OperatingLimitError) as caught:
        rest.call("profile")

    [error] = caught
    assert isinstance(error, OperatingLimitError)
    assert error.reset_at == pytest.approx(rest_shop.clock.now + 500)
    assert rest_shop.clock.naps == []


def test_retry_after_is_heeded(rest_shop: RestShop) -> None:
    rest_shop.suffers(reply(b"<html>", status=429, Retry_After="30"))

    rest_shop.client(rate=None).call("profile")

    assert rest_shop.clock.naps == [31.0]


def test_after_overload_nothing_more_is_sent_and_somebody_is_told(
    rest_shop: RestShop, caplog: pytest.LogCaptureFixture
) -> None:
    rest_shop.suffers(overload_limit())
    shop = rest_shop.speaking()

    with fails_with(OverloadError, "ask Bitrix's support"):
        shop.profile()
    with fails_with(OverloadError):
        shop.server_time()
    states = shop.orders.get([1, 2])

    assert [type(state) for state in states.values()] == [OverloadError] * 2
    assert rest_shop.asked == ["profile"]
    alerts = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(alerts) == 1


def test_a_shop_that_is_not_there_got_nothing(rest_shop: RestShop) -> None:
    rest = rest_shop.client()
    rest_shop.simulator.__exit__()

    with fails_with(UnreachableError, "cannot be reached"):
        rest.call("sale.order.update", {"id": 1, "fields": {"statusId": "P"}})

    assert len(rest_shop.clock.naps) == 2


def test_retries_are_logged_with_their_reason_and_no_contents(
    rest_shop: RestShop, caplog: pytest.LogCaptureFixture
) -> None:
    rest_shop.suffers(query_limit())

    with caplog.at_level(logging.INFO, "bitrix_pipeline"):
        rest_shop.client().call("profile")

    [record] = [record for record in caplog.records if record.name.startswith("bitrix_pipeline")]
    fields = vars(record)
    assert (fields["method"], fields["code"], fields["attempt"]) == (
        "profile",
        "QUERY_LIMIT_EXCEEDED",
        1,
    )
