"""The webhook's URL is a password: no log, no exception, no representation shows it."""

import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import replace

import pytest
from rest_at_hand import CODE, RestShop

from bitrix_pipeline.bitrix_rest import (
    BitrixRest,
    BitrixShop,
    Deadlines,
    RestError,
    RestOptions,
    Webhook,
    rest_client,
)
from bitrix_pipeline.demo_rest import Fault, cut_connection, gateway_timeout, reply, slow
from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.settings import Settings

MakeFault = Callable[[], Fault]

ECHO = f"/rest/1/{CODE}/profile"

FAULTS: list[MakeFault] = [
    gateway_timeout,
    lambda: cut_connection(applies=False),
    lambda: slow(1.0),
    lambda: reply(f"<html>No {ECHO} here</html>".encode(), status=404),
    lambda: reply(b"", status=302, Location=f"https://shop.example{ECHO}"),
    lambda: reply({"error": CODE, "error_description": f"Bad call of {ECHO}"}, status=400),
    lambda: reply({"error": "0", "error_description": ECHO}, status=400),
    lambda: reply({"result": ECHO}, status=500),
    lambda: reply(b"x" * 3_000_000),
]


def everything_said_about(error: BaseException) -> str:
    """Its text, its chain however deep, its frames with their variables, and its attributes."""
    said = [repr(vars(error)), repr(error.args)]
    rendered = traceback.TracebackException.from_exception(error, capture_locals=True)
    said += rendered.format(chain=True)
    for linked in (error.__cause__, error.__context__):
        if linked is not None:
            said.append(everything_said_about(linked))
    return "\n".join(said)


@pytest.fixture(autouse=True)
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "requests", "bitrix_pipeline"):
        caplog.set_level(logging.DEBUG, name)


def hurried(rest_shop: RestShop) -> BitrixRest:
    return rest_shop.client(deadlines=Deadlines(read=0.3), max_bytes=2_000_000)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["profile", "sale.order.update"])
def test_an_exception_never_holds_it(
    rest_shop: RestShop,
    fault: MakeFault,
    method: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rest_shop.suffers(*[fault() for _ in range(3)])
    rest = hurried(rest_shop)

    with pytest.raises(RestError) as caught:
        rest.call(method)

    error = caught.value
    assert error.__context__ is None
    assert error.__cause__ is None
    assert CODE not in everything_said_about(error)
    assert CODE not in str(pickle.dumps(error.args))
    assert CODE not in error.code
    assert CODE not in caplog.text


def test_a_shop_that_is_away_does_not_give_it_away(
    rest_shop: RestShop, caplog: pytest.LogCaptureFixture
) -> None:
    rest = rest_shop.client()
    rest_shop.simulator.__exit__()

    with pytest.raises(RestError) as caught:
        rest.call("profile")

    assert CODE not in everything_said_about(caught.value)
    assert CODE not in caplog.text


@pytest.mark.parametrize("fault", FAULTS)
def test_a_batchs_errors_do_not_hold_it(rest_shop: RestShop, fault: MakeFault) -> None:
    rest_shop.suffers(*[fault() for _ in range(3)])

    states = BitrixShop(hurried(rest_shop)).orders.get([1])

    assert CODE not in repr(states)
    assert CODE not in str(states[1])


def test_urllib3_logs_requests_without_it(
    rest_shop: RestShop, caplog: pytest.LogCaptureFixture
) -> None:
    rest_shop.speaking().profile()

    logged = [record.getMessage() for record in caplog.records if "POST" in record.getMessage()]
    assert logged, "urllib3 logs no requests any more: the filter may go"
    assert all("/rest/***/profile" in line for line in logged)
    assert CODE not in caplog.text


def test_the_filter_is_there_once_however_many_clients(rest_shop: RestShop) -> None:
    for _ in range(3):
        rest_shop.client()

    assert len(logging.getLogger("urllib3.connectionpool").filters) == 1


def test_other_lines_of_urllib3_stay_as_they_are(
    rest_shop: RestShop, caplog: pytest.LogCaptureFixture
) -> None:
    rest_shop.client()

    logging.getLogger("urllib3.connectionpool").debug("%s:%s opened", "shop.example", 443)

    assert "shop.example:443 opened" in caplog.text


def test_nothing_that_holds_it_shows_it(rest_shop: RestShop) -> None:
    settings = Settings(_env_file=None, bitrix_rest_url=rest_shop.simulator.webhook_url)
    webhook = Webhook.parse(rest_shop.simulator.webhook_url)
    rest = rest_client(settings)
    shop = BitrixShop(rest)

    for thing in (settings, webhook, rest, shop, RestOptions(), vars(rest), vars(shop)):
        assert CODE not in repr(thing)
        assert CODE not in str(thing)
    assert CODE not in settings.model_dump_json()


@pytest.mark.parametrize(
    "url",
    [
        f"http://shop.example/rest/1/{CODE}/",
        f"ftp://shop.example/rest/1/{CODE}/",
        f"https://user:pass@shop.example/rest/1/{CODE}/",
        f"https://shop.example:port/rest/1/{CODE}/",
        f"https://shop.example/{CODE}/",
        f"https://shop.example/rest/1/{CODE}/?x=1",
        f"https://[::1/rest/1/{CODE}/",
        f"//shop.example/rest/1/{CODE}/",
        CODE,
    ],
)
def test_an_address_that_makes_no_sense_is_refused_without_it(url: str) -> None:
    with pytest.raises(SettingsError, match="BITRIX_REST_URL") as caught:
        Webhook.parse(url)

    assert CODE not in everything_without_locals(caught.value)


def test_a_plain_copy_of_the_options_tells_nothing(rest_shop: RestShop) -> None:
    webhook = Webhook.parse(rest_shop.simulator.webhook_url)

    assert CODE not in repr(replace(webhook, host="elsewhere"))
    assert CODE not in json.dumps(vars(webhook), default=str)


def everything_without_locals(error: BaseException) -> str:
    """The function that reads the URL has it in hand."""
    return "".join(traceback.format_exception(error)) + repr(error.__context__)
