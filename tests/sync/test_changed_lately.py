"""The frequent sync: orders by their change time and by their IDs, all else by content."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pymysql
import pytest
from shop_and_crm import Pipeline, written

from bitrix_pipeline.sync.scope import ChangedLately, Everything, Ids

LATELY = ChangedLately()


def shops_clock(**offset: float) -> str:
    moment = datetime.now(ZoneInfo("Europe/Moscow")) + timedelta(**offset)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


@pytest.fixture
def lately(synced: Pipeline) -> Pipeline:
    """A shop that has just had an order, so that the change times seen reach up to now."""
    [last] = synced.shop.ids("SELECT MAX(ID) FROM b_sale_order")
    synced.shop.run("UPDATE b_sale_order SET DATE_UPDATE = %s WHERE ID = %s", shops_clock(), last)
    synced.sync("orders")
    return synced


@pytest.fixture
def order(lately: Pipeline) -> int:
    """An old order."""
    return int(lately.shop.value("SELECT MIN(ID) FROM b_sale_order WHERE ID > 10000"))


@pytest.fixture
def unfinished(lately: Pipeline) -> Iterator["pymysql.Connection"]:
    """A transaction of the shop's that has begun."""
    with pymysql.connect(
        host="127.0.0.1",
        port=int(lately.shop.connection.port),
        user="root",
        database=lately.shop.database,
        sql_mode="",
    ) as connection:
        connection.begin()
        yield connection


def test_a_new_order_arrives(lately: Pipeline) -> None:
    lately.shop.insert("b_sale_order", ID=900_001, DATE_UPDATE=shops_clock())

    lately.sync("orders", LATELY)

    assert lately.crm.row("orders", 900_001, "id") is not None
    assert lately.differences("orders") == []


def test_a_changed_order_arrives(lately: Pipeline, order: int) -> None:
    lately.shop.run(
        "UPDATE b_sale_order SET COMMENTS = 'звонил', DATE_UPDATE = %s WHERE ID = %s",
        shops_clock(), order,
    )  # fmt: skip

    result = lately.sync("orders", LATELY)

    assert (result.inserted, result.updated) == (0, 1)
    assert lately.differences("orders") == []


def test_an_old_order_with_an_old_change_time_arrives_by_its_id(lately: Pipeline) -> None:
    lately.shop.insert("b_sale_order", ID=900_001, DATE_UPDATE="2015-01-01 00:00:00")

    lately.sync("orders", LATELY)

    assert lately.crm.row("orders", 900_001, "id") is not None


def test_a_new_order_that_was_committed_late_arrives(
    lately: Pipeline, unfinished: "pymysql.Connection"
) -> None:
    lately.shop.note_change("INSERT INTO b_sale_order")
    with unfinished.cursor() as cursor:
        cursor.execute(
            "INSERT INTO b_sale_order (ID, DATE_UPDATE) VALUES (900001, %s)",
            (shops_clock(minutes=-2),),
        )
    lately.sync("orders", LATELY)
    unfinished.commit()

    lately.sync("orders", LATELY)

    assert lately.crm.row("orders", 900_001, "id") is not None


def test_a_change_that_was_committed_late_arrives(
    lately: Pipeline, order: int, unfinished: "pymysql.Connection"
) -> None:
    lately.shop.note_change("UPDATE b_sale_order")
    with unfinished.cursor() as cursor:
        cursor.execute(
            "UPDATE b_sale_order SET COMMENTS = 'поздно', DATE_UPDATE = %s WHERE ID = %s",
            (shops_clock(minutes=-2), order),
        )
    lately.shop.insert("b_sale_order", ID=900_001, DATE_UPDATE=shops_clock())
    lately.sync("orders", LATELY)
    unfinished.commit()

    lately.sync("orders", LATELY)

    assert lately.crm.cell("orders", order, "manager_comment") == "поздно"


def test_the_overlap_is_a_setting(lately: Pipeline, order: int) -> None:
    lately.shop.run(
        "UPDATE b_sale_order SET COMMENTS = 'звонил', DATE_UPDATE = %s WHERE ID = %s",
        shops_clock(minutes=-30), order,
    )  # fmt: skip

    narrow = lately.sync("orders", LATELY, overlap_seconds=60)
    wide = lately.sync("orders", LATELY, overlap_seconds=3600)

    assert (narrow.updated, wide.updated) == (0, 1)


def test_an_import_from_the_future_does_not_hide_what_changes_today(
    lately: Pipeline, order: int
) -> None:
    lately.shop.insert("b_sale_order", ID=900_001, DATE_UPDATE=shops_clock(days=400))
    lately.sync("orders", LATELY)
    lately.shop.run(
        "UPDATE b_sale_order SET COMMENTS = 'сегодня', DATE_UPDATE = %s WHERE ID = %s",
        shops_clock(), order,
    )  # fmt: skip

    lately.sync("orders", LATELY)

    assert lately.crm.cell("orders", order, "manager_comment") == "сегодня"


def test_a_change_of_an_order_from_the_future_arrives(lately: Pipeline) -> None:
    lately.shop.insert("b_sale_order", ID=900_001, DATE_UPDATE=shops_clock(days=400))
    lately.sync("orders", LATELY)
    lately.shop.run("UPDATE b_sale_order SET COMMENTS = 'опять' WHERE ID = 900001")

    lately.sync("orders", LATELY)

    assert lately.crm.cell("orders", 900_001, "manager_comment") == "опять"


def test_an_edit_without_a_change_time_waits_for_the_sync_of_everything(
    lately: Pipeline, order: int
) -> None:
    lately.shop.run("UPDATE b_sale_order SET COMMENTS = 'тихо' WHERE ID = %s", order)

    found_lately = lately.sync("orders", LATELY).updated
    found_by_content = lately.sync("orders", Everything()).updated

    assert (found_lately, found_by_content) == (0, 1)
    assert lately.differences("orders") == []


def test_a_property_written_beside_its_order_waits_for_the_sync_of_everything(
    lately: Pipeline, order: int
) -> None:
    lately.shop.insert(
        "b_sale_order_props_value",
        ORDER_ID=order, ENTITY_ID=order, ENTITY_TYPE="ORDER", ORDER_PROPS_ID=999, VALUE="новое",
    )  # fmt: skip

    lately.sync("orders", Everything())

    assert lately.differences("orders") == []


@pytest.mark.parametrize(
    ("table", "edit"),
    [
        ("users", "UPDATE b_user SET PERSONAL_MOBILE = '112'"),
        ("categories", "UPDATE b_iblock_section SET GLOBAL_ACTIVE = 'N' WHERE ID % 2"),
        ("products", "UPDATE b_catalog_product SET QUANTITY = QUANTITY + 1 WHERE ID % 3 = 0"),
        ("products", "UPDATE b_catalog_price SET PRICE = PRICE + 1 WHERE ID % 5 = 0"),
        ("products", "UPDATE b_iblock_element_property SET VALUE_NUM = NULL WHERE ID % 5 = 0"),
        ("products", "UPDATE b_iblock_element_prop_s15 SET PROPERTY_118 = NULL"),
        ("order_items", "UPDATE b_sale_basket SET QUANTITY = 7 WHERE ORDER_ID > 0"),
        ("order_statuses", "UPDATE b_sale_status_lang SET NAME = 'Иначе' WHERE LID = 'ru'"),
    ],
)
@pytest.mark.parametrize("scope", [LATELY, Everything()], ids=str)
def test_an_edit_that_touches_no_timestamp_is_found(
    synced: Pipeline, table: str, edit: str, scope: object
) -> None:
    synced.shop.run(edit)

    result = synced.sync(table, scope)  # type: ignore[arg-type]

    assert result.updated > 0
    assert synced.differences(table) == []


def test_the_first_one_takes_everything(pipeline: Pipeline) -> None:
    pipeline.sync_all(LATELY)

    assert pipeline.differences() == []


def test_a_sync_of_a_few_orders_does_not_move_the_mark(lately: Pipeline, order: int) -> None:
    lately.shop.run(
        "UPDATE b_sale_order SET COMMENTS = 'давно', DATE_UPDATE = %s WHERE ID = %s",
        shops_clock(), order,
    )  # fmt: skip
    lately.shop.insert("b_sale_order", ID=900_001, DATE_UPDATE=shops_clock(minutes=4))
    lately.sync("orders", Ids((900_001,)), overlap_seconds=0)

    lately.sync("orders", LATELY, overlap_seconds=5)

    assert lately.crm.cell("orders", order, "manager_comment") == "давно"


def test_a_shop_without_change_times_is_compared_by_content(synced: Pipeline) -> None:
    synced.shop.run("ALTER TABLE b_sale_order DROP COLUMN DATE_UPDATE")
    synced.sync("orders", accept_schema=True)
    synced.shop.run("UPDATE b_sale_order SET COMMENTS = 'тихо'")

    result = synced.sync("orders", LATELY)

    assert result.updated > 30


def test_a_quiet_shop_costs_nothing(lately: Pipeline) -> None:
    assert written(lately.sync_all(LATELY)) == {}
