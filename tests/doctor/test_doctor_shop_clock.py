"""Wrong zones and clocks, as they show in what the shop wrote."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from consultation import Consultation
from shop_and_crm import Shop

from bitrix_pipeline.doctor import Level
from bitrix_pipeline.doctor.clocks import compare_clocks, spoken
from bitrix_pipeline.doctor.shop_clock import clocks_apart

NOON = datetime(2026, 5, 5, 12, tzinfo=UTC)


def moscow(**shift: float) -> datetime:
    """What a clock in Moscow shows now, or some time from now."""
    return (datetime.now(UTC) + timedelta(hours=3) + timedelta(**shift)).replace(tzinfo=None)


@pytest.mark.parametrize("table", ["b_sale_order", "b_sale_basket"])
def test_a_zone_too_far_in_the_west(healthy: Consultation, calm_shop: Shop, table: str) -> None:
    calm_shop.run(f"UPDATE {table} SET DATE_UPDATE = %s ORDER BY ID DESC LIMIT 1", moscow())

    assert healthy.serious() == []
    finding = healthy.with_settings(shop_timezone="UTC").only_serious()

    assert finding.level is Level.WARNING
    assert f"{table}.DATE_UPDATE, which PHP writes, is up to 3 h in the future of UTC" in (
        finding.found
    )
    assert "SHOP_TIMEZONE" in finding.advice


def test_accounts_made_in_the_future(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.run("UPDATE b_user SET DATE_REGISTER = %s WHERE ID = 5", moscow(hours=2))

    finding = healthy.only_serious()

    assert "which MySQL writes, is up to 2 h in the future" in finding.found
    assert "after_connect_d7.php" in finding.advice


def test_an_import_from_the_future_is_no_zone(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.run("UPDATE b_sale_order SET DATE_UPDATE = '9999-12-31' ORDER BY ID LIMIT 2")

    assert healthy.serious() == []
    assert healthy.about("2 orders say").level is Level.NOTE


def test_php_and_mysql_in_two_zones(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.run(
        "UPDATE b_sale_order JOIN b_user ON b_user.ID = b_sale_order.USER_ID"
        " SET b_sale_order.DATE_INSERT = b_user.DATE_REGISTER + INTERVAL 10802 SECOND"
    )

    finding = healthy.only_serious()

    assert "PHP writes times 3 h later than MySQL" in finding.found
    assert "registered_at" in finding.advice


def test_php_and_mysql_in_one_zone(healthy: Consultation, calm_shop: Shop) -> None:
    calm_shop.run(
        "UPDATE b_sale_order JOIN b_user ON b_user.ID = b_sale_order.USER_ID"
        " SET b_sale_order.DATE_INSERT = b_user.DATE_REGISTER + INTERVAL 2 SECOND"
    )

    assert healthy.about("PHP and MySQL write times of the same zone").level is Level.OK


def test_mysqls_own_zone_is_told(healthy: Consultation, as_root: Callable[..., None]) -> None:
    as_root("SET GLOBAL time_zone = '+05:00'")
    try:
        finding = healthy.about("MySQL's time zone")
    finally:
        as_root("SET GLOBAL time_zone = '+03:00'")
    agreed = healthy.about("MySQL's time zone")
    as_root("SET GLOBAL time_zone = 'SYSTEM'")

    assert (finding.level, agreed.level) == (Level.NOTE, Level.OK)
    assert "+05:00, SHOP_TIMEZONE Europe/Moscow is +03:00" in finding.found
    assert "SET time_zone = '+03:00'" in finding.advice


def test_a_mysql_whose_clock_is_wrong(healthy: Consultation, as_root: Callable[..., None]) -> None:
    as_root("SET GLOBAL init_connect = 'SET timestamp = UNIX_TIMESTAMP() + 600'")
    try:
        finding = healthy.only_serious()
    finally:
        as_root("SET GLOBAL init_connect = ''")

    assert finding.found.startswith("MySQL's clock is 10 min ahead of")
    assert "NTP" in finding.advice


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [
        (0, Level.OK, "agree"),
        (30, Level.OK, "agree"),
        (31, Level.WARNING, "31 s ahead of"),
        (-7200, Level.WARNING, "2 h behind"),
    ],
)
def test_how_far_a_clock_may_be_off(ahead: int, level: Level, words: str) -> None:
    said = NOON + timedelta(seconds=ahead + 1)

    finding = compare_clocks("x", "X", asked=NOON, said=said, answered=NOON + timedelta(seconds=2))

    assert finding.level is level
    assert words in finding.found


@pytest.mark.parametrize(
    ("seconds", "apart"),
    [
        ([], None),
        ([2, 3, 5, 9], None),
        ([2, 3, 5, 9, 11], 0),
        ([-10799, -10790, -10805, -10800, -10800], -10800),
        ([2, 3, 5, 9, 11, 10801, 7200, 3600, 1800, 900], None),
        ([400, 500, 10_000_000, 2, 3, 5, 9, 11], 0),
        ([19_803] * 5, 19_800),
    ],
)
def test_what_checkouts_tell_about_two_clocks(seconds: list[int], apart: int | None) -> None:
    assert clocks_apart(seconds) == apart


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(45, "45 s"), (120, "2 min"), (10_800, "3 h"), (19_800, "5 h 30 min")],
)
def test_a_length_of_time_in_words(seconds: int, words: str) -> None:
    assert spoken(timedelta(seconds=seconds)) == words
