"""Each event that Bitrix sends, with the arguments that Bitrix gives, and what is noted of it."""

import pytest
from bitrix_site import STAND_IN, Listener, Site

LEGACY = {
    "user added": ("'main', 'OnAfterUserAdd', [['ID' => 7, 'RESULT' => true]]", "user.saved", 7),
    "user changed": (
        "'main', 'OnAfterUserUpdate', [['ID' => '8', 'RESULT' => true]]",
        "user.saved",
        8,
    ),
    "user deleted": ("'main', 'OnAfterUserDelete', [9]", "user.deleted", 9),
    "element added": (
        "'iblock', 'OnAfterIBlockElementAdd', [['ID' => 10, 'IBLOCK_ID' => 7, 'RESULT' => 10]]",
        "product.saved",
        10,
    ),
    "element changed": (
        "'iblock', 'OnAfterIBlockElementUpdate', [['ID' => 11, 'IBLOCK_ID' => 7, 'RESULT' => true]]",
        "product.saved",
        11,
    ),
    "element deleted": (
        (
            "'iblock', 'OnAfterIBlockElementDelete', [['ID' => 12, 'IBLOCK_ID' => 7,"
            " 'WF_PARENT_ELEMENT_ID' => null, 'EXTERNAL_ID' => '', 'CODE' => '', 'NAME' => '']]"
        ),
        "product.deleted",
        12,
    ),
    "properties": (
        "'iblock', 'OnAfterIBlockElementSetPropertyValues', [13, 7, ['COLOR' => 1], false]",
        "product.saved",
        13,
    ),
    "some properties": (
        "'iblock', 'OnAfterIBlockElementSetPropertyValuesEx', [14, 7, ['COLOR' => 1], []]",
        "product.saved",
        14,
    ),
    "section added": (
        "'iblock', 'OnAfterIBlockSectionAdd', [['ID' => 15, 'IBLOCK_ID' => 7, 'RESULT' => 15]]",
        "category.saved",
        15,
    ),
    "section changed": (
        "'iblock', 'OnAfterIBlockSectionUpdate', [['ID' => 16, 'IBLOCK_ID' => 7, 'RESULT' => true]]",
        "category.saved",
        16,
    ),
    "section deleted": (
        "'iblock', 'OnAfterIBlockSectionDelete', [['ID' => 17, 'IBLOCK_ID' => 7]]",
        "category.deleted",
        17,
    ),
    "catalog product added": (
        (
            "'catalog', 'Bitrix\\Catalog\\Model\\Product::OnAfterAdd',"
            " ['id' => 18, 'fields' => ['QUANTITY' => 1], 'external_fields' => [], 'actions' => [], 'success' => true]"
        ),
        "product.saved",
        18,
    ),
    "catalog product changed": (
        "'catalog', 'Bitrix\\Catalog\\Model\\Product::OnAfterUpdate', ['id' => 19, 'fields' => [], 'success' => true]",
        "product.saved",
        19,
    ),
    "all prices of a product deleted": (
        "'catalog', 'OnProductPriceDelete', [21, []]",
        "product.saved",
        21,
    ),
    "price added": (
        "'catalog', 'Bitrix\\Catalog\\Model\\Price::OnAfterAdd', ['id' => 1, 'fields' => ['PRODUCT_ID' => 20], 'success' => true]",
        "product.saved",
        20,
    ),
}
ORDERS = {
    "saved": ("'sale', 'OnSaleOrderSaved', ['ENTITY' => $order, 'IS_NEW' => true, 'IS_CHANGED' => true, 'VALUES' => []]", "order.saved"),
    "deleted": ("'sale', 'OnSaleOrderDeleted', ['ENTITY' => $order, 'VALUE' => true]", "order.deleted"),
    "archived": ("'sale', 'OnSaleOrderBeforeArchived', ['ENTITY' => $order]", "order.archived"),
}  # fmt: skip
SILENT = {
    "a failed user": "'main', 'OnAfterUserAdd', [['ID' => 0, 'RESULT' => false]]",
    "a failed update": "'main', 'OnAfterUserUpdate', [['ID' => 7, 'RESULT' => false]]",
    "a failed element": "'iblock', 'OnAfterIBlockElementAdd', [['RESULT' => false, 'IBLOCK_ID' => 7]]",
    "a draft that goes": "'iblock', 'OnAfterIBlockElementDelete', [['ID' => 12, 'IBLOCK_ID' => 7, 'WF_PARENT_ELEMENT_ID' => 11]]",
    "a save without a change": "'sale', 'OnSaleOrderSaved', ['ENTITY' => $order, 'IS_NEW' => false, 'IS_CHANGED' => false, 'VALUES' => []]",
    "a deletion that failed": "'sale', 'OnSaleOrderDeleted', ['ENTITY' => $order, 'VALUE' => false]",
    "strange arguments": "'main', 'OnAfterUserAdd', [null]",
    "an order that is none": "'sale', 'OnSaleOrderSaved', ['ENTITY' => null, 'IS_NEW' => true]",
}
FIRE = "$order = Bitrix\\Sale\\Order::load(%d); foreach ($fire(%s) as $result) { if ($result !== null) { throw new Exception('it returned something'); } }"


@pytest.mark.parametrize("name", LEGACY)
def test_what_happens_to_users_products_and_sections_is_noted(site: Site, name: str) -> None:
    arguments, type_, id_ = LEGACY[name]

    site.hit(FIRE % (site.order(), arguments))

    assert site.outbox() == [(type_, id_)]
    assert site.log() == []


@pytest.mark.parametrize("name", ORDERS)
def test_what_happens_to_orders_is_noted(site: Site, name: str) -> None:
    arguments, type_ = ORDERS[name]
    order = site.order()

    site.hit(FIRE % (order, arguments))

    assert site.outbox("TYPE, ENTITY_ID, ORIGIN") == [(type_, order, "site")]
    assert site.log() == []


def test_what_is_no_news_is_not_noted(site: Site) -> None:
    site.hit("".join(FIRE % (site.order(), arguments) for arguments in SILENT.values()))

    assert site.outbox() == []
    assert site.log() == []


def test_a_change_of_a_price_is_news_of_its_product(site: Site) -> None:
    (price, product), (gone, other) = site.shop.rows(
        "SELECT MIN(ID), PRODUCT_ID FROM b_catalog_price GROUP BY PRODUCT_ID ORDER BY 1 LIMIT 2"
    )
    model = "'catalog', 'Bitrix\\Catalog\\Model\\Price::%s', ['id' => %d, 'success' => true]"

    site.hit(
        f"$fire({model % ('OnAfterUpdate', price)});"
        f"$fire({model % ('OnBeforeDelete', gone)});"
        f"Bitrix\\Main\\Application::getConnection()->queryExecute('DELETE FROM b_catalog_price WHERE ID = {gone}');"
        f"$fire({model % ('OnAfterDelete', gone)});"
    )
    site.shop.note_change("b_catalog_price")

    assert site.outbox() == [("product.saved", product), ("product.saved", other)]


def test_all_handlers_are_registered_and_go_with_the_module(site: Site) -> None:
    registered = site.shop.rows(
        "SELECT MESSAGE_ID, VERSION FROM b_module_to_module WHERE TO_MODULE_ID = 'bitrixpipeline.outbox'"
    )
    assert len(registered) == 22
    assert {version for name, version in registered if "IBlock" in name or "User" in name} == {1}
    assert {version for name, version in registered if "Sale" in name or "Model" in name} == {2}

    site.cli("uninstall")

    assert site.shop.rows("SELECT 1 FROM b_module_to_module") == []


def test_ten_saves_in_a_hit_are_one_event_that_shows_the_last(
    site: Site, listener: Listener
) -> None:
    order = site.order()
    site.set(fast_path="always")

    site.hit(
        f"$order = Bitrix\\Sale\\Order::load({order}); for ($i = 1; $i <= 10; $i++) {{"
        " $order->setField('COMMENTS', \"save $i\"); $order->save(); }"
    )
    site.shop.note_change("b_sale_order")

    assert [request.event["data"]["order"]["COMMENTS"] for request in listener.requests] == [
        "save 10"
    ]
    assert site.outbox() == []


def test_in_a_transaction_that_is_rolled_back_nothing_is_noted(site: Site) -> None:
    save = FIRE % (site.order(), ORDERS["saved"][0])
    connection = "Bitrix\\Main\\Application::getConnection()"

    site.hit(f"{connection}->startTransaction(); {save} {connection}->rollbackTransaction();")

    assert site.outbox() == []


@pytest.mark.parametrize(
    "fault",
    [
        "RENAME TABLE b_bitrixpipeline_outbox TO b_bitrixpipeline_gone",
        "ALTER TABLE b_bitrixpipeline_outbox DROP COLUMN ORIGIN",
    ],
)
def test_when_the_insert_fails_the_checkout_goes_on(site: Site, fault: str) -> None:
    order = site.order()
    site.shop.connection.query(fault)

    said = site.hit(
        f"$order = Bitrix\\Sale\\Order::load({order}); $order->setField('COMMENTS', 'Секретова');"
        " $order->save(); $order->save(); echo 'thank you for your order';"
    )
    site.shop.note_change("b_sale_order")

    assert said == "thank you for your order"
    assert "a handler failed" in site.log()[0]
    assert "Секретова" not in "".join(site.log())
    site.shop.connection.query("DROP TABLE IF EXISTS b_bitrixpipeline_gone")


def test_a_hit_that_saves_much_does_not_fill_the_log(site: Site) -> None:
    site.shop.connection.query("ALTER TABLE b_bitrixpipeline_outbox DROP COLUMN ORIGIN")

    site.hit("for ($i = 1; $i <= 30; $i++) { $fire('main', 'OnAfterUserDelete', [$i]); }")

    assert len(site.log()) == 20


def test_the_log_does_not_keep_the_password_of_the_incoming_webhook(site: Site) -> None:
    """Bitrix notes the address of the hit with each line."""
    site.shop.connection.query("ALTER TABLE b_bitrixpipeline_outbox DROP COLUMN ORIGIN")

    said = site.hit(
        "$_SERVER['REQUEST_URI'] = '/rest/1/s3cret/bitrixpipeline.order.setstatus?x=1';"
        "$fire('main', 'OnAfterUserDelete', [5]); echo $_SERVER['REQUEST_URI'];"
    )

    noted = site.shop.value("SELECT REQUEST_URI FROM b_event_log")
    assert noted == "/rest/1/.../bitrixpipeline.order.setstatus?x=1"
    assert said == "/rest/1/s3cret/bitrixpipeline.order.setstatus?x=1"


ANYHOW = """
Bitrix\\Main\\Loader::includeModule('bitrixpipeline.outbox');
foreach (get_class_methods('Bitrixpipeline\\Outbox\\Handlers') as $handler) {
    foreach ([[], [null, null], ['text', 'text'], [[['ID' => []]], []], [new stdClass()]] as $arguments) {
        Bitrixpipeline\\Outbox\\Handlers::$handler(...$arguments);
    }
}
echo 'thank you for your order';
"""


def test_whatever_a_handler_is_called_with_the_checkout_goes_on(site: Site) -> None:
    """A shop's own code fires Bitrix's events too, with arguments of its own."""
    assert site.hit(ANYHOW) == "thank you for your order"
    assert site.outbox() == []


def test_switched_off_it_notes_nothing(site: Site) -> None:
    site.set(enabled="N")

    site.hit(FIRE % (site.order(), ORDERS["saved"][0]))

    assert site.outbox() == []


@pytest.mark.parametrize(
    ("before", "origin"),
    [
        ("require '{stand_in}/rest_call.php'; CRestServer::instance();", "rest"),
        ("$_SERVER['SCRIPT_NAME'] = '/bitrix/admin/1c_exchange.php';", "1c"),
        ("define('ADMIN_SECTION', true);", "admin"),
    ],
)
def test_it_is_noted_who_made_the_change(site: Site, before: str, origin: str) -> None:
    save = FIRE % (site.order(), ORDERS["saved"][0])
    site.hit(before.replace("{stand_in}", str(STAND_IN)) + save)

    assert site.outbox("ORIGIN") == [(origin,)]
