"""Why the shop's MySQL cannot be reached, in words that hold no password."""

from collections.abc import Callable

import pytest
from consultation import READER, Consultation

from bitrix_pipeline.doctor import Finding, Level, examine
from bitrix_pipeline.settings import Settings

PASSWORD = "sesame"


def only_problem(url: str) -> Finding:
    findings = examine(Settings(_env_file=None, bitrix_mysql_url=url))
    [finding] = [f for f in findings if f.topic.startswith("MySQL") and f.level is Level.PROBLEM]
    assert PASSWORD not in repr(finding)
    return finding


@pytest.mark.parametrize(
    ("url", "found", "advice"),
    [
        ("", "BITRIX_MYSQL_URL is not set", "Set BITRIX_MYSQL_URL"),
        ("mysql://u:sesame@host:port/shop", "cannot be read", "Set BITRIX_MYSQL_URL"),
        ("postgresql://u:sesame@127.0.0.1/shop", "must look like", "Set BITRIX_MYSQL_URL"),
        ("mysql://u:sesame@127.0.0.1:1/shop", "Connection refused", "host and port"),
        ("mysql://u:sesame@127.0.0.1:1/shop?ssl_ca=/no/such", "No such file", "ssl_ca"),
    ],
)
def test_a_url_that_leads_nowhere(url: str, found: str, advice: str) -> None:
    finding = only_problem(url)

    assert found in finding.found
    assert advice in finding.advice


def test_a_wrong_password(healthy: Consultation) -> None:
    url = healthy.settings.require_mysql_url().replace(f":{PASSWORD}@", ":open-sesame@")

    finding = only_problem(url)

    assert "Access denied" in finding.found
    assert "password" in finding.advice


def test_an_account_without_any_right_on_the_shop(
    healthy: Consultation, as_root: Callable[..., None]
) -> None:
    as_root(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {READER}@'%'")

    finding = only_problem(healthy.settings.require_mysql_url())

    assert "refuses the account" in finding.found
    assert "SELECT" in finding.advice


def test_a_database_that_does_not_exist(healthy: Consultation) -> None:
    finding = only_problem(f"{healthy.settings.require_mysql_url()}_2")

    assert "refuses the account" in finding.found
