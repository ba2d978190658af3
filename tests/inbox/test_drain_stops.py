"""What a drain stops, and what it lets wait, while all else goes on: waves of deletions, slow rows."""

import json
from dataclasses import replace

import psycopg
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
from bitrix_pipeline.inbox.apply import Apply, FromSnapshots, Seal
from bitrix_pipeline.inbox.desk import Desk, Selection
from bitrix_pipeline.inbox.jobs import Claim
from bitrix_pipeline.model import table_named
from bitrix_pipeline.sync import SyncResult
from bitrix_pipeline.sync.postgres import Connection
from bitrix_pipeline.sync.target import Target


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


CANARY = "Канарейка, +7 900 000-00-00"
REFUSALS = {
    "asserts": f"ASSERT false, '{CANARY}'",
    "raises with a state of its own": f"RAISE '{CANARY}' USING ERRCODE = 'PT400'",
    "raises with a general state": f"RAISE '{CANARY}' USING ERRCODE = '42501'",
    "runs what it is given": f"EXECUTE 'SELECT \"{CANARY}\"'",
    "finds nothing": "SELECT 1 INTO STRICT found WHERE false",
    "finds too much": "found := (SELECT * FROM generate_series(1, 2))",
}


@pytest.mark.parametrize("how", REFUSALS)
def test_an_event_at_which_a_trigger_fails_however_dies_alone_and_tells_nothing(
    pipeline: Pipeline, postbox: Postbox, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    refused, *others = some(orders_of(pipeline), 8)
    pipeline.crm.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE found int;"
        f" BEGIN IF NEW.id = {refused} THEN {REFUSALS[how]}; END IF; RETURN NEW; END $$"
    )
    pipeline.crm.run(
        "CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    (event, *_) = postbox.put("order.saved", refused, *others)

    result = drain(pipeline)

    assert (result.fault, postbox.states()) == (None, {"done": 7, "dead": 1})
    reason = postbox.job(event, "reason")
    assert "refused by PL/pgSQL function refuse() line 1 at " in reason
    assert CANARY not in reason + caplog.text


@pytest.mark.parametrize("way", ["from the shop", "from snapshots"])
def test_news_waits_for_no_query_and_no_lock_as_long_as_a_sync_does(
    pipeline: Pipeline, postbox: Postbox, way: str
) -> None:
    settings = replace(pipeline.settings, query_deadline_seconds=300)
    deadlines = {}
    if way == "from the shop":
        postbox.put("order.saved", orders_of(pipeline)[0])
        apply: Apply = from_shop(replace(pipeline, settings=settings))
    else:
        postbox.put("user.deleted", 4711)
        body = (
            b'{"type": "user.deleted", "timestamp": "2026-03-08T12:00:00Z", "data": {"id": 4711}}'
        )
        pipeline.crm.run("UPDATE bitrix_pipeline.inbox_events SET body = %s", body)
        apply = FromSnapshots(postgres_url=pipeline.crm.url, settings=settings)

    def look(connection: Connection) -> None:
        for name in ("statement_timeout", "lock_timeout"):
            row = connection.execute(f"SHOW {name}").fetchone()
            deadlines[name] = row and row[0]

    def looked_at(claim: Claim, seal: Seal) -> dict[str, SyncResult]:
        def look_and_seal(connection: Connection) -> None:
            look(connection)
            seal(connection)

        return apply(claim, look_and_seal)

    drain(pipeline, looked_at)

    assert deadlines == {"statement_timeout": "30s", "lock_timeout": "5s"}


def test_news_of_a_row_that_is_locked_lets_other_news_pass(
    synced: Pipeline, synced_postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitrix_pipeline.sync.set_sync.ROW_LOCK_DEADLINE_SECONDS", 1)
    locked, *others = live_orders(synced)
    synced.shop.run("UPDATE b_sale_order SET PRICE = 4711")
    (event, *_) = synced_postbox.put("order.saved", locked, *others)
    with psycopg.connect(synced.crm.url) as holder:
        holder.execute("UPDATE orders SET synced_at = synced_at WHERE id = %s", (locked,))

        drain_until_others_are_done(synced, synced_postbox, len(others))

    assert synced_postbox.job(event, "attempts") == 0
    assert "55P03" in synced_postbox.job(event, "reason")


@pytest.mark.parametrize("held", ["orders", "order_items"])
@pytest.mark.parametrize("way", ["from the shop", "from snapshots"])
def test_a_long_sync_of_one_table_holds_up_no_news_of_others(
    pipeline: Pipeline, postbox: Postbox, way: str, held: str
) -> None:
    impatient = replace(pipeline, settings=replace(pipeline.settings, lock_deadline_seconds=0))
    orders = put_deleted(postbox, "order", 9001, 9002)
    (user,) = put_deleted(postbox, "user", 4711)
    apply = (
        FromSnapshots(postgres_url=pipeline.crm.url, settings=impatient.settings)
        if way == "from snapshots"
        else from_shop(impatient)
    )
    with psycopg.connect(pipeline.crm.url) as syncing:
        Target(syncing, impatient.settings).wait_for_turn(table_named(held))

        result = drain(impatient, apply)

    assert (result.fault, result.postponed) == (None, 2)
    assert postbox.states() == {"done": 1, "waiting": 2}
    assert postbox.job(user, "state") == "done"
    assert [postbox.job(event, "attempts") for event in orders] == [0, 0]


def put_deleted(postbox: Postbox, what: str, *ids: int) -> list[int]:
    """With all that a snapshot needs."""
    events = postbox.put(f"{what}.deleted", *ids)
    for event, id_ in zip(events, ids, strict=True):
        body = {"type": f"{what}.deleted", "timestamp": "2026-03-08T12:00:00Z", "data": {"id": id_}}
        postbox.crm.run(
            "UPDATE bitrix_pipeline.inbox_events SET body = %s WHERE id = %s",
            json.dumps(body).encode(), event,
        )  # fmt: skip
    return events


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
