"""An account that may do too much or too little, and the statements that mend it."""

import re
from collections.abc import Callable

import pytest
from consultation import READER, Consultation
from shop_and_crm import Shop

from bitrix_pipeline.doctor import Level
from bitrix_pipeline.doctor.shop_account import excesses, parse_grant

STATEMENTS = re.compile(r"(?:CREATE USER|GRANT) .*?;")


@pytest.fixture
def as_root_of_shop(healthy: Consultation, calm_shop: Shop) -> Consultation:
    """What people put into the setting first."""
    return healthy.with_settings(bitrix_mysql_url=calm_shop.url)


def test_an_account_that_may_change_the_shop(
    healthy: Consultation, calm_shop: Shop, as_root: Callable[..., None]
) -> None:
    as_root(f"GRANT INSERT, UPDATE ON {calm_shop.database}.b_user TO {READER}@'%'")

    finding = healthy.only_serious()

    assert finding.level is Level.WARNING
    assert "INSERT, UPDATE on" in finding.found
    assert "b_user" in finding.found


def test_root_is_far_too_much(as_root_of_shop: Consultation) -> None:
    finding = as_root_of_shop.only_serious()

    assert "ALL PRIVILEGES, GRANT OPTION on *.*" in finding.found


def test_the_advised_account_is_as_it_should_be(
    as_root_of_shop: Consultation, calm_shop: Shop, as_root: Callable[..., None]
) -> None:
    statements = STATEMENTS.findall(as_root_of_shop.only_serious().advice)
    as_root("DROP USER IF EXISTS bitrix_reader@'127.0.0.1'", *statements)

    advised = as_root_of_shop.with_settings(
        bitrix_mysql_url=calm_shop.url.replace(
            "root@", "bitrix_reader:%3Ca%20long%20random%20password%3E@"
        )
    )

    assert advised.serious() == []
    assert "can read the shop and change nothing" in advised.about("bitrix_reader").found


def test_reading_other_databases_is_too_much(
    healthy: Consultation, as_root: Callable[..., None]
) -> None:
    as_root(f"GRANT SELECT ON mysql.* TO {READER}@'%'")

    assert "SELECT on `mysql`.*" in healthy.only_serious().found


def test_a_table_that_it_may_not_read(
    healthy: Consultation, calm_shop: Shop, as_root: Callable[..., None]
) -> None:
    tables = [name for (name,) in calm_shop.rows("SHOW TABLES") if name != "b_sale_order"]
    as_root(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {READER}@'%'")
    as_root(*(f"GRANT SELECT ON {calm_shop.database}.{name} TO {READER}@'%'" for name in tables))

    finding = healthy.about("may not read")

    assert finding.level is Level.PROBLEM
    assert "may not read b_sale_order, so orders cannot be synced" in finding.found
    as_root(*STATEMENTS.findall(finding.advice))
    assert healthy.serious() == []


def test_single_columns_are_not_enough(
    healthy: Consultation, calm_shop: Shop, as_root: Callable[..., None]
) -> None:
    tables = [name for (name,) in calm_shop.rows("SHOW TABLES") if name != "b_sale_basket"]
    as_root(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {READER}@'%'")
    as_root(*(f"GRANT SELECT ON {calm_shop.database}.{name} TO {READER}@'%'" for name in tables))
    as_root(f"GRANT SELECT (ID) ON {calm_shop.database}.b_sale_basket TO {READER}@'%'")

    finding = healthy.about("b_sale_basket.ORDER_ID", "order_items cannot be synced")

    assert finding.level is Level.PROBLEM
    assert "whole tables" in finding.advice


def test_an_account_that_may_write_and_not_read(
    healthy: Consultation, calm_shop: Shop, as_root: Callable[..., None]
) -> None:
    as_root(f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {READER}@'%'")
    as_root(f"GRANT INSERT ON {calm_shop.database}.* TO {READER}@'%'")

    problems = [f.found for f in healthy.serious() if f.level is Level.PROBLEM]

    assert len(problems) == 2
    assert "may not read b_sale_status, b_user" in problems[0]
    assert "Not everything could be seen" in problems[1]


def test_a_role_is_told_because_it_cannot_be_looked_into(
    healthy: Consultation, as_root: Callable[..., None]
) -> None:
    as_root("CREATE OR REPLACE ROLE florist", f"GRANT florist TO {READER}@'%'")

    finding = healthy.about("has the role `florist`")

    assert finding.level is Level.NOTE
    as_root("DROP ROLE florist")


@pytest.mark.parametrize(
    ("line", "wide"),
    [
        ("GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*D821'", []),
        ("GRANT SELECT ON `my\\_shop`.* TO `u`@`%`", []),
        ("GRANT SELECT ON `my_shop`.* TO `u`@`%`", []),
        ("GRANT SELECT, SHOW VIEW ON `my%`.* TO `u`@`%`", []),
        ("GRANT SELECT (`ID`, `NAME`) ON `my_shop`.`b_user` TO `u`@`%`", []),
        ("GRANT REPLICATION CLIENT ON *.* TO `u`@`%`", []),
        ("GRANT SELECT ON *.* TO `u`@`%`", ["SELECT on *.*"]),
        ("GRANT SELECT ON `my\\_shop\\_2`.* TO `u`@`%`", ["SELECT on `my\\_shop\\_2`.*"]),
        (
            "GRANT SELECT ON `my_shop`.* TO `u`@`%` WITH GRANT OPTION",
            ["GRANT OPTION on `my_shop`.*"],
        ),
        ("GRANT UPDATE (`NAME`) ON `my_shop`.`t` TO `u`@`%`", ["UPDATE on `my_shop`.`t`"]),
        (
            "GRANT EXECUTE ON PROCEDURE `my_shop`.`p` TO `u`@`%`",
            ["EXECUTE on PROCEDURE `my_shop`.`p`"],
        ),
    ],
)
def test_what_goes_beyond_reading_the_shop(line: str, wide: list[str]) -> None:
    grant = parse_grant(line)

    assert grant is not None
    assert excesses([grant], "my_shop") == wide
