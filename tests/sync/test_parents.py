"""No row is refused for a missing parent: Bitrix's own is loaded first, or a placeholder stands in."""

from decimal import Decimal

from shop_and_crm import Pipeline

from bitrix_pipeline.demo.shop_reference import FLOWER_LINK
from bitrix_pipeline.demo.shop_sections import FLOWER_OFFERS, FLOWERS, NEWS
from bitrix_pipeline.sync.scope import Ids

LINE, ORDER, PRODUCT, SECTION, BUYER = 900_001, 900_002, 900_003, 900_004, 900_005


def add_line(pipeline: Pipeline, line: int = LINE, **values: object) -> None:
    row = {"ID": line, "ORDER_ID": ORDER, "NAME": "Роза"} | values
    pipeline.shop.insert("b_sale_basket", **row)


def placeholder(pipeline: Pipeline, table: str, row_id: int) -> object:
    """What marks it: a placeholder, deleted, with the Bitrix ID, without a hash."""
    own_id = {
        "users": "bitrix_user_id",
        "categories": "bitrix_section_id",
        "products": "bitrix_product_id",
        "orders": "bitrix_order_id",
    }[table]
    return pipeline.crm.row(
        table, row_id,
        "is_placeholder", "deleted_at IS NOT NULL", f"{own_id} = id", "source_hash IS NULL",
    )  # fmt: skip


STANDS_IN = (True, True, True, True)


def test_orders_before_users_bring_their_buyers(pipeline: Pipeline) -> None:
    result = pipeline.sync("orders")

    assert result.parents > 0
    assert pipeline.differences("orders") == []
    live = "SELECT count(*) FROM users WHERE NOT is_placeholder"
    assert pipeline.crm.value(live) == result.parents


def test_lines_before_all_else_bring_orders_buyers_products_and_sections(
    pipeline: Pipeline,
) -> None:
    pipeline.sync("order_items")

    assert pipeline.differences("order_items") == []
    for table in ("orders", "users", "products", "categories"):
        assert pipeline.crm.value(f"SELECT count(*) FROM {table} WHERE NOT is_placeholder") > 0


def test_a_shop_that_is_synced_children_first_ends_equal(pipeline: Pipeline) -> None:
    for table in ("order_items", "orders", "products", "categories", "users", "order_statuses"):
        pipeline.sync(table)

    assert pipeline.differences() == []


def test_a_section_brings_the_sections_above_it(pipeline: Pipeline) -> None:
    [leaf] = pipeline.shop.ids(
        "SELECT MAX(ID) FROM b_iblock_section WHERE DEPTH_LEVEL = 3 AND IBLOCK_ID = %s", FLOWERS
    )

    pipeline.sync("categories", Ids((leaf,)))

    depths = pipeline.crm.rows("SELECT depth, is_placeholder FROM categories ORDER BY depth")
    assert depths == [(1, False), (2, False), (3, False)]


def test_an_offer_brings_its_product_and_the_products_section(pipeline: Pipeline) -> None:
    offer, product, section = pipeline.shop.rows(
        "SELECT l.IBLOCK_ELEMENT_ID, p.ID, p.IBLOCK_SECTION_ID"
        " FROM b_iblock_element_property AS l JOIN b_iblock_element AS p ON p.ID = l.VALUE_NUM"
        " JOIN b_iblock_section AS s ON s.ID = p.IBLOCK_SECTION_ID AND s.IBLOCK_ID = %s"
        " WHERE l.IBLOCK_PROPERTY_ID = %s AND p.WF_STATUS_ID = 1 ORDER BY 1 LIMIT 1",
        FLOWERS,
        FLOWER_LINK,
    )[0]

    pipeline.sync("products", Ids((offer,)))

    assert pipeline.crm.cell("products", offer, "parent_id") == product
    assert pipeline.crm.row("products", product, "category_id", "is_placeholder") == (
        section,
        False,
    )
    assert pipeline.crm.cell("categories", section, "is_placeholder") is False


def test_a_line_whose_order_is_gone_gets_a_placeholder_order(synced: Pipeline) -> None:
    add_line(synced)

    result = synced.sync("order_items")

    assert result.placeholders == 1
    assert placeholder(synced, "orders", ORDER) == STANDS_IN
    assert synced.crm.cell("order_items", LINE, "order_id") == ORDER
    assert synced.differences() == []


def test_an_order_whose_buyer_is_gone_gets_a_placeholder_user(synced: Pipeline) -> None:
    synced.shop.insert("b_sale_order", ID=ORDER, USER_ID=BUYER)

    synced.sync("orders")

    assert placeholder(synced, "users", BUYER) == STANDS_IN
    assert synced.differences() == []


def test_a_product_whose_section_is_gone_gets_a_placeholder_category(synced: Pipeline) -> None:
    synced.shop.insert("b_iblock_element", ID=PRODUCT, IBLOCK_ID=FLOWERS, IBLOCK_SECTION_ID=SECTION)

    synced.sync("products")

    assert placeholder(synced, "categories", SECTION) == STANDS_IN
    assert synced.differences() == []


def test_an_offer_whose_product_is_gone_gets_a_placeholder_product(synced: Pipeline) -> None:
    offer = 900_009
    synced.shop.insert("b_iblock_element", ID=offer, IBLOCK_ID=FLOWER_OFFERS, NAME="51 роза")
    synced.shop.insert(
        "b_iblock_element_property",
        IBLOCK_ELEMENT_ID=offer, IBLOCK_PROPERTY_ID=FLOWER_LINK, VALUE_NUM=PRODUCT,
    )  # fmt: skip

    synced.sync("products")

    assert placeholder(synced, "products", PRODUCT) == STANDS_IN
    assert synced.crm.cell("products", offer, "parent_id") == PRODUCT
    assert synced.differences() == []


def test_a_section_whose_parent_is_gone_gets_a_placeholder_parent(synced: Pipeline) -> None:
    synced.shop.insert(
        "b_iblock_section", ID=SECTION, IBLOCK_ID=FLOWERS, IBLOCK_SECTION_ID=SECTION + 50
    )

    synced.sync("categories")

    assert placeholder(synced, "categories", SECTION + 50) == STANDS_IN
    assert synced.differences() == []


def test_a_row_of_bitrix_that_is_none_of_ours_gets_a_placeholder(synced: Pipeline) -> None:
    synced.shop.insert("b_iblock_section", ID=SECTION, IBLOCK_ID=NEWS)
    synced.shop.insert("b_iblock_element", ID=PRODUCT, IBLOCK_ID=FLOWERS, IBLOCK_SECTION_ID=SECTION)
    synced.shop.insert("b_iblock_element", ID=PRODUCT + 50, IBLOCK_ID=FLOWERS, WF_STATUS_ID=2)
    [order] = synced.shop.ids("SELECT MIN(ID) FROM b_sale_order")
    add_line(synced, ORDER_ID=order, PRODUCT_ID=PRODUCT + 50)

    synced.sync_all()

    assert placeholder(synced, "categories", SECTION) == STANDS_IN
    assert placeholder(synced, "products", PRODUCT + 50) == STANDS_IN
    assert synced.differences() == []


def test_a_products_placeholder_knows_what_its_newest_line_knows(synced: Pipeline) -> None:
    [order] = synced.shop.ids("SELECT MIN(ID) FROM b_sale_order")
    known = {"PRODUCT_ID": PRODUCT, "CURRENCY": "RUB", "PRODUCT_XML_ID": "1c-7"}
    add_line(synced, LINE, ORDER_ID=order, NAME="Старое", BASE_PRICE=1, **known)
    add_line(synced, LINE + 1, ORDER_ID=order, NAME="Новое", BASE_PRICE="250.5000", **known)
    add_line(synced, LINE + 2, ORDER_ID=None, NAME="В корзине", BASE_PRICE=3, **known)

    synced.sync("order_items", Ids((LINE,)))

    assert synced.crm.row("products", PRODUCT, "name", "xml_id", "currency", "price") == (
        "Новое",
        "1c-7",
        "RUB",
        Decimal("250.5000"),
    )


def test_a_placeholder_is_filled_once(synced: Pipeline) -> None:
    [order] = synced.shop.ids("SELECT MIN(ID) FROM b_sale_order")
    add_line(synced, LINE, ORDER_ID=order, NAME="Первое", PRODUCT_ID=PRODUCT)
    synced.sync("order_items")
    add_line(synced, LINE + 1, ORDER_ID=order, NAME="Второе", PRODUCT_ID=PRODUCT)

    again = synced.sync("order_items")

    assert again.placeholders == 0
    assert synced.crm.cell("products", PRODUCT, "name") == "Первое"


def test_the_real_row_replaces_its_placeholder(synced: Pipeline) -> None:
    add_line(synced, PRODUCT_ID=PRODUCT)
    synced.sync("order_items")
    synced.shop.insert("b_user", ID=BUYER, LOGIN="masha")
    synced.shop.insert("b_sale_order", ID=ORDER, USER_ID=BUYER, STATUS_ID="P")
    synced.shop.insert("b_iblock_element", ID=PRODUCT, IBLOCK_ID=FLOWERS, NAME="Настоящая роза")

    synced.sync_all()

    marks = ("is_placeholder", "deleted_at")
    assert synced.crm.row("orders", ORDER, "status", *marks) == ("paid", False, None)
    assert synced.crm.row("products", PRODUCT, "name", *marks) == ("Настоящая роза", False, None)
    assert synced.differences() == []


def test_a_parent_that_was_deleted_is_not_made_anew(synced: Pipeline) -> None:
    [buyer] = synced.shop.ids("SELECT MAX(ID) FROM b_user")
    synced.shop.run("DELETE FROM b_user WHERE ID = %s", buyer)
    synced.sync("users")
    synced.shop.insert("b_sale_order", ID=ORDER, USER_ID=buyer)

    result = synced.sync("orders")

    assert result.placeholders == 0
    assert synced.crm.row("users", buyer, "is_placeholder", "login IS NULL") == (False, False)


def test_a_placeholder_is_no_difference_to_the_next_sync(synced: Pipeline) -> None:
    add_line(synced)
    synced.sync("order_items")

    results = synced.sync_all()

    assert sum(r.inserted + r.updated + r.deleted for r in results.values()) == 0
