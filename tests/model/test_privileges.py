"""Nobody reads customers' data by accident, on Supabase either, which grants by default."""

from collections.abc import Iterator

import psycopg
import pytest
from shop_and_crm import TABLE_NAMES, Crm, drop_database, empty_database, new_crm

from bitrix_pipeline.model.migrate import migrate
from bitrix_pipeline.servers import PrivatePostgres

# What Supabase does in a new project's database.
LIKE_SUPABASE = """
DO $$ BEGIN
  CREATE ROLE anon NOLOGIN; CREATE ROLE authenticated NOLOGIN; CREATE ROLE visitor NOLOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT USAGE ON SCHEMA public TO anon, authenticated, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO anon, authenticated, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO anon, authenticated, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO anon, authenticated, PUBLIC;
"""

OUR_TABLES = [
    *(f"public.{name}" for name in TABLE_NAMES),
    "bitrix_pipeline.sync_state",
    "bitrix_pipeline.set_aside",
    "bitrix_pipeline.alembic_version",
    "bitrix_pipeline.inbox_events",
    "bitrix_pipeline.inbox_jobs",
    "bitrix_pipeline.inbox_replays",
    "bitrix_pipeline.inbox_applied",
    "bitrix_pipeline.push_orders",
    "bitrix_pipeline.push_history",
]


@pytest.fixture(scope="module")
def supabase(postgres: PrivatePostgres) -> Iterator[Crm]:
    """A database of generous defaults, migrated."""
    crm = empty_database(postgres)
    crm.run(LIKE_SUPABASE)
    migrate(crm.url, target_schema="public")
    yield crm
    drop_database(postgres, crm)


def test_row_level_security_is_on_everywhere(supabase: Crm) -> None:
    open_tables = supabase.rows("""
        SELECT c.oid::regclass::text FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'bitrix_pipeline') AND c.relkind = 'r'
          AND NOT c.relrowsecurity""")

    assert open_tables == []


def test_the_list_of_our_tables_is_complete(supabase: Crm) -> None:
    found = supabase.rows("""
        SELECT schemaname || '.' || tablename FROM pg_tables
        WHERE schemaname IN ('public', 'bitrix_pipeline')""")

    assert sorted(name for (name,) in found) == sorted(OUR_TABLES)


@pytest.mark.parametrize("role", ["anon", "authenticated", "visitor"])
@pytest.mark.parametrize("table", OUR_TABLES)
def test_the_public_has_no_right_on_a_table(supabase: Crm, role: str, table: str) -> None:
    rights = [
        right
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
        if supabase.value("SELECT has_table_privilege(%s, %s, %s)", role, table, right)
    ]

    assert rights == []


@pytest.mark.parametrize("role", ["anon", "authenticated", "visitor"])
def test_the_public_has_no_right_on_our_sequences(supabase: Crm, role: str) -> None:
    usable = supabase.rows(
        """
        SELECT s.relname FROM (SELECT oid, relname FROM pg_class WHERE relkind = 'S' OFFSET 0) AS s
        WHERE has_sequence_privilege(%s, s.oid, 'USAGE, SELECT, UPDATE')""",
        role,
    )

    assert usable == []


@pytest.mark.parametrize("role", ["anon", "authenticated", "visitor"])
def test_the_public_cannot_look_into_our_schema(supabase: Crm, role: str) -> None:
    assert not supabase.value(
        "SELECT has_schema_privilege(%s, 'bitrix_pipeline', 'USAGE, CREATE')", role
    )


def test_a_migration_takes_back_what_was_granted_since(supabase: Crm) -> None:
    supabase.run("GRANT SELECT ON users TO anon; ALTER TABLE users DISABLE ROW LEVEL SECURITY")

    migrate(supabase.url, target_schema="public")

    assert not supabase.value("SELECT has_table_privilege('anon', 'users', 'SELECT')")
    assert supabase.value("SELECT relrowsecurity FROM pg_class WHERE oid = 'users'::regclass")


def test_other_tables_of_the_schema_are_left_alone(supabase: Crm) -> None:
    supabase.run("CREATE TABLE deals (id int); GRANT SELECT ON deals TO anon")

    migrate(supabase.url, target_schema="public")

    assert supabase.value("SELECT has_table_privilege('anon', 'deals', 'SELECT')")
    supabase.run("DROP TABLE deals")


def test_reading_as_the_public_is_refused(supabase: Crm) -> None:
    with supabase.connection.transaction(force_rollback=True):
        supabase.run("SET LOCAL ROLE anon")

        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            supabase.run("SELECT FROM users")


@pytest.mark.usefixtures("crm")
def test_the_receiver_is_admitted_in_every_database_of_a_server(postgres: PrivatePostgres) -> None:
    other = new_crm(postgres)

    admitted = other.value(
        "SELECT has_function_privilege('bitrix_receiver', oid, 'EXECUTE') FROM pg_proc"
        " WHERE proname = 'receive'"
    )

    drop_database(postgres, other)
    assert admitted
