"""What a drain run writes, and what it tells Dagster."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest
from deployment import Deployment, Result, checks, failures, retries
from received import jobs, receive
from shop_and_crm import Pipeline, Shop

from bitrix_pipeline import resources
from bitrix_pipeline.assets.inbox import (
    ENDED_BY_TAG,
    OUTAGE,
    delay_metadata,
    webhook_inbox,
)
from bitrix_pipeline.assets.tables import RETRIES
from bitrix_pipeline.errors import TransientError

AWAY = "mysql://root@127.0.0.1:1/shop"
LIVELY_IDS = "0000010000-0000010999"

INBOX_CHECKS = ("nothing_dead", "nothing_waits_too_long")
CANARY = "Канарейка"

DELAYS = {"delay_p50_seconds", "delay_p95_seconds", "delay_max_seconds"}
NUMBERS = {
    "events_applied",
    "events_failed",
    "events_dead",
    "events_postponed",
    "batches",
    "backlog",
    *DELAYS,
}
"""Each becomes a chart, which breaks when a run leaves one out."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INBOX_LINGER_SECONDS", "0")
    monkeypatch.delenv("BITRIX_MYSQL_URL", raising=False)


def drain(deployment: Deployment) -> Result:
    return deployment.run("drain_inbox", partition=None)


def materializations(result: Result, deployment: Deployment) -> list[dg.AssetMaterialization]:
    """What a run told, as Dagster stored it, in that order."""
    entries = deployment.instance.all_logs(
        result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    return [e.asset_materialization for e in entries if e.asset_materialization]


def told(result: Result, deployment: Deployment) -> dict[tuple[str, str | None], dict[str, Any]]:
    """The metadata that was told, by asset and partition; of each name the last."""
    found: dict[tuple[str, str | None], dict[str, Any]] = defaultdict(dict)
    for each in materializations(result, deployment):
        found[each.asset_key.to_user_string(), each.partition] |= plain(each.metadata)
    return found


def plain(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, Any]:
    return {name: value.value for name, value in metadata.items()}


def numbers(metadata: Mapping[str, Any]) -> set[str]:
    return {name for name, value in metadata.items() if isinstance(value, int | float)}


def an_order(deployment: Deployment) -> int:
    order = deployment.shop.value("SELECT MIN(ID) FROM b_sale_order WHERE ID > 10021")
    return int(order)


def without_mysql(deployment: Deployment) -> Deployment:
    """The shop's MySQL is out of reach by design."""
    shop = Shop(deployment.shop.connection, "")
    return replace(deployment, pipeline=Pipeline(shop, deployment.crm))


def test_a_changed_order_is_told_with_counts_range_and_delay(deployment: Deployment) -> None:
    deployment.register(LIVELY_IDS)
    deployment.run("sync_everything", "orders", "order_items")
    order = an_order(deployment)
    deployment.shop.run("UPDATE b_sale_order SET PRICE = 12.5 WHERE ID = %s", order)
    receive(deployment.crm, "order.saved", order)

    result = drain(deployment)

    assert failures(result) == {}
    assert deployment.crm.cell("orders", order, "price") == 12.5
    events = told(result, deployment)
    assert set(events) == {
        ("orders", None), ("orders", LIVELY_IDS), ("order_items", None), ("webhook_inbox", None),
    }  # fmt: skip
    counts = {"rows_inserted": 0, "rows_updated": 1, "rows_deleted": 0}
    assert events["orders", LIVELY_IDS] == counts
    assert events["orders", None].items() >= counts.items()
    rows = deployment.crm.value("SELECT count(*) FROM orders")
    assert events["orders", None]["dagster/row_count"] == rows
    assert events["order_items", None]["rows_updated"] == 0
    for table in ("orders", "order_items"):
        assert numbers(events[table, None]) >= DELAYS
    inbox = events["webhook_inbox", None]
    assert (inbox["events_applied"], inbox["batches"], inbox["backlog"]) == (1, 1, 0)
    assert 0 < inbox["delay_p50_seconds"] == inbox["delay_max_seconds"] < 60


def test_a_drain_of_nothing_gives_the_same_numbers(deployment: Deployment) -> None:
    empty = told(drain(deployment), deployment)
    receive(deployment.crm, "order.saved", an_order(deployment))
    full = told(drain(deployment), deployment)

    assert numbers(empty["webhook_inbox", None]) == NUMBERS
    assert numbers(full["webhook_inbox", None]) == NUMBERS
    assert set(empty) == {("webhook_inbox", None)}


def test_what_orders_refer_to_comes_along(new_deployment: Deployment) -> None:
    shop, crm = new_deployment.shop, new_deployment.crm
    orders = shop.ids("SELECT ID FROM b_sale_order")
    receive(crm, "order.saved", *orders)

    result = drain(new_deployment)

    events = told(result, new_deployment)
    assert events["webhook_inbox", None]["events_applied"] == len(orders)
    assert events["orders", None]["parents_loaded"] > 0
    assert events["order_items", None]["parents_loaded"] > 0
    assert crm.value("SELECT count(source_hash) FROM orders") == len(orders)
    assert crm.value("SELECT count(source_hash) FROM users") > 0
    assert crm.value("SELECT count(source_hash) FROM products") > 0


def test_a_range_that_was_never_synced_stays_missing_but_can_be_seen(
    deployment: Deployment,
) -> None:
    deployment.shop.insert("b_user", ID=777_123, LOGIN="new", PASSWORD="")
    receive(deployment.crm, "user.saved", 777_123)

    drain(deployment)

    assert "0000777000-0000777999" in deployment.registered()
    assert deployment.materialized("users") == set()


def test_the_jobs_of_the_tables_go_on_after_drains(deployment: Deployment) -> None:
    """They are downstream of the inbox, which has no partitions."""
    deployment.register(LIVELY_IDS)
    receive(deployment.crm, "order.saved", an_order(deployment))
    drain(deployment)

    for job, key in (
        ("sync_changed", "changed-lately"),
        ("sync_everything", "everything"),
        ("sync_everything", LIVELY_IDS),
    ):
        assert failures(deployment.run(job, partition=key)) == {}


def test_a_permanent_fault_fails_the_run_and_leaves_the_events_waiting(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INBOX_BATCH", "1")
    deployment.shop.run("ALTER TABLE b_sale_order DROP PRICE")
    receive(deployment.crm, "user.saved", 1)
    receive(deployment.crm, "order.saved", an_order(deployment))

    result = drain(deployment)

    assert failures(result)["webhook_inbox"].startswith(
        "orders: b_sale_order.PRICE was read before and is gone from the shop's MySQL;"
    )
    assert retries(result) == 0
    assert jobs(deployment.crm, "state", "attempts") == [("done", 1), ("waiting", 0)]
    # What was done before is told all the same.
    assert ("users", None) in told(result, deployment)
    [failed] = [e for e in result.all_events if e.is_step_failure]
    metadata = plain(failed.step_failure_data.user_failure_data.metadata)
    assert numbers(metadata) == NUMBERS
    assert (metadata["events_applied"], metadata["events_postponed"]) == (1, 1)


def test_an_outage_puts_the_events_off_and_fails_no_run(
    deploy: Callable[[Pipeline], Deployment], synced: Pipeline
) -> None:
    deployment = deploy(Pipeline(Shop(synced.shop.connection, AWAY), synced.crm))
    receive(deployment.crm, "order.saved", 1, 2)

    result = drain(deployment)

    assert failures(result) == {}
    metadata = told(result, deployment)["webhook_inbox", None]
    assert numbers(metadata) == NUMBERS
    assert (metadata["events_postponed"], metadata["backlog"]) == (2, 2)
    assert "the shop's MySQL did not answer in time or is away" in metadata["ended_by"]
    assert jobs(deployment.crm, "state", "attempts") == [("waiting", 0)] * 2
    run = deployment.instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags[ENDED_BY_TAG] == OUTAGE
    warnings = [e for e in deployment.instance.all_logs(result.run_id) if e.level == 30]
    assert "2 events wait until this is over" in str([w.user_message for w in warnings])


def test_an_inbox_that_cannot_be_reached_is_tried_again() -> None:
    assert webhook_inbox.op.retry_policy is RETRIES


def test_a_schema_that_was_not_migrated_is_not_tried_again(deployment: Deployment) -> None:
    deployment.crm.run("ALTER TABLE bitrix_pipeline.inbox_jobs RENAME TO moved")

    result = drain(deployment)

    assert "run bitrix-pipeline migrate" in failures(result)["webhook_inbox"]
    assert retries(result) == 0


def test_a_table_is_counted_once_a_run_however_often_it_is_told_of(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitrix_pipeline.inbox.drain.REPORT_EVERY_SECONDS", 0.0)
    monkeypatch.setenv("INBOX_BATCH", "1")
    order = an_order(deployment)
    deployment.shop.run(
        "UPDATE b_sale_order SET PRICE = 12.5 WHERE ID IN (%s, %s)", order, order + 1
    )
    receive(deployment.crm, "order.saved", order, order + 1)

    result = drain(deployment)

    events = [
        plain(each.metadata)
        for each in materializations(result, deployment)
        if each.asset_key == dg.AssetKey("orders") and each.partition is None
    ]
    assert [each.get("rows_updated") for each in events] == [1, 1, None]
    assert ["dagster/row_count" in each for each in events] == [False, False, True]


def test_a_table_that_cannot_be_counted_is_told_all_the_same(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: resources.Pipeline) -> None:
        raise TransientError("Postgres is away")

    monkeypatch.setattr(resources.Pipeline, "reports", away)
    receive(deployment.crm, "order.saved", an_order(deployment))

    result = drain(deployment)

    assert failures(result) == {}
    assert told(result, deployment)["orders", None]["rows_unchanged"] == 1


def test_without_the_shops_mysql_the_snapshots_are_written(deployment: Deployment) -> None:
    deployment = without_mysql(deployment)
    receive(deployment.crm, "user.saved", 777_123, user={"ID": 777_123, "LOGIN": "new"})

    result = drain(deployment)

    assert failures(result) == {}
    assert told(result, deployment)["users", None]["rows_inserted"] == 1
    assert deployment.crm.cell("users", 777_123, "login") == "new"


def test_the_latest_failures_are_told_by_reason(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INBOX_RETRY_SECONDS", "[]")
    deployment = without_mysql(deployment)
    newest = receive(deployment.crm, "order.saved", 1, 2)[-1]
    receive(deployment.crm, "user.saved", 1, quarantine="the body is not JSON")

    metadata = told(drain(deployment), deployment)["webhook_inbox", None]

    assert (metadata["events_failed"], metadata["events_dead"]) == (2, 2)
    dead, unread = (record.data for record in metadata["latest_failures"].records)
    assert (dead["state"], dead["events"], dead["newest"]) == ("dead", 2, newest)
    assert str(dead["reason"]).startswith("order.saved of … carries no order, ")
    assert (unread["state"], unread["reason"]) == ("quarantined", "the body is not JSON")


def test_no_page_of_a_drain_holds_what_an_event_or_a_row_holds(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INBOX_RETRY_SECONDS", "[]")
    shop, crm, order = deployment.shop, deployment.crm, an_order(deployment)
    user = shop.value("SELECT USER_ID FROM b_sale_order WHERE ID = %s", order)
    refused = shop.value("SELECT MIN(ID) FROM b_sale_order WHERE ID > %s", order)
    shop.run("UPDATE b_sale_order SET USER_DESCRIPTION = %s, COMMENTS = %s WHERE ID = %s",
             CANARY, CANARY, order)  # fmt: skip
    shop.run("DELETE FROM b_sale_order WHERE ID = %s", refused)
    shop.run("UPDATE b_user SET NAME = %s, EMAIL = %s WHERE ID = %s", CANARY, CANARY, user)
    crm.run(f"ALTER TABLE users ADD CONSTRAINT no_canary CHECK (last_name <> '{CANARY}')")
    crm.run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN ASSERT NEW.id <> {refused}, '{CANARY}'; RETURN NEW; END $$")  # fmt: skip
    crm.run("CREATE TRIGGER refuse BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION refuse()")
    row = {"ID": 5, "LOGIN": CANARY, "NAME": CANARY, "LAST_NAME": CANARY, "ACTIVE": CANARY}
    receive(crm, "order.saved", order, user=row)
    receive(crm, "user.saved", user, 5, user=row)
    receive(crm, "order.deleted", refused)
    from_shop = drain(deployment)
    receive(crm, "order.saved", order, order={"ID": CANARY, "PRICE": CANARY}, user=row)
    receive(crm, "user.saved", 5, user=row)
    from_snapshots = drain(without_mysql(deployment))

    pages = "\n".join(
        f"{entry.user_message} {entry.dagster_event} {entry.error_info}"
        for run in (from_shop, from_snapshots)
        for entry in deployment.instance.all_logs(run.run_id)
    )
    assert "refused by PL/pgSQL function refuse()" in pages
    assert CANARY not in pages
    assert crm.cell("users", user, "first_name") == CANARY


def test_an_inbox_in_which_nothing_is_stuck_passes(deployment: Deployment) -> None:
    found = checks(drain(deployment))

    assert [found[f"webhook_inbox:{name}"].passed for name in INBOX_CHECKS] == [True, True]


@pytest.mark.parametrize("job", ["drain_inbox", "check_tables"])
@pytest.mark.parametrize("is_shop_read", [True, False])
def test_an_event_that_was_given_up_is_noticed(
    deployment: Deployment, job: str, *, is_shop_read: bool
) -> None:
    deployment = deployment if is_shop_read else without_mysql(deployment)
    receive(deployment.crm, "user.saved", 1, quarantine="the body is not JSON")
    receive(deployment.crm, "user.saved", 2, 3)
    deployment.crm.run(
        "UPDATE bitrix_pipeline.inbox_jobs SET state = 'dead' WHERE state = 'waiting'"
    )

    answer = checks(deployment.run(job, partition=None))["webhook_inbox:nothing_dead"]

    # Where the shop is read too, the next sync brings what the event told of.
    severity = dg.AssetCheckSeverity.WARN if is_shop_read else dg.AssetCheckSeverity.ERROR
    assert (answer.passed, answer.severity) == (False, severity)
    assert str(answer.description).startswith("2 dead, 1 in quarantine. Look: ")
    assert "bitrix-pipeline inbox list --dead" in str(answer.description)


@pytest.mark.parametrize(("minutes", "passed"), [(4, True), (6, False)])
def test_an_event_that_waits_too_long_is_noticed_however_often_it_was_put_off(
    deployment: Deployment, minutes: int, *, passed: bool
) -> None:
    receive(deployment.crm, "user.saved", 1)
    deployment.crm.run(
        "UPDATE bitrix_pipeline.inbox_events"
        " SET received_at = received_at - make_interval(mins => %s)", minutes
    )  # fmt: skip
    deployment.crm.run("UPDATE bitrix_pipeline.inbox_jobs SET due_at = now() + interval '9 s'")

    found = checks(deployment.run("check_tables", partition=None))

    answer = found["webhook_inbox:nothing_waits_too_long"]
    assert answer.passed is passed
    assert answer.metadata["oldest_waiting_seconds"].value == pytest.approx(minutes * 60, abs=30)
    assert str(answer.description).startswith(f"1 events wait, the oldest for {minutes}.")


def test_housekeeping_deletes_events_whose_retention_has_ended(deployment: Deployment) -> None:
    receive(deployment.crm, "user.saved", 1, 2)
    drain(deployment)
    deployment.crm.run(
        "UPDATE bitrix_pipeline.inbox_jobs SET finished_at = now() - interval '31 days'"
        " WHERE event = (SELECT min(event) FROM bitrix_pipeline.inbox_jobs)"
    )

    result = deployment.run("housekeeping", partition=None)

    assert failures(result) == {}
    assert len(jobs(deployment.crm, "state")) == 1


@pytest.mark.parametrize(
    ("events", "p50", "p95"), [(1, 0.0, 0.0), (2, 1.0, 1.0), (100, 50.0, 95.0)]
)
def test_delays_are_told_by_rank(events: int, p50: float, p95: float) -> None:
    found = plain(delay_metadata([float(n) for n in reversed(range(events))]))

    assert found["delay_p50_seconds"] == p50
    assert found["delay_p95_seconds"] == p95
    assert found["delay_max_seconds"] == events - 1
