"""A MySQL server that is old, narrow or behind."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from consultation import Consultation

from bitrix_pipeline.doctor import Level
from bitrix_pipeline.doctor.shop_server import OLDEST, judge_lag, version_of


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("10.11.19-MariaDB-0+deb12u1", (10, 11, 19)),
        ("5.5.5-10.0.38-MariaDB", (10, 0, 38)),
        ("8.0.36-28", (8, 0, 36)),
        ("5.7.44-log", (5, 7, 44)),
        ("9.4.0", (9, 4, 0)),
        ("unknown", (0, 0, 0)),
    ],
)
def test_the_version_in_what_a_server_says(text: str, version: tuple[int, ...]) -> None:
    assert version_of(text) == version


def test_a_server_that_is_too_old(healthy: Consultation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OLDEST, "MariaDB", (99, 0, 0))

    finding = healthy.only_serious()

    assert finding.level is Level.PROBLEM
    assert "the oldest that a sync can work with is 99.0.0" in finding.found


@pytest.mark.parametrize(
    ("kibibytes", "level"), [(512, Level.WARNING), (4096, Level.NOTE), (16_384, Level.OK)]
)
def test_a_small_packet(
    healthy: Consultation, as_root: Callable[..., None], kibibytes: int, level: Level
) -> None:
    as_root(f"SET GLOBAL max_allowed_packet = {kibibytes * 1024}")
    try:
        finding = healthy.about("max_allowed_packet")
    finally:
        as_root("SET GLOBAL max_allowed_packet = 64 * 1024 * 1024")

    assert finding.level is level


def test_a_strict_server_does_not_matter(healthy: Consultation) -> None:
    finding = healthy.about("sql_mode")

    assert finding.level is Level.OK
    assert "STRICT_TRANS_TABLES" in finding.found


def test_a_replica_that_stands_still(healthy: Consultation, as_root: Callable[..., None]) -> None:
    as_root(
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1, MASTER_USER = 'nobody'",
        "GRANT REPLICA MONITOR ON *.* TO reader@'%'",
    )
    try:
        finding = healthy.only_serious()
    finally:
        as_root("RESET SLAVE ALL")

    assert finding.level is Level.PROBLEM
    assert "replication stands still" in finding.found


def test_a_replica_that_may_not_be_asked(
    healthy: Consultation, as_root: Callable[..., None]
) -> None:
    as_root("SET GLOBAL read_only = 1")
    try:
        finding = healthy.about("probably a replica")
    finally:
        as_root("SET GLOBAL read_only = 0")

    assert finding.level is Level.NOTE
    assert "REPLICA MONITOR" in finding.advice


@pytest.mark.parametrize(
    ("lag", "level"),
    [(0, Level.OK), (60, Level.OK), (61, Level.WARNING), (None, Level.PROBLEM)],
)
def test_how_far_a_replica_may_be_behind(lag: int | None, level: Level) -> None:
    [finding] = judge_lag(None if lag is None else timedelta(seconds=lag))

    assert finding.level is level
