"""What a drain stops, and what it lets wait, while all else goes on: waves of deletions, slow rows."""

from dataclasses import replace

import pytest
from postbox import (
    AT_ONCE,
    Interfering,
    Postbox,
    arrived,
    drain,
    from_shop,
    orders_of,
    some,
)
from shop_and_crm import Pipeline

from bitrix_pipeline.errors import StatementAbortedError
from bitrix_pipeline.inbox.desk import Desk, Selection
from bitrix_pipeline.inbox.jobs import Claim


def test_a_wave_of_deletions_stops_and_asks(synced: Pipeline, synced_postbox: Postbox) -> None:
    orders = live_orders(synced)
    synced.shop.run("DELETE FROM b_sale_order WHERE ID IN %s", orders[1:])
    synced_postbox.put("order.deleted", *orders[1:])

    result = drain(strict(synced))

    assert synced_postbox.states() == {"dead": len(orders) - 1}
    assert result.dead == len(orders) - 1
    assert live_orders(synced) == orders


@pytest.mark.parametrize("news", ["order.saved", "order.deleted"])
def test_only_what_vanished_in_a_wave_stops(
    synced: Pipeline, synced_postbox: Postbox, news: str
) -> None:
    kept, *gone = live_orders(synced)
    synced.shop.run("DELETE FROM b_sale_order WHERE ID IN %s", gone)
    synced.shop.run("UPDATE b_sale_order SET PRICE = 4711")
    (other, *_) = synced_postbox.put(news, kept, *gone)

    drain(strict(synced))

    assert synced_postbox.states() == {"done": 1, "dead": len(gone)}
    assert synced_postbox.job(other, "state") == "done"
    assert synced.crm.cell("orders", kept, "price") == 4711


def test_a_wave_of_lines_stops_the_orders_that_lost_them(
    synced: Pipeline, synced_postbox: Postbox
) -> None:
    kept, *_ = named = [
        row[0] for row in synced.crm.rows(
            "SELECT DISTINCT order_id FROM order_items WHERE source_hash IS NOT NULL"
            " AND order_id = ANY (%s)", live_orders(synced),
        )
    ]  # fmt: skip
    synced.shop.run("DELETE FROM b_sale_basket WHERE ORDER_ID <> %s", kept)
    (event, *_) = synced_postbox.put("order.saved", *named)

    drain(strict(synced))

    assert synced_postbox.states() == {"done": 1, "dead": len(named) - 1}
    assert synced_postbox.job(event, "state") == "done"


def test_a_wave_that_is_allowed_goes_through(synced: Pipeline, synced_postbox: Postbox) -> None:
    gone = live_orders(synced)[1:]
    synced.shop.run("DELETE FROM b_sale_order WHERE ID IN %s", gone)
    events = synced_postbox.put("order.deleted", *gone)
    drain(strict(synced))
    desk = Desk(synced.crm.connection, AT_ONCE)  # type: ignore[arg-type]
    assert desk.selected(Selection(reason="a wave of deletions")) == sorted(events)

    desk.replay(events, by="olga", allow_deletions=True)
    drain(strict(synced))

    assert synced_postbox.states() == {"done": len(gone)}
    assert set(gone) <= set(deleted_orders(synced))


def test_a_wave_in_small_batches_is_one_wave(synced: Pipeline, synced_postbox: Postbox) -> None:
    orders = live_orders(synced)
    synced.shop.run("DELETE FROM b_sale_order WHERE ID IN %s", orders[1:])
    synced_postbox.put("order.deleted", *orders[1:])

    drain(strict(synced), batch=2)

    assert synced_postbox.states() == {"done": 2, "dead": len(orders) - 3}
    assert live_orders(synced) == [orders[0], *orders[3:]]


def test_a_wave_that_a_database_breaks_off_does_not_pass_in_smaller_batches(
    synced: Pipeline, synced_postbox: Postbox
) -> None:
    orders = live_orders(synced)
    synced.shop.run("DELETE FROM b_sale_order WHERE ID IN %s", orders[1:])
    synced_postbox.put("order.deleted", *orders[1:])

    def break_off(_: Claim) -> None:
        raise StatementAbortedError("the shop's MySQL broke a query off")

    drain(strict(synced), Interfering(from_shop(synced), break_off), batch=8)
    synced_postbox.make_due()
    drain(strict(synced), batch=8)

    assert synced_postbox.states() == {"done": 2, "dead": len(orders) - 3}
    assert live_orders(synced) == [orders[0], *orders[3:]]


def test_what_a_person_allowed_to_be_deleted_is_no_part_of_a_wave(
    synced: Pipeline, synced_postbox: Postbox
) -> None:
    gone = live_orders(synced)[1:]
    synced.shop.run("DELETE FROM b_sale_order WHERE ID IN %s", gone)
    events = synced_postbox.put("order.deleted", *gone)
    drain(strict(synced))
    desk = Desk(synced.crm.connection, AT_ONCE)  # type: ignore[arg-type]
    desk.replay(events[3:], by="olga", allow_deletions=True)
    desk.replay(events[:3], by="olga")

    drain(strict(synced))

    assert synced_postbox.states() == {"done": len(gone)}


def strict(pipeline: Pipeline) -> Pipeline:
    limits = {"deletion_limit_rows": 3, "deletion_limit_share": 0.0}
    return replace(pipeline, settings=replace(pipeline.settings, **limits))


def live_orders(pipeline: Pipeline) -> list[int]:
    """Not those that were refused, or that are in the archive, too."""
    archived = pipeline.shop.ids("SELECT ORDER_ID FROM b_sale_order_archive")
    rows = pipeline.crm.rows(
        "SELECT id FROM orders WHERE source_hash IS NOT NULL AND id <> ALL (%s) ORDER BY id",
        archived,
    )
    return [row[0] for row in rows]


def deleted_orders(pipeline: Pipeline) -> list[int]:
    rows = pipeline.crm.rows(
        "SELECT id FROM orders WHERE deleted_at IS NOT NULL AND NOT is_placeholder ORDER BY id"
    )
    return [row[0] for row in rows]


def test_an_event_that_postgres_always_breaks_off_holds_up_nobody_else(
    pipeline: Pipeline, postbox: Postbox
) -> None:
    slow, *others = some(orders_of(pipeline), 8)
    pipeline.crm.run(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF NEW.id = {slow} THEN PERFORM pg_sleep(60); END IF; RETURN NEW; END $$"
    )
    pipeline.crm.run(
        "CREATE TRIGGER dawdle BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION dawdle()"
    )
    (event, *_) = postbox.put("order.saved", slow, *others)

    drain_until_others_are_done(patient_for(3, pipeline), postbox, 7)

    assert arrived(pipeline) == others
    assert (postbox.job(event, "state"), postbox.job(event, "attempts")) == ("waiting", 0)
    assert "Postgres broke a statement off (57014" in postbox.job(event, "reason")


def test_what_mysql_always_breaks_off_holds_up_nothing_else(
    pipeline: Pipeline, postbox: Postbox
) -> None:
    users, products = (
        some(pipeline.shop.ids(f"SELECT ID FROM {table} ORDER BY ID"), 2)
        for table in ("b_user", "b_iblock_element")
    )
    slow = postbox.put("user.saved", *users)
    postbox.put("product.saved", *products)
    pipeline.shop.run("LOCK TABLES b_user WRITE")
    try:
        drain_until_others_are_done(patient_for(3, pipeline), postbox, 2)
    finally:
        pipeline.shop.run("UNLOCK TABLES")

    assert [postbox.job(event, "attempts") for event in slow] == [0, 0]
    assert "the shop's MySQL broke a query off" in postbox.job(slow[0], "reason")


def patient_for(seconds: int, pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, settings=replace(pipeline.settings, query_deadline_seconds=seconds))


def drain_until_others_are_done(pipeline: Pipeline, postbox: Postbox, others: int) -> None:
    """As the waits go by; every drain ends without a fault."""
    for _ in range(6):
        assert drain(pipeline, batch=8).fault is None
        if postbox.states().get("done") == others:
            return
        postbox.make_due()
    raise AssertionError(postbox.states())
