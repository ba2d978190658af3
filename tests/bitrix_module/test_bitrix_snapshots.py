"""What the module sends is what the pipeline needs: the shop that arrives is the shop that is there."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from bitrix_site import Listener, Site, make_bitrix_tables, make_site
from receiving import SECRET, Inbox, Service
from shop_and_crm import SETTINGS, Crm, Pipeline, Shop
from snapshots import apply, differences, live_rows

from bitrix_pipeline.inbox.changes import DRAFT_COLUMNS, VALUE_COLUMNS
from bitrix_pipeline.inbox.event import read_event
from bitrix_pipeline.model import table_named

TABLES = ("users", "categories", "products", "orders", "order_items")


@pytest.mark.parametrize(
    "variant",
    [{}, {"era": "2015", "charset": "cp1251"}],
    ids=["2026", "2015 in cp1251"],
)
def test_a_whole_shop_sent_by_the_module_equals_the_shop_in_mysql(  # noqa: PLR0917 - fixtures
    make_shop: Callable[..., Shop],
    tmp_path: Path,
    receiver: Service,
    inbox: Inbox,
    bare_crm: Crm,
    other_crm: Crm,
    variant: dict[str, str],
) -> None:
    shop = make_shop(orders=20, **variant)
    shop.run("DELETE FROM b_sale_basket WHERE ORDER_ID NOT IN (SELECT ID FROM b_sale_order)")
    make_bitrix_tables(shop)
    site = make_site(tmp_path / "site", shop, charset=variant.get("charset", "utf8mb4"))
    site.install()
    site.set(url=receiver.webhooks, secrets=SECRET, fast_path="never", batch=200, run_seconds=300)
    for type_, table in (
        ("user.saved", "b_user"),
        ("category.saved", "b_iblock_section"),
        ("product.saved", "b_iblock_element"),
        ("order.saved", "b_sale_order"),
    ):
        site.add(type_, *shop.ids(f"SELECT ID FROM {table} ORDER BY ID"))
    of_other_iblocks = shop.value(
        "SELECT (SELECT COUNT(*) FROM b_iblock_element WHERE IBLOCK_ID NOT IN (SELECT IBLOCK_ID FROM b_catalog_iblock))"
        " + (SELECT COUNT(*) FROM b_iblock_section WHERE IBLOCK_ID NOT IN (SELECT IBLOCK_ID FROM b_catalog_iblock))"
    )

    report = site.send()
    bodies = [body for (body,) in inbox.rows("e.body")]
    events = [read_event(body) for body in bodies]
    apply(bare_crm, SETTINGS, *events)
    Pipeline(shop, other_crm).sync_all()

    assert shop.value("SELECT MAX(LENGTH(DETAIL_TEXT)) FROM b_iblock_element") > 2_000
    assert not any("Меняйте воду".encode() in bytes(body) for body in bodies)
    assert report["dropped"] == of_other_iblocks
    assert report["failed"] == 0
    assert site.outbox() == []
    for table in TABLES:
        assert differences(live_rows(other_crm, table), live_rows(bare_crm, table)) == [], table


def test_no_credential_is_sent(site: Site, listener: Listener) -> None:
    user = site.shop.value("SELECT USER_ID FROM b_sale_order ORDER BY ID LIMIT 1")
    site.shop.run(
        "UPDATE b_user SET PASSWORD = 'hash-hash', CHECKWORD = 'word-word' WHERE ID = %s", user
    )
    site.add("order.saved", site.order())
    site.add("user.saved", user)

    site.send()

    for request in listener.requests:
        assert request.event["data"]["user"].keys() >= {"ID", "EMAIL", "TIMESTAMP_X"}
        assert b"hash-hash" not in request.body
        assert b"word-word" not in request.body


PHP_COLUMNS = "include $argv[1]; echo json_encode(Bitrixpipeline\\Outbox\\Columns::OF);"
KEYS_OF_PARTS = {"b_catalog_product": {"ID"}, "b_catalog_price": {"ID", "PRODUCT_ID"}}
FLAGS = {"IS_PAYER", "IS_PHONE", "IS_EMAIL"}


def test_an_event_carries_the_columns_that_the_pipeline_reads_and_no_others(site: Site) -> None:
    sent = json.loads(site.php("-r", PHP_COLUMNS, site.module / "lib/columns.php"))
    read: dict[str, set[str]] = defaultdict(set)
    for table in map(table_named, TABLES):
        for column in table.source_columns:
            source, name = column.split(".")
            read[source].add(name)
    for source, names in KEYS_OF_PARTS.items():
        read[source] |= names
    read["b_iblock_element"] |= set(DRAFT_COLUMNS)
    read["b_sale_order_props_value"] |= set(VALUE_COLUMNS) - FLAGS

    assert {source: sorted(names) for source, names in sent.items()} == {
        source: sorted(read[source]) for source in sent
    }
    # The rest decides which rows are sent, or is joined by name.
    assert read.keys() - sent.keys() == {
        "b_catalog_group",
        "b_catalog_iblock",
        "b_iblock",
        "b_iblock_element_property",
        "b_sale_order_archive",
        "b_sale_order_props",
    }


def test_an_order_of_sixty_products_with_long_texts_goes_with_its_snapshot(
    site: Site, receiver: Service, inbox: Inbox
) -> None:
    order = site.order()
    give_lines(site.shop, order, 60)
    site.shop.run(
        "UPDATE b_iblock_element SET DETAIL_TEXT = REPEAT('Розы. ', 2000), PREVIEW_TEXT = REPEAT('Розы. ', 500),"
        " SEARCHABLE_CONTENT = REPEAT('РОЗЫ. ', 2000)"
    )
    site.set(url=receiver.webhooks)
    site.add("order.saved", order)

    assert site.send()["delivered"] == 1

    ((body,),) = inbox.rows("e.body")
    carried = read_event(body).data
    assert len(carried.products or ()) >= 60
    assert carried.order
    assert len(body) < 100_000
    assert site.log() == []


def test_an_order_too_large_with_its_products_goes_without_them(
    site: Site, receiver: Service, inbox: Inbox
) -> None:
    order = site.order()
    give_lines(site.shop, order, 60)
    site.set(url=receiver.webhooks, most_bytes=30_000)
    site.add("order.saved", order)

    assert site.send()["delivered"] == 1

    carried = read_event(inbox.rows("e.body")[0][0]).data
    assert carried.products is None
    assert len(carried.basket or ()) >= 60
    assert carried.user
    assert "an event goes without its products" in site.log()[0]


def give_lines(shop: Shop, order: int, count: int) -> None:
    """Each of another product."""
    shop.run(
        f"INSERT INTO b_sale_basket (FUSER_ID, ORDER_ID, PRODUCT_ID, PRICE, CURRENCY, DATE_INSERT, DATE_UPDATE,"
        f" QUANTITY, LID, NAME) SELECT 1, {order}, ID, 10, 'RUB', NOW(), NOW(), 1, 's1', NAME FROM b_iblock_element"
        f" WHERE IBLOCK_ID IN (SELECT IBLOCK_ID FROM b_catalog_iblock) ORDER BY ID LIMIT {count}"
    )


def test_a_snapshot_that_is_too_large_stays_behind(
    site: Site, receiver: Service, inbox: Inbox
) -> None:
    order = site.order()
    site.shop.run(
        "UPDATE b_sale_order SET COMMENTS = REPEAT('ю', 30000), USER_DESCRIPTION = REPEAT('я', 600) WHERE ID = %s",
        order,
    )
    site.shop.run(
        "UPDATE b_sale_basket SET NAME = REPEAT('n', 250) WHERE ORDER_ID = %s",
        order,
    )
    site.set(url=receiver.webhooks, most_bytes=40_000)
    site.add("order.saved", order)

    assert site.send()["delivered"] == 1

    (body,) = inbox.rows("e.body")[0]
    assert read_event(body).data.order is None
    assert "an event goes without its snapshot" in site.log()[0]


def test_an_order_of_a_thousand_lines_stays_below_the_receivers_limit(
    site: Site, receiver: Service, inbox: Inbox
) -> None:
    order = site.order()
    columns = ", ".join(
        name
        for (name,) in site.shop.rows(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
            " AND TABLE_NAME = 'b_sale_basket' AND COLUMN_NAME NOT IN ('ID', 'ORDER_ID')"
        )
    )
    site.shop.run(
        f"INSERT INTO b_sale_basket (ORDER_ID, {columns}) SELECT {order}, {columns} FROM"
        " (SELECT b.* FROM b_sale_basket b JOIN b_sale_basket c LIMIT 1000) AS many"
    )
    site.set(url=receiver.webhooks)
    site.add("order.saved", order)

    assert site.send()["delivered"] == 1
    assert len(inbox.rows("e.body")[0][0]) <= 2**20


@pytest.mark.parametrize("value", ["0xC3286162", "0x00414243", "0xEDA080", "0xF09F8C90"])
def test_odd_bytes_stop_nothing(site: Site, receiver: Service, inbox: Inbox, value: str) -> None:
    """As an import leaves them in a column of a binary collation."""
    order = site.order()
    site.shop.connection.query("CREATE TABLE b_tmp_order LIKE b_sale_order")
    site.shop.connection.query("INSERT INTO b_tmp_order SELECT * FROM b_sale_order")
    site.shop.connection.query("ALTER TABLE b_sale_order MODIFY COMMENTS blob")
    try:
        site.shop.run(f"UPDATE b_sale_order SET COMMENTS = {value} WHERE ID = %s", order)
        site.set(url=receiver.webhooks)
        site.add("order.saved", order)

        assert site.send()["delivered"] == 1
    finally:
        site.shop.connection.query("DROP TABLE b_sale_order")
        site.shop.connection.query("RENAME TABLE b_tmp_order TO b_sale_order")
    event = read_event(inbox.rows("e.body")[0][0])
    assert event.data.order
    assert inbox.rows("j.state") == [("waiting",)]


def test_a_saved_order_that_is_gone_is_told_of_by_its_deletion_alone(
    site: Site, listener: Listener
) -> None:
    site.add("order.saved", 99_999)
    site.add("order.deleted", 99_999)

    report = site.send()

    assert (report["dropped"], report["delivered"]) == (1, 1)
    assert [request.event["type"] for request in listener.requests] == ["order.deleted"]


def test_a_saved_order_that_vanished_unseen_goes_without_a_snapshot(
    site: Site, listener: Listener
) -> None:
    site.add("order.saved", 99_999)
    site.send()
    assert listener.requests[0].event["data"].keys() == {"id", "sequence", "origin"}


def test_an_order_that_was_saved_on_its_way_into_the_archive_is_told_of_as_archived(
    site: Site, listener: Listener
) -> None:
    """Its shipments give back what they have reserved."""
    site.shop.run(
        "INSERT INTO b_sale_order_archive (LID, ORDER_ID, ACCOUNT_NUMBER, DATE_INSERT, PERSON_TYPE_ID,"
        " USER_ID, STATUS_ID, PRICE, CURRENCY, VERSION, DATE_ARCHIVED)"
        " VALUES ('s1', 99999, '99999', NOW(), 1, 1, 'F', 1, 'RUB', 1, NOW())"
    )
    site.add("order.archived", 99_999)
    site.add("order.saved", 99_999)

    site.send()

    assert [request.event["type"] for request in listener.requests] == ["order.archived"] * 2


def test_a_later_event_that_is_dead_tells_of_nothing(site: Site) -> None:
    site.add("order.saved", 99_999)
    site.add("order.deleted", 99_999)
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET STATE = 'D' WHERE TYPE = 'order.deleted'")

    assert site.send()["delivered"] == 1


SQL_OF_A_SENDER = """
Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
$heard = new class {
    public $sql = [];
    public function query($sql) {
        $this->sql[] = $sql;
        return Bitrix\\Main\\Application::getConnection()->query($sql);
    }
    public function __call($name, $arguments) {
        return Bitrix\\Main\\Application::getConnection()->$name(...$arguments);
    }
};
$transport = new Bitrixpipeline\\Outbox\\Transport();
(new Bitrixpipeline\\Outbox\\Sender($heard, $transport))->run(1, 30, 10);
foreach ($heard->sql as $sql) {
    echo strpos($sql, 'DATE_FORMAT(UTC_TIMESTAMP') ? 'time ' : (strpos($sql, 'FROM b_sale_order t') ? 'order ' : '');
}
"""


def test_an_events_time_is_of_before_its_rows_are_read(site: Site) -> None:
    """What is saved in between is news of its own, and later."""
    site.add("order.saved", site.order())

    assert site.hit(SQL_OF_A_SENDER) == "time order "


AMONG = """
Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
$rows = new Bitrixpipeline\\Outbox\\Rows(Bitrix\\Main\\Application::getConnection());
echo count($rows->among('b_user', 'ID', array_merge(range(1000001, 1000700), [%s])));
"""


def test_rows_of_more_ids_than_a_statement_takes_are_all_read(site: Site) -> None:
    users = site.shop.ids("SELECT ID FROM b_user ORDER BY ID LIMIT 3")

    assert site.hit(AMONG % ", ".join(map(str, users))) == "3"


def test_archived_is_told_when_the_order_is_gone_and_not_before(
    site: Site, listener: Listener
) -> None:
    order = site.order()
    site.add("order.archived", order, 99_999)

    site.send()
    assert listener.ids() == [99_999]

    site.shop.run("UPDATE b_bitrixpipeline_outbox SET CREATED_AT = CREATED_AT - INTERVAL 1 HOUR")
    site.let_time_pass()
    site.send()
    assert listener.requests[-1].event["type"] == "order.saved", "it was not archived after all"
    assert listener.requests[-1].event["data"]["order"]["ID"] == str(order)


def test_what_is_in_no_catalog_is_not_sent(site: Site, listener: Listener) -> None:
    news = site.shop.ids(
        "SELECT ID FROM b_iblock_element WHERE IBLOCK_ID NOT IN (SELECT IBLOCK_ID FROM b_catalog_iblock) LIMIT 1"
    )
    assert news
    site.add("product.saved", *news)
    site.add("product.deleted", 88_888)
    site.shop.run(
        "UPDATE b_bitrixpipeline_outbox SET IBLOCK_ID ="
        " (SELECT MIN(ID) FROM b_iblock WHERE ID NOT IN (SELECT IBLOCK_ID FROM b_catalog_iblock))"
        " WHERE ENTITY_ID = 88888"
    )

    assert site.send()["dropped"] == 2
    assert listener.requests == []


def test_a_catalog_that_was_deleted_as_a_whole_takes_its_products_with_it(
    site: Site, listener: Listener
) -> None:
    site.add("product.deleted", 88_888)
    site.shop.run("UPDATE b_bitrixpipeline_outbox SET IBLOCK_ID = 9999")

    site.send()

    assert listener.ids() == [88_888]
