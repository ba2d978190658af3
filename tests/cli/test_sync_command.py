"""bitrix-pipeline sync: scopes, tables, and what it refuses."""

from collections.abc import Callable

import pytest
from command_line import Outcome
from shop_and_crm import TABLE_NAMES, Pipeline

Type = Callable[..., Outcome]

AWAY = "mysql://reader:hunter2@127.0.0.1:1/shop"


def test_it_syncs_the_whole_shop_and_says_what_it_did(
    type_for: Callable[[Pipeline], Type], pipeline: Pipeline
) -> None:
    outcome = type_for(pipeline)("sync")

    assert (outcome.code, outcome.err) == (0, "")
    assert pipeline.differences() == []
    told = outcome.table()
    assert list(told) == TABLE_NAMES
    for table in TABLE_NAMES:
        inserted = pipeline.crm.value(f"SELECT count(source_hash) FROM {table}")
        assert told[table]["inserted"] == told[table]["read"] == f"{inserted:,}"


def test_a_second_sync_finds_nothing_to_do(operator: Type) -> None:
    told = operator("sync").table()

    assert {(row["inserted"], row["updated"], row["deleted"]) for row in told.values()} == {
        ("0", "0", "0")
    }


@pytest.fixture
def users(synced: Pipeline) -> list[int]:
    """Three that have changed in the shop."""
    ids = synced.shop.ids("SELECT ID FROM b_user WHERE ID > 200 ORDER BY ID LIMIT 3")
    synced.shop.run("UPDATE b_user SET NAME = 'Ида' WHERE ID IN (%s, %s, %s)", *ids)
    return ids


def test_ids_mean_those_rows_of_one_table(
    operator: Type, synced: Pipeline, users: list[int]
) -> None:
    outcome = operator("sync", "--table", "users", "--ids", f"{users[0]}, {users[2]}")

    assert outcome.table()["users"]["updated"] == "2"
    names = [synced.crm.cell("users", user, "first_name") for user in users]
    assert [name == "Ида" for name in names] == [True, False, True]


def test_an_id_range_means_the_rows_between_its_ends(
    operator: Type, synced: Pipeline, users: list[int]
) -> None:
    outcome = operator("sync", "-t", "users", "--id-range", f"{users[0]}-{users[1]}")

    assert outcome.table()["users"]["updated"] == "2"
    assert synced.crm.cell("users", users[2], "first_name") != "Ида"


def test_full_finds_what_touched_no_timestamp(operator: Type, synced: Pipeline) -> None:
    [order] = synced.shop.ids("SELECT ID FROM b_sale_order ORDER BY DATE_UPDATE LIMIT 1")
    synced.shop.run("UPDATE b_sale_order SET PRICE = 77 WHERE ID = %s", order)

    assert operator("sync", "--table", "orders").table()["orders"]["updated"] == "0"
    assert operator("sync", "--table", "orders", "--full").table()["orders"]["updated"] == "1"


def test_several_tables_are_synced_in_the_order_in_which_they_refer_to_each_other(
    operator: Type,
) -> None:
    outcome = operator("sync", "--table", "order_items", "--table", "users")

    assert list(outcome.table()) == ["users", "order_items"]


def test_a_table_that_fails_does_not_stop_the_others(operator: Type, synced: Pipeline) -> None:
    synced.shop.run("ALTER TABLE b_user DROP XML_ID")

    outcome = operator("sync")

    assert outcome.code == 1
    assert outcome.err.startswith("Error: users: b_user.XML_ID was read before and is gone")
    assert outcome.err.count("\n") == 1
    assert list(outcome.table()) == [name for name in TABLE_NAMES if name != "users"]


def test_what_the_error_advises_helps(operator: Type, synced: Pipeline) -> None:
    synced.shop.run("ALTER TABLE b_user DROP XML_ID")
    advice = operator("sync", "--table", "users").err.split("bitrix-pipeline ")[1].split(":")[0]

    assert operator(*advice.split()).code == 0
    assert synced.differences("users") == []


def test_a_wave_of_deletions_must_be_allowed_as_the_error_says(
    operator: Type, synced: Pipeline
) -> None:
    synced.shop.run("DELETE FROM b_iblock_section")
    refused = operator("sync", "--table", "categories")
    advice = refused.err.split("bitrix-pipeline ")[1]

    assert refused.code == 1
    assert operator(*advice.split()).code == 0
    assert synced.crm.value("SELECT count(source_hash) FROM categories") == 0


REFUSED = [
    (["--ids", "1"], "--ids and --id-range need one --table: IDs mean one table's rows"),
    (["--id-range", "1-9"], "--ids and --id-range need one --table: IDs mean one table's rows"),
    (
        ["-t", "users", "-t", "orders", "--ids", "1"],
        "--ids and --id-range need one --table: IDs mean one table's rows",
    ),
    (["-t", "users", "--ids", "1,x"], "write --ids 12,57,1040 or --id-range 1000-1999"),
    (["-t", "users", "--ids", "1,,2"], "write --ids 12,57,1040 or --id-range 1000-1999"),
    (["-t", "users", "--id-range", "7"], "write --ids 12,57,1040 or --id-range 1000-1999"),
    (["-t", "users", "--id-range", "9-3"], "write --ids 12,57,1040 or --id-range 1000-1999"),
    (["--full", "--ids", "1"], "give only one of --ids, --id-range and --full"),
    (["-t", "carts"], "no table 'carts'; there are order_statuses, users, categories"),
]


@pytest.mark.parametrize(("options", "told"), REFUSED)
def test_options_that_make_no_sense_are_refused_in_a_sentence(
    reader: Type, options: list[str], told: str
) -> None:
    outcome = reader("sync", *options)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith(f"Error: {told}")
    assert outcome.err.count("\n") == 1


def test_a_shop_that_is_away_is_a_sentence_without_the_password(reader: Type) -> None:
    outcome = reader("sync", "--table", "order_statuses", BITRIX_MYSQL_URL=AWAY)

    assert outcome.code == 1
    assert "the shop's MySQL did not answer in time or is away" in outcome.err
    assert outcome.err.count("\n") == 1
    assert "hunter2" not in outcome.err + outcome.out
