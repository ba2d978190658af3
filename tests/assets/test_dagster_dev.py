"""The whole machine: `dagster dev` with its daemon, driven by what the UI sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from dagster_ui import DagsterUi, dagster_dev, wait_for
from received import receive
from shop_and_crm import Crm, Pipeline, copy_of_database, drop_database, new_shop

from bitrix_pipeline.assets.partitions import CHANGED_LATELY, EVERYTHING
from bitrix_pipeline.servers import PrivateMariaDB, PrivatePostgres
from bitrix_pipeline.sync import IdRange

DAEMON_SECONDS = 180
"""Its loops pause 30 s for backfills and 5 s for sensors, and runs take their time to start."""

# The first and the last, so that a run over everything between them would be noticed.
CHOSEN = ["0000000000-0000000999", "0000003000-0000003999"]


@dataclass
class Machine:
    ui: DagsterUi
    pipeline: Pipeline

    @property
    def crm(self) -> Crm:
        return self.pipeline.crm


@pytest.fixture(scope="module")
def machine(
    mariadb: PrivateMariaDB,
    postgres: PrivatePostgres,
    migrated_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Machine]:
    """Users were synced and then lost a column; nothing else was synced yet."""
    with mariadb.connect() as admin:
        shop = new_shop(admin, mariadb.url, orders=40, seed=1)
    crm = copy_of_database(postgres, migrated_database)
    pipeline = Pipeline(shop, crm)
    pipeline.sync("users")
    shop.run("ALTER TABLE b_user DROP XML_ID")
    environment = {
        "BITRIX_MYSQL_URL": shop.url,
        "POSTGRES_URL": crm.url,
        "PARTITION_SIZE": "1000",
    }
    with dagster_dev(tmp_path_factory.mktemp("dagster"), environment) as ui:
        ui.stop_schedules()
        yield Machine(ui, pipeline)
    drop_database(postgres, crm)
    shop.run(f"DROP DATABASE {shop.database}")
    shop.connection.close()


@pytest.fixture(scope="module")
def registered(machine: Machine) -> dict[str, list[str]]:
    """The partitions of products, once the sensor has looked."""
    return wait_for(
        lambda: (found := machine.ui.partitions("products")) and found["unmaterialized"] and found,
        DAEMON_SECONDS,
    )


@pytest.fixture(scope="module")
def failed_run(machine: Machine, registered: dict[str, list[str]]) -> str:
    """A run of users and orders, while a backfill of products goes on."""
    assert {*CHOSEN} < {*registered["unmaterialized"]}
    machine.ui.backfill("products", CHOSEN)
    return machine.ui.launch("sync_changed", ["users", "orders"], partition=CHANGED_LATELY)


def test_the_sensor_registers_the_shops_ranges(registered: dict[str, list[str]]) -> None:
    assert registered["materialized"] == []
    assert {*CHOSEN, CHANGED_LATELY, EVERYTHING} < set(registered["unmaterialized"])


@pytest.mark.usefixtures("failed_run")
def test_a_backfill_brings_the_rows_of_its_ranges_and_no_others(
    machine: Machine, registered: dict[str, list[str]]
) -> None:
    partitions = wait_for(
        lambda: (found := machine.ui.partitions("products"))["materialized"] == CHOSEN and found,
        DAEMON_SECONDS,
        machine.ui.runs,
    )

    assert partitions["failed"] == []
    assert partitions["unmaterialized"] == sorted({*registered["unmaterialized"]} - {*CHOSEN})
    again = [machine.pipeline.sync("products", IdRange(first, first + 1000)) for first in (0, 3000)]
    assert [result.read > 0 for result in again] == [True, True]
    assert [(result.inserted, result.updated) for result in again] == [(0, 0), (0, 0)]
    # Only what those rows refer to came along.
    others = "SELECT id FROM products WHERE id / 1000 NOT IN (0, 3)"
    assert machine.crm.rows(f"{others} EXCEPT SELECT parent_id FROM products") == []


def test_a_webhook_becomes_rows_by_itself(machine: Machine) -> None:
    product = machine.pipeline.shop.value(
        "SELECT MAX(ID) FROM b_iblock_element WHERE IBLOCK_ID IN"
        " (SELECT IBLOCK_ID FROM b_catalog_iblock)"
    )
    machine.pipeline.shop.run("UPDATE b_iblock_element SET NAME = 'News' WHERE ID = %s", product)
    receive(machine.crm, "product.saved", product)

    wait_for(
        lambda: machine.crm.row("products", product, "name") == ("News",),
        DAEMON_SECONDS,
        machine.ui.runs,
    )

    [drain] = drains(machine)
    assert {"key": "dagster/sensor_name", "value": "drain_inbox"} in drain["tags"]


def test_a_drain_starts_at_once_and_a_second_one_waits_in_the_queue(machine: Machine) -> None:
    """The first still lingers for more news."""
    end_drains(machine)
    receive(machine.crm, "product.saved", 1)
    first = wait_for(
        lambda: [run["id"] for run in drains(machine) if run["status"] == "STARTED"],
        DAEMON_SECONDS,
        machine.ui.runs,
    )[0]

    second = machine.ui.launch("drain_inbox", ["webhook_inbox"])

    assert "RunEnqueuedEvent" not in machine.ui.events(first)
    assert machine.ui.status(second) == "QUEUED"
    machine.ui.cancel(first)
    wait_for(lambda: machine.ui.status(second) == "STARTED", DAEMON_SECONDS, machine.ui.runs)
    assert machine.ui.status(first) == "CANCELED"
    end_drains(machine)


def test_a_canceled_sync_ends_at_once_and_is_not_tried_again(machine: Machine) -> None:
    with machine.crm.connection.transaction():
        machine.crm.run("LOCK TABLE order_statuses")
        run = machine.ui.launch("sync_changed", ["order_statuses"])
        wait_for(lambda: waits_for_a_lock(machine.crm), DAEMON_SECONDS, machine.ui.runs)

        machine.ui.cancel(run)

        wait_for(lambda: machine.ui.status(run) == "CANCELED", DAEMON_SECONDS, machine.ui.runs)
        assert not waits_for_a_lock(machine.crm)
    assert "ExecutionStepUpForRetryEvent" not in machine.ui.events(run)


def waits_for_a_lock(crm: Crm) -> bool:
    return bool(
        crm.value(
            "SELECT count(*) FROM pg_locks WHERE NOT granted"
            " AND relation = 'order_statuses'::regclass"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    )


def end_drains(machine: Machine) -> None:
    for run in drains(machine):
        if run["status"] == "STARTED":
            machine.ui.cancel(run["id"])
    wait_for(
        lambda: {run["status"] for run in drains(machine)} <= {"SUCCESS", "FAILURE", "CANCELED"},
        DAEMON_SECONDS,
        machine.ui.runs,
    )


def drains(machine: Machine) -> list[dict[str, Any]]:
    return [run for run in machine.ui.runs() if run["jobName"] == "drain_inbox"]


def test_orders_arrive_although_users_fail(machine: Machine, failed_run: str) -> None:
    def follow_up() -> object:
        return [
            run
            for run in machine.ui.runs()
            if {"key": "dagster/sensor_name", "value": "carry_on"} in run["tags"]
            and run["status"] == "SUCCESS"
        ]

    [run] = wait_for(follow_up, DAEMON_SECONDS, machine.ui.runs)

    assert [key["path"] for key in run["assetSelection"]] == [["orders"]]
    [failed] = [each for each in machine.ui.runs() if each["id"] == failed_run]
    assert failed["status"] == "FAILURE"
    assert machine.crm.value(
        "SELECT count(source_hash) FROM orders"
    ) == machine.pipeline.shop.value("SELECT COUNT(*) FROM b_sale_order")
