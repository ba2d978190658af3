"""bitrix-pipeline verify: equal or not, without showing customers' data unasked."""

from collections.abc import Callable

from command_line import Outcome
from shop_and_crm import TABLE_NAMES, Pipeline

Type = Callable[..., Outcome]


def test_an_equal_shop_is_said_to_be_equal(reader: Type) -> None:
    outcome = reader("verify")

    assert (outcome.code, outcome.err) == (0, "")
    told = outcome.table()
    assert set(told) == {*TABLE_NAMES}
    assert {row["equal"] for row in told.values()} == {"yes"}
    assert {row["different"] for row in told.values()} == {"0"}


def test_a_difference_is_named_and_its_values_are_not(operator: Type, synced: Pipeline) -> None:
    user = synced.shop.ids("SELECT ID FROM b_user WHERE ID > 200 LIMIT 1")[0]
    synced.shop.run("UPDATE b_user SET EMAIL = 'ida@mail.example' WHERE ID = %s", user)

    outcome = operator("verify", "--table", "users", "--table", "orders")

    assert outcome.code == 1
    told = outcome.table()
    assert {table: row["equal"] for table, row in told.items()} == {"users": "NO", "orders": "yes"}
    assert f"users {user}: email differs\n" in outcome.out
    assert "ida@mail.example" not in outcome.out


def test_values_are_shown_to_who_asks_for_them(operator: Type, synced: Pipeline) -> None:
    user = synced.shop.ids("SELECT ID FROM b_user WHERE ID > 200 LIMIT 1")[0]
    synced.shop.run("UPDATE b_user SET EMAIL = 'ida@mail.example' WHERE ID = %s", user)

    outcome = operator("verify", "--table", "users", "--show-values")

    assert outcome.code == 1
    assert "ida@mail.example" in outcome.out


def test_a_value_that_looks_like_markup_is_printed_as_it_is(
    operator: Type, synced: Pipeline
) -> None:
    user = synced.shop.ids("SELECT ID FROM b_user WHERE ID > 200 LIMIT 1")[0]
    synced.shop.run("UPDATE b_user SET NAME = '[/bold] [red]Ида' WHERE ID = %s", user)

    outcome = operator("verify", "--table", "users", "--show-values")

    assert (outcome.code, outcome.err) == (1, "")
    assert "[/bold] [red]Ида" in outcome.out


def test_missing_and_unexpected_rows_are_counted(operator: Type, synced: Pipeline) -> None:
    first, second = synced.shop.ids("SELECT ID FROM b_sale_basket WHERE ORDER_ID > 0 LIMIT 2")
    synced.shop.run("DELETE FROM b_sale_basket WHERE ID = %s", first)
    synced.crm.run("DELETE FROM order_items WHERE id = %s", second)

    row = operator("verify", "--table", "order_items").table()["order_items"]

    assert (row["missing"], row["unexpected"], row["equal"]) == ("1", "1", "NO")
