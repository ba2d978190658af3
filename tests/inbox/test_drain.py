"""News becomes rows: every order arrives, and what fails holds up nobody else."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pooler import transaction_pooler
from postbox import (
    AT_ONCE,
    Interfering,
    Postbox,
    arrived,
    drain,
    from_shop,
    orders_of,
    poisoned,
    some,
)
from shop_and_crm import Pipeline, Shop, fails

from bitrix_pipeline.crash_points import VARIABLE
from bitrix_pipeline.errors import SourceError, TransientError
from bitrix_pipeline.inbox.drain import Drain
from bitrix_pipeline.inbox.jobs import LEASES_LOST_UNTIL_DEAD, Claim
from bitrix_pipeline.servers import PrivatePostgres

TESTS = Path(__file__).parents[1]


def test_a_saved_order_arrives_with_its_lines_and_all_that_they_refer_to(
    pipeline: Pipeline, postbox: Postbox
) -> None:
    order = pipeline.shop.value(
        "SELECT MIN(ORDER_ID) FROM b_sale_basket WHERE ORDER_ID > 0 AND PRODUCT_ID IN"
        " (SELECT ID FROM b_iblock_element WHERE IBLOCK_SECTION_ID > 0 AND IBLOCK_ID IN"
        " (SELECT IBLOCK_ID FROM b_catalog_iblock))"
    )
    postbox.put("order.saved", order)

    result = drain(pipeline)

    lines = pipeline.shop.value("SELECT COUNT(*) FROM b_sale_basket WHERE ORDER_ID = %s", order)
    assert result.applied == 1
    assert (
        pipeline.crm.value("SELECT count(*) FROM order_items WHERE order_id = %s", order) == lines
    )
    assert pipeline.crm.value(
        "SELECT count(*) FROM products JOIN order_items ON product_id = products.id"
        " WHERE order_id = %s AND products.category_id IS NOT NULL", order
    )  # fmt: skip
    assert pipeline.crm.value(
        "SELECT login FROM users JOIN orders ON user_id = users.id WHERE orders.id = %s", order
    )


def test_news_of_every_order_makes_the_tables_equal(pipeline: Pipeline, postbox: Postbox) -> None:
    named = pipeline.shop.ids("SELECT DISTINCT ORDER_ID FROM b_sale_basket WHERE ORDER_ID > 0")
    postbox.put("order.saved", *{*orders_of(pipeline), *named})
    for table, word in (("b_user", "user"), ("b_iblock_section", "category"),
                        ("b_iblock_element", "product")):  # fmt: skip
        postbox.put(f"{word}.saved", *pipeline.shop.ids(f"SELECT ID FROM {table}"))

    drain(pipeline)

    assert postbox.states().keys() == {"done"}
    pipeline.sync("order_statuses")
    assert pipeline.differences() == []


def test_no_order_is_refused_for_missing_master_data(pipeline: Pipeline, postbox: Postbox) -> None:
    """53 orders of which 33 name users, products or categories that Bitrix no longer has."""
    shop = pipeline.shop
    order, line, product = shop.rows(
        "SELECT o.ID, l.ID, e.ID FROM b_sale_order AS o JOIN b_sale_basket AS l ON ORDER_ID = o.ID"
        " JOIN b_iblock_element AS e ON e.ID = l.PRODUCT_ID"
        " JOIN b_catalog_iblock AS c ON c.IBLOCK_ID = e.IBLOCK_ID LIMIT 1"
    )[0]
    orders = range(900_000, 900_053)
    for number, new in enumerate(orders):
        user, sold = {"USER_ID": 800_000 + new} if number < 11 else {}, product
        if 11 <= number < 22:
            sold = 600_000 + new
        elif 22 <= number < 33:
            sold = 700_000 + new
            copy(shop, "b_iblock_element", product, ID=sold, IBLOCK_SECTION_ID=500_000 + new)
        copy(shop, "b_sale_order", order, ID=new, ACCOUNT_NUMBER=f"new-{new}", **user)
        copy(shop, "b_sale_basket", line, ID=new, ORDER_ID=new, PRODUCT_ID=sold, SET_PARENT_ID=0)
    postbox.put("order.saved", *orders)

    result = drain(pipeline)

    assert (result.applied, result.failed, result.dead) == (53, 0, 0)
    assert arrived(pipeline) == list(orders)
    for table in ("users", "products", "categories"):
        missing = pipeline.crm.value(f"SELECT count(*) FROM {table} WHERE is_placeholder")
        assert missing >= 11, table


def copy(shop: Shop, table: str, row_id: int, **changes: object) -> None:
    """The row once more, with some columns changed."""
    columns = [row[0] for row in shop.rows(f"SHOW COLUMNS FROM {table}")]
    (row,) = shop.rows(f"SELECT * FROM {table} WHERE ID = %s", row_id)
    shop.insert(table, **{**dict(zip(columns, row, strict=True)), **changes})


def test_a_deleted_order_is_marked_with_its_lines(
    synced: Pipeline, synced_postbox: Postbox
) -> None:
    order = synced.shop.value("SELECT MIN(ORDER_ID) FROM b_sale_basket WHERE ORDER_ID > 0")
    synced.shop.run("DELETE FROM b_sale_order WHERE ID = %s", order)
    synced.shop.run("DELETE FROM b_sale_basket WHERE ORDER_ID = %s", order)
    synced_postbox.put("order.deleted", order)

    drain(synced)

    assert synced.crm.cell("orders", order, "deleted_at") is not None
    assert not synced.crm.value(
        "SELECT count(*) FROM order_items WHERE order_id = %s AND deleted_at IS NULL", order
    )


def test_a_line_that_left_its_order_is_marked(synced: Pipeline, synced_postbox: Postbox) -> None:
    line, order = synced.shop.rows(
        "SELECT ID, ORDER_ID FROM b_sale_basket WHERE ORDER_ID > 0 LIMIT 1"
    )[0]
    synced.shop.run("DELETE FROM b_sale_basket WHERE ID = %s", line)
    synced_postbox.put("order.saved", order)

    drain(synced)

    assert synced.crm.cell("order_items", line, "deleted_at") is not None


def test_news_of_nothing_new_writes_nothing(synced: Pipeline, synced_postbox: Postbox) -> None:
    before = synced.crm.contents()
    synced_postbox.put("order.saved", *orders_of(synced))

    drain(synced)

    assert synced.crm.contents() == before
    assert synced_postbox.states().keys() == {"done"}


def test_the_same_news_three_times_is_read_once(pipeline: Pipeline, postbox: Postbox) -> None:
    order = orders_of(pipeline)[0]
    postbox.put("order.saved", order, order, order)

    result = drain(pipeline)

    assert result.applied == 3
    assert result.tables["orders"].read == 1


def test_news_of_something_unknown_is_kept_and_done(pipeline: Pipeline, postbox: Postbox) -> None:
    postbox.put("warehouse.moved", 1)

    drain(pipeline)

    assert postbox.states() == {"done": 1}


def test_a_poisonous_event_dies_alone(pipeline: Pipeline, postbox: Postbox) -> None:
    orders = orders_of(pipeline)
    postbox.put("order.saved", *orders)

    result = drain(pipeline, poisoned(pipeline, orders[7]))

    assert postbox.states() == {"done": len(orders) - 1, "dead": 1}
    assert result.dead == 1
    assert arrived(pipeline) == [order for order in orders if order != orders[7]]


def test_a_row_that_the_crm_refuses_to_have_deleted_holds_up_nobody_else(
    synced: Pipeline, synced_postbox: Postbox
) -> None:
    user, other = synced.shop.ids(
        "SELECT ID FROM b_user WHERE ID NOT IN (SELECT USER_ID FROM b_sale_order) LIMIT 2"
    )
    synced.crm.run(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF NEW.id = {user} THEN RAISE 'kept'; END IF; RETURN NEW; END $$"
    )
    synced.crm.run(
        "CREATE TRIGGER keep BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION keep()"
    )
    synced.shop.run("DELETE FROM b_user WHERE ID IN (%s, %s)", user, other)
    synced_postbox.put("user.deleted", user, other)

    drain(synced)

    assert synced_postbox.states() == {"done": 1, "dead": 1}
    assert synced.crm.cell("users", other, "deleted_at") is not None


def test_the_reason_of_a_death_repeats_nothing_of_a_customers(
    pipeline: Pipeline, postbox: Postbox, caplog: pytest.LogCaptureFixture
) -> None:
    order = orders_of(pipeline)[0]
    (event,) = postbox.put("order.saved", order)

    drain(pipeline, poisoned(pipeline, order))

    assert postbox.job(event, "reason") == "ValueError"
    assert "Секретова" not in caplog.text


def test_a_dead_event_holds_up_no_later_news_of_its_order(
    pipeline: Pipeline, postbox: Postbox
) -> None:
    order = orders_of(pipeline)[0]
    postbox.put("order.saved", order)
    drain(pipeline, poisoned(pipeline, order))
    postbox.put("order.saved", order)

    drain(pipeline)

    assert arrived(pipeline) == [order]


def test_an_outage_of_mysql_postpones_and_burns_no_try(
    pipeline: Pipeline, postbox: Postbox
) -> None:
    (event,) = postbox.put("order.saved", orders_of(pipeline)[0])
    away = replace_url(pipeline, "mysql://reader:secret@127.0.0.1:1/shop")

    result = drain(away)

    assert isinstance(result.fault, TransientError)
    assert (result.postponed, postbox.job(event, "attempts")) == (1, 0)
    assert postbox.states() == {"waiting": 1}


def test_a_table_that_cannot_be_read_costs_no_event_a_try(
    pipeline: Pipeline, postbox: Postbox
) -> None:
    postbox.put("order.saved", *orders_of(pipeline))
    pipeline.shop.run("ALTER TABLE b_sale_order CHANGE ID OLD_ID int NOT NULL")

    result = drain(pipeline)

    assert isinstance(result.fault, SourceError)
    assert postbox.states().keys() == {"waiting"}


def test_an_event_in_whose_hands_drains_keep_ending_dies(
    pipeline: Pipeline, postbox: Postbox
) -> None:
    postbox.put("order.saved", orders_of(pipeline)[0])
    for _ in range(LEASES_LOST_UNTIL_DEAD):
        postbox.claim()
        postbox.let_leases_end()

    drain(pipeline)

    assert postbox.states() == {"dead": 1}


@pytest.mark.parametrize("point", ["drain.claimed", "drain.before_commit", "drain.after_commit"])
def test_a_drain_killed_at_any_point_heals_by_itself(
    pipeline: Pipeline, postbox: Postbox, point: str
) -> None:
    orders = orders_of(pipeline)
    postbox.put("order.saved", *orders)
    killed = subprocess.run(
        [sys.executable, Path(__file__).with_name("drain_me.py"), pipeline.shop.url,
         pipeline.crm.url],
        env={**os.environ, VARIABLE: point, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
        check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL

    deadline = time.monotonic() + 30
    while postbox.states().keys() != {"done"} and time.monotonic() < deadline:
        postbox.let_leases_end()
        drain(pipeline)

    assert postbox.states() == {"done": len(orders)}
    assert arrived(pipeline) == orders
    assert postbox.crm.value("SELECT max(attempts) FROM bitrix_pipeline.inbox_jobs") == 1


def test_a_zombie_that_wakes_up_late_writes_nothing(pipeline: Pipeline, postbox: Postbox) -> None:
    order = orders_of(pipeline)[0]
    postbox.put("order.saved", order)

    def let_another_take_it_over(_: Claim) -> None:
        postbox.let_leases_end()
        postbox.claim()

    result = drain(pipeline, Interfering(from_shop(pipeline), let_another_take_it_over))

    assert result.applied == 0
    assert arrived(pipeline) == []
    assert postbox.states() == {"leased": 1}


def test_two_drains_at_once_apply_every_event_once(pipeline: Pipeline, postbox: Postbox) -> None:
    orders = orders_of(pipeline)
    postbox.put("order.saved", *orders)

    with ThreadPoolExecutor(2) as two:
        results = list(two.map(lambda _: drain(pipeline, batch=3), range(2)))

    assert sum(result.applied for result in results) == len(orders)
    assert arrived(pipeline) == orders


def test_a_lingering_drain_takes_news_at_once(pipeline: Pipeline, postbox: Postbox) -> None:
    order, later = some(orders_of(pipeline), 2)
    postbox.put("order.saved", order)

    def send_later() -> None:
        while arrived(pipeline) != [order]:
            time.sleep(0.02)
        postbox.put("order.saved", later)

    sender = threading.Thread(target=send_later)
    sender.start()
    result = drain(pipeline, linger_seconds=2)
    sender.join()

    assert result.applied == 2
    assert max(result.delays) < 1


def test_everything_works_behind_a_transaction_pooler(
    pipeline: Pipeline, postbox: Postbox, postgres: PrivatePostgres
) -> None:
    orders = orders_of(pipeline)
    postbox.put("order.saved", *orders[1:])
    with transaction_pooler(postgres.port) as port:
        pooled_url = pipeline.crm.url.replace(f":{postgres.port}/", f":{port}/")
        pooled = replace(pipeline, crm=replace(pipeline.crm, url=pooled_url))
        later = threading.Timer(1.5, postbox.put, ("order.saved", orders[0]))
        later.start()

        drain(pooled, batch=5, linger_seconds=3)

    assert arrived(pipeline) == orders


def test_a_drain_ends_when_its_time_is_over_though_news_goes_on(
    pipeline: Pipeline, postbox: Postbox
) -> None:
    postbox.put("order.saved", *orders_of(pipeline))
    settings = replace(AT_ONCE, batch=1, linger_seconds=60)

    result = Drain(
        from_shop(pipeline), postgres_url=pipeline.crm.url, settings=settings, run_id="test"
    ).run(most_seconds=0.2)

    assert 0 < result.applied < len(orders_of(pipeline))


def test_an_inbox_that_cannot_be_reached_is_worth_another_try(pipeline: Pipeline) -> None:
    away = replace(pipeline, crm=replace(pipeline.crm, url="postgresql://x@127.0.0.1:1/crm"))

    with fails(TransientError, "Postgres is away"):
        drain(away)


def replace_url(pipeline: Pipeline, url: str) -> Pipeline:
    return replace(pipeline, shop=replace(pipeline.shop, url=url))
