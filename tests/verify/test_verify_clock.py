"""Source times become the instants that Postgres makes of them."""

from typing import Any

import pytest
from tiny_shop import World

from bitrix_pipeline.verify.clock import Clock
from bitrix_pipeline.verify.source import Shop


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Europe/Moscow", "2024-07-01 12:00:00", "2024-07-01 09:00:00"),
        ("Europe/Moscow", "2012-07-01 12:00:00", "2012-07-01 08:00:00"),
        ("Europe/Moscow", "2024-07-01 12:00:00.250000", "2024-07-01 09:00:00.25"),
        # Summer began in the night: 02:30 was skipped and is read with the winter's offset.
        ("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31 01:30:00"),
        # Summer ended: 02:30 came twice and is the second, in winter time.
        ("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 01:30:00"),
        ("Europe/Moscow", "2014-10-26 01:30:00", "2014-10-25 22:30:00"),
        ("America/New_York", "9999-12-31 23:59:59", "10000-01-01 04:59:59"),
        ("UTC", "2024-07-01 12:00:00", "2024-07-01 12:00:00"),
        ("Europe/Moscow", "0000-00-00 00:00:00", None),
        ("Europe/Moscow", "2023-02-30 00:00:00", None),
        ("Europe/Moscow", None, None),
    ],
)
def test_local_times(postgres: Any, zone: str, local: str | None, utc: str | None) -> None:
    with postgres.connect() as target:
        clock = Clock(target=target, shop=Shop(target), shop_timezone="unused")
        assert clock.instants([local, None, local], zone=zone) == [utc, None, utc]


def test_the_type_of_the_column_decides_the_zone(world: World) -> None:
    world.in_source(
        "SET time_zone = '+05:00'",
        "ALTER TABLE b_user MODIFY DATE_REGISTER timestamp NULL",
        "UPDATE b_user SET DATE_REGISTER = '2024-01-10 14:00:00' WHERE ID = 1",
    )
    assert "users 1: registered_at differs" not in world.reports("users")


def test_a_session_in_another_zone_and_style_sees_the_same(world: World) -> None:
    world.in_source("SET time_zone = '-07:00'")
    world.in_target("SET TimeZone = 'Asia/Tokyo'", "SET DateStyle = 'German, DMY'")
    assert all(verdict.equal for verdict in world.verify().values())
