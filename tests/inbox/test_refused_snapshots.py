"""What Postgres refuses of a snapshot keeps its place until somebody mends it, or newer news comes."""

from collections.abc import Iterator
from contextlib import contextmanager

from shop_and_crm import SETTINGS, Crm
from snapshots import (
    LINE,
    ORDER,
    apply,
    line,
    order,
)


def test_a_row_that_postgres_refused_can_be_replayed(bare_crm: Crm) -> None:
    told = order(at=2, STATUS_ID="P")
    with refusing(bare_crm, "orders", "bitrix_status <> 'P'"):
        apply(bare_crm, SETTINGS, told)
    assert set_aside(bare_crm) == [("orders", str(ORDER))]

    apply(bare_crm, SETTINGS, told)

    assert bare_crm.cell("orders", ORDER, "bitrix_status") == "P"
    assert set_aside(bare_crm) == []


def test_an_order_of_which_postgres_refused_a_line_can_be_replayed(bare_crm: Crm) -> None:
    told = order(line(), line(LINE + 1, NAME="Шип"))
    with refusing(bare_crm, "order_items", "name <> 'Шип'"):
        results = apply(bare_crm, SETTINGS, told)
    assert results["order_items"].set_aside == 1
    assert bare_crm.cell("order_items", LINE, "name") == "Роза"

    apply(bare_crm, SETTINGS, told)

    assert bare_crm.cell("order_items", LINE + 1, "name") == "Шип"
    assert set_aside(bare_crm) == []


def test_older_news_does_not_take_the_place_of_what_postgres_refused(bare_crm: Crm) -> None:
    with refusing(bare_crm, "orders", "bitrix_status <> 'P'"):
        apply(bare_crm, SETTINGS, order(at=4, STATUS_ID="P"))

        apply(bare_crm, SETTINGS, order(at=2, STATUS_ID="N"))

    assert bare_crm.row("orders", ORDER, "bitrix_status") is None
    assert set_aside(bare_crm) == [("orders", str(ORDER))]


def test_newer_news_takes_the_place_of_what_postgres_refused(bare_crm: Crm) -> None:
    refused = order(at=2, STATUS_ID="P")
    with refusing(bare_crm, "orders", "bitrix_status <> 'P'"):
        apply(bare_crm, SETTINGS, refused)
    apply(bare_crm, SETTINGS, order(at=4, STATUS_ID="F"))

    apply(bare_crm, SETTINGS, refused)

    assert bare_crm.cell("orders", ORDER, "bitrix_status") == "F"
    assert set_aside(bare_crm) == []


@contextmanager
def refusing(crm: Crm, table: str, unless: str) -> Iterator[None]:
    """As a constraint of the CRM's does."""
    crm.run(f"ALTER TABLE {table} ADD CONSTRAINT picky CHECK ({unless})")
    yield
    crm.run(f"ALTER TABLE {table} DROP CONSTRAINT picky")


def set_aside(crm: Crm) -> list[tuple[object, ...]]:
    return crm.rows("SELECT table_name, row_id FROM bitrix_pipeline.set_aside")
