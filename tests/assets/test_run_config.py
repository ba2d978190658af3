"""One-off scopes from the Launchpad: single IDs, a range, everything; and what is refused."""

from typing import Any

import dagster as dg
import pytest
from deployment import Deployment, failures, materialization, retries

from bitrix_pipeline.assets.partitions import CHANGED_LATELY
from bitrix_pipeline.assets.scope import SyncConfig, scopes_of
from bitrix_pipeline.sync import ChangedLately, Everything, IdRange, Ids, Scope

FIRST, SECOND, THIRD = (f"000000{n}000-000000{n}999" for n in (0, 1, 2))


@pytest.mark.parametrize(
    ("config", "partitions", "scopes"),
    [
        ({}, [], [ChangedLately()]),
        ({}, ["changed-lately"], [ChangedLately()]),
        ({}, ["everything"], [Everything()]),
        ({}, ["changed-lately", "everything"], [Everything()]),
        ({}, [FIRST], [IdRange(0, 1000)]),
        ({}, [SECOND, FIRST], [IdRange(0, 2000)]),
        ({}, [FIRST, THIRD], [IdRange(0, 1000), IdRange(2000, 3000)]),
        ({}, ["changed-lately", THIRD], [ChangedLately(), IdRange(2000, 3000)]),
        ({"full": True}, ["changed-lately"], [Everything()]),
        ({"full": True}, [FIRST], [Everything()]),
        ({"ids": [5, 7]}, ["changed-lately"], [Ids((5, 7))]),
        ({"id_range": "1000-1999"}, ["everything"], [IdRange(1000, 2000)]),
        ({"id_range": " 7 - 7 "}, ["everything"], [IdRange(7, 8)]),
    ],
)
def test_the_config_goes_before_the_partitions(
    config: dict[str, Any], partitions: list[str], scopes: list[Scope]
) -> None:
    assert scopes_of(SyncConfig(**config), partitions) == scopes


REFUSED = [
    ({"full": True, "ids": [1]}, [CHANGED_LATELY], "Give only one of full, ids and id_range"),
    ({"ids": [1], "id_range": "1-2"}, [CHANGED_LATELY], "Give only one of full, ids and id_range"),
    ({"id_range": "1000"}, [CHANGED_LATELY], "id_range '1000' is not a range: write 1000-1999"),
    ({"id_range": "-5-7"}, [CHANGED_LATELY], "id_range '-5-7' is not a range: write 1000-1999"),
    ({"id_range": "all-x"}, [CHANGED_LATELY], "id_range 'all-x' is not a range: write 1000-1999"),
    ({"id_range": "9-3"}, [CHANGED_LATELY], "id_range: an ID range must not be empty: 9 to 3"),
    ({"ids": [1]}, [FIRST], "a whole range of IDs as synced: take the partition changed-lately"),
    (
        {"id_range": "1-2"},
        [FIRST],
        "a whole range of IDs as synced: take the partition changed-lately",
    ),
]


@pytest.mark.parametrize(("config", "partitions", "told"), REFUSED)
def test_an_unclear_config_is_refused_in_a_sentence(
    config: dict[str, Any], partitions: list[str], told: str
) -> None:
    with pytest.raises(dg.Failure) as caught:
        scopes_of(SyncConfig(**config), partitions)

    assert told in str(caught.value.description)
    assert str(caught.value.description).endswith(".")
    assert not caught.value.allow_retries


def test_a_refused_config_fails_the_run_at_once_and_writes_nothing(
    deployment: Deployment,
) -> None:
    before = deployment.crm.contents("orders")

    result = deployment.run("sync_everything", "orders", id_range="ten")

    assert failures(result) == {"orders": "id_range 'ten' is not a range: write 1000-1999."}
    assert retries(result) == 0
    assert deployment.crm.contents("orders") == before


def test_ids_sync_exactly_those_rows(deployment: Deployment) -> None:
    one, two = deployment.shop.ids("SELECT ID FROM b_user WHERE ID > 200 ORDER BY ID LIMIT 2")
    deployment.shop.run("UPDATE b_user SET NAME = 'Ида' WHERE ID IN (%s, %s)", one, two)

    result = deployment.run("sync_changed", "users", partition=CHANGED_LATELY, ids=[one])

    metadata = materialization(result, "users", CHANGED_LATELY)
    assert (metadata["scope"], metadata["rows_read"], metadata["rows_updated"]) == ("1 IDs", 1, 1)
    assert deployment.crm.cell("users", one, "first_name") == "Ида"
    assert deployment.crm.cell("users", two, "first_name") != "Ида"


def test_an_id_range_syncs_the_rows_between_its_ends(deployment: Deployment) -> None:
    ids = deployment.shop.ids("SELECT ID FROM b_user WHERE ID > 200 ORDER BY ID LIMIT 3")
    deployment.shop.run("UPDATE b_user SET NAME = 'Ида' WHERE ID BETWEEN %s AND %s", ids[0], ids[2])

    result = deployment.run(
        "sync_changed", "users", partition=CHANGED_LATELY, id_range=f"{ids[0]}-{ids[1]}"
    )

    assert materialization(result, "users", CHANGED_LATELY)["rows_updated"] == 2
    assert deployment.crm.cell("users", ids[2], "first_name") != "Ида"


def test_full_compares_all_rows_by_content(deployment: Deployment) -> None:
    [order] = deployment.shop.ids("SELECT ID FROM b_sale_order ORDER BY DATE_UPDATE LIMIT 1")
    deployment.shop.run("UPDATE b_sale_order SET PRICE = 77 WHERE ID = %s", order)
    lately = deployment.run("sync_changed", "orders", partition=CHANGED_LATELY)
    full = deployment.run("sync_changed", "orders", partition=CHANGED_LATELY, full=True)

    assert materialization(lately, "orders", CHANGED_LATELY)["rows_updated"] == 0
    assert materialization(full, "orders", CHANGED_LATELY)["rows_updated"] == 1


def test_a_run_over_a_few_ids_marks_no_missing_range_as_synced(
    new_deployment: Deployment,
) -> None:
    ids = new_deployment.shop.ids("SELECT ID FROM b_user WHERE ID > 200 LIMIT 2")
    new_deployment.register(FIRST, SECOND)

    new_deployment.run("sync_changed", "users", partition=CHANGED_LATELY, ids=ids)

    assert new_deployment.crm.value("SELECT count(*) FROM users") == len(ids)
    assert new_deployment.materialized("users") == {CHANGED_LATELY}
