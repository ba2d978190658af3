"""What the checks answer, and that they notice what is wrong."""

import dagster as dg
import pytest
from deployment import Deployment, check, checks, materialization
from shop_and_crm import TABLE_NAMES

from bitrix_pipeline.assets.partitions import CHANGED_LATELY
from bitrix_pipeline.model import TABLES

WITH_REFERENCES = [table.name for table in TABLES if table.references]


def test_a_run_of_everything_proves_that_all_is_equal_and_whole(
    pristine_deployment: Deployment,
) -> None:
    found = checks(pristine_deployment.run("sync_everything"))

    assert {name for name, answer in found.items() if not answer.passed} == set()
    assert set(found) == {
        *(f"{table}:equal_to_source" for table in TABLE_NAMES),
        *(f"{table}:nothing_set_aside" for table in TABLE_NAMES),
        *(f"{table}:is_fresh" for table in TABLE_NAMES),
        *(f"{table}:no_orphans" for table in WITH_REFERENCES),
    }


def test_the_quarterly_job_asks_postgres_alone(pristine_deployment: Deployment) -> None:
    found = checks(pristine_deployment.run("check_tables", partition=None))

    assert {name for name, answer in found.items() if not answer.passed} == set()
    assert set(found) == {
        *(f"{table}:is_fresh" for table in TABLE_NAMES),
        *(f"{table}:no_orphans" for table in WITH_REFERENCES),
        "webhook_inbox:nothing_dead",
        "webhook_inbox:nothing_waits_too_long",
    }


def test_a_row_that_differs_is_noticed_and_its_neighbourhood_named(
    deployment: Deployment,
) -> None:
    assert check(deployment, "users", "equal_to_source").passed
    user = deployment.shop.ids("SELECT MAX(ID) FROM b_user WHERE ID < 300")[0]
    deployment.shop.run("UPDATE b_user SET NAME = 'Ида' WHERE ID = %s", user)

    answer = check(deployment, "users", "equal_to_source")

    assert not answer.passed
    assert answer.severity is dg.AssetCheckSeverity.WARN
    [bounds] = str(answer.description).removeprefix("IDs to look at: ").split(", ")
    first, last = map(int, bounds.split("-"))
    assert first <= user <= last < first + 256
    assert answer.metadata["differing_ranges"].value == 1
    assert answer.metadata["source_rows"].value == answer.metadata["target_rows"].value


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM b_sale_status WHERE ID = 'P'",
        "UPDATE b_sale_status_lang SET NAME = 'Иначе' WHERE STATUS_ID = 'P'",
    ],
)
def test_a_table_keyed_by_codes_is_compared_too(deployment: Deployment, change: str) -> None:
    deployment.shop.run(change)

    assert not check(deployment, "order_statuses", "equal_to_source").passed


def test_an_empty_table_is_not_equal_to_a_full_one(new_deployment: Deployment) -> None:
    assert not check(new_deployment, "orders", "equal_to_source").passed


def test_a_comparison_that_cannot_be_made_says_why(deployment: Deployment) -> None:
    deployment.shop.run("DROP TABLE b_sale_status")

    with pytest.raises(dg.Failure, match=r"the shop has no b_sale_status\.ID"):
        check(deployment, "order_statuses", "equal_to_source")


def test_a_row_without_its_parent_is_an_orphan(deployment: Deployment) -> None:
    crm = deployment.crm
    crm.run("ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey")
    crm.run("UPDATE orders SET user_id = 999999 WHERE id = (SELECT max(id) FROM orders)")

    answer = check(deployment, "orders", "no_orphans")

    assert not answer.passed
    assert answer.metadata["orphans_by_user_id"].value == 1


def test_a_row_that_postgres_refuses_is_a_warning_that_names_no_value(
    deployment: Deployment,
) -> None:
    deployment.crm.run("ALTER TABLE users ADD CONSTRAINT short_names CHECK (first_name <> 'Ида')")
    user = deployment.shop.ids("SELECT MAX(ID) FROM b_user WHERE ID < 300")[0]
    deployment.shop.run("UPDATE b_user SET NAME = 'Ида' WHERE ID = %s", user)

    result = deployment.run("sync_everything", "users")

    answer = checks(result)["users:nothing_set_aside"]
    assert result.success
    assert (answer.passed, answer.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert answer.metadata["rows_set_aside"].value == 1
    assert "short_names" in str(answer.metadata["reasons"])
    assert "Ида" not in str(answer.metadata["reasons"])
    assert materialization(result, "users")["rows_set_aside"] == 1


@pytest.mark.parametrize(
    ("minutes", "answered"),
    [
        (5, (True, "Synced 5 minutes ago; the limit is 20.")),
        (45, (False, "Synced 45 minutes ago; the limit is 20.")),
    ],
)
def test_a_table_is_fresh_for_some_minutes(
    pristine_deployment: Deployment, minutes: int, answered: tuple[bool, str]
) -> None:
    pristine_deployment.crm.run(
        "UPDATE bitrix_pipeline.sync_state SET compared_at = now() - make_interval(mins => %s)",
        minutes,
    )

    answer = check(pristine_deployment, "orders", "is_fresh")

    assert (answer.passed, answer.description) == answered


def test_a_sync_of_some_rows_makes_no_table_fresh(new_deployment: Deployment) -> None:
    result = new_deployment.run("sync_changed", "orders", partition=CHANGED_LATELY, ids=[1])

    assert result.success
    assert not check(new_deployment, "orders", "is_fresh").passed


def test_a_table_that_was_never_synced_is_not_fresh(new_deployment: Deployment) -> None:
    answer = check(new_deployment, "orders", "is_fresh")

    assert (answer.passed, answer.description) == (False, "It was never synced.")
