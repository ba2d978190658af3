"""Postgres: away, old, not migrated, somebody else's, open to others, or left behind."""

import os
from collections.abc import Callable, Iterator
from zoneinfo import available_timezones

import pooler
import pytest
from consultation import Consultation
from shop_and_crm import Crm, Shop, drop_database, empty_database

from bitrix_pipeline.doctor import Level, examine
from bitrix_pipeline.doctor.crm_server import judge_version, judge_zone
from bitrix_pipeline.model.migrate import migrate
from bitrix_pipeline.servers import PrivatePostgres
from bitrix_pipeline.settings import Settings

CLERK = "clerk"


@pytest.fixture
def unmigrated(
    postgres: PrivatePostgres, calm_shop_to_read: Shop, consult: Callable[..., Consultation]
) -> Iterator[tuple[Consultation, Crm]]:
    crm = empty_database(postgres)
    yield consult(calm_shop_to_read, crm), crm
    drop_database(postgres, crm)


@pytest.fixture
def clerk(synced_crm: Crm, healthy_crm: Consultation) -> Iterator[Consultation]:
    """As an account that owns nothing but may read and write everything."""
    synced_crm.run(f"CREATE ROLE {CLERK} LOGIN")
    for schema in ("public", "bitrix_pipeline"):
        synced_crm.run(f"GRANT ALL ON SCHEMA {schema} TO {CLERK}")
        synced_crm.run(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {CLERK}")
    yield healthy_crm.with_settings(postgres_url=synced_crm.url.replace("postgres@", f"{CLERK}@"))
    synced_crm.run(f"DROP OWNED BY {CLERK}")
    synced_crm.run(f"DROP ROLE {CLERK}")


@pytest.fixture
def anon(synced_crm: Crm) -> Iterator[None]:
    """Supabase's role for whoever comes from the Internet."""
    is_new = not synced_crm.rows("SELECT FROM pg_roles WHERE rolname = 'anon'")
    if is_new:
        synced_crm.run("CREATE ROLE anon NOLOGIN")
    yield
    synced_crm.run("DROP OWNED BY anon")
    if is_new:
        synced_crm.run("DROP ROLE anon")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("", "POSTGRES_URL is not set"),
        ("postgresql://u:sesame@host:port/crm", "cannot be read"),
        ("mysql://u:sesame@127.0.0.1/crm", "must look like"),
        ("postgresql://u:sesame@127.0.0.1:1/crm", "Connection refused"),
    ],
)
def test_a_url_that_leads_nowhere(url: str, found: str) -> None:
    findings = examine(Settings(_env_file=None, postgres_url=url))

    [finding] = [f for f in findings if f.topic == "Postgres"]

    assert finding.level is Level.PROBLEM
    assert found in finding.found
    assert "POSTGRES_URL" in finding.advice
    assert "sesame" not in repr(finding)


def test_an_account_that_does_not_exist(healthy_crm: Consultation, synced_crm: Crm) -> None:
    url = synced_crm.url.replace("postgres@", "nobody:sesame@")

    finding = healthy_crm.with_settings(postgres_url=url).about("does not let us in")

    assert 'role "nobody" does not exist' in finding.found
    assert "user, password" in finding.advice
    assert "sesame" not in repr(finding)


def test_a_database_that_does_not_exist(crm: Crm) -> None:
    findings = examine(Settings(_env_file=None, postgres_url=f"{crm.url}_2"))

    [finding] = [f for f in findings if f.topic == "Postgres"]

    assert "does not exist" in finding.found


@pytest.mark.parametrize(
    ("major", "level"),
    [(14, Level.PROBLEM), (15, Level.OK), (18, Level.OK), (19, Level.NOTE)],
)
def test_the_versions_that_are_supported(major: int, level: Level) -> None:
    assert judge_version(major).level is level


def test_two_opinions_on_a_zone() -> None:
    finding = judge_zone("Asia/Almaty", theirs=21_600, ours=18_000)

    assert finding.level is Level.WARNING
    assert "+06:00 for Postgres and +05:00" in finding.found


def test_a_zone_that_only_this_machine_knows(healthy_crm: Consultation) -> None:
    # Python lists this link of the machine's as a zone; Postgres does not.
    if "localtime" not in available_timezones():
        pytest.skip("every zone that this machine knows, Postgres knows as well")

    finding = healthy_crm.with_settings(shop_timezone="localtime").about("does not know the zone")

    assert finding.level is Level.PROBLEM


def test_an_encoding_that_is_too_small(
    postgres: PrivatePostgres, healthy_crm: Consultation
) -> None:
    with postgres.connect() as admin:
        admin.execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )

    finding = healthy_crm.with_settings(postgres_url=postgres.url_of("latin")).about("encoding")

    assert finding.level is Level.PROBLEM
    assert "LATIN1" in finding.found
    with postgres.connect() as admin:
        admin.execute("DROP DATABASE latin")


def test_a_database_that_takes_no_writes(healthy_crm: Consultation, synced_crm: Crm) -> None:
    database = synced_crm.url.rsplit("/", 1)[1]
    synced_crm.run(f"ALTER DATABASE {database} SET default_transaction_read_only = on")

    finding = healthy_crm.only_serious()

    assert finding.level is Level.PROBLEM
    assert "takes no writes" in finding.found


def test_a_transaction_pooler_is_noticed(
    healthy_crm: Consultation, synced_crm: Crm, postgres: PrivatePostgres
) -> None:
    if not pooler.PROGRAM.exists() or os.geteuid() != 0:
        pytest.skip("PgBouncer is not installed, or cannot be started as another account")
    with pooler.transaction_pooler(postgres.port) as port:
        url = synced_crm.url.replace(str(postgres.port), str(port))
        consultation = healthy_crm.with_settings(postgres_url=url)

        assert consultation.serious() == []
        assert consultation.about("transaction pooler's").level is Level.NOTE


def test_a_direct_connection_is_none(healthy_crm: Consultation) -> None:
    assert healthy_crm.about("The connection is a direct one").level is Level.OK


def test_tables_that_were_not_made(unmigrated: tuple[Consultation, Crm]) -> None:
    consultation, crm = unmigrated

    finding = consultation.only_serious()

    assert finding.level is Level.PROBLEM
    assert finding.advice == "Run bitrix-pipeline migrate."
    migrate(crm.url, target_schema="public")
    assert consultation.serious() == []


def test_an_account_that_may_not_make_tables(unmigrated: tuple[Consultation, Crm]) -> None:
    consultation, crm = unmigrated
    crm.run("CREATE ROLE guest LOGIN")
    as_guest = consultation.with_settings(postgres_url=crm.url.replace("postgres@", "guest@"))

    finding = as_guest.about("guest may not make the schema bitrix_pipeline or tables in public")

    assert finding.level is Level.PROBLEM
    crm.run(finding.advice)
    assert as_guest.says("may not") is False
    migrate(as_guest.settings.require_postgres_url(), target_schema="public")
    crm.run("DROP OWNED BY guest CASCADE")
    crm.run("DROP ROLE guest")


def test_tables_of_the_same_name_that_are_not_ours(
    unmigrated: tuple[Consultation, Crm],
) -> None:
    consultation, crm = unmigrated
    crm.run("CREATE TABLE orders (id int)")

    finding = consultation.about("tables of its own named orders")

    assert "TARGET_SCHEMA" in finding.advice


def test_tables_of_an_older_version(healthy_crm: Consultation, synced_crm: Crm) -> None:
    synced_crm.run("UPDATE bitrix_pipeline.alembic_version SET version_num = '0000'")

    finding = healthy_crm.only_serious()

    assert "version 0000" in finding.found
    assert "bitrix-pipeline migrate" in finding.advice


def test_another_schema_than_the_one_with_the_tables(healthy_crm: Consultation) -> None:
    finding = healthy_crm.with_settings(target_schema="crm").about("crm.users")

    assert "TARGET_SCHEMA" in finding.advice


def test_a_column_that_was_dropped(healthy_crm: Consultation, synced_crm: Crm) -> None:
    synced_crm.run("ALTER TABLE orders DROP COLUMN xml_id")

    assert "orders.xml_id" in healthy_crm.only_serious().found


def test_an_account_that_does_not_own_the_tables(clerk: Consultation) -> None:
    finding = clerk.only_serious()

    assert finding.level is Level.PROBLEM
    assert "clerk does not own" in finding.found
    assert 'OWNER TO "clerk"' in finding.advice


def test_an_owner_from_whom_its_own_rows_are_hidden(clerk: Consultation, synced_crm: Crm) -> None:
    for (table,) in synced_crm.rows(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname IN ('public', 'bitrix_pipeline')"
    ):
        synced_crm.run(f"ALTER TABLE {table} OWNER TO {CLERK}")
    assert clerk.serious() == []
    synced_crm.run("ALTER TABLE users FORCE ROW LEVEL SECURITY")

    finding = clerk.only_serious()

    assert "hides rows of public.users" in finding.found
    assert "NO FORCE ROW LEVEL SECURITY" in finding.advice


@pytest.mark.usefixtures("anon")
@pytest.mark.parametrize(
    ("grant", "who", "what"),
    [
        ("GRANT SELECT ON users TO PUBLIC", "PUBLIC", "public.users"),
        ("GRANT SELECT ON orders TO anon", "anon", "public.orders"),
        ("GRANT SELECT (name) ON products TO anon", "anon", "public.products"),
        ("GRANT INSERT ON bitrix_pipeline.set_aside TO anon", "anon", "set_aside"),
    ],
)
def test_what_others_may_read(
    healthy_crm: Consultation, synced_crm: Crm, grant: str, who: str, what: str
) -> None:
    synced_crm.run(grant)

    finding = healthy_crm.only_serious()

    assert finding.level is Level.PROBLEM
    assert finding.found.startswith(f"{who} can")
    assert what in finding.found


@pytest.mark.usefixtures("anon")
def test_a_migration_takes_these_rights_back(healthy_crm: Consultation, synced_crm: Crm) -> None:
    synced_crm.run("GRANT SELECT ON users TO PUBLIC; GRANT SELECT (name) ON products TO anon")
    assert "bitrix-pipeline migrate" in healthy_crm.only_serious().advice

    migrate(synced_crm.url, target_schema="public")

    assert healthy_crm.serious() == []


@pytest.mark.usefixtures("anon")
def test_a_view_that_shows_our_rows_to_others(healthy_crm: Consultation, synced_crm: Crm) -> None:
    synced_crm.run("CREATE VIEW buyers AS SELECT email FROM users")
    synced_crm.run("CREATE VIEW mails AS SELECT * FROM buyers")
    synced_crm.run("GRANT SELECT ON mails TO anon")

    finding = healthy_crm.only_serious()

    assert "through the view public.mails" in finding.found
    assert "REVOKE ALL ON public.mails FROM anon;" in finding.advice
    synced_crm.run("ALTER VIEW mails SET (security_invoker = on)")
    assert healthy_crm.serious() == []


def test_row_level_security_that_is_off(healthy_crm: Consultation, synced_crm: Crm) -> None:
    synced_crm.run("ALTER TABLE orders DISABLE ROW LEVEL SECURITY")

    finding = healthy_crm.only_serious()

    assert finding.level is Level.WARNING
    assert "off for public.orders" in finding.found
    assert "bitrix-pipeline migrate" in finding.advice


def test_rows_that_wait(healthy_crm: Consultation, synced_crm: Crm) -> None:
    synced_crm.run(
        "INSERT INTO bitrix_pipeline.set_aside"
        " VALUES ('orders', '7', '22003: out of range', 'secret', now(), now())"
    )

    finding = healthy_crm.only_serious()

    assert "1 of orders" in finding.found
    assert "secret" not in repr(finding)


def test_tables_that_are_stale(healthy_crm: Consultation, synced_crm: Crm) -> None:
    synced_crm.run(
        "UPDATE bitrix_pipeline.sync_state SET compared_at = now() - interval '2 hours'"
        " WHERE table_name = 'users'"
    )

    finding = healthy_crm.only_serious()

    assert "Not synced within 20 min: users (2 h ago)" in finding.found
    assert "schedule" in finding.advice


def test_tables_that_were_never_synced(
    calm_shop_to_read: Shop, crm: Crm, consult: Callable[..., Consultation]
) -> None:
    consultation = consult(calm_shop_to_read, crm)

    assert consultation.serious() == []
    assert consultation.about("Never synced yet").advice == "Run bitrix-pipeline sync."


def test_a_question_that_gets_no_answer(
    healthy_crm: Consultation, synced_crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bitrix_pipeline.doctor.crm.DEADLINE_SECONDS", 1)

    with synced_crm.connection.transaction():
        synced_crm.run("LOCK TABLE bitrix_pipeline.sync_state IN ACCESS EXCLUSIVE MODE")
        finding = healthy_crm.only_serious()

    assert finding.level is Level.PROBLEM
    assert "took too long" in finding.found
