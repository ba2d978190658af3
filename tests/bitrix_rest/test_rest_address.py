"""The webhook's address and the settings around it."""

import pytest

from bitrix_pipeline.bitrix_rest import Deadlines, Rate, Webhook, options_from, rest_client
from bitrix_pipeline.errors import SettingsError
from bitrix_pipeline.settings import Settings, load_settings


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.mark.parametrize(
    ("url", "host", "profile"),
    [
        ("https://shop.example/rest/1/abc/", "shop.example", "https://shop.example/rest/1/abc/profile"),
        ("https://shop.example/rest/1/abc", "shop.example", "https://shop.example/rest/1/abc/profile"),
        (" https://shop.example/rest/1/abc/\n", "shop.example", "https://shop.example/rest/1/abc/profile"),
        ("https://shop.example:8443/x/rest/1/abc/", "shop.example:8443", "https://shop.example:8443/x/rest/1/abc/profile"),
        ("http://localhost:80/rest/1/abc/", "localhost:80", "http://localhost:80/rest/1/abc/profile"),
        ("http://[::1]:80/rest/1/abc/", "[::1]:80", "http://[::1]:80/rest/1/abc/profile"),
    ],
)  # fmt: skip
def test_an_address_leads_to_methods(url: str, host: str, profile: str) -> None:
    webhook = Webhook.parse(url)

    assert (webhook.host, webhook.url_of("profile")) == (host, profile)


def test_plain_http_would_show_the_password_to_the_network() -> None:
    with pytest.raises(SettingsError, match="https"):
        Webhook.parse("http://shop.example/rest/1/abc/")


def test_without_an_address_there_is_no_client() -> None:
    with pytest.raises(SettingsError, match="BITRIX_REST_URL is not set"):
        rest_client(settings())


def test_a_bundle_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"BITRIX_REST_CA_BUNDLE.*/no/such/file"):
        rest_client(
            settings(
                bitrix_rest_url="https://shop.example/rest/1/abc/",
                bitrix_rest_ca_bundle="/no/such/file",
            )
        )


def test_each_setting_arrives() -> None:
    options = options_from(
        settings(
            bitrix_rest_rate="10/1",
            bitrix_rest_connect_seconds=1,
            bitrix_rest_read_seconds=2,
            bitrix_rest_overall_seconds=3,
            bitrix_rest_batch_size=4,
            bitrix_rest_ca_bundle="/ca.pem",
        )
    )

    assert options.rate == Rate(burst=10, per_second=1)
    assert options.deadlines == Deadlines(connect=1, read=2, overall=3)
    assert (options.batch_size, options.ca_bundle) == (4, "/ca.pem")


def test_the_settings_defaults_are_the_clients() -> None:
    options = options_from(settings())

    assert options.rate == Rate(burst=50, per_second=2.0)
    assert options.deadlines == Deadlines()


@pytest.mark.parametrize("rate", ["fast", "10", "0/1", "10/0", "10/0.0", "-1/2", "10/x", ""])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(SettingsError, match="BITRIX_REST_RATE"):
        load_settings(_env_file=None, bitrix_rest_rate=rate)


@pytest.mark.parametrize("size", [0, 51])
def test_a_batch_is_no_larger_than_bitrix_takes(size: int) -> None:
    with pytest.raises(SettingsError, match="BITRIX_REST_BATCH_SIZE"):
        load_settings(_env_file=None, bitrix_rest_batch_size=size)
