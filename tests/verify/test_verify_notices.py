"""Every kind of difference is noticed, and nothing else is."""

import re

import pytest
from tiny_shop import World

from bitrix_pipeline.verify import Rules, verify

TABLES = ("users", "categories", "products", "orders", "order_items", "order_statuses")

# A value that none of the rows has.
OTHER = {
    "bigint": "coalesce({0}, 0) + 1",
    "integer": "coalesce({0}, 0) + 1",
    "numeric": "coalesce({0}, 0) + 0.00000001",
    "text": "coalesce({0}, '') || ' '",
    "boolean": "NOT {0}",
    "timestamp with time zone": "coalesce({0} + '1 microsecond', now())",
    "jsonb": '{0} || \'{{"more": ""}}\'',
}


def test_an_exact_copy_is_equal(world: World) -> None:
    verdicts = world.verify()
    assert [verdict.table for verdict in verdicts.values() if not verdict.equal] == []
    assert {name: (v.source_rows, v.target_rows) for name, v in verdicts.items()} == {
        "users": (2, 2),
        "categories": (2, 2),
        "products": (2, 2),
        "orders": (2, 2),
        "order_items": (2, 2),
        "order_statuses": (3, 3),
    }


@pytest.mark.parametrize("table", TABLES)
def test_a_change_of_any_column(world: World, table: str) -> None:
    columns = world.target.execute(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = %s AND table_name = %s",
        (world.name, table),
    ).fetchall()
    reported = {}
    for column, kind in columns:
        if column in ("id", "source_hash", "synced_at"):
            continue
        world.in_target(
            f"CREATE TABLE kept AS SELECT * FROM {table}",
            f"UPDATE {table} SET {column} = {OTHER[kind].format(column)} "
            f"WHERE id = (SELECT min(id) FROM {table})",
        )
        [verdict] = world.verify(table).values()
        own = {e.column for e in verdict.examples if e.column and "->" not in e.column}
        reported[column] = (verdict.different, own)
        world.in_target(f"TRUNCATE {table}", f"INSERT INTO {table} TABLE kept", "DROP TABLE kept")
    assert reported == {column: (1, {column}) for column in reported}
    assert len(reported) == len(columns) - 3


@pytest.mark.parametrize(
    ("table", "spoil", "report"),
    [
        ("users", "DELETE FROM users WHERE id = 2", "users 2: missing"),
        ("users", "INSERT INTO users (id, bitrix_user_id) VALUES (3, 3)", "users 3: unexpected"),
        ("users", "UPDATE users SET synced_at = NULL WHERE id = 1", "users 1: synced_at differs"),
        ("users", "UPDATE users SET first_name = '' WHERE id = 2", "users 2: first_name differs"),
        ("orders", "UPDATE orders SET archived_at = now() WHERE id = 1001", "orders 1001: archived_at differs"),
        ("order_statuses", "DELETE FROM order_statuses WHERE id = 'DN'", "order_statuses DN: missing"),
        (
            "order_statuses",
            "INSERT INTO order_statuses (id) VALUES ('n')",
            "order_statuses n: unexpected",
        ),
        ("orders", "DELETE FROM users WHERE id = 2", "orders 1001: user_id -> users differs"),
        ("products", "DELETE FROM categories WHERE id = 6", "products 20: category_id -> categories differs"),
        ("products", "DELETE FROM products WHERE id = 20", "products 21: parent_id -> products differs"),
        ("order_items", "DELETE FROM products WHERE id = 21", "order_items 1: product_id -> products differs"),
        ("users", "ALTER TABLE users DROP source_hash", "users (columns): source_hash differs"),
        (
            "orders",
            "ALTER TABLE orders ALTER price TYPE numeric(18,4)",
            "orders (columns): price differs",
        ),
        (
            "orders",
            "ALTER TABLE orders ALTER price TYPE float8",
            "orders (columns): price differs",
        ),
        (
            "users",
            "ALTER TABLE users ALTER registered_at TYPE timestamp",
            "users (columns): registered_at differs",
        ),
    ],
)  # fmt: skip
def test_one_fault_in_the_copy(world: World, table: str, spoil: str, report: str) -> None:
    world.in_target(spoil)
    assert report in world.reports(table)
    assert not world.verify(table)[table].equal


def test_a_wrong_time_zone_spoils_times_only(world: World) -> None:
    columns = {
        report.rsplit(" ", 2)[1] for report in world.reports(shop_timezone="Asia/Vladivostok")
    }
    assert columns == {
        "registered_at",
        "updated_at",
        "created_at",
        "paid_at",
        "canceled_at",
        "status_changed_at",
    }
    # A `timestamp` column is an instant, whatever the shop's zone.
    assert "users 1: updated_at differs" not in world.reports(shop_timezone="Asia/Vladivostok")


def test_the_crms_own_status_is_left_alone_unless_asked(world: World) -> None:
    world.in_target("UPDATE orders SET status = 'processing' WHERE id = 1000")
    assert world.verify("orders", compare_crm_status=False)["orders"].equal
    assert world.reports("orders") == ["orders 1000: status differs"]


def test_rows_missing_at_both_ends_and_in_between(world: World) -> None:
    world.in_source(
        *(
            f"INSERT INTO b_sale_status VALUES ('{code}', 'O', 1, 'N', NULL)"
            for code in ("A", "M", "Z")
        )
    )
    assert world.reports("order_statuses") == [
        f"order_statuses {code}: missing" for code in ("A", "M", "Z")
    ]


def test_pages_of_either_side_need_not_meet(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitrix_pipeline.verify.verification._PAGE_ROWS", 2)
    world.in_source(
        "DELETE FROM b_user WHERE ID = 2",
        "INSERT INTO b_user (ID, LOGIN, DATE_REGISTER) "
        "VALUES (-3, 'a', 0), (7, 'b', 0), (8, 'c', 0), (9, 'd', 0), (2000000000, 'e', 0)",
    )
    world.in_target(
        "INSERT INTO users (id, bitrix_user_id, login, deleted_at) "
        "SELECT n, n, 'gone', now() FROM generate_series(3, 6) AS n",
        "INSERT INTO users (id, login) SELECT n, 'own' FROM generate_series(1000000000, 1000000004) AS n",
        "INSERT INTO users (id, bitrix_user_id, login, is_active, is_blocked, is_anonymous) "
        "VALUES (8, 8, 'c', false, false, false)",
    )
    verdict = world.verify("users")["users"]
    assert (verdict.source_rows, verdict.target_rows) == (6, 12)
    assert (verdict.missing, verdict.unexpected, verdict.different) == (4, 1, 0)
    assert [str(e) for e in verdict.examples if e.found is not None] == ["users 2: unexpected"]


def test_progress_tells_the_source_rows(world: World) -> None:
    seen: list[tuple[str, int]] = []
    rules = Rules(shop_timezone="UTC", status_mapping={}, target_schema=world.name)
    verify(
        world.source,
        world.target,
        rules=rules,
        tables=["users"],
        progress=lambda table, rows: seen.append((table, rows)),
    )
    assert seen == [("users", 2)]


def test_values_stay_out_of_logs(world: World) -> None:
    world.in_target("UPDATE users SET email = 'eve@example.com' WHERE id = 1")
    verdict = world.verify("users")["users"]
    [example] = verdict.examples
    for shown in (repr(verdict), str(verdict), repr(example), str(example), example.describe()):
        assert "example.com" not in shown
    assert example.describe(show_values=True) == (
        "users 1: email differs (expected 'anna@example.com', found 'eve@example.com')"
    )


def test_a_table_that_is_not_in_the_contract(world: World) -> None:
    with pytest.raises(ValueError, match=re.escape("No table 'user' to verify")):
        world.verify("user")
