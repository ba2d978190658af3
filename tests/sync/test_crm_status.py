"""`orders.status` belongs to the CRM once the row exists, until Bitrix's own status changes."""

import pytest
from shop_and_crm import Pipeline

from bitrix_pipeline.sync.scope import Everything, Ids

ORDER = 900_001


@pytest.fixture
def in_work(synced: Pipeline) -> Pipeline:
    """A new order that the CRM has taken up."""
    synced.shop.insert("b_sale_order", ID=ORDER, STATUS_ID="N")
    synced.sync("orders", Ids((ORDER,)))
    synced.crm.run("UPDATE orders SET status = 'shipped' WHERE id = %s", ORDER)
    return synced


def status(pipeline: Pipeline) -> object:
    return pipeline.crm.cell("orders", ORDER, "status")


def test_a_new_order_has_the_word_of_the_mapping(synced: Pipeline) -> None:
    synced.shop.insert("b_sale_order", ID=ORDER, STATUS_ID="N")

    synced.sync("orders")

    assert status(synced) == "new"


def test_a_sync_that_finds_no_change_keeps_the_crms_word(in_work: Pipeline) -> None:
    in_work.sync("orders", Ids((ORDER,)))
    in_work.sync("orders", Everything())

    assert status(in_work) == "shipped"


def test_a_change_of_other_values_keeps_the_crms_word(in_work: Pipeline) -> None:
    in_work.shop.run("UPDATE b_sale_order SET COMMENTS = 'звонил', PRICE = 5, PAYED = 'Y'")

    in_work.sync("orders")

    assert in_work.crm.row("orders", ORDER, "status", "manager_comment") == ("shipped", "звонил")


@pytest.mark.parametrize(
    ("change", "word"),
    [("STATUS_ID = 'P'", "paid"), ("STATUS_ID = 'ZZ'", "ZZ"), ("CANCELED = 'Y'", "canceled")],
)
def test_a_change_of_bitrixs_status_wins(in_work: Pipeline, change: str, word: str) -> None:
    in_work.shop.run(f"UPDATE b_sale_order SET {change} WHERE ID = %s", ORDER)

    in_work.sync("orders")

    assert status(in_work) == word


def test_a_cancellation_that_is_taken_back_gives_the_status_of_the_workflow(
    in_work: Pipeline,
) -> None:
    in_work.shop.run("UPDATE b_sale_order SET CANCELED = 'Y' WHERE ID = %s", ORDER)
    in_work.sync("orders")
    in_work.shop.run("UPDATE b_sale_order SET CANCELED = 'N' WHERE ID = %s", ORDER)

    in_work.sync("orders")

    assert status(in_work) == "new"


def test_a_new_mapping_names_new_orders_only(in_work: Pipeline) -> None:
    in_work.shop.insert("b_sale_order", ID=ORDER + 1, STATUS_ID="N")

    in_work.sync("orders", status_mapping={"N": "fresh"})

    assert status(in_work) == "shipped"
    assert in_work.crm.cell("orders", ORDER + 1, "status") == "fresh"


def test_an_order_that_was_deleted_and_returns_keeps_the_crms_word(in_work: Pipeline) -> None:
    in_work.shop.run("DELETE FROM b_sale_order WHERE ID = %s", ORDER)
    in_work.sync("orders")
    in_work.shop.insert("b_sale_order", ID=ORDER, STATUS_ID="N")

    in_work.sync("orders")

    assert in_work.crm.row("orders", ORDER, "status", "deleted_at") == ("shipped", None)
