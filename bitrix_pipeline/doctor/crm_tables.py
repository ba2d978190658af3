"""Our tables in Postgres: whether they are there in this version, and whose they are."""

from collections.abc import Callable, Iterator

from psycopg import sql

from bitrix_pipeline.doctor.crm import Crm
from bitrix_pipeline.doctor.finding import Finding, listed, note, ok, problem, warning
from bitrix_pipeline.model.migrate import newest_revision
from bitrix_pipeline.model.postgres import INTERNAL_SCHEMA, metadata

TOPIC = "Postgres tables"

REGCLASS = "to_regclass(format('%%I.%%I', %s::text, %s::text))"
"""A table by its schema and name."""

MIGRATE = "Run bitrix-pipeline migrate."


def check_migrated(crm: Crm) -> Iterator[Finding]:
    if (INTERNAL_SCHEMA, "alembic_version") not in crm.existing_tables:
        yield problem(TOPIC, "The tables were not made yet.", MIGRATE)
        return
    query = sql.SQL("SELECT version_num FROM {}").format(
        sql.Identifier(INTERNAL_SCHEMA, "alembic_version")
    )
    reached = [str(row[0]) for row in crm.rows(query)]
    newest = newest_revision()
    if not reached and _is_hidden(crm, INTERNAL_SCHEMA, "alembic_version"):
        return
    if reached == [newest]:
        yield ok(TOPIC, f"The tables are of the newest version, {newest}.")
    else:
        yield problem(
            TOPIC,
            f"The tables are of version {listed(reached) or 'none'}, this program's is {newest}.",
            f"{MIGRATE} If it does not know that version, update the program.",
        )


def check_presence(crm: Crm) -> Iterator[Finding]:
    missing = [f"{s}.{t}" for s, t in crm.our_tables if (s, t) not in crm.existing_tables]
    if missing and len(missing) < len(crm.our_tables):
        yield problem(
            TOPIC,
            f"Postgres has no {listed(missing)}.",
            "Set TARGET_SCHEMA to the schema in which the tables were made; if they were dropped, "
            f"drop the schema {INTERNAL_SCHEMA} as well and run bitrix-pipeline migrate.",
        )


def check_columns(crm: Crm) -> Iterator[Finding]:
    found = crm.rows(
        "SELECT table_schema, table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = ANY(%s)",
        [crm.settings.target_schema, INTERNAL_SCHEMA],
    )
    existing = {tuple(row) for row in found}
    missing = [
        f"{table.name}.{column.name}"
        for table in metadata(crm.settings.target_schema).tables.values()
        for column in table.columns
        if (table.schema, table.name) in crm.existing_tables
        and (table.schema, table.name, column.name) not in existing
    ]
    if missing:
        yield problem(
            TOPIC,
            f"Postgres has no column {listed(missing)}.",
            "Add what was dropped, as docs/tables.md describes it, then sync with --full.",
        )


def check_rights(crm: Crm) -> Iterator[Finding]:
    """What a migration and a sync have to create."""
    schema = crm.settings.target_schema
    may_temp, may_schema, in_target = crm.row(
        "SELECT has_database_privilege(current_database(), 'TEMP'),"
        " has_database_privilege(current_database(), 'CREATE'),"
        " (SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = %s)",
        schema,
    )
    account = _account(crm)
    if not may_temp:
        yield problem(
            TOPIC,
            f"{account} may not make temporary tables, which every sync does.",
            f'GRANT TEMPORARY ON DATABASE "{_database(crm)}" TO "{account}";',
        )
    if not crm.is_migrated and (not may_schema or in_target is False):
        grants = [f'GRANT CREATE ON DATABASE "{_database(crm)}" TO "{account}";']
        # None: there is no such schema yet, and whoever makes it owns it.
        if in_target is False:
            grants.append(f'GRANT USAGE, CREATE ON SCHEMA "{schema}" TO "{account}";')
        yield problem(
            TOPIC,
            f"{account} may not make the schema {INTERNAL_SCHEMA} or tables in {schema}.",
            " ".join(grants),
        )


def check_owner(crm: Crm) -> Iterator[Finding]:
    foreign = [
        f"{schema}.{table}"
        for schema, table in sorted(crm.existing_tables)
        if not _is_owned(crm, schema, table)
    ]
    account = _account(crm)
    if foreign:
        yield problem(
            TOPIC,
            f"{account} does not own {listed(foreign)}: it cannot migrate them, and row "
            "level security hides their rows from it.",
            "Put the account that ran the first migration into POSTGRES_URL, or for each table: "
            f'ALTER TABLE {foreign[0]} OWNER TO "{account}";',
        )
    elif crm.existing_tables:
        yield ok(TOPIC, f"{account} owns the tables.")
    if crm.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        yield note(
            TOPIC,
            f"{account} is a superuser, which is more than a sync needs.",
            "An account that owns the tables is enough.",
        )


def check_hidden_rows(crm: Crm) -> Iterator[Finding]:
    """A sync that is shown no rows would take every row of the shop's for a new one."""
    hidden = [
        f"{schema}.{table}"
        for schema, table in sorted(crm.existing_tables)
        if _is_owned(crm, schema, table) and _is_hidden(crm, schema, table)
    ]
    if hidden:
        yield problem(
            TOPIC,
            f"Row level security hides rows of {listed(hidden)} from {_account(crm)} itself.",
            f"ALTER TABLE {hidden[0]} NO FORCE ROW LEVEL SECURITY; and so for each.",
        )


def check_foreign_tables(crm: Crm) -> Iterator[Finding]:
    """Tables of the same names that are somebody else's keep a migration from making ours."""
    if (INTERNAL_SCHEMA, "alembic_version") in crm.existing_tables:
        return
    taken = [name for schema, name in sorted(crm.existing_tables) if schema != INTERNAL_SCHEMA]
    if taken:
        yield warning(
            TOPIC,
            f"The schema {crm.settings.target_schema} has tables of its own named {listed(taken)}.",
            "Set TARGET_SCHEMA to another schema before you run bitrix-pipeline migrate.",
        )


def _is_owned(crm: Crm, schema: str, table: str) -> bool:
    query = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = "
    return bool(crm.value(f"{query}{REGCLASS}", schema, table))


def _is_hidden(crm: Crm, schema: str, table: str) -> bool:
    """Whether the account sees only the rows that a policy shows it: there is none."""
    return bool(crm.value(f"SELECT row_security_active({REGCLASS}::oid)", schema, table))


def _account(crm: Crm) -> str:
    return str(crm.value("SELECT current_user"))


def _database(crm: Crm) -> str:
    return str(crm.value("SELECT current_database()"))


CHECKS: tuple[Callable[[Crm], Iterator[Finding]], ...] = (
    check_migrated,
    check_presence,
    check_columns,
    check_rights,
    check_owner,
    check_hidden_rows,
    check_foreign_tables,
)
