"""`migrate` brings a database to the declared tables, whoever else is doing the same."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from shop_and_crm import Crm, drop_database, empty_database, fails, new_crm
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from bitrix_pipeline.errors import SettingsError, TargetError, TransientError
from bitrix_pipeline.model import TABLES
from bitrix_pipeline.model.migrate import migrate, newest_revision, sqlalchemy_url
from bitrix_pipeline.model.postgres import metadata
from bitrix_pipeline.servers import PrivatePostgres, ServerUnavailable, debian_binaries

OURS = "n.nspname IN ('public', 'bitrix_pipeline')"


def catalog(crm: Crm) -> list[tuple[object, ...]]:
    """Everything that the migrations make, as Postgres describes it."""
    return crm.rows(f"""
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), a.attidentity, col_description(c.oid, a.attnum)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE {OURS} AND c.relkind IN ('r', 'i', 'S') ORDER BY 1, a.attnum""")


@pytest.fixture
def database(postgres: PrivatePostgres) -> Iterator[Crm]:
    """An empty database."""
    made = empty_database(postgres)
    yield made
    drop_database(postgres, made)


def test_migrating_again_changes_nothing(crm: Crm) -> None:
    before = catalog(crm)

    migrate(crm.url, target_schema="public")

    assert catalog(crm) == before


def test_migrating_returns_the_newest_revision(database: Crm) -> None:
    assert migrate(database.url, target_schema="public") == newest_revision()


def test_migrating_keeps_the_rows(synced_crm: Crm) -> None:
    before = synced_crm.contents()

    migrate(synced_crm.url, target_schema="public")

    assert synced_crm.contents() == before


def test_four_migrations_at_once_all_succeed(database: Crm, crm: Crm) -> None:
    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(migrate, database.url, target_schema="public") for _ in range(4)]
        revisions = {migration.result() for migration in running}

    assert revisions == {newest_revision()}
    assert catalog(database) == catalog(crm)


def test_the_migrated_tables_are_the_declared_ones(database: Crm) -> None:
    # Not in public: alembic calls a connection's default schema None, and finds all different.
    migrate(database.url, target_schema="crm")
    engine = create_engine(sqlalchemy_url(database.url), poolclass=NullPool)

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "compare_type": True,
                "compare_server_default": True,
                "version_table_schema": "bitrix_pipeline",
            },
        )
        differences = compare_metadata(context, metadata("crm"))

    assert differences == []


def test_every_table_and_column_says_what_it_is(crm: Crm) -> None:
    silent = crm.rows(f"""
        SELECT c.relname, a.attname FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE {OURS} AND n.nspname = 'public' AND c.relkind = 'r'
          AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)""")

    assert silent == []


@pytest.mark.parametrize("schema", ["crm", "Crm_2"])
def test_the_tables_can_live_in_another_schema(database: Crm, schema: str) -> None:
    migrate(database.url, target_schema=schema)

    found = database.rows(
        "SELECT table_schema, table_name FROM information_schema.tables"
        " WHERE table_name = ANY(%s)", [table.name for table in TABLES]
    )  # fmt: skip
    assert sorted(found) == sorted((schema, table.name) for table in TABLES)


def test_another_schema_is_refused_once_the_tables_are_elsewhere(crm: Crm) -> None:
    with fails(TargetError, "crm_2"):
        migrate(crm.url, target_schema="crm_2")


def test_every_foreign_key_and_bitrix_id_has_an_index(crm: Crm) -> None:
    indexed = set(
        crm.rows("""
            SELECT i.indrelid::regclass::text, a.attname FROM pg_index AS i
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]""")
    )

    wanted = {(t.name, c.name) for t in TABLES for c in t.columns if c.references or c.is_unique}
    assert wanted - indexed == set()


def test_what_the_crm_looks_orders_up_by_has_an_index(crm: Crm) -> None:
    indexed = {
        name
        for (name,) in crm.rows("""
            SELECT a.attname FROM pg_index AS i
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = 'orders'::regclass""")
    }

    assert {"status", "user_id", "updated_at"} <= indexed


@pytest.mark.parametrize("table", [table.name for table in TABLES if not table.has_text_key])
def test_rows_of_the_crms_own_draw_ids_far_above_bitrix(crm: Crm, table: str) -> None:
    own_id = crm.value(f"INSERT INTO {table} DEFAULT VALUES RETURNING id")

    assert own_id == 1_000_000_000


def test_a_foreign_table_of_the_same_name_is_not_taken_for_ours(database: Crm) -> None:
    database.run("CREATE TABLE orders (id int PRIMARY KEY)")

    with fails(TargetError, "orders"):
        migrate(database.url, target_schema="public")

    assert database.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1


def test_an_unreachable_postgres_is_worth_another_try() -> None:
    with fails(TransientError, "Postgres is away"):
        migrate("postgresql://postgres:sesame@127.0.0.1:1/crm", target_schema="public")


@pytest.mark.parametrize("url", ["postgresql://u:sesame@host:port/db", "mysql://u:sesame@host/db"])
def test_an_unreadable_url_is_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        migrate(url, target_schema="public")

    assert "POSTGRES_URL" in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_debians_postgres_gets_the_same_tables(
    crm: Crm, make_folder: Callable[[str], Path]
) -> None:
    try:
        binaries = debian_binaries()
    except ServerUnavailable as reason:
        pytest.skip(str(reason))

    with PrivatePostgres(make_folder("debian"), binaries=binaries) as older:
        made = new_crm(older)
        found = catalog(made)

    assert found == catalog(crm)
